"""`MolGraphs`: what it promises about shapes, padding, symmetry and numbering."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from molgan.chem import pack_bonds
from molgan.graphs import MolGraphs, concatenate, pack_pairs, unpack_pairs

T, Y, N = 4, 4, 5


@pytest.fixture
def indices() -> tuple[torch.Tensor, torch.Tensor]:
    """A three-ring with a tail, two atoms, one atom; five slots."""
    atoms = torch.tensor([[1, 1, 2, 3, 0], [2, 3, 0, 0, 0], [1, 0, 0, 0, 0]])
    bonds = torch.zeros(3, N, N, dtype=torch.long)
    for graph, i, j, kind in [(0, 0, 1, 1), (0, 1, 2, 1), (0, 0, 2, 1), (0, 2, 3, 2), (1, 0, 1, 3)]:
        bonds[graph, i, j] = bonds[graph, j, i] = kind
    return atoms, bonds


@pytest.fixture
def graphs(indices) -> MolGraphs:
    return MolGraphs.from_indices(*indices, T, Y)


def soft_graphs(seed: int = 0) -> MolGraphs:
    rng = torch.Generator().manual_seed(seed)
    nodes = torch.rand(3, N, T, generator=rng).softmax(-1)
    edges = torch.rand(3, N, N, Y, generator=rng).softmax(-1)
    mask = (torch.arange(N) < torch.tensor([[5], [3], [1]])).float()
    return MolGraphs(nodes, edges, mask)


def test_indices_become_one_hot_and_come_back(indices, graphs):
    atoms, bonds = indices
    assert graphs.nodes.shape == (3, N, T)
    assert graphs.edges.shape == (3, N, N, Y)
    assert torch.equal(graphs.mask, (atoms > 0).float())
    assert torch.equal(graphs.nodes.sum(-1), torch.ones(3, N))
    assert torch.equal(graphs.edges.sum(-1), torch.ones(3, N, N))
    assert graphs.num_atoms.tolist() == [4, 2, 1]
    again = graphs.to_indices()
    assert again[0].dtype == again[1].dtype == torch.uint8
    assert torch.equal(again[0].long(), atoms)
    assert torch.equal(again[1].long(), bonds)


def test_packed_bonds_are_those_of_the_codec(indices, graphs):
    atoms, bonds = indices
    packed = torch.from_numpy(pack_bonds(bonds.numpy().astype(np.uint8)))
    assert torch.equal(MolGraphs.from_indices(atoms, packed, T, Y).edges, graphs.edges)
    assert torch.equal(pack_pairs(bonds), packed.long())
    assert torch.equal(unpack_pairs(packed, N).long(), bonds)


def test_pairs_of_a_single_slot_are_none():
    packed = torch.zeros(2, 0, Y)
    full = unpack_pairs(packed, 1)
    assert full.shape == (2, 1, 1, Y)
    assert pack_pairs(full).shape == (2, 0, Y)
    graphs = MolGraphs.from_indices(torch.tensor([[1], [2]]), torch.zeros(2, 0), T, Y)
    assert graphs.to_indices()[1].shape == (2, 1, 1)


def test_unpacking_carries_the_gradient_of_both_triangles():
    packed = torch.rand(2, N * (N - 1) // 2, Y, requires_grad=True)
    full = unpack_pairs(packed, N)
    assert torch.equal(full, full.transpose(1, 2))
    full.sum().backward()
    assert torch.equal(packed.grad, torch.full_like(packed, 2.0))


def test_shapes_that_disagree_are_refused(graphs):
    with pytest.raises(ValueError, match="do not describe one batch"):
        MolGraphs(graphs.nodes, graphs.edges[:2], graphs.mask)
    with pytest.raises(ValueError, match="do not describe one batch"):
        MolGraphs(graphs.nodes[:, :4], graphs.edges, graphs.mask)


def test_masking_leaves_exactly_nothing_at_padding_and_diagonal():
    masked = soft_graphs().masked()
    empty = masked.mask == 0
    pairs = masked.mask[:, :, None] * masked.mask[:, None] == 0
    pairs |= torch.eye(N, dtype=torch.bool)
    nothing = torch.eye(Y)[0]
    assert torch.equal(masked.nodes[empty], torch.eye(T)[0].expand(int(empty.sum()), T))
    assert torch.equal(masked.edges[pairs], nothing.expand(int(pairs.sum()), Y))
    kept = ~pairs
    assert torch.equal(masked.edges[kept], soft_graphs().edges[kept])
    assert torch.equal(masked.masked().edges, masked.edges)


def test_soft_graphs_read_out_symmetric_and_clean():
    graphs = soft_graphs()
    atoms, bonds = graphs.to_indices()
    assert torch.equal(bonds, bonds.transpose(1, 2))
    assert not bonds.diagonal(dim1=1, dim2=2).any()
    assert not atoms[graphs.mask == 0].any()
    absent = atoms == 0
    assert not bonds[absent].any()
    symmetric = graphs.symmetrized()
    assert torch.allclose(symmetric.edges, symmetric.edges.transpose(1, 2))
    assert torch.equal(symmetric.masked().to_indices()[1], bonds)


def test_reading_out_follows_the_mean_of_both_directions():
    edges = torch.zeros(1, 2, 2, 3)
    edges[0, 0, 1] = torch.tensor([0.0, 0.6, 0.4])
    edges[0, 1, 0] = torch.tensor([0.0, 0.1, 0.9])
    graphs = MolGraphs(torch.tensor([[[0.0, 1.0], [0.0, 1.0]]]), edges, torch.ones(1, 2))
    assert graphs.to_indices()[1].tolist() == [[[0, 2], [2, 0]]]


def test_permuting_renumbers_atoms_and_bonds_together(indices, graphs):
    atoms, bonds = indices
    order = torch.tensor([3, 0, 4, 2, 1])
    moved = graphs.permute(order)
    new_atoms, new_bonds = moved.to_indices()
    assert torch.equal(new_atoms.long(), atoms[:, order])
    assert torch.equal(new_bonds.long(), bonds[:, order][:, :, order])
    back = moved.permute(order.argsort())
    assert torch.equal(back.edges, graphs.edges)
    per_graph = torch.stack([order, torch.arange(N), order.flip(0)])
    mixed = graphs.permute(per_graph)
    assert torch.equal(mixed.nodes[0], moved.nodes[0])
    assert torch.equal(mixed.edges[1], graphs.edges[1])


def test_pyg_round_trip(graphs):
    from torch_geometric.data import Batch

    items = graphs.to_pyg_list()
    assert [item.num_nodes for item in items] == [4, 2, 1]
    assert items[0].edge_index.shape == (2, 8)
    assert items[2].edge_index.shape == (2, 0)
    again = MolGraphs.from_pyg(Batch.from_data_list(items), T, Y, N)
    assert torch.equal(again.nodes, graphs.nodes)
    assert torch.equal(again.edges, graphs.edges)
    assert torch.equal(again.mask, graphs.mask)
    alone = MolGraphs.from_pyg(items[0], T, Y, N)
    assert torch.equal(alone.edges, graphs.edges[:1])


def test_pyg_form_of_a_graph_with_holes_keeps_its_atoms(graphs):
    from torch_geometric.data import Batch

    order = torch.tensor([4, 3, 0, 1, 2])  # padding first
    items = graphs.permute(order).to_pyg_list()
    assert [item.x.tolist() for item in items] == [[3, 1, 1, 2], [2, 3], [1]]
    again = MolGraphs.from_pyg(Batch.from_data_list(items), T, Y, N)
    assert int((again.edges[0, ..., 1:].sum()).item()) == 8


def test_pyg_graph_of_too_many_atoms_is_refused(graphs):
    with pytest.raises(ValueError, match="4 atoms"):
        MolGraphs.from_pyg(graphs.to_pyg_list()[0], T, Y, 3)


def test_slices_and_concatenation(graphs):
    assert len(graphs[1:]) == 2
    assert torch.equal(graphs[torch.tensor([2, 0])].nodes, graphs.nodes[[2, 0]])
    both = concatenate([graphs[:1], graphs[1:]])
    assert torch.equal(both.edges, graphs.edges)
    assert torch.equal(both.mask, graphs.mask)


def test_methods_return_new_objects(graphs):
    before = graphs.edges.clone()
    recording = graphs.requires_grad_()
    assert recording.nodes.requires_grad
    assert recording.edges.requires_grad
    assert not graphs.nodes.requires_grad
    assert not recording.detach().edges.requires_grad
    graphs.masked(), graphs.symmetrized(), graphs.permute(torch.arange(N).flip(0))
    assert torch.equal(graphs.edges, before)
    assert graphs.to("cpu").device == torch.device("cpu")
