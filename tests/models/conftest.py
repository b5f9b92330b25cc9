"""A handful of real molecules as graphs."""

from __future__ import annotations

import pytest
import torch

from molgan.chem import Codec, Vocabulary
from molgan.graphs import MolGraphs

SMILES = ["CCO", "C1CC1", "CC#N", "C", "OC1=CC=CN1", "FC(F)F", "CC(C)(C)C=O", "C1CC2CC12"]


@pytest.fixture(scope="session")
def codec() -> Codec:
    return Codec(Vocabulary.from_smiles(SMILES), 9)


@pytest.fixture(scope="session")
def graphs(codec: Codec) -> MolGraphs:
    """Eight molecules of 1 to 6 atoms in nine slots."""
    encoded = codec.encode_smiles(SMILES)
    return MolGraphs.from_indices(
        torch.from_numpy(encoded.atoms),
        torch.from_numpy(encoded.bonds),
        codec.vocabulary.num_atom_types,
        codec.vocabulary.num_bond_types,
    )


@pytest.fixture
def types(graphs: MolGraphs) -> dict[str, int]:
    """Arguments that every graph network takes."""
    return {"num_atom_types": graphs.nodes.shape[-1], "num_bond_types": graphs.edges.shape[-1]}
