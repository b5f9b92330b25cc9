"""The optimiser of both kinds of weights: who trains what, rates, and going on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from molgan.errors import ConfigError
from molgan.training import MuonAdam
from molgan.training.phase import learning_rate_factor


@pytest.fixture
def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(40, 64), nn.Linear(64, 48), nn.SiLU(), nn.Linear(48, 3))


def step(network: nn.Module, optimizer: MuonAdam) -> float:
    generator = torch.Generator().manual_seed(1)
    rows = torch.randint(40, (32,), generator=generator)
    loss = (network(rows) - rows[:, None].float() / 40).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def test_hidden_weights_turn_and_the_rest_takes_adams_steps(network):
    before = [p.detach().clone() for p in network.parameters()]
    step(network, MuonAdam(network, lr=0.01, rest_rate=0.1))
    table, hidden, bias, out, _ = (
        p.detach() - b for p, b in zip(network.parameters(), before, strict=True)
    )
    # Three outputs make a gradient of three directions: all of them move about as far.
    gradient, moved = (torch.linalg.svdvals(each) for each in (network[1].weight.grad, hidden))
    assert gradient[0] > 3 * gradient[2]
    assert moved[0] < 2 * moved[2]
    # The rest takes Adam's steps, whose first is the rate itself, a tenth of the other.
    for moved in (table[table != 0], bias, out):
        torch.testing.assert_close(moved.abs(), torch.full_like(moved, 1e-3), rtol=0, atol=1e-4)


def test_it_learns_and_follows_the_schedule(network):
    optimizer = MuonAdam(network, lr=0.02)
    losses = []
    for index in range(60):
        for group in optimizer.param_groups:  # as a phase does
            group["lr"] = 0.02 * learning_rate_factor(index / 60, 0.02, 0.02)
        losses.append(step(network, optimizer))
    assert losses[-1] < 0.05 * losses[0]
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    before = [p.detach().clone() for p in network.parameters()]
    step(network, optimizer)
    assert all(p.equal(b) for p, b in zip(network.parameters(), before, strict=True))


def test_it_goes_on_from_its_state(network, tmp_path):
    optimizer = MuonAdam(network, lr=0.02)
    for _ in range(3):
        step(network, optimizer)
    torch.save(
        {"network": network.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "c.pt"
    )
    expected = [step(network, optimizer) for _ in range(3)]
    state = torch.load(tmp_path / "c.pt", weights_only=True)
    network.load_state_dict(state["network"])
    again = MuonAdam(network, lr=0.5)
    again.load_state_dict(state["optimizer"])
    assert [step(network, again) for _ in range(3)] == expected


def test_frozen_weights_and_networks_of_one_kind(network):
    network[1].weight.requires_grad_(False)
    optimizer = MuonAdam(network, lr=0.02)
    assert [len(group["params"]) for group in optimizer.param_groups] == [4]
    step(network, optimizer)
    only = nn.Linear(64, 48, bias=False)
    assert [len(group["params"]) for group in MuonAdam(only, lr=0.02).param_groups] == [1]


def test_an_old_torch_is_named(network, monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(ConfigError, match=r"torch 2.9 or later.*torch\.optim\.Adam"):
        MuonAdam(network, lr=0.02)
