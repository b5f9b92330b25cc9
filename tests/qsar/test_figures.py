from __future__ import annotations

import math

import numpy as np
import pytest

from molgan.qsar.figures import (
    FIGURES,
    classification_figures,
    regression_figures,
    standard_errors,
)


def test_regression_by_hand():
    found = regression_figures(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    assert found == {
        "r2": pytest.approx(0.0),
        "rmse": pytest.approx(math.sqrt(2 / 3)),
        "mae": pytest.approx(2 / 3),
        "spearman": pytest.approx(0.5),
    }


def test_the_mean_as_prediction_has_no_rank_and_r2_of_zero():
    found = regression_figures(np.array([1.0, 3.0]), np.array([2.0, 2.0]))
    assert found["r2"] == 0
    assert math.isnan(found["spearman"])


def test_classification_by_hand():
    found = classification_figures(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.8, 0.7, 0.9]))
    assert found["roc_auc"] == pytest.approx(3 / 4)
    assert found["pr_auc"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["brier"] == pytest.approx((0.01 + 0.64 + 0.09 + 0.01) / 4)


def test_one_class_alone_is_not_defined():
    found = classification_figures(np.ones(3), np.array([0.2, 0.9, 0.8]))
    assert math.isnan(found["roc_auc"])
    assert math.isnan(found["balanced_accuracy"])


def test_standard_errors_shrink_with_the_number_of_molecules():
    rng = np.random.default_rng(0)
    measured = rng.normal(size=4000)
    predicted = measured + 0.5 * rng.normal(size=4000)
    small = standard_errors("regression", measured[:100], predicted[:100], 0)
    large = standard_errors("regression", measured, predicted, 0)
    # RMSE of n normal errors has the standard error sigma / sqrt(2 n).
    assert large["rmse"] == pytest.approx(0.5 / math.sqrt(8000), rel=0.2)
    assert small["rmse"] > 3 * large["rmse"]


def test_every_figure_has_a_name():
    some = np.array([0.0, 1.0])
    keys = {*regression_figures(some, some), *classification_figures(some, some)}
    assert keys == set(FIGURES)
