"""Keys of graphs, and the memory that keeps a library from repeating itself."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import torch

from molgan.chem import Codec, Vocabulary
from molgan.data.sources import Bundled
from molgan.errors import ConfigError
from molgan.graphs import MolGraphs
from molgan.repeats import RepeatMemory, checked_repeats, graph_keys


def graphs_of(codec: Codec, smiles: list[str]) -> MolGraphs:
    encoded = codec.encode_smiles(smiles)
    assert len(encoded) == len(smiles)
    types = codec.vocabulary.num_atom_types, codec.vocabulary.num_bond_types
    arrays = torch.from_numpy(encoded.atoms), torch.from_numpy(encoded.bonds)
    return MolGraphs.from_indices(*arrays, *types)


def bundled(count: int) -> list[str]:
    """SMILES spread evenly over the set that comes with molgan."""
    lines = gzip.decompress(Bundled.file().read_bytes()).decode().splitlines()
    rows = np.linspace(0, len(lines) - 1, count).astype(int)
    return sorted({lines[row].split()[0] for row in rows})


def test_real_molecules_have_keys_of_their_own_in_any_order_of_atoms():
    smiles = bundled(600)
    codec = Codec(Vocabulary.from_smiles(smiles), 40)
    graphs = graphs_of(codec, smiles)
    keys = graph_keys(graphs)
    assert len(set(keys.tolist())) == len(smiles) > 550
    order = np.random.default_rng(0).permutation(codec.max_atoms).tolist()
    mixed = MolGraphs(
        graphs.nodes[:, order], graphs.edges[:, order][:, :, order], graphs.mask[:, order]
    )
    assert torch.equal(graph_keys(mixed), keys)


def test_a_molecule_written_in_another_way_has_the_same_key():
    vocabulary = Vocabulary.from_smiles(["C1CCCCC1", "CCO", "C#N"])
    codec = Codec(vocabulary, 10)
    one, other = graph_keys(graphs_of(codec, ["OCCC1CC1C#N", "N#CC1CC1CCO"]))
    assert one == other
    # The number of empty slots is no part of it.
    assert graph_keys(graphs_of(Codec(vocabulary, 14), ["OCCC1CC1C#N"])) == one


def test_rings_that_neighbours_do_not_tell_apart_have_different_keys():
    codec = Codec(Vocabulary.from_smiles(["C1CCCCC1"]), 10)
    decalin, two_rings = graph_keys(graphs_of(codec, ["C1CCC2CCCCC2C1", "C1CCC(C1)C1CCCC1"]))
    assert decalin != two_rings


def test_bonds_and_atoms_are_part_of_a_key():
    codec = Codec(Vocabulary.from_smiles(["CC=O", "CCN", "C#N"]), 4)
    smiles = ["CCO", "CC=O", "COC", "CCN", "CC=N", "CC#N", "CC", "C=C", "C#C", "C"]
    assert len(set(graph_keys(graphs_of(codec, smiles)).tolist())) == len(smiles)


def test_a_graph_comes_again_only_when_all_candidates_did():
    memory = RepeatMemory(0.0)
    scores = torch.tensor([[50.0, 0.0, -50.0]]).repeat(5, 1)
    keys = torch.tensor([[7, 8, 9]]).repeat(5, 1)
    # Rows of one batch know of each other; once all were given, it begins anew.
    assert memory.choose(scores, keys).tolist() == [0, 1, 2, 0, 1]
    assert [memory.times(key) for key in (7, 8, 9, 10)] == [2, 2, 1, 0]
    assert len(memory) == 3


def test_a_share_of_the_odds_is_lost_each_time():
    memory = RepeatMemory(0.5)
    scores, keys = torch.tensor([[1.0, 0.0]]), torch.tensor([[1, 2]])
    # log 2 is 0.69: the first keeps its lead of 1 once, and loses it the second time.
    assert [memory.choose(scores, keys).item() for _ in range(3)] == [0, 0, 1]


def test_what_was_given_long_ago_is_forgotten():
    memory = RepeatMemory(generation=3)
    for key in (1, 2, 3):
        memory.add(key)
    memory.add(1)
    assert memory.times(1) == 2
    memory.add(4)  # the first generation is full
    memory.add(2)
    assert [memory.times(key) for key in (1, 2, 3, 4)] == [2, 2, 1, 1]
    for key in (5, 6):
        memory.add(key)
    assert [memory.times(key) for key in (1, 2, 3, 4, 5, 6)] == [0, 2, 0, 1, 1, 1]
    assert len(memory) == 4


@pytest.mark.parametrize("value", [-0.1, 1.1, None, "none", float("nan"), True])
def test_what_is_no_share_is_refused(value):
    with pytest.raises(ConfigError, match=f"repeats={value}"):
        checked_repeats(value)
