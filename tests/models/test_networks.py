"""Critic and reward network: what they may and may not see."""

from __future__ import annotations

import pytest
import torch

from molgan.graphs import MolGraphs
from molgan.models import GraphCritic, GraphScorer, RewardNetwork, discretize
from molgan.models.graph_scorer import normalize_linear_maps

VARIANTS = [
    {},
    {"walk_steps": 4, "activation": "silu"},
    {"walk_steps": 4, "minibatch": "deviation", "activation": "leaky_relu"},
    {"minibatch": "discrimination"},
    {"count_padding": True, "head_units": []},
]


@pytest.mark.parametrize("network", [GraphCritic, RewardNetwork])
@pytest.mark.parametrize("settings", VARIANTS)
def test_scores_do_not_depend_on_the_numbering_of_atoms(network, settings, types, graphs):
    torch.manual_seed(0)
    net = network(**types, **settings).eval()
    scores = net(graphs)
    assert scores.shape == (len(graphs),)
    order = torch.stack([torch.randperm(9) for _ in range(len(graphs))])
    torch.testing.assert_close(net(graphs.permute(order)), scores, rtol=1e-4, atol=1e-5)
    assert scores.std() > 0


def test_padding_is_invisible(types, graphs):
    torch.manual_seed(0)
    net = GraphCritic(**types, walk_steps=4)
    garbage = MolGraphs(
        torch.where(graphs.mask[..., None] > 0, graphs.nodes, torch.rand(graphs.nodes.shape)),
        torch.where(
            (graphs.mask[:, :, None] * graphs.mask[:, None])[..., None] > 0,
            graphs.edges,
            torch.rand(graphs.edges.shape),
        ),
        graphs.mask,
    )
    torch.testing.assert_close(net(garbage), net(graphs))
    longer = MolGraphs(
        torch.nn.functional.pad(graphs.nodes, (0, 0, 0, 3)),
        torch.nn.functional.pad(graphs.edges, (0, 0, 0, 3, 0, 3)),
        torch.nn.functional.pad(graphs.mask, (0, 3)),
    )
    torch.testing.assert_close(net(longer), net(graphs))


def test_no_gradient_flows_to_padding(types, graphs):
    net = GraphCritic(**types, walk_steps=4)
    recording = graphs.requires_grad_()
    net(recording).sum().backward()
    empty = graphs.mask == 0
    assert torch.count_nonzero(recording.nodes.grad[empty]) == 0
    assert torch.count_nonzero(recording.edges.grad[empty]) == 0
    assert torch.count_nonzero(recording.edges.grad.transpose(1, 2)[empty]) == 0
    assert torch.count_nonzero(recording.edges.grad) > 0


def test_counting_padding_sees_it(types, graphs):
    torch.manual_seed(0)
    net = GraphCritic(**types, count_padding=True)
    longer = MolGraphs(
        torch.nn.functional.pad(graphs.nodes, (0, 0, 0, 3)),
        torch.nn.functional.pad(graphs.edges, (0, 0, 0, 3, 0, 3)),
        torch.nn.functional.pad(graphs.mask, (0, 3)),
    )
    assert not torch.allclose(net(longer), net(graphs))


def test_rewards_lie_between_0_and_1(types, graphs):
    torch.manual_seed(0)
    net = RewardNetwork(**types)
    with torch.no_grad():
        net.score.weight.mul_(100)
    assert ((net(graphs) >= 0) & (net(graphs) <= 1)).all()


def test_a_ring_and_a_chain_need_the_walk_features(types):
    """Two three-rings and a six-ring of carbons: message passing alone cannot tell them apart."""

    def carbons(bonds: list[tuple[int, int]]) -> MolGraphs:
        matrix = torch.zeros(1, 6, 6, dtype=torch.long)
        for i, j in bonds:
            matrix[0, i, j] = matrix[0, j, i] = 1
        return MolGraphs.from_indices(torch.ones(1, 6), matrix, *types.values())

    six = carbons([(i, (i + 1) % 6) for i in range(6)])
    threes = carbons([(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)])
    torch.manual_seed(0)
    blind, seeing = GraphCritic(**types), GraphCritic(**types, walk_steps=4)
    torch.testing.assert_close(blind(six), blind(threes))
    assert (seeing(six) - seeing(threes)).abs() > 1e-3


def test_critic_sees_through_hard_samples_to_the_logits(types, graphs):
    from molgan.models import MolGANGenerator

    torch.manual_seed(0)
    generator = MolGANGenerator(**types, max_atoms=9)
    fake = discretize(generator(torch.randn(4, 32)), "straight_through")
    for settings in ({"count_padding": True}, {"walk_steps": 3}):
        generator.zero_grad()
        GraphCritic(**types, **settings)(fake).sum().backward(retain_graph=True)
        assert all(p.grad is not None for p in generator.parameters())
        assert generator.pair_head.weight.grad.abs().sum() > 0


def test_spectral_norm_bounds_every_linear_map(types, graphs):
    torch.manual_seed(0)
    net = GraphCritic(**types, spectral_norm=True)
    for _ in range(30):  # power iterations
        net(graphs)
    maps = [m for m in net.modules() if isinstance(m, torch.nn.Linear)]
    assert len(maps) == 8
    for linear in maps:
        assert torch.linalg.matrix_norm(linear.weight, 2).item() <= 1.05
    plain = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh())
    normalize_linear_maps(plain)
    assert torch.nn.utils.parametrize.is_parametrized(plain[0])


def test_body_has_the_paper_s_sizes_by_default():
    body = GraphScorer(5, 4)
    assert [conv.self_loop.out_features for conv in body.convs] == [64, 32]
    assert body.aggregate.gate.out_features == 128
    assert body.aggregate.gate.in_features == 32 + 5
    assert body.score.in_features == 128


def test_body_refuses_unknown_names():
    with pytest.raises(ValueError, match="unknown activation 'relu'"):
        GraphScorer(5, 4, activation="relu")
    with pytest.raises(ValueError, match="unknown minibatch layer"):
        GraphScorer(5, 4, minibatch="mean")
