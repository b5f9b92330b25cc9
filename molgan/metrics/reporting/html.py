"""The page of a comparison: one self-contained file, for screen and paper."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from numbers import Integral
from typing import TYPE_CHECKING, Any

from molgan.metrics.reporting.layout import (
    Cell,
    columns,
    figure_of,
    gaps,
    groups,
    legend,
    names,
    notes,
)
from molgan.metrics.reporting.page import as_page, drawing, plot
from molgan.metrics.reporting.plots import colour, histograms, size_validity
from molgan.metrics.reporting.rounding import percent

if TYPE_CHECKING:
    from molgan.metrics.reporting.report import Comparison, Report

_FIRST = 18  # molecules drawn of each library
_PAIRS = 8  # pairs with the nearest training molecule
_ROWS = 12  # rows of each further table
_LINES = 50  # example lines of a kind
_CELL, _SMALL = (170, 130), (140, 105)  # pixels of a picture

Named = tuple[str, int, "Report"]  # name, place, report


def as_html(comparison: Comparison, title: str | None = None) -> str:
    """Return the page that `Comparison.to_html` writes.

    Sections without content are left out.

    Args:
        comparison: What to show.
        title: Heading of the page, any text; None names the libraries.
    """
    if title is None:
        title = "Measured: " + ", ".join(names(comparison)[: len(comparison.reports)])
    reports = [
        (name, place, report)
        for place, (name, report) in enumerate(
            zip(names(comparison), columns(comparison), strict=True)
        )
    ]
    libraries = reports[: len(comparison.reports)]
    reference = reports[-1] if comparison.reference is not None else None
    sections = [
        ("Figures", _summary(comparison)),
        ("What was done", _list(notes(comparison))),
        ("Not computed", _list(gaps(comparison))),
        ("Lines that count as invalid and other examples", _each(libraries, _examples)),
        ("Properties", _properties(libraries, reference)),
        ("Validity by size", _validity(libraries)),
        ("First valid molecules", _each(libraries, _molecules)),
        ("Nearest training molecules", _each(libraries, _pairs)),
        ("Most frequent", _each(reports, _tables)),
        ("What the figures mean", _glossary(comparison)),
    ]
    return as_page(title, sections)


def _summary(comparison: Comparison) -> str:
    body = groups(comparison)
    if not body:
        return "<p>Nothing was measured.</p>"
    count = len(comparison.reports)
    heads = "".join(
        f'<th scope="col">{_swatch(place) if place < count else ""}{escape(name)}</th>'
        for place, name in enumerate(names(comparison))
    )
    lines = [f'<table class="figures"><thead><tr><td></td>{heads}</tr></thead>']
    for group, rows in body:
        span = len(columns(comparison)) + 1
        head = f'<th class="group" scope="rowgroup" colspan="{span}">{escape(group)}</th>'
        lines.append(f"<tbody><tr>{head}</tr>")
        for row in rows:
            cells = "".join(map(_figure, row.cells))
            about = escape(row.metric.about)
            lines.append(
                f'<tr><th scope="row" title="{about}">{escape(row.label)}</th>{cells}</tr>'
            )
        lines.append("</tbody>")
    signs = legend(comparison)
    if any(cell.best for _, rows in body for row in rows for cell in row.cells):
        signs.insert(1, "Bold with a mark (*): best of the libraries compared.")
    if gaps(comparison):
        signs.append("- is explained under “Not computed”.")
    caption = escape(" ".join(signs))
    return "\n".join([*lines, "</table>", f'<p class="caption">{caption}</p>'])


def _figure(cell: Cell) -> str:
    value = f"<b>{escape(cell.value)}</b>*" if cell.best else escape(cell.value)
    error = f' <span class="error">± {escape(cell.error)}</span>' if cell.error else ""
    ceiling = f' <span class="error">[{escape(cell.ceiling)}]</span>' if cell.ceiling else ""
    return f"<td>{value}{error}{ceiling}</td>"


def _properties(libraries: Sequence[Named], reference: Named | None) -> str:
    figure = histograms(
        [(name, report.properties) for name, _, report in libraries],
        None if reference is None else (reference[0], reference[2].properties),
    )
    if figure is None:
        return ""
    grey = ""
    if reference is not None and reference[2].properties:
        grey = f" The grey area is the reference, {reference[0]}."
    return plot(
        figure,
        "Histograms of the properties of the valid molecules",
        "Share of the valid molecules of each library in each bin, repeats included."
        f"{grey} Values beyond the axis count in the outermost bins.",
    )


def _validity(libraries: Sequence[Named]) -> str:
    figure = size_validity([(name, report.size_validity) for name, _, report in libraries])
    if figure is None:
        return ""
    return plot(
        figure,
        "Share of valid molecules by number of heavy atoms",
        "Share of valid ones among the molecules drawn of each size; whiskers are 95 % intervals, "
        "long where few were drawn.",
    )


def _each(reports: Iterable[Named], section: Callable[[Report], str]) -> str:
    """Return the section of every library that has one, under its name."""
    parts = [
        f"<h3>{_swatch(place)}{escape(name)}</h3>\n{content}"
        for name, place, report in reports
        if (content := section(report))
    ]
    return "\n".join(parts)


def _examples(report: Report) -> str:
    parts = []
    for kind, lines in report.examples.items():
        shown = "\n".join(escape(line) for line in lines[:_LINES])
        more = f"\n… and {len(lines) - _LINES:,} more" if len(lines) > _LINES else ""
        if lines:
            parts.append(f"<h4>{escape(kind)} ({len(lines):,})</h4>\n<pre>{shown}{more}</pre>")
    return "\n".join(parts)


def _molecules(report: Report) -> str:
    cards = [_card(smiles, escape(smiles)) for smiles in report.smiles[:_FIRST]]
    return f'<div class="grid">{"".join(cards)}</div>' if cards else ""


def _pairs(report: Report) -> str:
    cards = [
        '<figure class="pair">'
        f"{drawing(generated, _SMALL)}{drawing(training, _SMALL)}"
        f"<figcaption>{similarity:.2f}{', a copy' if generated == training else ''}</figcaption>"
        "</figure>"
        for generated, training, similarity in report.nearest[:_PAIRS]
    ]
    if not cards:
        return ""
    caption = (
        "Left generated, right the nearest training molecule; below, their Tanimoto similarity."
    )
    return f'<div class="grid">{"".join(cards)}</div><p class="caption">{caption}</p>'


def _tables(report: Report) -> str:
    parts = []
    for name, rows in report.tables.items():
        rows = rows[:_ROWS]
        if not rows:
            continue
        total = figure_of(report, "n_valid")
        cards = [_card(str(row[0]), _numbers(row[1:], total), _SMALL) for row in rows]
        parts.append(f"<h4>{escape(name.replace('_', ' '))}</h4>")
        parts.append(f'<div class="grid">{"".join(cards)}</div>')
    return "\n".join(parts)


def _numbers(values: Sequence[Any], total: float | None) -> str:
    """Return what stands below a picture: the count with its share of the valid ones, the rest."""
    texts = [f"{value:,.4g}" if isinstance(value, float) else _whole(value) for value in values]
    if texts and total and isinstance(values[0], Integral):
        texts[0] += f" ({percent(int(values[0]) / total)} %)"
    return escape("; ".join(texts))


def _whole(value: Any) -> str:
    return f"{value:,}" if isinstance(value, Integral) else str(value)


def _glossary(comparison: Comparison) -> str:
    lines = []
    for group, rows in groups(comparison):
        entries = [row.metric for row in rows if row.metric.about]
        if entries:
            lines.append(f"<h4>{escape(group)}</h4><dl>")
            for item in entries:
                source = f" <cite>{escape(item.source)}</cite>" if item.source else ""
                lines.append(f"<dt>{escape(item.label)}</dt><dd>{escape(item.about)}.{source}</dd>")
            lines.append("</dl>")
    return "\n".join(lines)


def _list(lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _card(smiles: str, caption: str, cell: tuple[int, int] = _CELL) -> str:
    """A molecule with an escaped caption, its SMILES shown where the pointer rests."""
    return (
        f'<figure class="molecule" title="{escape(smiles)}">{drawing(smiles, cell)}'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _swatch(place: int) -> str:
    return f'<span class="swatch" style="background:{colour(place)}"></span>'
