"""Plots of several libraries: property histograms against the reference, validity by size.

Colours are those of Okabe and Ito (2008), told apart by people with any colour vision. From the
fifth library on lines are broken, for prints without colour.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from molgan.chem.scores import SCORES
from molgan.metrics.reporting.catalogue import PROPERTIES
from molgan.metrics.summaries import shared_histogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Without their yellow, which is faint on white.
COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#000000",
    "#7f5539",
)
_STYLES: tuple[Any, ...] = ("-", (0, (4, 1.2)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)))
_REFERENCE = "#b8bec4"
_LEGEND_WIDTH = 125  # characters beside each other in the legend
_Z = 1.96  # of the 95 % interval


def colour(index: int) -> str:
    """Return the colour of a library by its place; after eight they come again."""
    return COLOURS[index % len(COLOURS)]


def style(index: int) -> Any:
    """Return the line style of a library by its place; four in a row have the same."""
    return _STYLES[index // 4 % len(_STYLES)]


def histograms(
    libraries: Sequence[tuple[str, Mapping[str, npt.NDArray[Any]]]],
    reference: tuple[str, Mapping[str, npt.NDArray[Any]]] | None = None,
    *,
    n_cols: int = 3,
) -> Figure | None:
    """Draw a histogram for each property that a library has, the reference as a grey area.

    All are shares of their own set, so that sets of different size compare. Whole-numbered
    properties have a bin for each number. Values beyond the axis count in the outer bins; see
    `shared_histogram`. None where there is nothing to draw.

    Args:
        libraries: (name, property -> (M,) values), NaN left out.
        reference: The same of the reference.
        n_cols: Panels in a row, at least 1.
    """
    found = list(dict.fromkeys(key for _, values in libraries for key in values))
    known = [key for key in PROPERTIES if key in found]
    order = known + [key for key in found if key not in known]
    order = [key for key in order if any(_has(values, key) for _, values in libraries)]
    if not order:
        return None
    labels = [_plain(name) for name, _ in (*libraries, *([reference] if reference else []))]
    columns = max(1, min(4, _LEGEND_WIDTH // (max(map(len, labels)) + 8)))
    rows = -(-len(labels) // columns)
    figure, grid = _canvas(len(order), n_cols, height=2.3, legend_rows=rows)
    for axes, key in zip(grid, order, strict=False):
        _histogram(axes, key, libraries, reference)
    handles: dict[str, Any] = {}
    for axes in grid[: len(order)]:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside upper left",
        ncols=columns,
        fontsize=9,
        frameon=False,
    )
    return figure


def size_validity(
    libraries: Sequence[tuple[str, Mapping[int, tuple[int, int]]]], *, n_cols: int = 2
) -> Figure | None:
    """Draw the share of valid molecules by number of atoms, one panel for each library.

    Whiskers are the 95 % interval of Wilson (1927), long where few were drawn. None where there is
    nothing to draw.

    Args:
        libraries: (name, number of heavy atoms -> (drawn, valid)).
        n_cols: Panels in a row, at least 1.
    """
    places = [i for i, (_, sizes) in enumerate(libraries) if any(d for d, _ in sizes.values())]
    if not places:
        return None
    figure, grid = _canvas(len(places), n_cols, height=2.1, legend_rows=0, width=9.6)
    every = [size for i in places for size, (drawn, _) in libraries[i][1].items() if drawn]
    for axes, place in zip(grid, places, strict=False):
        name, sizes = libraries[place]
        _size_bars(axes, sizes, colour(place))
        axes.set_title(_plain(name), fontsize=10, loc="left")
        axes.set_xlim(min(every) - 0.7, max(every) + 0.7)
    return figure


def wilson(valid: int, drawn: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, 0 to 1 (Wilson 1927, J. Am. Stat. Assoc. 22, 209).

    Args:
        valid: Number of successes.
        drawn: Number of trials, at least 1.
    """
    share = valid / drawn
    centre = share + _Z**2 / (2 * drawn)
    half = _Z * math.sqrt(share * (1 - share) / drawn + _Z**2 / (4 * drawn**2))
    # Rounding must not carry the ends past the share itself, which the whiskers start from.
    low = min(share, (centre - half) / (1 + _Z**2 / drawn))
    high = max(share, (centre + half) / (1 + _Z**2 / drawn))
    return max(0.0, low), min(1.0, high)


def as_svg(figure: Figure) -> bytes:
    """Return a figure as SVG, the same bytes for the same figure; text stays text."""
    import matplotlib

    buffer = io.BytesIO()
    settings: Any = {"svg.hashsalt": "molgan", "svg.fonttype": "none"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # The viewer's fonts may have what matplotlib's own lack.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure.savefig(buffer, format="svg", facecolor="white", metadata={"Date": None})
    return buffer.getvalue()


def _canvas(
    panels: int, n_cols: int, *, height: float, legend_rows: int, width: float = 9.6
) -> tuple[Figure, list[Axes]]:
    """Return a figure without pyplot and its global state, and its axes, unused ones hidden."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = max(1, min(n_cols, panels))
    rows = -(-panels // columns)
    # One panel is not blown up to the whole width of the page.
    size = (width * max(columns, 1.4) / max(n_cols, columns), height * rows + 0.25 * legend_rows)
    figure = Figure(figsize=(min(width, size[0]), size[1]), layout="constrained")
    FigureCanvasAgg(figure)
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in grid[panels:]:
        axes.set_visible(False)
    for axes in grid:
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, grid


def _histogram(
    axes: Axes,
    key: str,
    libraries: Sequence[tuple[str, Mapping[str, npt.NDArray[Any]]]],
    reference: tuple[str, Mapping[str, npt.NDArray[Any]]] | None,
) -> None:
    found = [(name, values[key]) for name, values in libraries if _has(values, key)]
    places = [place for place, (_, values) in enumerate(libraries) if _has(values, key)]
    sets = dict(zip(map(str, places), (values for _, values in found), strict=True))
    if reference is not None and _has(reference[1], key):
        sets["reference"] = reference[1][key]
    shared = shared_histogram(sets)
    if reference is not None and "reference" in sets:
        axes.stairs(
            shared.shares["reference"],
            shared.edges,
            fill=True,
            color=_REFERENCE,
            alpha=0.6,
            label=_plain(reference[0]),
        )
    for place, (name, _) in zip(places, found, strict=True):
        axes.stairs(
            shared.shares[str(place)],
            shared.edges,
            color=colour(place),
            linestyle=style(place),
            linewidth=1.3,
            label=_plain(name),
        )
    label = PROPERTIES.get(key) or (SCORES[key].label if key in SCORES else key)
    axes.set_xlabel(_plain(label), fontsize=9)
    axes.set_xlim(shared.edges[0], shared.edges[-1])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
    axes.locator_params(axis="y", nbins=4)


def _size_bars(axes: Axes, sizes: Mapping[int, tuple[int, int]], shade: str) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    drawn = [size for size in sorted(sizes) if sizes[size][0]]
    shares = np.array([sizes[size][1] / sizes[size][0] for size in drawn])
    bounds = np.array([wilson(sizes[size][1], sizes[size][0]) for size in drawn])
    whiskers = np.stack([shares - bounds[:, 0], bounds[:, 1] - shares])
    axes.bar(drawn, shares, color=shade, alpha=0.55, width=0.8)
    axes.errorbar(drawn, shares, yerr=whiskers, fmt="none", ecolor="#333333", elinewidth=0.9)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("heavy atoms", fontsize=9)
    axes.set_ylabel("valid", fontsize=9)


def _has(values: Mapping[str, npt.NDArray[Any]], key: str) -> bool:
    return key in values and bool(np.isfinite(np.asarray(values[key], dtype=np.float64)).any())


def _plain(name: str) -> str:
    """A name as it is written: a $ starts no mathematics, a leading _ hides no legend entry."""
    name = name if len(name) <= 32 else "…" + name[-31:]
    return ("\N{THIN SPACE}" if name.startswith("_") else "") + name.replace("$", r"\$")
