from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from molgan.metrics import HashedIdentities, memorisation


def test_exact_copies_by_hand() -> None:
    training = HashedIdentities.from_smiles(["CCO", "CCN", "C"])
    found = memorisation.exact_copies(["CCO", "CCO", "CCC", "C", "CCF"], training)
    assert found == {
        "memorisation/copies": 3,
        "memorisation/distinct_copies": 2,
        "memorisation/copied": pytest.approx(3 / 5),
        "memorisation/distinct_copied": pytest.approx(2 / 4),
    }


def test_no_molecules_no_shares() -> None:
    found = memorisation.exact_copies([], HashedIdentities.from_smiles(["C"]))
    assert found == {"memorisation/copies": 0, "memorisation/distinct_copies": 0}


def test_auc_by_hand_with_ties() -> None:
    # Pairs (0.5 | 0.3, 0.5) -> 1 + 1/2, (0.2 | ...) -> 0, (1.0 | ...) -> 2: 3.5 of 6.
    assert memorisation.auc([0.5, 0.2, 1.0], [0.3, 0.5]) == pytest.approx(3.5 / 6)


def test_auc_is_mann_whitney() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 30, 500) / 30, rng.integers(5, 35, 700) / 35
    expected = stats.mannwhitneyu(a, b).statistic / (500 * 700)
    assert memorisation.auc(a, b) == pytest.approx(expected, abs=1e-12)
    assert memorisation.auc(b, a) == pytest.approx(1 - expected, abs=1e-12)


def test_auc_error_is_the_true_spread() -> None:
    rng = np.random.default_rng(0)
    pairs = [(rng.binomial(12, 0.6, 80) / 12, rng.binomial(12, 0.5, 120) / 12) for _ in range(400)]
    true = np.std([memorisation.auc(a, b) for a, b in pairs], ddof=1)
    found = np.mean([memorisation.auc_error(a, b) for a, b in pairs])
    assert found == pytest.approx(true, rel=0.08)
    assert math.isnan(memorisation.auc_error([0.5], [0.5, 0.6]))


def test_like_held_out_is_a_half_and_memorised_is_one() -> None:
    test = np.random.default_rng(0).beta(5, 4, 1000)
    same = memorisation.memorisation_figures(test, test)
    assert same["memorisation/auc"] == pytest.approx(0.5)
    assert same["memorisation/nearer"] == pytest.approx(0.5)
    copied = memorisation.memorisation_figures(np.ones(50), test)
    assert copied["memorisation/auc"] == copied["memorisation/nearer"] == 1
    assert copied["memorisation/auc_error"] == pytest.approx(0, abs=1e-12)
    assert copied["memorisation/nearest_generated"] == 1
    assert copied["memorisation/nearest_test"] == pytest.approx(test.mean())
    far = memorisation.memorisation_figures(np.zeros(50), test)
    assert far["memorisation/auc"] == 0


def test_all_alike_is_a_half() -> None:
    figures = memorisation.memorisation_figures([0.4, 0.4], [0.4, 0.4, 0.4])
    assert figures["memorisation/auc"] == figures["memorisation/nearer"] == 0.5


def test_empty_sets_and_missing_values() -> None:
    assert memorisation.memorisation_figures([], [0.5]) == {}
    assert memorisation.memorisation_figures([0.5], [math.nan]) == {}
    assert math.isnan(memorisation.auc([], [1.0]))
    assert memorisation.auc([math.nan, 1.0], [0.0]) == 1
