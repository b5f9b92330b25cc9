"""Building blocks, against PyG, hand computation and their invariances."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from molgan.graphs import MolGraphs
from molgan.models.layers import (
    GatedAggregation,
    MinibatchDeviation,
    MinibatchDiscrimination,
    RelationalGraphConv,
    ResidualBlock,
    make_minibatch_layer,
    mlp,
    random_walk_features,
    residual_mlp,
    size_mask,
    size_one_hot,
)


def graph(bonds: list[tuple[int, int, int]], size: int, slots: int = 8) -> MolGraphs:
    """One carbon-only graph of ``size`` atoms with bonds (i, j, type)."""
    atoms = torch.zeros(1, slots, dtype=torch.long)
    atoms[:, :size] = 1
    matrix = torch.zeros(1, slots, slots, dtype=torch.long)
    for i, j, kind in bonds:
        matrix[0, i, j] = matrix[0, j, i] = kind
    return MolGraphs.from_indices(atoms, matrix, 2, 4)


def chain(size: int) -> MolGraphs:
    return graph([(i, i + 1, 1) for i in range(size - 1)], size)


def ring(size: int) -> MolGraphs:
    return graph([(i, (i + 1) % size, 1) for i in range(size)], size)


# ------------------------------------------------------------------ convolution


def test_convolution_equals_pygs_on_shared_weights(graphs):
    from torch_geometric.data import Batch
    from torch_geometric.nn import RGCNConv

    features, relations = graphs.nodes.shape[-1], graphs.edges.shape[-1] - 1
    torch.manual_seed(0)
    ours = RelationalGraphConv(features, 6, relations + 1, normalize=False)
    theirs = RGCNConv(features, 6, relations, aggr="add")
    with torch.no_grad():
        theirs.weight.copy_(ours.message.weight.view(relations, 6, features).transpose(1, 2))
        theirs.root.copy_(ours.self_loop.weight.T)
        theirs.bias.copy_(ours.self_loop.bias)
    batch = Batch.from_data_list(graphs.to_pyg_list())
    x = F.one_hot(batch.x, features).float()
    expected = theirs(x, batch.edge_index, batch.edge_attr - 1)
    out = ours(graphs.nodes, graphs.edges, graphs.mask)
    torch.testing.assert_close(out[graphs.mask > 0], expected, rtol=1e-5, atol=1e-6)


def test_convolution_divides_by_the_number_of_bonds(graphs):
    torch.manual_seed(0)
    mean = RelationalGraphConv(graphs.nodes.shape[-1], 6, 4)
    plain = RelationalGraphConv(graphs.nodes.shape[-1], 6, 4, normalize=False)
    plain.load_state_dict(mean.state_dict())
    own = mean.self_loop(graphs.nodes) * graphs.mask[..., None]
    bonds = graphs.edges[..., 1:].sum((2, 3)).clamp(min=1)[..., None]
    args = (graphs.nodes, graphs.edges, graphs.mask)
    torch.testing.assert_close(mean(*args) - own, (plain(*args) - own) / bonds)


def test_convolution_is_exactly_zero_at_padding_and_blind_to_it(graphs):
    conv = RelationalGraphConv(graphs.nodes.shape[-1], 6, 4)
    out = conv(graphs.nodes, graphs.edges, graphs.mask)
    assert torch.count_nonzero(out[graphs.mask == 0]) == 0
    garbage = torch.where(graphs.mask[..., None] > 0, graphs.nodes, 7.0)
    assert torch.equal(conv(garbage, graphs.edges, graphs.mask), out)


def test_convolution_ignores_bond_type_none(graphs):
    conv = RelationalGraphConv(graphs.nodes.shape[-1], 6, 4)
    edges = graphs.edges.clone()
    edges[..., 0] = 123.0
    args = graphs.nodes, graphs.mask
    assert torch.equal(conv(args[0], edges, args[1]), conv(args[0], graphs.edges, args[1]))


# ------------------------------------------------------------------ aggregation


def test_gated_aggregation_by_hand():
    layer = GatedAggregation(1, 1)
    with torch.no_grad():
        layer.gate.weight.fill_(2.0)
        layer.gate.bias.fill_(0.0)
        layer.value.weight.fill_(1.0)
        layer.value.bias.fill_(0.5)
    states = torch.tensor([[[1.0], [-1.0], [9.0]]])
    out = layer(states, torch.tensor([[1.0, 1.0, 0.0]]))
    first = torch.sigmoid(torch.tensor(2.0)) * torch.tanh(torch.tensor(1.5))
    second = torch.sigmoid(torch.tensor(-2.0)) * torch.tanh(torch.tensor(-0.5))
    torch.testing.assert_close(out, torch.tanh(first + second).view(1, 1))


# ------------------------------------------------------------------ walk features


def test_walk_features_are_bounded(graphs):
    rng = torch.Generator().manual_seed(0)
    soft = MolGraphs(
        graphs.nodes,
        torch.rand(graphs.edges.shape, generator=rng).mul(4).softmax(-1),
        graphs.mask,
    )
    apart = graph([(0, 1, 1)], 5)  # three atoms without any bond
    for batch in (graphs, soft.symmetrized().masked(), chain(8), ring(7), apart):
        features = random_walk_features(batch, 6)
        assert features.shape == (*batch.mask.shape, 9)
        assert torch.isfinite(features).all()
        assert (features >= 0).all()
        assert (features[..., :7] <= 1 + 1e-5).all()
        assert (features <= 9 * 3 / 4).all()  # a bond order of 3 with every slot
        assert torch.count_nonzero(features[batch.mask == 0]) == 0


def test_walk_features_follow_the_numbering_of_atoms(graphs):
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    moved = random_walk_features(graphs.permute(order), 5)
    torch.testing.assert_close(moved, random_walk_features(graphs, 5)[:, order])


def test_walk_features_tell_a_ring_from_a_chain():
    size, steps = 3, 4
    on_ring = random_walk_features(ring(size), steps)[0, :size]
    on_chain = random_walk_features(chain(size), steps)[0, :size]
    # Only around a three-ring does a walk of three steps return; on a chain no odd walk does.
    torch.testing.assert_close(on_ring[:, 2], torch.full((size,), 0.25))
    assert torch.count_nonzero(on_chain[:, 2]) == 0
    assert torch.count_nonzero(on_chain[:, 0]) == 0
    torch.testing.assert_close(on_chain[:, 1], torch.tensor([0.5, 1.0, 0.5]))


def test_walk_features_tell_fragments_from_a_whole():
    two_threes = graph([(0, 1, 1), (1, 2, 1), (0, 2, 1), (3, 4, 1), (4, 5, 1), (3, 5, 1)], 6)
    reached = random_walk_features(ring(6), 2)[0, :6, 2]
    apart = random_walk_features(two_threes, 2)[0, :6, 2]
    torch.testing.assert_close(apart, torch.full((6,), 0.5), rtol=1e-3, atol=1e-3)
    assert (reached > 0.85).all()


def test_an_atom_without_bonds_reaches_itself_only():
    for size in (1, 4):
        features = random_walk_features(graph([], size), 3)[0, :size]
        torch.testing.assert_close(features[:, 3], torch.full((size,), 1 / size))
        assert torch.count_nonzero(features[:, 4:]) == 0


def test_valence_and_degree_are_read_off_the_bonds():
    features = random_walk_features(graph([(0, 1, 2), (1, 2, 3)], 3), 1)[0, :3]
    assert features[:, 2].tolist() == [0.5, 1.25, 0.75]
    assert features[:, 3].tolist() == [0.25, 0.5, 0.25]


def test_walk_features_have_finite_second_derivatives():
    batch = graph([(0, 1, 1)], 3).requires_grad_()
    (first,) = torch.autograd.grad(
        random_walk_features(batch, 4).sum(), batch.edges, create_graph=True
    )
    (second,) = torch.autograd.grad(first.square().sum(), batch.edges)
    assert torch.isfinite(first).all()
    assert torch.isfinite(second).all()


# ------------------------------------------------------------------ batch statistics


def test_minibatch_discrimination_by_hand():
    layer = MinibatchDiscrimination(1, kernels=1, kernel_width=1)
    torch.nn.init.ones_(layer.project.weight)
    out = layer(torch.tensor([[0.0], [1.0], [3.0]]))
    near = torch.exp(-torch.tensor([[1.0, 3.0], [1.0, 2.0], [3.0, 2.0]])).mean(1, keepdim=True)
    torch.testing.assert_close(out, torch.cat([torch.tensor([[0.0], [1.0], [3.0]]), near], 1))


@pytest.mark.parametrize("layer", [MinibatchDiscrimination(5), MinibatchDeviation(5, group=4)])
def test_batch_statistics_tell_a_collapsed_batch(layer):
    rng = torch.Generator().manual_seed(0)
    various = torch.randn(10, 5, generator=rng)
    same = various[:1].expand(10, 5)
    assert layer(various).shape == (10, layer.out_features)
    assert torch.equal(layer(various)[:, :5], various)
    difference = (layer(various)[:, 5:] - layer(same)[:, 5:]).abs()
    assert (difference > 0.1).all()
    assert torch.isfinite(layer(various[:1])).all()


def test_minibatch_deviation_by_hand():
    vectors = torch.tensor([[0.0, 1.0], [5.0, 5.0], [2.0, 1.0], [5.0, 9.0]])
    # Groups of two: samples 0 and 2, 1 and 3, with deviations (1, 0) and (0, 2).
    out = MinibatchDeviation(2, group=2)(vectors)
    torch.testing.assert_close(out[:, 2], torch.tensor([0.5, 1.0, 0.5, 1.0]), atol=1e-4, rtol=0)


def test_minibatch_deviation_with_a_rest():
    out = MinibatchDeviation(3, group=4)(torch.randn(7, 3))
    assert out.shape == (7, 4)
    assert out[:, 3].unique().numel() == 1  # fewer than two whole groups: all one


def test_minibatch_layers_by_name():
    assert make_minibatch_layer("none", 3) is None
    assert isinstance(make_minibatch_layer("discrimination", 3), MinibatchDiscrimination)
    assert isinstance(make_minibatch_layer("deviation", 3), MinibatchDeviation)
    with pytest.raises(ValueError, match="unknown minibatch layer 'mean'"):
        make_minibatch_layer("mean", 3)


# ------------------------------------------------------------------ small things


def test_a_residual_block_starts_as_the_identity():
    states = torch.randn(3, 8)
    assert torch.equal(ResidualBlock(8)(states), states)


def test_perceptrons_have_the_widths_asked_for():
    assert residual_mlp(5, 16, 2, 3)(torch.randn(4, 5)).shape == (4, 3)
    network = mlp([5, 16, 3], torch.nn.Tanh, dropout=0.5)
    assert network(torch.randn(4, 5)).shape == (4, 3)
    assert sum(isinstance(layer, torch.nn.Dropout) for layer in network) == 2
    assert mlp([5], torch.nn.Tanh)(torch.ones(1, 5)).shape == (1, 5)


def test_sizes_as_one_hot_and_mask():
    sizes = torch.tensor([0, 2, 3])
    assert size_one_hot(sizes, 3).tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert size_mask(sizes, 3).tolist() == [[0, 0, 0], [1, 1, 0], [1, 1, 1]]
