"""Molecules in a grid, and a library as its grid and a table that can be sorted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from molgan.metrics.reporting.page import as_page, image
from molgan.views.view import View, framed

if TYPE_CHECKING:
    from molgan.library import Library

SHOWN = 12
"""Molecules of the grid that a notebook shows of a library."""

ROWS = 60
"""Rows of the table below it; the notebook's file has to hold their pictures."""

_LEGEND = ("reward", "qed", "sa", "logp")  # what goes under a picture where nothing is asked for
_CELL = (190, 160)


def molecules(
    smiles: Sequence[str] | str,
    legends: Sequence[str] | None = None,
    *,
    n_cols: int = 6,
    cell: tuple[int, int] = _CELL,
) -> View:
    """One molecule or several, drawn at one scale.

    Args:
        smiles: What to draw, row by row; one SMILES draws one molecule, larger.
        legends: A line of text below each.
        n_cols: Molecules in a row.
        cell: Width and height of a molecule with its legend, in pixels.

    Raises:
        ChemistryError: If RDKit cannot read one of the SMILES.
        ValueError: If there are not as many legends as molecules.
    """
    from molgan.library.pictures import grid_png, grid_svg

    texts = [smiles] if isinstance(smiles, str) else list(smiles)
    lines = None if legends is None else list(legends)
    # Drawn at once, so that what cannot be drawn is said here and not when it is to be shown.
    svg = grid_svg(texts, lines, n_cols, cell=cell)
    title = texts[0] if isinstance(smiles, str) else f"{len(texts):,} molecules"
    return View(
        title,
        "",
        lambda: svg,
        lambda: grid_png(texts, lines, n_cols, cell=(cell[0] * 2, cell[1] * 2)),
    )


def library_view(
    library: Library, legend: Sequence[str] | None = None, *, n: int = SHOWN, rows: int = ROWS
) -> View:
    """A library's first molecules as a grid, and a table that a click on a heading sorts.

    Args:
        library: Molecules.
        legend: Score columns below each picture; None takes up to two of reward, qed, sa, logp.
        n: Molecules of the grid; 0 leaves it out.
        rows: Rows of the table; 0 leaves it out.

    Raises:
        ChemistryError: If RDKit cannot read one of the SMILES.
        DataError: If there is no such column.
    """
    from molgan.metrics.reporting.sortable import SCRIPT, TABLE_STYLE

    grid = library_grid(library, legend, n=n)
    table = _table(library, rows)
    picture = image(grid.make_svg(), grid.caption) if n and len(library) else ""
    return View(
        title_of(library),
        f"The first {min(n, len(library)):,} of the grid are drawn at one scale, in the order of "
        f"the table; it shows {min(rows, len(library)):,} of {len(library):,} rows.",
        grid.make_svg,
        grid.make_png,
        body=picture + table,
        style=TABLE_STYLE,
        script=SCRIPT,
        height=760,
    )


def library_grid(library: Library, legend: Sequence[str] | None = None, *, n: int = SHOWN) -> View:
    """The first n molecules with their names and scores, as SVG or PNG."""
    legend = default_legend(library) if legend is None else list(legend)
    lines = library.legends(legend, n, names=True)
    view = molecules(library.smiles[:n], lines)
    caption = f"The first {min(n, len(library)):,} of {len(library):,} molecules."
    return View(title_of(library), caption, view.make_svg, view.make_png)


def default_legend(library: Library) -> list[str]:
    """Up to two of the scores that are most asked for."""
    return [name for name in _LEGEND if name in library.frame.columns][:2]


def title_of(library: Library) -> str:
    """What a library is called where it has no name."""
    return f"Library of {len(library):,} molecules"


def notebook_html(library: Library) -> str:
    """What a notebook shows of a library: counts, the grid as a picture, the table in a frame."""
    from molgan.errors import ChemistryError
    from molgan.metrics.reporting.sortable import SCRIPT, TABLE_STYLE

    head = f"<p>{escape(repr(library))}</p>"
    if not len(library):
        return head
    try:
        grid = library_grid(library)
        picture = image(grid.make_svg(), grid.caption)
    except ChemistryError as error:  # a library read from a file may hold anything
        picture = f"<p>{escape(str(error))}</p>"
    page = as_page("", [("", _table(library, ROWS))], style=TABLE_STYLE + _BARE, script=SCRIPT)
    shown = min(ROWS, len(library))
    return (
        f"{head}{picture}<details><summary>Table of the first {shown:,}; a click on a heading "
        f"sorts</summary>{framed(page, 460)}</details>"
    )


def _table(library: Library, rows: int) -> str:
    from molgan.metrics.reporting.sortable import sortable_table

    frame = library.frame.head(rows)
    if not len(frame):
        return ""
    columns = [name for name in map(str, frame.columns) if name != "smiles"]
    numbers = {str(name) for name in frame.columns if frame[name].dtype.kind in "biuf"}
    names = list(map(str, frame.columns))
    cells = [
        dict(zip(names, map(_text, row), strict=True))
        for row in frame.itertuples(index=False, name=None)
    ]
    return sortable_table(cells, columns, numbers, (120, 90))


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


_BARE = "h1:empty, h2:empty { display: none; } body { padding: 0; } h1, h2 { margin: 0; }\n"
