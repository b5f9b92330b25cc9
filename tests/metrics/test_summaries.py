from __future__ import annotations

import math

import numpy as np
import pytest

from molgan.errors import DataError
from molgan.metrics import summaries


def test_validity_by_size_by_hand() -> None:
    found = summaries.validity_by_size(
        [3, 9, 3, 0, 9, 3, -1], [True, False, False, False, False, True, True]
    )
    assert found.sizes.tolist() == [3, 9]
    assert found.drawn.tolist() == [3, 2]
    assert found.valid.tolist() == [2, 0]
    assert found.share.tolist() == pytest.approx([2 / 3, 0])


def test_validity_by_size_of_nothing_and_of_a_mismatch() -> None:
    assert summaries.validity_by_size([], []).share.tolist() == []
    with pytest.raises(DataError, match="2 sizes for 1 graphs"):
        summaries.validity_by_size([1, 2], [True])


def test_summary_by_hand() -> None:
    found = summaries.summarise([4, 1, math.nan, 2, 3, math.inf, 10])
    assert (found.n, found.missing) == (5, 2)
    assert found.mean == pytest.approx(4)
    assert found.std == pytest.approx(math.sqrt((0 + 9 + 4 + 1 + 36) / 4))
    assert (found.minimum, found.quartile_1, found.median) == (1, 2, 3)
    assert (found.quartile_3, found.maximum) == (4, 10)


def test_summary_of_one_and_of_none() -> None:
    one = summaries.summarise([2.5])
    assert one.mean == one.median == one.maximum == 2.5
    assert math.isnan(one.std)
    none = summaries.summarise([math.nan])
    assert (none.n, none.missing) == (0, 1)
    assert math.isnan(none.mean)
    assert math.isnan(none.maximum)


def test_whole_numbers_get_a_bin_each() -> None:
    found = summaries.shared_histogram({"a": [1, 1, 3], "b": [2.0, 4.0]})
    assert found.edges.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert found.shares["a"].tolist() == pytest.approx([2 / 3, 0, 1 / 3, 0])
    assert found.shares["b"].tolist() == [0, 0.5, 0, 0.5]


def test_bins_reach_over_all_libraries() -> None:
    rng = np.random.default_rng(0)
    sets = {"reference": rng.normal(0, 1, 5000), "sample": rng.normal(6, 1, 300)}
    found = summaries.shared_histogram(sets, bins=25)
    assert len(found.edges) == 26
    assert found.edges[0] == pytest.approx(np.percentile(sets["reference"], 0.1))
    assert found.edges[-1] == pytest.approx(np.percentile(sets["sample"], 99.9))
    for name, values in sets.items():
        inside = np.histogram(values, bins=found.edges)[0] / len(values)
        np.testing.assert_allclose(found.shares[name][1:-1], inside[1:-1])
        assert found.shares[name].sum() == pytest.approx(1)


def test_an_outlier_does_not_squeeze_the_bins_and_is_counted() -> None:
    values = np.append(np.linspace(0, 1, 9_999), 1e6)
    found = summaries.shared_histogram({"a": values}, bins=10)
    assert found.edges[-1] < 1.01
    assert found.shares["a"].sum() == pytest.approx(1)
    # 10 of 10,000 below the 0.1th percentile, 10 above the 99.9th.
    assert found.clipped["a"] == pytest.approx(0.002)


@pytest.mark.parametrize("values", [[2.5, 2.5, 2.5], [7.0], [0.3]])
def test_constant_values(values: list[float]) -> None:
    found = summaries.shared_histogram({"a": values})
    assert found.shares["a"].tolist() == [1]
    assert found.edges[0] < values[0] < found.edges[1]


def test_libraries_without_values() -> None:
    found = summaries.shared_histogram({"a": [], "b": [math.nan], "c": [1.0]})
    assert found.shares["a"].tolist() == found.shares["b"].tolist() == [0]
    assert found.shares["c"].tolist() == [1]
    assert summaries.shared_histogram({}).shares == {}
    assert summaries.shared_histogram({"a": []}).shares["a"].tolist() == [0]
