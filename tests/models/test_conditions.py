"""Networks that are given properties: how they begin, and what they hear."""

from __future__ import annotations

import pytest
import torch

from molgan.models import (
    LatentCritic,
    LatentGenerator,
    PropertyNetwork,
    SlotLatentCritic,
    discretize,
)
from molgan.models.configured import rebuild


def test_a_generator_that_learns_conditions_draws_at_first_what_it_drew():
    torch.manual_seed(0)
    sizes = {"noise_dim": 7, "latent_dim": 8, "sampler_width": 24, "decoder_width": 24}
    plain = LatentGenerator(5, 4, 6, **sizes).eval()
    asked = plain.with_conditions(2)
    assert not asked.training
    noise, atoms = torch.randn(9, 7), torch.randint(1, 7, (9,))
    conditions = torch.randn(9, 2)
    torch.testing.assert_close(asked.latent(noise, atoms, conditions), plain.latent(noise, atoms))
    with torch.no_grad():
        asked.sampler[0].weight[:, -2:] += torch.randn(24, 2)
    assert not torch.allclose(asked.latent(noise, atoms, conditions), plain.latent(noise, atoms))
    # What is not given is the mean.
    torch.testing.assert_close(
        asked.latent(noise, atoms), asked.latent(noise, atoms, torch.zeros(9, 2))
    )
    again = rebuild(asked.config)
    again.load_state_dict(asked.state_dict())
    torch.testing.assert_close(
        discretize(again(noise, atoms, conditions), "soft").nodes,
        discretize(asked(noise, atoms, conditions), "soft").nodes,
    )


@pytest.mark.parametrize("kind", [LatentCritic, SlotLatentCritic])
def test_a_critic_judges_point_and_conditions_together(kind):
    torch.manual_seed(0)
    critic = kind(12, 6, num_conditions=2)
    points, sizes = torch.randn(5, 12), torch.tensor([1, 2, 3, 4, 6])
    conditions = torch.randn(5, 2)
    scores = critic(points, sizes, conditions)
    assert scores.shape == (5,)
    assert not torch.allclose(scores, critic(points, sizes, conditions.flip(0)))
    torch.testing.assert_close(critic(points, sizes), critic(points, sizes, torch.zeros(5, 2)))


@pytest.mark.parametrize("count", [1, 3])
def test_properties_do_not_depend_on_the_numbering_of_atoms(count, types, graphs):
    torch.manual_seed(0)
    network = PropertyNetwork(**types, num_properties=count).eval()
    values = network(graphs)
    assert values.shape == (len(graphs), count)
    order = torch.stack([torch.randperm(9) for _ in range(len(graphs))])
    torch.testing.assert_close(network(graphs.permute(order)), values, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network(graphs[2:3]), values[2:3], rtol=1e-4, atol=1e-5)
