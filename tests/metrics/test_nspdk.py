from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from molgan.chem import read_smiles
from molgan.errors import DataError
from molgan.metrics import nspdk
from molgan.metrics.neighbourhoods import nspdk_features
from molgan.metrics.nspdk import nspdk_floor, nspdk_matrix, nspdk_mean, nspdk_mmd

SMILES = (
    "C CC CO C#N C1CC1 CC(C)(C)C C1CCC1 C1CCCC1O c1ccccc1 c1ccncc1C C[N+](C)(C)C "
    "[O-][n+]1ccccc1 CCCCCCCCCCCO C1CC2CC1CC2=O CC(=O)Oc1ccccc1C(=O)O CC.O FC(Cl)(Br)I"
).split()


def _mol(smiles: str) -> Chem.Mol:
    mol, reason = read_smiles(smiles)
    assert mol is not None, reason
    return mol


MOLS = [_mol(smiles) for smiles in SMILES]


@pytest.mark.parametrize("cells", [1, 300, 2**15])
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
    rows = [dict(zip(*map(list, nspdk_features(mol)), strict=True)) for mol in MOLS]
    kernel = np.array([[sum(v * b.get(h, 0.0) for h, v in a.items()) for b in rows] for a in rows])
    matrix = nspdk_matrix(MOLS)
    for split in (1, 6, 16):
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
