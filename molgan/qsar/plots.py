"""Plots of a study's test molecules: parity or ROC, calibration, error against similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from molgan.metrics.reporting.plots import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from molgan.qsar.evaluation import HeldOut

Array = npt.NDArray[np.float64]

_POINTS = 2000  # more only blacken a scatter plot
_BINS = 10
_LEAST_IN_BIN = 5
_INSIDE, _OUTSIDE, _LINE = COLOURS[0], COLOURS[1], "#8a929a"


def parity(part: HeldOut, label: str, title: str) -> Figure:
    """Predicted against measured, with the molecules outside the domain in another colour."""
    figure, axes = _canvas()
    rng = np.random.default_rng(0)
    shown = rng.permutation(len(part.measured))[:_POINTS]
    ends = np.array([part.measured, part.mean])
    low, high = ends.min(), ends.max()
    axes.plot([low, high], [low, high], color=_LINE, linewidth=1, zorder=1)
    for inside, colour, name in (
        (True, _INSIDE, "inside the domain"),
        (False, _OUTSIDE, "outside"),
    ):
        chosen = shown[part.in_domain[shown] == inside]
        if len(chosen):
            x, y = part.measured[chosen], part.mean[chosen]
            axes.errorbar(
                x, y, yerr=part.std[chosen], fmt="none", ecolor=colour, elinewidth=0.6, alpha=0.15
            )
            count = int((part.in_domain == inside).sum())
            axes.scatter(x, y, s=5, color=colour, alpha=0.7, label=f"{name} ({count:,})")
    _named(axes, f"measured {label}", "predicted", title)
    axes.legend(fontsize=8, frameon=False)
    return figure


def roc(part: HeldOut, title: str) -> Figure:
    """ROC and precision-recall curves side by side."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    figure, (left, right) = _canvas(panels=2)
    positive = part.measured > 0.5
    if 0 < positive.sum() < len(positive):
        false, true, _ = roc_curve(positive, part.mean)
        left.plot(false, true, color=_INSIDE)
        precision, recall, _ = precision_recall_curve(positive, part.mean)
        right.step(recall, precision, where="post", color=_INSIDE)
    left.plot([0, 1], [0, 1], color=_LINE, linewidth=1)
    right.axhline(float(positive.mean()), color=_LINE, linewidth=1)
    for axes in (left, right):
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)
    _named(left, "false positive rate", "true positive rate", title)
    _named(right, "recall", "precision", "")
    return figure


def calibration(part: HeldOut, label: str) -> Figure | None:
    """Root mean square error against the predicted one, in bins of the latter; None for a few."""
    bins = _quantile_bins(part.std)
    if len(bins) < 2:
        return None
    errors = part.mean - part.measured
    predicted = [float(np.sqrt((part.std[rows] ** 2).mean())) for rows in bins]
    found = [float(np.sqrt((errors[rows] ** 2).mean())) for rows in bins]
    figure, axes = _canvas()
    high = 1.05 * max(*predicted, *found)
    axes.plot([0, high], [0, high], color=_LINE, linewidth=1)
    axes.plot(predicted, found, "o-", color=_INSIDE, markersize=4)
    axes.set_xlim(0, high)
    axes.set_ylim(0, high)
    _named(axes, f"predicted standard deviation, {label}", "RMSE found", "")
    return figure


def reliability(part: HeldOut) -> Figure | None:
    """Share of positives against the predicted probability, in bins; None for a few."""
    bins = _quantile_bins(part.mean)
    if len(bins) < 2:
        return None
    figure, axes = _canvas()
    axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1)
    axes.plot(
        [part.mean[rows].mean() for rows in bins],
        [part.measured[rows].mean() for rows in bins],
        "o-",
        color=_INSIDE,
        markersize=4,
    )
    _named(axes, "predicted probability", "share of positives found", "")
    return figure


def similarity(part: HeldOut, threshold: float, classify: bool) -> Figure | None:
    """Error against the similarity to the nearest training molecule; None for a few."""
    bins = _quantile_bins(part.similarity)
    if len(bins) < 2:
        return None
    squares = (part.mean - part.measured) ** 2
    figure, axes = _canvas()
    axes.plot(
        [part.similarity[rows].mean() for rows in bins],
        [np.sqrt(squares[rows].mean()) for rows in bins],
        "o-",
        color=_INSIDE,
        markersize=4,
    )
    axes.axvline(threshold, color=_OUTSIDE, linewidth=1, label="threshold of the domain")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, frameon=False)
    error = "root of the Brier score" if classify else "RMSE"
    _named(axes, "Tanimoto similarity to the nearest training molecule", error, "")
    return figure


def as_png(figure: Figure) -> bytes:
    """A figure as PNG, 200 dots per inch."""
    import io

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200, facecolor="white")
    return buffer.getvalue()


def _quantile_bins(values: Array) -> list[npt.NDArray[np.int64]]:
    """Places of the molecules in bins of equal size along `values`, of equal values one bin."""
    count = min(_BINS, len(values) // _LEAST_IN_BIN)
    if count < 2 or np.ptp(values) == 0:
        return []
    edges = np.unique(np.quantile(values, np.linspace(0, 1, count + 1)))
    which = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    found = [np.flatnonzero(which == i) for i in range(len(edges) - 1)]
    return [rows for rows in found if len(rows)]


def _canvas(panels: int = 1) -> tuple[Figure, Any]:
    """A figure without pyplot and its global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * panels, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, panels)
    for one in np.ravel(axes):
        one.tick_params(labelsize=8)
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _named(axes: Axes, x: str, y: str, title: str) -> None:
    # A $ in a user's column name starts no mathematics.
    axes.set_xlabel(x.replace("$", r"\$"), fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.set_title(title.replace("$", r"\$"), fontsize=10, loc="left")
