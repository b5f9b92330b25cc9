from __future__ import annotations

import math
import pickle
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molgan.chem import read_smiles
from molgan.errors import DataError
from molgan.metrics.neighbourhoods import nspdk_features

# Rings of odd and even size, branches, charges, aromatic rings, diameters below and above 8 bonds.
SMILES = [
    "C",
    "CC",
    "CO",
    "C#N",
    "C1CC1",
    "CC(C)(C)C",
    "C1CCC1",
    "C1CCCC1O",
    "c1ccccc1",
    "c1ccncc1C",
    "C[N+](C)(C)C",
    "[O-][n+]1ccccc1",
    "CCCCCCCCCCCO",
    "C1CC2CC1CC2=O",
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "CC.O",
    "FC(Cl)(Br)I",
]


def _mol(smiles: str) -> Chem.Mol:
    mol, reason = read_smiles(smiles)
    assert mol is not None, reason
    return mol


MOLS = [_mol(smiles) for smiles in SMILES]


def _dot(one: Chem.Mol, two: Chem.Mol) -> float:
    """The kernel from exact hashes."""
    hashes, values = nspdk_features(one)
    weights = dict(zip(hashes.tolist(), values.tolist(), strict=True))
    hashes, values = nspdk_features(two)
    return sum(
        weights.get(h, 0.0) * v for h, v in zip(hashes.tolist(), values.tolist(), strict=True)
    )


def _brute_force(mol: Chem.Mol) -> dict[tuple[object, ...], float]:
    """The features by definition: a walk from every atom over atoms and bonds, text as labels."""
    # Every bond becomes a vertex of its own between its two atoms.
    links: dict[str, list[str]] = {f"a{atom.GetIdx()}": [] for atom in mol.GetAtoms()}
    names = {f"a{atom.GetIdx()}": atom.GetSymbol() for atom in mol.GetAtoms()}
    for bond in mol.GetBonds():
        vertex = f"b{bond.GetIdx()}"
        names[vertex] = str(int(bond.GetBondTypeAsDouble()))
        ends = [f"a{bond.GetBeginAtomIdx()}", f"a{bond.GetEndAtomIdx()}"]
        links[vertex] = ends
        for end in ends:
            links[end].append(vertex)
    atoms = [vertex for vertex in links if vertex.startswith("a")]
    rings: dict[str, list[list[str]]] = {}
    for root in atoms:
        seen, ring, levels = {root}, [root], []
        while ring and len(levels) < 9:
            levels.append(ring)
            ring = sorted({v for u in ring for v in links[u]} - seen)
            seen.update(ring)
        rings[root] = levels
    blocks: dict[tuple[int, int], Counter[tuple[object, ...]]] = defaultdict(Counter)
    for v in atoms:
        for distance in range(5):
            for u in rings[v][2 * distance] if 2 * distance < len(rings[v]) else []:
                for radius in range(5):
                    if 2 * radius < min(len(rings[v]), len(rings[u])):
                        texts = [
                            "|".join(
                                " ".join(sorted(f"{names[w]}{len(links[w])}" for w in level))
                                for level in rings[root][: 2 * radius + 1]
                            )
                            for root in (v, u)
                        ]
                        counts = blocks[radius, distance]
                        counts["pair", radius, distance, *sorted(texts)] += 1
                        counts["alone", radius, distance, texts[1]] += 1
    features: dict[tuple[object, ...], float] = {}
    for block in blocks.values():
        length = math.sqrt(sum(count**2 for count in block.values()))
        features |= {name: count / length for name, count in block.items()}
    length = math.sqrt(sum(value**2 for value in features.values()))
    return {name: value / length for name, value in features.items()}


def _brute_kernel(mols: Sequence[Chem.Mol]) -> np.ndarray:
    features = [_brute_force(mol) for mol in mols]
    return np.array(
        [[sum(v * b.get(name, 0.0) for name, v in a.items()) for b in features] for a in features]
    )


def test_two_atoms_by_hand() -> None:
    # Ethane fills blocks (r, d) = (0,0) (0,1) (1,0) (1,1), in each a pair and a lone feature with
    # count 2. Methanol fills the same four. They meet in (0,0): {C,C} and C, 1 each of length
    # sqrt(4), against 2 each of length sqrt(8); and in (0,1): C alone, 1 of (2, 1, 1) against 2.
    expected = (1 / math.sqrt(2) + 2 / math.sqrt(8 * 6)) / 4
    assert _dot(_mol("CC"), _mol("CO")) == pytest.approx(expected, abs=1e-6)
    assert _dot(_mol("C"), _mol("N")) == 0.0
    # A lone carbon has degree 0, those of ethane have degree 1.
    assert _dot(_mol("C"), _mol("CC")) == 0.0


def test_kernel_follows_the_definition() -> None:
    kernel = np.array([[_dot(one, two) for two in MOLS] for one in MOLS])
    np.testing.assert_allclose(kernel, _brute_kernel(MOLS), atol=1e-6)
    assert len(np.unique(kernel.round(6))) > 50  # not all 0 or 1


def test_a_molecule_has_kernel_1_with_itself_and_values_are_positive() -> None:
    for mol in MOLS:
        hashes, values = nspdk_features(mol)
        assert hashes.dtype == np.uint64
        assert values.dtype == np.float32
        assert (np.diff(hashes.astype(np.int64)) > 0).all()
        assert (values > 0).all()
        assert np.square(values, dtype=np.float64).sum() == pytest.approx(1, abs=1e-6)


def test_order_of_atoms_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    for mol in MOLS:
        hashes, values = nspdk_features(mol)
        order = rng.permutation(mol.GetNumAtoms()).tolist()
        shuffled_hashes, shuffled_values = nspdk_features(Chem.RenumberAtoms(mol, order))
        np.testing.assert_array_equal(hashes, shuffled_hashes)
        np.testing.assert_array_equal(values, shuffled_values)


def test_aromatic_bonds_count_as_single_and_charges_are_not_seen() -> None:
    assert _dot(_mol("c1ccccc1"), _mol("C1CCCCC1")) == pytest.approx(1, abs=1e-6)
    assert _dot(_mol("C[NH3+]"), _mol("CN")) == pytest.approx(1, abs=1e-6)
    assert _dot(_mol("C=C"), _mol("CC")) < 0.9


def test_molecules_are_left_as_they_were() -> None:
    mol = _mol("c1ccccc1O")
    before = mol.ToBinary(), list(mol.GetPropNames(True, True))
    nspdk_features(mol)
    assert (mol.ToBinary(), list(mol.GetPropNames(True, True))) == before


def test_hashes_are_the_same_on_every_machine() -> None:
    # Reference sets are cached by them; if this changes, so must the version of the cache.
    hashes, _ = nspdk_features(_mol("C"))
    assert hashes.tolist() == [135687849246178, 4083893450009081]


def test_features_can_be_computed_in_other_processes() -> None:
    assert pickle.loads(pickle.dumps(nspdk_features)) is nspdk_features


def test_real_molecules_follow_the_definition(shared_data: Path) -> None:
    import pandas as pd

    for name, n in (("qm9", 40), ("zinc250k", 10)):
        table = pd.read_csv(shared_data / f"{name}_smiles.csv.gz")
        sample = table["smiles"].sample(n, random_state=0)
        mols = [_mol(smiles.strip()) for smiles in sample]
        kernel = np.array([[_dot(one, two) for two in mols] for one in mols[:5]])
        np.testing.assert_allclose(kernel, _brute_kernel(mols)[:5], atol=1e-6)


def test_a_molecule_without_atoms_has_no_features() -> None:
    with pytest.raises(DataError, match="without atoms"):
        nspdk_features(Chem.Mol())
