"""Molecules and vocabularies that the chemistry tests share."""

from __future__ import annotations

import pytest

from molgan.chem import Codec, Vocabulary

VARIED = [
    "C",
    "CCO",
    "C#N",
    "c1ccccc1",
    "c1cc[nH]c1",
    "c1c[nH]cn1",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "c1ccc2[nH]ccc2c1",
    "C[n+]1ccccc1",
    "c1cc[nH+]cc1",
    "CC(=O)[O-]",
    "C[N+](=O)[O-]",
    "[NH3+]CC(=O)[O-]",
    "C[NH+](C)C",
    "CN=[N+]=[N-]",
    "[C-]#[O+]",
    "C[S+](C)[O-]",
    "CS(=O)(=O)NC",
    "CP(=O)(O)O",
    "FC(Cl)(Br)I",
    "C1CC2CCC1C2",
    "c1ccsc1",
    "c1ccoc1",
    "O=c1cc[nH]c2ccccc12",
    "c1ccc2c(c1)ccc1ccccc12",
    "OB(O)c1ccccc1",
    "C[Si](C)(C)C",
]


@pytest.fixture(scope="session", params=[False, True], ids=["kekule", "aromatic"])
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    return Vocabulary.from_smiles(VARIED, aromatic=request.param)


@pytest.fixture(scope="session")
def codec(vocabulary: Vocabulary) -> Codec:
    return Codec(vocabulary, 14)


@pytest.fixture(scope="session")
def varied() -> list[str]:
    return VARIED
