"""The table behind all formats: rows in groups, cells as text, best ones found, gaps explained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from molgan.metrics.reporting.catalogue import GROUPS, METRICS, PREFIXES, Metric, in_order, metric
from molgan.metrics.reporting.rounding import percent, rounded

if TYPE_CHECKING:
    from molgan.metrics.reporting.report import Comparison, Report

# One group of the table holds two protocols; each can be missing by itself.
_GROUP_NAMES = {**PREFIXES, **{group.lower(): group for group in GROUPS}} | {
    "gdss": "GDSS",
    "digress": "DiGress",
}
NOT_SAID = "not computed for this library"


@dataclass(frozen=True)
class Cell:
    """One figure as text.

    Attributes:
        value: Rounded; `-` where it is missing, empty where a reference has none.
        error: Standard error to the same decimals, or empty.
        ceiling: What draws from the training set would give, or empty.
        best: Whether no other library is better.
    """

    value: str
    error: str = ""
    ceiling: str = ""
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One metric and its cells, in the order of `columns`."""

    metric: Metric
    cells: tuple[Cell, ...]

    @property
    def label(self) -> str:
        """The label with unit and arrow, such as `valid (strict), % ↑`."""
        unit = ", %" if self.metric.form == "share" else ""
        return f"{self.metric.label}{unit} {self.metric.arrow}".rstrip()


def columns(comparison: Comparison) -> list[Report]:
    """Return the libraries and, last, the reference if there is one."""
    return [*comparison.reports, *([comparison.reference] if comparison.reference else [])]


def names(comparison: Comparison) -> list[str]:
    """Return one name for each column: printable, and distinct by a number where two are alike."""
    seen: dict[str, int] = {}
    found = []
    for report in columns(comparison):
        name = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in report.name)
        name = " ".join(name.split()) or "(no name)"
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def groups(comparison: Comparison) -> list[tuple[str, list[Row]]]:
    """Return (group, rows) in order; without what stands beside others and what nobody has."""
    reports = columns(comparison)
    keys = [key for report in reports for key in report.figures]
    keys += [key for report in comparison.reports for key in report.missing if key in METRICS]
    rows = [_row(key, comparison) for key in in_order(keys) if not metric(key).detail]
    found = [(group, [row for row in rows if row.metric.group == group]) for group in GROUPS]
    return [(group, members) for group, members in found if members]


def gaps(comparison: Comparison) -> list[str]:
    """Return a sentence for each reason for which something is missing, naming what and where."""
    shown = [row.metric.key for _, rows in groups(comparison) for row in rows]
    found: dict[tuple[str, str], list[str]] = {}  # (labels, reason) -> libraries
    for name, report in zip(names(comparison), comparison.reports, strict=False):
        by_reason: dict[str, list[str]] = {}
        for key in in_order(report.missing):
            by_reason.setdefault(report.missing[key], []).append(_title(key))
        for key in shown:
            if figure_of(report, key) is None and not report.why_missing(key):
                by_reason.setdefault(NOT_SAID, []).append(_title(key))
        for reason, labels in by_reason.items():
            found.setdefault(("; ".join(labels), reason), []).append(name)
    several = len(comparison.reports) > 1
    lines = []
    for (titles, reason), where in found.items():
        place = "all libraries" if len(where) == len(comparison.reports) else ", ".join(where)
        sentence = f"{titles}: {reason.rstrip('.')}"
        lines.append(f"{place}: {sentence}" if several else sentence)
    return lines


def legend(comparison: Comparison) -> list[str]:
    """Return sentences on the signs that the table really holds, without the one for the best."""
    cells = [cell for _, rows in groups(comparison) for row in rows for cell in row.cells]
    lines = []
    if any(row.metric.better for _, rows in groups(comparison) for row in rows):
        lines.append("↑ higher is better, ↓ lower is better.")
    if any(cell.error for cell in cells):
        lines.append("± one standard error.")
    if any(cell.ceiling for cell in cells):
        lines.append(
            "[ ] what as many draws with replacement from the training molecules would give."
        )
    sizes = {int(n) for r in comparison.reports if (n := figure_of(r, "n")) is not None}
    if len(sizes) > 1:
        lines.append(
            "The libraries differ in size: uniqueness, FCD and numbers of distinct things depend "
            "on it."
        )
    return lines


def notes(comparison: Comparison) -> list[str]:
    """Return what the protocol did: once what holds for all, with the name what does not."""
    pairs = [
        (name, note)
        for name, report in zip(names(comparison), columns(comparison), strict=True)
        for note in report.notes
    ]
    libraries = set(names(comparison)[: len(comparison.reports)])
    lines = []
    for note in dict.fromkeys(note for _, note in pairs):
        where = [name for name, other in pairs if other == note]
        common = libraries <= set(where)
        lines.append(note if common else f"{', '.join(where)}: {note}")
    return lines


def figure_of(report: Report, key: str) -> float | None:
    """Return a figure, or None where it is missing or not a number."""
    value = report.figures.get(key)
    before, rejected, _ = key.rpartition("rejected/")
    if value is None and rejected and f"{before}n" in report.figures:
        return 0.0  # counted, and nothing was rejected for this reason
    return None if value is None or math.isnan(value) else float(value)


def _row(key: str, comparison: Comparison) -> Row:
    item = metric(key)
    cells = [_cell(key, item, report) for report in comparison.reports]
    best = _best([figure_of(report, key) for report in comparison.reports], cells, item)
    cells = [
        Cell(cell.value, cell.error, cell.ceiling, mark)
        for cell, mark in zip(cells, best, strict=True)
    ]
    if comparison.reference is not None:
        known = figure_of(comparison.reference, key) is not None
        cells.append(_cell(key, item, comparison.reference) if known else Cell(""))
    return Row(item, tuple(cells))


def _cell(key: str, item: Metric, report: Report) -> Cell:
    value = figure_of(report, key)
    if value is None:
        return Cell("-")
    prefix, slash, rest = key.rpartition("/")
    ceiling = report.figures.get(f"{prefix}{slash}ceiling_{rest}")
    text, error = rounded(value, item.form, report.errors.get(key))
    return Cell(text, error, "" if ceiling is None else percent(ceiling))


def _best(values: Sequence[float | None], cells: Sequence[Cell], item: Metric) -> list[bool]:
    """Mark the best figure and what is written alike; nothing where all are alike."""
    present = [value for value in values if value is not None]
    if not item.better or len(present) < 2:
        return [False] * len(values)
    best = max(present) if item.better == "up" else min(present)
    written = cells[values.index(best)].value
    marks = [cell.value == written for cell in cells]
    return marks if sum(marks) < len(present) else [False] * len(values)


def _title(key: str) -> str:
    """Return how a missing key is called: a metric, a group, or as it is written."""
    if key in METRICS or "/" in key:
        return metric(key).full_label
    return _GROUP_NAMES.get(key, key)
