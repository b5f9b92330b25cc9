"""The table for the terminal, for Markdown and for spreadsheets."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

from molgan.metrics.reporting.catalogue import METRICS, in_order, metric
from molgan.metrics.reporting.layout import (
    NOT_SAID,
    Cell,
    columns,
    figure_of,
    gaps,
    groups,
    legend,
    names,
    notes,
)

if TYPE_CHECKING:
    from molgan.metrics.reporting.report import Comparison

TIDY = ("library", "group", "metric", "value", "error", "n", "direction", "missing")
_LONGEST_NAME = 24  # characters of a column heading in the terminal
_PROSE = 100  # characters in a line below the table
_FEW = 5  # example lines of a kind in the terminal
_MARK = "* best of the libraries compared."


def as_text(comparison: Comparison, width: int | None = None) -> str:
    """Return what `Comparison.to_text` describes."""
    body = groups(comparison)
    heads = [_shortened(name) for name in names(comparison)]
    labels = [row.label for _, rows in body for row in rows]
    first = max((len(label) for label in labels), default=0) + 2
    texts = [
        _aligned([row.cells[i] for _, rows in body for row in rows]) for i in range(len(heads))
    ]
    widths = [
        max([len(head), *map(len, column)]) for head, column in zip(heads, texts, strict=True)
    ]
    blocks = []
    for block in _blocks(widths, None if width is None else width - first):
        lines = [" " * first + _joined([heads[i] for i in block], [widths[i] for i in block])]
        index = 0
        for group, rows in body:
            lines.append(group)
            for row in rows:
                cells = _joined([texts[i][index] for i in block], [widths[i] for i in block])
                lines.append(f"  {row.label:<{first - 2}}{cells}")
                index += 1
        blocks.append("\n".join(line.rstrip() for line in lines))
    signs = legend(comparison) if body else ["Nothing was measured."]
    if any(cell.best for _, rows in body for row in rows for cell in row.cells):
        signs.insert(1, _MARK)
    parts = [*(blocks if body else []), "\n".join(signs)]
    for title, found in (
        ("What was done", notes(comparison)),
        ("Not computed (-)", gaps(comparison)),
        ("Examples", _examples(comparison)),
    ):
        parts += _listed(title, found, _PROSE if width is None else max(40, min(_PROSE, width)))
    return "\n\n".join(parts)


def as_markdown(comparison: Comparison) -> str:
    """Return what `Comparison.to_markdown` describes: best figures in bold type."""
    heads = [_markdown(name) for name in names(comparison)]
    lines = [f"| | {' | '.join(heads)} |", f"|:--|{'--:|' * len(heads)}"]
    body = groups(comparison)
    for group, rows in body:
        lines.append(f"| **{_markdown(group)}** |{' |' * len(heads)}")
        for row in rows:
            cells = [_marked(cell) for cell in row.cells]
            lines.append(f"| {_markdown(row.label)} | {' | '.join(cells)} |")
    signs = legend(comparison)
    if any(cell.best for _, rows in body for row in rows for cell in row.cells):
        signs.insert(1, "**Bold**: best of the libraries compared.")
    parts = ["\n".join(lines), " ".join(signs).replace("[ ]", r"\[ \]")]
    for title, entries in (("What was done", notes), ("Not computed (-)", gaps)):
        if found := entries(comparison):
            parts.append("\n".join([f"{title}:", "", *(f"- {_markdown(line)}" for line in found)]))
    return "\n\n".join(parts) + "\n"


def write_tidy(comparison: Comparison, file: IO[str]) -> None:
    """Write the figures as CSV, one row each, at full precision.

    Columns are those of `TIDY`. `n` is the number of molecules drawn, `direction` is up, down or
    empty, `missing` says why there is no value. The reference's figures follow under its name.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(TIDY)
    reports = columns(comparison)
    shared = [key for report in reports for key in report.figures]
    shared += [key for report in reports for key in report.missing if key in METRICS]
    for name, report in zip(names(comparison), reports, strict=True):
        n = figure_of(report, "n")
        for key in in_order([*shared, *report.missing]):
            item = metric(key)
            value: float | None = figure_of(report, key)
            reason = "" if value is not None else report.why_missing(key) or NOT_SAID
            if value is None and (report is comparison.reference or item.detail):
                continue
            writer.writerow(
                [
                    name,
                    item.group,
                    key,
                    "" if value is None else _exact(value),
                    "" if (error := figure_error(report.errors, key)) is None else _exact(error),
                    "" if n is None else int(n),
                    item.better,
                    reason,
                ]
            )


def figure_error(errors: dict[str, float], key: str) -> float | None:
    """Return a standard error, or None where there is none or it is no number."""
    error = errors.get(key)
    return None if error is None or error != error else float(error)


def _exact(value: float) -> str:
    """The shortest text that reads as the same number; whole ones without a point."""
    return str(int(value)) if value.is_integer() else repr(value)


def _marked(cell: Cell) -> str:
    """One cell of Markdown."""
    value = f"**{cell.value}**" if cell.best else cell.value
    error = f" ± {cell.error}" if cell.error else ""
    return value + error + (f" \\[{cell.ceiling}\\]" if cell.ceiling else "")


def _aligned(cells: Sequence[Cell]) -> list[str]:
    """Return the cells of a column as text: values to the right, then mark, error and ceiling."""
    mark = any(cell.best for cell in cells)
    values = [cell.value for cell in cells]
    tails = [
        ("*" if cell.best else " " * mark)
        + (f" ± {cell.error}" if cell.error else "")
        + (f" [{cell.ceiling}]" if cell.ceiling else "")
        for cell in cells
    ]
    widths = [max(map(len, part), default=0) for part in (values, tails)]
    return [
        f"{value:>{widths[0]}}{tail:<{widths[1]}}"
        for value, tail in zip(values, tails, strict=True)
    ]


def _joined(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"  {text:>{width}}" for text, width in zip(texts, widths, strict=True))


def _blocks(widths: Sequence[int], room: int | None) -> Iterator[list[int]]:
    """Yield the columns that fit beside each other, at least one at a time."""
    block: list[int] = []
    used = 0
    for index, width in enumerate(widths):
        if block and room is not None and used + width + 2 > room:
            yield block
            block, used = [], 0
        block.append(index)
        used += width + 2
    yield block


def _listed(title: str, lines: Sequence[str], width: int) -> list[str]:
    wrapped = [
        textwrap.fill(
            line, width, initial_indent="  ", subsequent_indent="    ", break_long_words=False
        )
        for line in lines
    ]
    return ["\n".join([f"{title}:", *wrapped])] if lines else []


def _examples(comparison: Comparison) -> list[str]:
    lines = []
    for name, report in zip(names(comparison), columns(comparison), strict=True):
        for kind, examples in report.examples.items():
            more = f"; and {len(examples) - _FEW:,} more" if len(examples) > _FEW else ""
            shown = "; ".join(_printable(example) for example in examples[:_FEW])
            place = f"{name}, " if len(comparison.reports) > 1 else ""
            lines.append(f"{place}{kind}: {shown}{more}")
    return lines


def _printable(text: str) -> str:
    """Without control characters, which would reach the terminal, and not endless."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= 100 else text[:99] + "…"


def _shortened(name: str) -> str:
    """The end of a path says more than its beginning."""
    return name if len(name) <= _LONGEST_NAME else "…" + name[1 - _LONGEST_NAME :]


def _markdown(text: str) -> str:
    """Escape what Markdown, or HTML inside of it, would read as markup."""
    escaped = "".join(f"\\{c}" if c in r"\`*_[]|~#$" else c for c in " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
