"""Moving averages against values computed by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from molgan.training import AveragedNetworks, Networks


class Point(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([value]))
        self.register_buffer("count", torch.tensor(0))


def networks(value: float) -> Networks:
    return Networks(Point(value), encoder=Point(value))  # type: ignore[arg-type]


def test_an_old_weight_counts_half_after_the_half_life():
    live = networks(0.0)
    averages = AveragedNetworks(live, half_life=100, ramp_up=1e9)
    live.generator.weight.data.fill_(1.0)
    averages.update(live, 100)
    assert averages.generator.weight.item() == pytest.approx(0.5)
    averages.update(live, 100)
    assert averages.generator.weight.item() == pytest.approx(0.75)
    # Molecules count, not steps: two half steps are a whole one.
    averages.update(live, 50)
    averages.update(live, 50)
    assert averages.generator.weight.item() == pytest.approx(0.875)


def test_early_averages_follow_quickly():
    live = networks(0.0)
    averages = AveragedNetworks(live, half_life=1e6, ramp_up=0.1)
    live.generator.weight.data.fill_(1.0)
    averages.update(live, 10)  # half-life 0.1 * 10 = 1 molecule
    assert averages.generator.weight.item() == pytest.approx(1 - 0.5**10)
    live.generator.weight.data.fill_(0.0)
    before = averages.generator.weight.item()
    averages.update(live, 10)  # half-life 2 molecules
    assert averages.generator.weight.item() == pytest.approx(before * 0.5**5)


def test_a_restart_follows_quickly_again():
    live = networks(0.0)
    averages = AveragedNetworks(live, half_life=1e6, ramp_up=0.1)
    averages.update(live, 1_000_000)
    averages.restart()
    live.encoder.weight.data.fill_(1.0)
    averages.update(live, 10)
    assert averages.encoder.weight.item() == pytest.approx(1 - 0.5**10)


def test_averages_are_apart_from_the_live_weights():
    live = networks(0.0)
    averages = AveragedNetworks(live, half_life=100)
    live.generator.weight.data.fill_(1.0)
    assert averages.generator.weight.item() == 0.0
    assert not averages.generator.weight.requires_grad
    assert not averages.generator.training
    averages.update(live, 1)
    averages.write_to(live)
    assert torch.equal(live.generator.weight, averages.generator.weight)
    assert live.generator.weight.requires_grad


def test_buffers_are_copied():
    live = networks(0.0)
    averages = AveragedNetworks(live, half_life=100)
    live.generator.count.fill_(7)
    averages.update(live, 1)
    assert averages.generator.count.item() == 7


def test_state_survives():
    live = networks(0.0)
    averages = AveragedNetworks(live, half_life=100)
    live.generator.weight.data.fill_(1.0)
    averages.update(live, 10)
    other = AveragedNetworks(networks(5.0), half_life=100)
    other.load_state_dict(averages.state_dict())
    for each in (averages, other):
        each.update(live, 10)
    assert torch.equal(other.generator.weight, averages.generator.weight)
    assert other.seen == 20


def test_a_half_life_of_nothing_is_the_live_network():
    live = networks(0.0)
    averages = AveragedNetworks(live, half_life=0)
    live.generator.weight.data.fill_(3.0)
    averages.update(live, 1)
    assert averages.generator.weight.item() == 3.0
