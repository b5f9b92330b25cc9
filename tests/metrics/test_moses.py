from __future__ import annotations

import gzip
import math
import pickle
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgan.metrics import HashedIdentities
from molgan.metrics.moses import (
    CountFeatures,
    Counts,
    brics_fragments,
    cosine_similarity,
    internal_diversity,
    novelty,
    ring_scaffold,
    snn,
    unique_at,
    wasserstein,
)
from molgan.metrics.similarity import mean_similarities, morgan_bits, nearest


def mol(smiles: str) -> Chem.Mol:
    return Chem.MolFromSmiles(smiles)


def test_brics_fragments_by_hand() -> None:
    # Ethyl benzoate: BRICS cuts ring-acyl (16-6), acyl-oxygen (1-3) and oxygen-ethyl (3-4).
    assert sorted(brics_fragments(mol("CCOC(=O)c1ccccc1"))) == [
        "[1*]C([6*])=O",
        "[16*]c1ccccc1",
        "[3*]O[3*]",
        "[4*]CC",
    ]
    assert brics_fragments(mol("c1ccc(-c2ccccc2)cc1")) == ("[16*]c1ccccc1",) * 2  # repeats stay
    assert brics_fragments(mol("CCO")) == ("CCO",)  # nothing to cut: the molecule itself
    assert brics_fragments(Chem.Mol()) == ()


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [
        ("CCOc1ccc(-c2ccccc2)cc1", "c1ccc(-c2ccccc2)cc1"),
        ("O=C1CCCCC1c1ccccc1", "O=C1CCCCC1c1ccccc1"),  # double-bonded atoms belong to it
        ("CC1CC2CCC1C2", "C1CC2CCC1C2"),  # two rings that share a bridge are two
        ("Cc1ccccc1", ""),  # one ring is too few
        ("CCCO", ""),
    ],
)
def test_scaffolds_have_two_rings(smiles: str, scaffold: str) -> None:
    assert ring_scaffold(mol(smiles)) == scaffold


def test_functions_of_a_molecule_travel_to_workers() -> None:
    for function in (brics_fragments, ring_scaffold):
        assert pickle.loads(pickle.dumps(function)) is function


def test_counts() -> None:
    counts = Counts.of([("b", "a"), (), ("a",), ("",)])
    assert counts.names.tolist() == ["a", "b"]
    assert counts.counts.tolist() == [2, 1]
    assert counts.counts.dtype == np.int64
    assert len(counts) == 2
    assert len(Counts.of([])) == 0


def test_counts_are_plain_arrays_that_numpy_stores(tmp_path: Path) -> None:
    counts = Counts.of([("[3*]O[3*]", "c1ccccc1"), ("CCO",)])
    np.savez(tmp_path / "counts.npz", names=counts.names, counts=counts.counts)
    with np.load(tmp_path / "counts.npz", allow_pickle=False) as file:
        again = Counts(file["names"], file["counts"])
    assert cosine_similarity(counts, again) == pytest.approx(1.0, abs=1e-12)


def test_cosine_by_hand() -> None:
    first = Counts.of([("a", "a", "b")])  # (2, 1, 0)
    second = Counts.of([("a", "c", "c")])  # (1, 0, 2)
    assert cosine_similarity(first, second) == pytest.approx(2 / 5, abs=1e-12)
    assert cosine_similarity(first, first) == pytest.approx(1.0, abs=1e-12)
    assert cosine_similarity(first, Counts.of([("z",)])) == 0.0


def test_cosine_with_nothing_on_one_side_is_undefined() -> None:
    some, none = Counts.of([("a",)]), Counts.of([("",)])
    for first, second in ((some, none), (none, some), (none, none)):
        assert math.isnan(cosine_similarity(first, second))
    assert math.isnan(CountFeatures([("a",)], none).value())
    assert math.isnan(CountFeatures([("",), ()], some).value())
    assert math.isnan(CountFeatures([], some).value())
    # Resampled rows that hold no scaffold are no better.
    assert math.isnan(CountFeatures([("a",), ("",)], some).value(np.array([1, 1])))


def test_count_features_resample_like_counting_again() -> None:
    from scipy.spatial.distance import cosine

    rng = np.random.default_rng(0)
    lists = [
        tuple(f"f{k}" for k in rng.integers(0, 12, rng.integers(0, 5))) or ("",) for _ in range(50)
    ]
    reference = Counts.of([[f"f{k}" for k in rng.integers(5, 20, 100)]])
    features = CountFeatures(lists, reference)
    for rows in (np.arange(50), rng.integers(0, 50, 50), rng.integers(0, 50, 7)):
        drawn = Counter(name for row in rows for name in lists[row] if name)
        names = sorted(set(drawn) | set(reference.names.tolist()))
        there = dict(zip(reference.names.tolist(), reference.counts.tolist(), strict=True))
        expected = 1 - cosine([drawn[x] for x in names], [there.get(x, 0) for x in names])
        assert features.value(rows) == pytest.approx(expected, abs=1e-12)
        again = cosine_similarity(Counts.of([lists[row] for row in rows]), reference)
        assert again == pytest.approx(expected, abs=1e-12)
    assert features.value() == pytest.approx(features.value(np.arange(50)), abs=1e-12)


def test_wasserstein_by_hand() -> None:
    assert wasserstein(np.array([1.0, 2.0]), np.array([4.0, 3.0])) == pytest.approx(2.0)  # a shift
    assert wasserstein(np.array([0.0]), np.array([0.0, 1.0, 2.0])) == pytest.approx(1.0)
    assert wasserstein(np.array([3.0, 3.0]), np.array([3.0])) == 0.0
    assert math.isnan(wasserstein(np.array([]), np.array([1.0])))
    assert math.isnan(wasserstein(np.array([1.0]), np.array([])))


def test_wasserstein_equals_scipy() -> None:
    from scipy.stats import wasserstein_distance

    rng = np.random.default_rng(0)
    for n, m in ((1, 5), (200, 300), (300, 17)):
        first, second = rng.normal(size=n), rng.normal(0.4, 2.0, size=m).round(1)  # with ties
        expected = wasserstein_distance(first, second)
        assert wasserstein(first, second) == pytest.approx(expected, abs=1e-12)
        assert wasserstein(second, first) == pytest.approx(expected, abs=1e-12)


def test_internal_diversity_is_the_programs_not_the_papers() -> None:
    mols = [mol(text) for text in ("CCO", "CCN", "c1ccccc1O", "Cc1ccccc1", "C1CC1C")]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    prints = [generator.GetFingerprint(one) for one in mols]
    pairs = np.array([DataStructs.BulkTanimotoSimilarity(one, prints) for one in prints])
    bits = morgan_bits(mols)
    first = internal_diversity(mean_similarities(bits))
    second = internal_diversity(mean_similarities(bits, 2), 2)
    assert first == pytest.approx(1 - pairs.mean(), abs=1e-12)
    assert second == pytest.approx(1 - np.sqrt((pairs**2).mean(axis=1)).mean(), abs=1e-12)
    assert second > 1 - math.sqrt((pairs**2).mean())  # the paper's formula
    assert math.isnan(internal_diversity(np.array([])))


def test_doubled_row_bootstrap_is_the_error_of_internal_diversity() -> None:
    # The docstring's claim, against redrawing both sides of each pair.
    rng = np.random.default_rng(0)
    bits = np.packbits(rng.random((60, 1024)) < rng.uniform(0.02, 0.3, (60, 1)), axis=1)
    means = mean_similarities(bits)
    both, rows_only = [], []
    for _ in range(300):
        rows = rng.integers(0, 60, 60)
        both.append(internal_diversity(mean_similarities(bits[rows])))
        rows_only.append(internal_diversity(means[rows]))
    assert 2 * np.std(rows_only) == pytest.approx(np.std(both), rel=0.15)


def test_snn_by_hand() -> None:
    # Methane sets one bit, ethane's only bit is another: of the three, ammonia is in the reference.
    sample, reference = ([mol(x) for x in s] for s in (("N", "C", "O"), ("N", "CC")))
    similarity, _ = nearest(morgan_bits(sample), morgan_bits(reference))
    assert snn(similarity) == pytest.approx(1 / 3, abs=1e-12)
    assert math.isnan(snn(np.array([])))


def test_unique_at_is_of_the_first_ones() -> None:
    assert unique_at(["a", "b", "a", "c"], 3) == pytest.approx(2 / 3)
    assert math.isnan(unique_at(["a", "b"], 3))


def test_novelty_is_a_share_of_the_distinct_ones() -> None:
    training = HashedIdentities.from_smiles(["CCO", "C"])
    assert novelty(["CCO", "CCO", "CCO", "N"], training) == pytest.approx(1 / 2)
    assert math.isnan(novelty([], training))


def test_halves_of_the_moses_test_set_are_alike(shared_data: Path) -> None:
    with gzip.open(shared_data / "moses_test.csv.gz", "rt") as file:
        smiles = [line.strip() for line in islice(file, 1, 176_000, 150)]
    mols = [mol(text) for text in smiles]
    fragments = [brics_fragments(one) for one in mols]
    scaffolds = [ring_scaffold(one) for one in mols]
    half = len(mols) // 2
    frag = CountFeatures(fragments[:half], Counts.of(fragments[half:])).value()
    scaf = CountFeatures([(x,) for x in scaffolds[:half]], Counts.of([scaffolds[half:]])).value()
    assert frag > 0.98
    assert 0 < scaf < frag  # few molecules mostly have scaffolds of their own
    assert 0.5 < np.mean([bool(x) for x in scaffolds]) < 0.95
