from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from rdkit import DataStructs

from molgan.errors import ConfigError
from molgan.library import picking
from molgan.library.picking import (
    butina,
    butina_clusters,
    cap_per_scaffold,
    maxmin,
    pareto_front,
    sphere_exclusion,
)


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    return int(np.bitwise_count(a & b).sum()) / int(np.bitwise_count(a | b).sum())


@pytest.fixture(scope="module")
def bits() -> np.ndarray:
    """Four families of 15 relatives each; 0.35 apart within, almost nothing between."""
    rng = np.random.default_rng(7)
    families = rng.random((4, 1, 1024)) < 0.06
    changed = rng.random((4, 15, 1024)) < 0.01
    return np.packbits((families ^ changed).reshape(60, 1024), axis=1)


def test_maxmin_is_the_greedy_choice(bits: np.ndarray) -> None:
    picked = maxmin(bits, 12, seed=3).tolist()
    assert len(set(picked)) == 12
    for position in range(1, 12):
        before = picked[:position]
        distance = [1 - max(similarity(row, bits[one]) for one in before) for row in bits]
        assert distance[picked[position]] == pytest.approx(max(distance))


def test_maxmin_finds_every_family_and_repeats_itself(bits: np.ndarray) -> None:
    assert sorted(row // 15 for row in maxmin(bits, 4, seed=0)) == [0, 1, 2, 3]
    assert maxmin(bits, 9, seed=1).tolist() == maxmin(bits, 20, seed=1)[:9].tolist()
    assert len({tuple(maxmin(bits, 3, seed=seed)) for seed in range(5)}) > 1


def test_maxmin_goes_on_from_what_is_picked(bits: np.ndarray) -> None:
    picked = maxmin(bits, 4, first=[20, 0, 20]).tolist()
    assert picked[:2] == [20, 0]
    assert sorted(row // 15 for row in picked) == [0, 1, 2, 3]
    assert maxmin(bits, 2, first=[1, 2, 3]).tolist() == [1, 2]


def test_more_than_there_are_is_all_of_them(bits: np.ndarray) -> None:
    assert sorted(maxmin(bits, 100)) == list(range(60))
    assert maxmin(bits, 0).tolist() == []
    assert maxmin(bits[:0], 5).tolist() == []


def test_spheres_exclude_and_cover(bits: np.ndarray) -> None:
    picked = sphere_exclusion(bits, 0.6, seed=2)
    assert all(similarity(bits[a], bits[b]) < 0.6 for a, b in combinations(picked, 2))
    assert all(max(similarity(row, bits[one]) for one in picked) >= 0.6 for row in bits)
    assert sphere_exclusion(bits, 0.6, n=2, seed=2).tolist() == picked[:2].tolist()


def test_spheres_ask_in_the_order_given(bits: np.ndarray) -> None:
    picked = sphere_exclusion(bits, 0.2, order=[31, 30, 2, 1, 0, 59])
    assert picked.tolist() == [31, 2, 59]


def test_a_similarity_at_the_threshold_counts_as_covered() -> None:
    rows = np.array([[0b11110000], [0b11000000]], dtype=np.uint8).repeat(8, axis=1)
    assert len(sphere_exclusion(rows, 0.5)) == 1
    assert len(sphere_exclusion(rows, 0.51)) == 2
    assert len(butina(rows, 0.5)) == 1
    assert len(butina(rows, 0.51)) == 2


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6, 0.75, 1.0])
def test_butina_clusters_as_rdkit_does(bits: np.ndarray, threshold: float) -> None:
    from rdkit.ML.Cluster import Butina

    vectors = [DataStructs.CreateFromBinaryText(row.tobytes()) for row in bits]
    distances = [
        1 - DataStructs.TanimotoSimilarity(vectors[i], vectors[j])
        for i in range(60)
        for j in range(i)
    ]
    theirs = Butina.ClusterData(distances, 60, 1 - threshold + 1e-12, isDistData=True)
    ours = butina_clusters(bits, threshold)
    assert sorted(row for cluster in ours for row in cluster) == list(range(60))
    # Which of two equally large neighbourhoods comes first is free; the sizes are not.
    assert [len(cluster) for cluster in ours] == sorted(map(len, theirs), reverse=True)
    for cluster in ours:
        assert all(similarity(bits[cluster[0]], bits[row]) >= threshold for row in cluster)
    assert butina(bits, threshold).tolist() == [cluster[0] for cluster in ours]


def test_butina_refuses_what_would_not_fit(
    bits: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picking, "NEIGHBOUR_LIMIT", 500)
    with pytest.raises(ConfigError, match="raise the threshold"):
        butina(bits, 0.1)
    monkeypatch.setattr(picking, "BUTINA_LIMIT", 59)
    with pytest.raises(ConfigError, match="at most 59 molecules, not 60"):
        butina(bits, 0.5)


def test_a_cap_keeps_the_first_of_each_scaffold() -> None:
    kept = cap_per_scaffold(["a", "b", "a", "", "a", ""], [4, 0, 1, 2, 5, 3], 2)
    assert kept.tolist() == [4, 0, 1, 5, 3]
    with pytest.raises(ConfigError, match="1 or more"):
        cap_per_scaffold(["a"], [0], 0)


def test_the_front_holds_all_that_nothing_beats() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 12, (400, 3)).astype(float)
    scores[5] = scores[17]
    scores[30, 1] = np.nan
    scores[31, 0] = np.inf
    directions = ["max", "min", "max"]
    signed = scores * [1, -1, 1]
    beaten = [
        bool(((signed >= row).all(axis=1) & (signed > row).any(axis=1)).any()) for row in signed
    ]
    expected = [row for row in range(400) if not beaten[row] and row != 30]
    assert pareto_front(scores, directions).tolist() == expected
    assert 31 in expected


def test_equal_rows_are_all_on_the_front() -> None:
    assert pareto_front([[1.0, 2.0], [1.0, 2.0], [0.0, 1.0]], ["max", "max"]).tolist() == [0, 1]
    assert pareto_front(np.empty((0, 2)), ["max", "min"]).tolist() == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda bits: sphere_exclusion(bits, 1.5), "between 0 and 1"),
        (lambda bits: maxmin(bits, -1), "n must be 0 or more"),
        (lambda bits: pareto_front([[1.0]], ["up"]), "max or min, not 'up'"),
        (lambda bits: pareto_front([[1.0]], ["max", "min"]), "one direction for each"),
    ],
)
def test_settings_that_cannot_work_are_named(bits, call, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=message):
        call(bits)
