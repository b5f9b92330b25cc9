"""A study in words and tables, for the terminal and for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from molgan.qsar.figures import FIGURES

if TYPE_CHECKING:
    from molgan.qsar.study import Study

COLUMNS = {
    "test": "model",
    "baseline": "constant",
    "neighbour": "nearest molecule",
    "inside": "model, inside",
    "outside": "model, outside",
    "valid": "model, validation",
}
"""Columns of the table of figures, and how they are called."""

LEGEND = (
    "constant: the mean of the training values, for classes the share of positives; nearest "
    "molecule: the value of the most similar training molecule; inside and outside: test "
    "molecules within the applicability domain or not; ± one standard error by bootstrap."
)


def table(study: Study) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the figures; a figure that is not defined is "-"."""
    figures: dict[str, Any] = study.model.record["figures"]
    columns = [name for name in COLUMNS if name in figures and figures[name].get("n") != 0]
    rows = []
    for key, figure in FIGURES.items():
        if not any(key in figures[name] for name in columns):
            continue
        arrow = "↑" if figure.better == "up" else "↓"
        cells = [_cell(figures, name, key) for name in columns]
        rows.append([f"{figure.label} {arrow}", *cells])
    counts = [figures[name].get("n", figures.get("test", {}).get("n")) for name in columns]
    rows.append(["molecules", *(f"{count:,}" if count else "-" for count in counts)])
    return [COLUMNS[name] for name in columns], rows


def text(study: Study) -> str:
    """What the terminal shows."""
    record = study.model.record
    data, split = record["data"], record["split"]
    lines = [
        f"{data['origin']}: {data['rows']:,} rows, {data['molecules']:,} molecules, "
        f"{data['merged']:,} repeats merged, {data['unusable']:,} rows unusable"
    ]
    lines += [f"  {count:,} x {reason}" for reason, count in data["reasons"].items()]
    if data["conflicts"]:
        lines.append(f"  {data['conflicts']:,} molecules whose repeats disagree (conflicts.csv)")
    lines.append(f"{study.prepared.target.task} of {study.prepared.target.label}")
    lines.append(
        f"{split['method']} split: {split['train']:,} train, {split['valid']:,} valid, "
        f"{split['test']:,} test"
    )
    heads, rows = table(study)
    if heads:
        widths = [max(map(len, column)) for column in zip(["", *heads], *rows, strict=True)]
        for row in (["", *heads], *rows):
            cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  ".join([f"{row[0]:<{widths[0]}}", *cells]).rstrip())
    lines += about_uncertainty(study)
    return "\n".join([*lines, *study.notes])


def about_uncertainty(study: Study) -> list[str]:
    """Sentences on uncertainty and domain."""
    figures = study.model.record["figures"]
    domain = study.model.domain
    lines = []
    if "calibration" in figures:
        found = figures["calibration"]
        lines.append(
            f"uncertainty: {100 * found['within_1']:.0f} % of the errors are within one predicted "
            f"standard deviation, {100 * found['within_2']:.0f} % within two (68 and 95 if normal)"
        )
    if "inside" in figures:
        lines.append(
            f"domain: similarity to the nearest training molecule of {domain.threshold:.2f} or "
            f"more; {figures['outside']['n']:,} of {figures['test']['n']:,} test molecules are "
            "outside"
        )
    return lines


def _cell(figures: dict[str, Any], name: str, key: str) -> str:
    value = figures[name].get(key)
    if value is None:
        return "-"
    error = figures.get(f"{name}_errors", {}).get(key)
    return f"{value:.3g}" if not error else f"{value:.3g} ± {error:.1g}"
