"""How good predictions are: the figures of regression and of classification."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Figure(NamedTuple):
    """What a figure is called, and which way is better: "up" or "down"."""

    label: str
    better: str
    about: str


FIGURES = {
    "r2": Figure("R²", "up", "1 minus squared errors over squared deviations from the mean"),
    "rmse": Figure("RMSE", "down", "root of the mean squared error, in units of the target"),
    "mae": Figure("MAE", "down", "mean absolute error, in units of the target"),
    "spearman": Figure("Spearman", "up", "rank correlation"),
    "roc_auc": Figure("ROC-AUC", "up", "chance that a positive ranks above a negative"),
    "pr_auc": Figure("PR-AUC", "up", "average precision; by chance the share of positives"),
    "balanced_accuracy": Figure("balanced accuracy", "up", "mean recall of both classes at 0.5"),
    "brier": Figure("Brier", "down", "mean squared error of the probability"),
}


def regression_figures(measured: Array, predicted: Array) -> dict[str, float]:
    """R2, RMSE, MAE and Spearman's rank correlation; NaN where one is not defined.

    Args:
        measured: (n,) values, at least one.
        predicted: (n,) predictions.
    """
    from scipy.stats import spearmanr

    errors = predicted - measured
    deviations = float(((measured - measured.mean()) ** 2).sum())
    varied = np.ptp(measured) > 0 and np.ptp(predicted) > 0
    return {
        "r2": 1 - float((errors**2).sum()) / deviations if deviations > 0 else float("nan"),
        "rmse": float(np.sqrt((errors**2).mean())),
        "mae": float(np.abs(errors).mean()),
        "spearman": float(spearmanr(measured, predicted).statistic) if varied else float("nan"),
    }


def classification_figures(measured: Array, predicted: Array) -> dict[str, float]:
    """ROC-AUC, PR-AUC, balanced accuracy at 0.5 and Brier score; NaN where one is not defined.

    Args:
        measured: (n,) 0 or 1, at least one.
        predicted: (n,) probabilities of 1.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    positive = measured > 0.5
    both = 0 < positive.sum() < len(positive)
    called = predicted >= 0.5
    nan = float("nan")
    recalls = (called[positive].mean(), (~called[~positive]).mean()) if both else (nan, nan)
    return {
        "roc_auc": float(roc_auc_score(positive, predicted)) if both else nan,
        "pr_auc": float(average_precision_score(positive, predicted)) if both else nan,
        "balanced_accuracy": float(np.mean(recalls)),
        "brier": float(((predicted - measured) ** 2).mean()),
    }


def figures_of(task: str) -> Callable[[Array, Array], dict[str, float]]:
    """The figures that go with a task, "regression" or "classification"."""
    return classification_figures if task == "classification" else regression_figures


def standard_errors(task: str, measured: Array, predicted: Array, seed: int) -> dict[str, float]:
    """Bootstrap standard errors of the figures, over the molecules."""
    from molgan.metrics.uncertainty import bootstrap_errors

    compute = figures_of(task)
    names = list(compute(measured, predicted))

    def statistic(rows: npt.NDArray[np.int64]) -> list[float]:
        return list(compute(measured[rows], predicted[rows]).values())

    errors = bootstrap_errors(statistic, len(measured), seed=seed)
    return {name: float(error) for name, error in zip(names, errors, strict=True)}
