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
from molgan.metrics import nspdk
from molgan.metrics.nspdk import (
    nspdk_features,
    nspdk_floor,
    nspdk_matrix,
    nspdk_mean,
    nspdk_mmd,
)

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


@pytest.mark.parametrize("cells", [1, 300, 2**18])
def test_rows_do_not_depend_on_their_batch(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    monkeypatch.setattr(nspdk, "_CELLS", cells)
    buckets = 2**12
    matrix = nspdk_matrix(MOLS, buckets)
    assert matrix.shape == (len(MOLS), buckets)
    for row, mol in zip(matrix.toarray(), MOLS, strict=True):
        hashes, values = nspdk_features(mol)
        expected = np.bincount((hashes % buckets).astype(int), values, minlength=buckets)
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_discrepancy_is_that_of_the_kernel_matrix() -> None:
    kernel = _brute_kernel(MOLS)
    matrix = nspdk_matrix(MOLS)
    for split in (1, 6, 17):
        expected = (
            kernel[:split, :split].mean()
            + kernel[split:, split:].mean()
            - 2 * kernel[:split, split:].mean()
        )
        found = nspdk_mmd(nspdk_mean(matrix[:split]), nspdk_mean(matrix[split:]))
        assert found == pytest.approx(expected, rel=0.01)  # features that share a bucket


def test_discrepancy_of_a_set_to_itself_and_to_a_stranger() -> None:
    mean = nspdk_mean(nspdk_matrix(MOLS))
    again = nspdk_mean(nspdk_matrix(MOLS[::-1]))
    assert nspdk_mmd(mean, again) == pytest.approx(0, abs=1e-12)
    one, other = (nspdk_mean(nspdk_matrix([_mol(s)])) for s in ("C", "N"))
    assert nspdk_mmd(one, other) == pytest.approx(2, abs=1e-6)


def test_weights_repeat_rows() -> None:
    matrix = nspdk_matrix(MOLS)
    rows = np.array([3, 3, 3, 0, 7])
    weights = np.bincount(rows, minlength=len(MOLS))
    np.testing.assert_allclose(
        nspdk_mean(matrix, weights), nspdk_mean(matrix[rows]), rtol=1e-6, atol=1e-12
    )


def test_floor_is_what_samples_of_one_distribution_score() -> None:
    mols = MOLS[:12]
    matrix = nspdk_matrix(mols, 2**16).astype(np.float64)
    mean = nspdk_mean(matrix)
    # Over pairs of different molecules of a set ...
    kernel = (matrix @ matrix.T).toarray()
    between = kernel[~np.eye(len(mols), dtype=bool)].mean()
    expected = (1 / 30 + 1 / 50) * (1 - between)
    assert nspdk_floor(mean, len(mols), 30, 50) == pytest.approx(expected, rel=1e-3)
    # ... and, where the set is the whole distribution, on the average of samples from it.
    rng = np.random.default_rng(0)
    scores = []
    for _ in range(400):
        draws = [rng.multinomial(n, np.full(12, 1 / 12)) for n in (30, 50)]
        scores.append(nspdk_mmd(*(nspdk_mean(matrix, draw) for draw in draws)))
    assert np.mean(scores) == pytest.approx(nspdk_floor(mean, 10**9, 30, 50), rel=0.05)


def test_nothing_to_describe_or_to_average() -> None:
    empty = nspdk_matrix([])
    assert empty.shape == (0, nspdk.BUCKETS)
    with pytest.raises(DataError, match="at least one valid molecule"):
        nspdk_mean(empty)
    with pytest.raises(DataError, match="without atoms"):
        nspdk_matrix([_mol("CC"), Chem.Mol()])
    with pytest.raises(ValueError, match="power of 2"):
        nspdk_matrix(MOLS, 1000)
    with pytest.raises(ValueError, match="do not compare"):
        nspdk_mmd(np.zeros(4), np.zeros(8))


def test_real_molecules_follow_the_definition(shared_data: Path) -> None:
    import pandas as pd

    for name, n in (("qm9", 40), ("zinc250k", 10)):
        table = pd.read_csv(shared_data / f"{name}_smiles.csv.gz")
        sample = table["smiles"].sample(n, random_state=0)
        mols = [_mol(smiles.strip()) for smiles in sample]
        kernel = np.array([[_dot(one, two) for two in mols] for one in mols[:5]])
        np.testing.assert_allclose(kernel, _brute_kernel(mols)[:5], atol=1e-6)
