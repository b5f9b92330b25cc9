"""From logits to graphs: hard or soft, symmetric, masked, differentiable."""

from __future__ import annotations

import pytest
import torch

from molgan.models import MODES, GraphLogits, discretize, most_probable
from molgan.models.layers import size_mask

B, N, T, Y = 6, 5, 4, 3


def logits(*, masked: bool, grad: bool = False) -> GraphLogits:
    rng = torch.Generator().manual_seed(0)
    nodes = torch.randn(B, N, T, generator=rng).requires_grad_(grad)
    pairs = torch.randn(B, N * (N - 1) // 2, Y, generator=rng).requires_grad_(grad)
    mask = size_mask(torch.tensor([1, 2, 3, 4, 5, 5]), N) if masked else None
    return GraphLogits(nodes, pairs, mask)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_symmetric_distributions(mode, masked):
    graphs = discretize(logits(masked=masked), mode, 1.0, rng())
    torch.testing.assert_close(graphs.nodes.sum(-1), torch.ones(B, N))
    torch.testing.assert_close(graphs.edges.sum(-1), torch.ones(B, N, N))
    assert torch.equal(graphs.edges, graphs.edges.transpose(1, 2))
    diagonal = graphs.edges.diagonal(dim1=1, dim2=2)
    assert torch.equal(diagonal, torch.eye(Y)[0][None, :, None].expand_as(diagonal))
    assert ((graphs.mask >= 0) & (graphs.mask <= 1)).all()


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("mode", ["straight_through", "gumbel_straight_through"])
def test_hard_modes_are_exactly_one_hot(mode, masked):
    graphs = discretize(logits(masked=masked, grad=True), mode, 0.7, rng())
    for tensor in (graphs.nodes, graphs.edges, graphs.mask):
        assert ((tensor == 0) | (tensor == 1)).all()


@pytest.mark.parametrize("masked", [True, False])
def test_the_most_probable_graphs_are_those_of_the_probabilities(masked):
    given = logits(masked=masked)
    graphs = discretize(given, "soft")
    atoms, bonds = most_probable(given)
    assert atoms.dtype == bonds.dtype == torch.uint8
    assert torch.equal(bonds.long(), graphs.edges.argmax(-1))
    wanted = graphs.to_indices()
    assert torch.equal(atoms, wanted[0])
    present = atoms > 0
    assert torch.equal(bonds * (present[:, :, None] & present[:, None, :]), wanted[1])
    assert (bonds[~present] > 0).any() != masked  # bonds at empty slots, without a mask only


@pytest.mark.parametrize("mode", MODES)
def test_mask_is_respected(mode):
    given = logits(masked=True)
    graphs = discretize(given, mode, 1.0, rng())
    assert torch.equal(graphs.mask, given.mask)
    empty = given.mask == 0
    assert torch.equal(graphs.nodes[empty], torch.eye(T)[0].expand(int(empty.sum()), T))
    assert torch.count_nonzero(graphs.nodes[~empty][:, 0]) == 0
    assert torch.count_nonzero(graphs.edges[empty][..., 1:]) == 0
    assert torch.equal(graphs.num_atoms, torch.tensor([1, 2, 3, 4, 5, 5]))
    assert torch.equal((graphs.to_indices()[0] > 0).float(), given.mask)


def test_without_a_mask_the_logits_decide_which_slots_hold_atoms():
    given = logits(masked=False)
    graphs = discretize(given, "straight_through")
    atoms = given.nodes.argmax(-1)
    assert torch.equal(graphs.mask, (atoms > 0).float())
    assert torch.equal(graphs.to_indices()[0].long(), atoms)
    # Bonds at empty slots stay: MolGAN's code counts them, and its critic sees them.
    assert graphs.edges[graphs.mask == 0][..., 1:].any()


@pytest.mark.parametrize("mode", MODES)
def test_gradients_reach_all_logits(mode):
    given = logits(masked=False, grad=True)
    graphs = discretize(given, mode, 1.0, rng())
    weights = torch.randn(B, N, N, Y, generator=rng())
    (graphs.edges * weights).sum().backward(retain_graph=True)
    assert (given.pairs.grad.abs().sum((1, 2)) > 0).all()
    (graphs.nodes * weights[:, 0, :, :1]).sum().backward()
    assert given.nodes.grad is not None


def test_straight_through_has_the_gradient_of_the_softmax():
    hard, soft = logits(masked=True, grad=True), logits(masked=True, grad=True)
    weights = torch.randn(B, N, N, Y, generator=rng())
    (discretize(hard, "straight_through", 0.5).edges * weights).sum().backward()
    (discretize(soft, "soft", 0.5).edges * weights).sum().backward()
    torch.testing.assert_close(hard.pairs.grad, soft.pairs.grad)


def test_temperature_sharpens():
    cold = discretize(logits(masked=False), "soft", 0.1).edges.max(-1).values.mean()
    warm = discretize(logits(masked=False), "soft", 2.0).edges.max(-1).values.mean()
    assert cold > warm


def test_gumbel_draws_have_the_probabilities_of_the_softmax():
    one = torch.log(torch.tensor([0.6, 0.3, 0.1]))
    many = 20_000
    given = GraphLogits(torch.zeros(many, 2, 2), one.expand(many, 1, 3))
    drawn = discretize(given, "gumbel_straight_through", 0.5, rng()).edges[:, 0, 1].mean(0)
    torch.testing.assert_close(drawn, torch.tensor([0.6, 0.3, 0.1]), atol=0.015, rtol=0)


def test_gumbel_noise_hangs_on_its_generator():
    first = discretize(logits(masked=False), "gumbel", 1.0, rng())
    again = discretize(logits(masked=False), "gumbel", 1.0, rng())
    other = discretize(logits(masked=False), "gumbel", 1.0, torch.Generator().manual_seed(8))
    assert torch.equal(first.edges, again.edges)
    assert not torch.equal(first.edges, other.edges)


def test_gumbel_noise_of_a_graph_does_not_depend_on_how_a_batch_is_cut():
    given = logits(masked=False)
    whole = discretize(given, "gumbel", 1.0, rng())
    source = rng()
    parts = [
        discretize(GraphLogits(given.nodes[rows], given.pairs[rows]), "gumbel", 1.0, source)
        for rows in (slice(0, 1), slice(1, 4), slice(4, B))
    ]
    assert torch.equal(torch.cat([part.nodes for part in parts]), whole.nodes)
    assert torch.equal(torch.cat([part.edges for part in parts]), whole.edges)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="unknown discretisation 'hard'"):
        discretize(logits(masked=False), "hard")
    with pytest.raises(ValueError, match="temperature"):
        discretize(logits(masked=False), "soft", 0.0)
