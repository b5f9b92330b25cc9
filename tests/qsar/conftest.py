"""Molecules with a value that fingerprints can learn."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Crippen

from molgan.qsar.families.base import Part

_RINGS = (
    "c1ccccc1 c1ccncc1 C1CCCCC1 C1CCOCC1 c1ccoc1 C1CC1 c1ccsc1 C1CCNCC1 C1CCCC1 c1ncncc1"
).split()
_TAILS = "C CC CCC O OC N NC C(=O)O C(=O)N C#N F Cl S C(C)C CO CN".split()


@pytest.fixture(scope="session")
def smiles() -> list[str]:
    """160 molecules: ten rings with sixteen tails."""
    return [ring + tail for ring in _RINGS for tail in _TAILS]


@pytest.fixture(scope="session")
def values(smiles: list[str]) -> np.ndarray:
    """Their logP."""
    return np.array([Crippen.MolLogP(Chem.MolFromSmiles(text)) for text in smiles])


@pytest.fixture(scope="session")
def parts(smiles: list[str], values: np.ndarray) -> tuple[Part, Part, Part]:
    """120 of them to train on, 20 to validate, 20 to test."""
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    order = np.random.default_rng(0).permutation(len(mols))
    cuts = order[:120], order[120:140], order[140:]
    train, valid, test = (Part([mols[i] for i in cut], values[cut]) for cut in cuts)
    return train, valid, test


@pytest.fixture(scope="session")
def class_parts(parts: tuple[Part, Part, Part]) -> tuple[Part, Part, Part]:
    """The same with classes: logP of 1 and more is class 1."""
    train, valid, test = (Part(p.mols, (p.values >= 1).astype(float)) for p in parts)
    return train, valid, test
