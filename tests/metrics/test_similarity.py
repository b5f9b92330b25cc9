from __future__ import annotations

import pickle

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgan.metrics.similarity import mean_similarities, molecule_bits, morgan_bits, nearest

SMILES = (
    "CCO CCN c1ccccc1O Cc1ccccc1 C1CC1C CC(=O)Nc1ccc(O)cc1 CC(=O)Oc1ccccc1C(=O)O CCO "
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C O=C(O)c1ccncc1 CC(C)Cc1ccc(cc1)C(C)C(=O)O FC(F)(F)c1ccccc1 C N"
).split()


def molecules(smiles: list[str]) -> list[Chem.Mol]:
    return [Chem.MolFromSmiles(text) for text in smiles]


def rdkit_similarities(first: list[str], second: list[str]) -> np.ndarray:
    """All pairs by RDKit's own fingerprints and similarity: the independent path."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    others = [generator.GetFingerprint(mol) for mol in molecules(second)]
    return np.array(
        [
            DataStructs.BulkTanimotoSimilarity(generator.GetFingerprint(mol), others)
            for mol in molecules(first)
        ]
    )


def random_bits(rng: np.random.Generator, n: int, share: float) -> np.ndarray:
    return np.packbits(rng.random((n, 1024)) < share, axis=1)


def test_bits_are_rdkits() -> None:
    mols = molecules(SMILES)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    bits = morgan_bits(mols)
    assert bits.shape == (len(mols), 128)
    assert bits.dtype == np.uint8
    for row, mol in zip(np.unpackbits(bits, axis=1), mols, strict=True):
        assert set(np.flatnonzero(row)) == set(generator.GetFingerprint(mol).GetOnBits())
    assert morgan_bits([]).shape == (0, 128)


def test_bits_of_one_molecule_travel_to_a_worker() -> None:
    function = pickle.loads(pickle.dumps(molecule_bits))
    assert (function(Chem.MolFromSmiles("CCO")) == morgan_bits(molecules(["CCO"]))[0]).all()


@pytest.mark.parametrize("chunk", [3, 5, 1000])
def test_nearest_equals_rdkit(chunk: int) -> None:
    queries, reference = SMILES[:6], SMILES[6:]
    expected = rdkit_similarities(queries, reference)
    similarity, index = nearest(
        morgan_bits(molecules(queries)), morgan_bits(molecules(reference)), chunk=chunk
    )
    np.testing.assert_allclose(similarity, expected.max(axis=1), atol=1e-12)
    np.testing.assert_array_equal(index, expected.argmax(axis=1))  # the first of equals
    assert similarity.dtype == np.float64
    assert index.dtype == np.int64


@pytest.mark.parametrize("chunk", [4, 1000])
def test_leave_one_out_does_not_find_itself(chunk: int) -> None:
    bits = morgan_bits(molecules(SMILES))
    expected = rdkit_similarities(SMILES, SMILES)
    np.fill_diagonal(expected, -1)
    similarity, index = nearest(bits, bits, exclude_self=True, chunk=chunk)
    np.testing.assert_allclose(similarity, expected.max(axis=1), atol=1e-12)
    np.testing.assert_array_equal(index, expected.argmax(axis=1))
    assert index[0] == 7  # ethanol is there twice
    assert similarity[0] == 1


def test_nothing_to_compare_with() -> None:
    one = morgan_bits(molecules(["CCO"]))
    for similarity, index in (nearest(one, one[:0]), nearest(one, one, exclude_self=True)):
        assert np.isnan(similarity).all()
        assert index.tolist() == [-1]
    similarity, index = nearest(one[:0], one)
    assert similarity.shape == index.shape == (0,)
    assert mean_similarities(one[:0]).shape == (0,)


@pytest.mark.parametrize("share", [0.04, 0.4])
def test_any_number_of_bits(share: float) -> None:
    # At 0.4 there are about 410 bits, more than a byte counts.
    rng = np.random.default_rng(0)
    first, second = random_bits(rng, 20, share), random_bits(rng, 70, share)
    a, b = (np.unpackbits(x, axis=1).astype(float) for x in (first, second))
    common = a @ b.T
    expected = common / (a.sum(1)[:, None] + b.sum(1)[None] - common)
    similarity, index = nearest(first, second, chunk=32)
    np.testing.assert_allclose(similarity, expected.max(axis=1), atol=1e-12)
    np.testing.assert_array_equal(index, expected.argmax(axis=1))


@pytest.mark.parametrize("power", [1, 2, 0.5])
@pytest.mark.parametrize("chunk", [4, 1000])
def test_mean_similarities_equal_rdkit(power: float, chunk: int) -> None:
    expected = (rdkit_similarities(SMILES, SMILES) ** power).mean(axis=1)
    found = mean_similarities(morgan_bits(molecules(SMILES)), power, chunk=chunk)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_fingerprints_without_bits_are_alike() -> None:
    bits = np.zeros((3, 128), dtype=np.uint8)
    bits[2, 0] = 255
    similarity, index = nearest(bits, bits)
    assert similarity.tolist() == [1, 1, 1]
    assert index.tolist() == [0, 0, 2]
    np.testing.assert_allclose(mean_similarities(bits), [2 / 3, 2 / 3, 1 / 3])
