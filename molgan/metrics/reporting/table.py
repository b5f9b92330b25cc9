"""Figures of one sample as an aligned text table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from molgan.metrics.reporting.catalogue import LENIENT, OTHER, REPAIRED, STRICT, in_order, metric
from molgan.metrics.reporting.rounding import percent, rounded

_FLAT = (STRICT, LENIENT, OTHER)  # groups whose labels stand without a heading
_REPAIRED = "repaired/"

_Row = tuple[str, str, str]  # label, value, remark


def format_table(figures: Mapping[str, float], title: str = "") -> str:
    """Return figures as lines `label  value  remark`, the values aligned at their right.

    Shares are in percent. Beside a uniqueness stands its ceiling where one is known, and below
    validity the reasons of what was rejected. MOSES and the other protocols, and at the end the
    figures under `repaired/`, are blocks of their own. A key that the catalogue does
    not know is listed before that under its own name.

    Args:
        figures: As `evaluate` returns them; further numbers may be added.
        title: A first line.
    """
    own = {key: value for key, value in figures.items() if not key.startswith(_REPAIRED)}
    repaired = {
        key.removeprefix(_REPAIRED): value
        for key, value in figures.items()
        if key.startswith(_REPAIRED)
    }
    rows = _rows(own)
    if repaired:
        rows += [(REPAIRED.lower(), "", ""), *_rows(repaired, indent="  ")]
    width = max((len(label) for label, _, _ in rows), default=0)
    number_width = max((len(number) for _, number, _ in rows), default=0)
    lines = [
        f"{label:<{width}}  {number:>{number_width}}  {remark}".rstrip()
        for label, number, remark in rows
    ]
    return "\n".join([title, *lines] if title else lines)


def _rows(figures: Mapping[str, float], indent: str = "") -> list[_Row]:
    rows: list[_Row] = []
    group = ""
    # Reasons by falling count: `in_order` keeps equals in the order in which they come.
    for key in in_order(sorted(figures, key=lambda key: -figures[key] * _is_reason(key))):
        item = metric(key)
        if item.detail:
            continue
        if item.group not in _FLAT and item.group != group:
            rows.append((indent + item.group, "", ""))
        group = item.group
        margin = indent if group in _FLAT and not _is_reason(key) else indent + "  "
        number = rounded(figures[key], item.form)[0] + (" %" if item.form == "share" else "")
        rows.append((margin + item.label, number, _remark(key, figures)))
    return rows


def _is_reason(key: str) -> bool:
    return key.startswith("rejected/")


def _remark(key: str, figures: Mapping[str, float]) -> str:
    if (ceiling := figures.get(f"ceiling_{key}")) is not None:
        return f"(draws from the training set: {percent(ceiling)} %)"
    if key == "valid" and "n_valid" in figures:
        return f"({int(figures['n_valid']):,})"
    if key == "fcd" and {"fcd_n", "fcd_reference_n"} <= figures.keys():
        return f"({int(figures['fcd_n']):,} against {int(figures['fcd_reference_n']):,})"
    return ""
