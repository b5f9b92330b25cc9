"""The curves of a training run as small multiples: losses, figures of the samples, rewards.

A metrics file holds one JSON object a line with flat keys: `molecules_seen` (the x axis), `phase`
(shaded spans), `loss/<name>`, `eval/<figure>`, `reward/<name>`. Every key but the first may be
missing anywhere.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from molgan.errors import DataError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

X = "molecules_seen"
_MAX_SPANS = 12  # more changes of phase than this would be a barcode: they are not drawn
_SMOOTH_ABOVE = 200  # points of a curve above which a running mean is drawn over it
_COLOURS = ("#1b6ca8", "#d1495b", "#3a8f5c", "#8d6ab8", "#c98a1b", "#4f5d6b")
_SHARES = {
    "eval/valid": "valid",
    "eval/unique": "unique",
    "eval/unique_at_1k": "unique@1k",
    "eval/novel": "novel",
    "eval/copied": "copies of training molecules",
}
# Panels of a single figure of the samples, in this order, where there is one.
_SINGLES = {
    "eval/fcd": "FCD",
    "eval/scaffolds": "distinct Murcko scaffolds",
    "eval/int_div": "internal diversity",
}
_REWARDS = ("reward/", "eval/reward", "eval/qed")  # what lies in [0, 1]
_PROPERTIES = {"eval/logp": "mean logP", "eval/sa": "mean SA score"}


@dataclass(frozen=True)
class Panel:
    """One small picture: a title and its curves.

    Attributes:
        title: Above the panel.
        curves: Label -> key in the metrics file.
        share: Whether the values are shares, 0 to 1, shown in percent.
    """

    title: str
    curves: dict[str, str]
    share: bool = False


def read_metrics(path: str | Path) -> list[dict[str, Any]]:
    """Read a metrics file; rows are in the order of `molecules_seen`.

    A line that is no JSON object (cut off by a kill) is left out. Where a resumed run has gone back
    and written a stretch again, the later rows stand.

    Raises:
        DataError: If the file cannot be read.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"cannot read the metrics file {path}: {error.strerror}") from error
    rows: list[dict[str, Any]] = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if not (isinstance(row, dict) and isinstance(row.get(X), int | float)):
            continue
        if rows and rows[-1][X] > row[X]:
            while rows and rows[-1][X] >= row[X]:
                rows.pop()
        rows.append(row)
    return rows


def panels(rows: Sequence[dict[str, Any]]) -> list[Panel]:
    """Return what there is to draw, in order: losses, shares, single figures, rewards.

    A loss that was recorded only once, as in a phase of a moment, is no curve and left out.
    """
    count = Counter(key for row in rows for key in row if _is_number(row[key]))
    keys = list(count)
    losses = [key for key in keys if key.startswith("loss/") and count[key] > 1]
    found = [
        Panel(key.removeprefix("loss/").replace("_", " ") + " loss", {"": key}) for key in losses
    ]
    shares = {label: key for key, label in _SHARES.items() if key in keys}
    if shares:
        found.append(Panel("samples", shares, share=True))
    found += [Panel(title, {"": key}) for key, title in _SINGLES.items() if key in keys]
    rewards = {key.partition("/")[2]: key for key in keys if key.startswith(_REWARDS)}
    if rewards:
        found.append(Panel("rewards, 0 to 1", rewards))
    return found + [Panel(title, {"": key}) for key, title in _PROPERTIES.items() if key in keys]


def phase_spans(rows: Sequence[dict[str, Any]]) -> list[tuple[float, float, str]]:
    """Return (start, end, phase) of each stretch of equal `phase`, in molecules seen.

    A row without a phase continues the one before; a stretch without extent is left out.
    """
    changes: list[tuple[float, str]] = []
    for row in rows:
        phase = row.get("phase")
        if isinstance(phase, str) and (not changes or changes[-1][1] != phase):
            changes.append((float(row[X]), phase))
    if not changes:
        return []
    starts = [start for start, _ in changes]
    ends = [*starts[1:], float(rows[-1][X])]
    spans = zip(changes, ends, strict=True)
    return [(start, end, phase) for (start, phase), end in spans if end > start]


def draw_curves(rows: Sequence[dict[str, Any]], n_cols: int = 3) -> Figure:
    """Draw all panels on one figure, without pyplot and its global state.

    Args:
        rows: As `read_metrics` gives them.
        n_cols: Panels in a row, at least 1.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = panels(rows)
    columns = max(1, min(n_cols, len(shown)))
    lines = max(1, -(-len(shown) // columns))
    figure = Figure(figsize=(4.2 * columns, 2.7 * lines + 0.3), layout="constrained")
    FigureCanvasAgg(figure)
    if not shown:
        figure.text(0.5, 0.5, "no figures recorded yet", ha="center", va="center", color="#555555")
        return figure
    spans = phase_spans(rows)
    grid = figure.subplots(lines, columns, sharex=True, squeeze=False)
    for index, axes in enumerate(grid.flat):
        if index >= len(shown):
            axes.set_visible(False)
            continue
        _draw_panel(axes, shown[index], rows)
        _draw_phases(axes, spans, labelled=index < columns)
        if index + columns >= len(shown):
            axes.set_xlabel("molecules seen")
            axes.tick_params(labelbottom=True)
    return figure


def _draw_panel(axes: Axes, panel: Panel, rows: Sequence[dict[str, Any]]) -> None:
    from matplotlib.ticker import EngFormatter, PercentFormatter

    for number, (label, key) in enumerate(panel.curves.items()):
        x, y = _series(rows, key)
        colour = _COLOURS[number % len(_COLOURS)]
        if len(x) > _SMOOTH_ABOVE:
            axes.plot(x, y, color=colour, alpha=0.25, linewidth=0.6)
            x, y = _running_mean(x, y)
        marker = "o" if len(x) <= 30 else None
        axes.plot(x, y, color=colour, linewidth=1.4, marker=marker, markersize=3, label=label)
    if len(panel.curves) > 1 or "" not in panel.curves:
        axes.legend(fontsize=8, frameon=False, ncols=2)
    if panel.share:
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_title(panel.title, fontsize=10, loc="left")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.tick_params(labelsize=8)
    axes.margins(x=0.01)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_phases(axes: Axes, spans: Sequence[tuple[float, float, str]], *, labelled: bool) -> None:
    if not 1 < len(spans) <= _MAX_SPANS:
        return
    for number, (start, end, phase) in enumerate(spans):
        if number % 2:
            axes.axvspan(start, end, color="#000000", alpha=0.05, linewidth=0)
        if labelled:
            axes.text(
                start,
                0.99,
                phase,
                transform=axes.get_xaxis_transform(),
                fontsize=7,
                color="#555555",
                va="top",
                rotation=90,
                zorder=1,  # behind the curves
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0},
            )


def _series(rows: Sequence[dict[str, Any]], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (x, y) of the rows that have a finite number under `key`."""
    points = [(row[X], row[key]) for row in rows if _is_number(row.get(key))]
    table = np.array(points, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _running_mean(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means over 100 consecutive stretches of a curve."""
    edges = np.linspace(0, len(x), 101).astype(int)
    pieces = [slice(start, end) for start, end in pairwise(edges) if end > start]
    return (
        np.array([x[piece].mean() for piece in pieces]),
        np.array([y[piece].mean() for piece in pieces]),
    )
