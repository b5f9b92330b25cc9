from __future__ import annotations

import math

import numpy as np
import pytest

from molgan.metrics import uncertainty


def test_bootstrap_error_of_a_mean_is_std_over_root_n() -> None:
    values = np.random.default_rng(0).exponential(size=400)
    found = uncertainty.bootstrap_error(lambda rows: values[rows].mean(), 400, resamples=2000)
    assert found == pytest.approx(uncertainty.mean_error(values), rel=0.05)


def test_bootstrap_error_of_a_median() -> None:
    # For normal data the median's error is sqrt(pi / 2) times the mean's.
    values = np.random.default_rng(1).normal(size=2001)
    found = uncertainty.bootstrap_error(lambda rows: np.median(values[rows]), 2001, resamples=500)
    assert found == pytest.approx(math.sqrt(math.pi / 2 / 2001), rel=0.2)


def test_bootstrap_hangs_on_the_seed() -> None:
    def mean(rows: np.ndarray) -> float:
        return float(rows.mean())

    first, again, other = (uncertainty.bootstrap_error(mean, 50, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_several_statistics_at_once_see_the_same_rows() -> None:
    values = np.random.default_rng(0).normal(size=(60, 2))
    both = uncertainty.bootstrap_errors(lambda rows: values[rows].mean(axis=0), 60)
    single = [
        uncertainty.bootstrap_error(lambda rows, c=column: values[rows, c].mean(), 60)
        for column in (0, 1)
    ]
    assert both.tolist() == pytest.approx(single, abs=1e-15)


def test_bootstrap_where_the_statistic_is_not_defined() -> None:
    assert math.isnan(uncertainty.bootstrap_error(lambda rows: 1.0, 0))
    assert math.isnan(uncertainty.bootstrap_error(lambda rows: 1.0, 1))
    assert math.isnan(uncertainty.bootstrap_error(lambda rows: math.nan, 9))

    # Undefined on the few resamples without row 0; the others still tell.
    def mostly(rows: np.ndarray) -> float:
        return float(rows.mean()) if (rows < 3).any() else math.nan

    assert uncertainty.bootstrap_error(mostly, 10) == pytest.approx(math.sqrt(8.25 / 10), rel=0.2)
    some = uncertainty.bootstrap_errors(lambda rows: [rows.mean(), math.nan], 10)
    assert np.isnan(some).tolist() == [False, True]


@pytest.mark.parametrize("k", [3, 40, 117])
def test_share_error_is_the_bootstraps(k: int) -> None:
    hits = np.arange(120) < k
    found = uncertainty.bootstrap_error(lambda rows: hits[rows].mean(), 120, resamples=4000)
    assert uncertainty.share_error(k, 120) == pytest.approx(found, rel=0.05)
    assert uncertainty.share_error(k, 120) == pytest.approx(np.std(hits) / math.sqrt(120))


def test_share_error_at_the_ends() -> None:
    assert uncertainty.share_error(0, 10) == uncertainty.share_error(10, 10) == 0
    assert math.isnan(uncertainty.share_error(0, 0))


def test_share_interval_is_scipys() -> None:
    from scipy.stats import binomtest

    z = 1.959963984540054
    for k, n in ((0, 20), (3, 20), (20, 20), (9_990, 10_000)):
        expected = binomtest(k, n).proportion_ci(0.95, method="wilson")
        found = uncertainty.share_interval(k, n, z=z)
        assert found == pytest.approx((expected.low, expected.high), abs=1e-9)
        assert 0 <= found[0] <= k / n <= found[1] <= 1
    assert uncertainty.share_interval(10_000, 10_000) == (pytest.approx(0.9996, abs=2e-5), 1.0)
    assert all(map(math.isnan, uncertainty.share_interval(0, 0)))


def test_mean_error_by_hand() -> None:
    # Deviations -1, 0, 1: variance 1 over n - 1.
    assert uncertainty.mean_error([1, 2, 3, math.nan]) == pytest.approx(1 / math.sqrt(3))
    assert math.isnan(uncertainty.mean_error([1]))


def test_mean_error_is_the_delete_one_jackknife() -> None:
    values = np.random.default_rng(0).normal(size=30)
    left_out = np.array([np.delete(values, i).mean() for i in range(30)])
    jackknife = math.sqrt(29 / 30 * ((left_out - left_out.mean()) ** 2).sum())
    assert uncertainty.mean_error(values) == pytest.approx(jackknife, abs=1e-12)


def test_pair_mean_error_is_the_true_spread() -> None:
    rng = np.random.default_rng(0)
    samples = rng.exponential(size=(400, 50))
    matrices = np.minimum(samples[:, :, None], samples[:, None, :])
    found = [uncertainty.pair_mean_error(matrix.mean(axis=1)) for matrix in matrices]
    assert np.mean(found) == pytest.approx(matrices.mean(axis=(1, 2)).std(ddof=1), rel=0.1)


def test_distinct_error_by_hand() -> None:
    # f1 = 5, f2 = 2, f3 = 1 in 12 draws: 5 - 2 + 1 - 25 / 12; smoothing changes the third digit.
    counts = [1, 1, 1, 1, 1, 2, 2, 3, 0]
    expected = math.sqrt(5 - 2 + 1 - 25 / 12)
    assert uncertainty.distinct_error(counts, 12) == pytest.approx(expected, abs=1e-3)


def test_few_repeats_have_the_error_of_a_poisson_count() -> None:
    # 9 pairs among 10,000 draws, else distinct: the number of repeats is 9 ± 3.
    counts = np.repeat([1, 2], [9_982, 9])
    assert uncertainty.distinct_error(counts, 10_000) == pytest.approx(3, abs=0.01)


def test_distinct_error_of_extremes() -> None:
    assert uncertainty.distinct_error([1] * 10, 10) == 0
    assert uncertainty.distinct_error([10_000], 10_000) == 0
    assert uncertainty.distinct_error([], 10) == 0
    assert math.isnan(uncertainty.distinct_error([], 0))


def zipf(kinds: int, power: float) -> np.ndarray:
    weights = np.arange(1, kinds + 1.0) ** -power
    return weights / weights.sum()


SOURCES = {
    "many equal kinds": (np.full(50_000, 1 / 50_000), 5_000),
    "as many draws as kinds": (np.full(3_000, 1 / 3_000), 3_000),
    "few common and many rare": (zipf(30_000, 1.0), 5_000),
    "half collapsed": (np.append(np.full(20, 0.5 / 20), np.full(20_000, 0.5 / 20_000)), 4_000),
}


@pytest.mark.parametrize(("chances", "n"), SOURCES.values(), ids=SOURCES)
def test_distinct_and_novelty_errors_are_the_true_spread(chances: np.ndarray, n: int) -> None:
    rng = np.random.default_rng(0)
    novel = np.random.default_rng(1).random(len(chances)) < 0.3
    samples = [rng.multinomial(n, chances) for _ in range(400)]
    distinct = np.array([np.count_nonzero(counts) for counts in samples])
    novelty = np.array([np.mean(novel[counts > 0]) for counts in samples])
    new = np.array([np.count_nonzero(novel & (counts > 0)) for counts in samples])
    # 400 samples know the spread to 3.5 %; the formulas are that of a Poisson approximation.
    for true, found in (
        (distinct, [uncertainty.distinct_error(c, n) for c in samples[:100]]),
        (new, [uncertainty.distinct_error(c[novel], n) for c in samples[:100]]),
        (novelty, [uncertainty.novelty_error(c, novel, n) for c in samples[:100]]),
    ):
        assert np.mean(found) == pytest.approx(true.std(ddof=1), rel=0.12)


def test_the_bootstrap_would_be_wrong_for_uniqueness() -> None:
    # Why there is distinct_error: 9 pairs in 2,000 draws are 9 ± 3 repeats, but the bootstrap
    # mostly counts the repeats it makes itself.
    molecules = np.append(np.arange(1_991), np.arange(9))
    found = uncertainty.bootstrap_error(lambda rows: len(np.unique(molecules[rows])), 2_000)
    assert found > 4 * uncertainty.distinct_error(np.bincount(molecules), 2_000)


def test_novelty_error_without_repeats_is_binomial() -> None:
    novel = np.arange(200) < 50
    found = uncertainty.novelty_error(np.ones(200), novel, 200)
    assert found == pytest.approx(uncertainty.share_error(50, 200), rel=1e-5)
    assert uncertainty.novelty_error([3, 1], [True, True], 4) == 0
    assert math.isnan(uncertainty.novelty_error([], [], 5))
