"""Figures as an aligned text table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

# Key -> (label, how the number is shown); the order is the order of the table.
_ROWS: dict[str, tuple[str, str]] = {
    "n": ("molecules drawn", ",d"),
    "valid": ("valid (strict)", "%"),
    "unique": ("unique, of valid", "%"),
    "unique_at_1k": ("unique@1k", "%"),
    "unique_at_10k": ("unique@10k", "%"),
    "novel": ("novel, of unique", "%"),
    "vun": ("valid x unique x novel", "%"),
    "n_unique": ("distinct molecules", ",d"),
    "scaffolds": ("distinct Murcko scaffolds", ",d"),
    "int_div": ("internal diversity", ".3f"),
    "mean_atoms": ("mean heavy atoms", ".3f"),
    "fcd": ("FCD", ".3f"),
    "qed": ("mean QED", ".3f"),
    "logp": ("mean logP", ".3f"),
    "sa": ("mean SA score", ".3f"),
    "reward": ("mean reward", ".3f"),
    "lenient/valid": ("valid, as MolGAN counted", "%"),
    "lenient/unique": ("unique, as MolGAN counted", "%"),
    "lenient/novel": ("novel, as MolGAN counted", "%"),
}
# Shown as remarks beside others.
_REMARKS = {"n_valid", "fcd_n", "fcd_reference_n"}
_REPAIRED = "repaired/"

_Row = tuple[str, str, str]  # label, value, remark


def format_table(figures: Mapping[str, float], title: str = "") -> str:
    """Return figures as lines `label  value  remark`, the values aligned at their right.

    Shares are in percent. Beside a uniqueness stands its ceiling where one is known, and below
    validity the reasons of what was rejected. Figures under `repaired/` follow as a block of their
    own. A key this function does not know is listed at the end under its own name.

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
        rows += [("after repair", "", ""), *_rows(repaired, indent="  ")]
    width = max((len(label) for label, _, _ in rows), default=0)
    number_width = max((len(number) for _, number, _ in rows), default=0)
    lines = [
        f"{label:<{width}}  {number:>{number_width}}  {remark}".rstrip()
        for label, number, remark in rows
    ]
    return "\n".join([title, *lines] if title else lines)


def _rows(figures: Mapping[str, float], indent: str = "") -> list[_Row]:
    rows: list[_Row] = []
    rejected = {key: value for key, value in figures.items() if key.startswith("rejected/")}
    for key, (label, form) in _ROWS.items():
        if key not in figures:
            continue
        rows.append((indent + label, _number(figures[key], form), _remark(key, figures)))
        if key == "valid":
            rows += [
                (f"{indent}  rejected: {name.removeprefix('rejected/')}", f"{int(count):,}", "")
                for name, count in sorted(rejected.items(), key=lambda item: -item[1])
            ]
    known = _ROWS.keys() | rejected.keys() | _REMARKS
    rows += [
        (indent + key, _number(value), "")
        for key, value in figures.items()
        if key not in known and not key.startswith("ceiling_")
    ]
    return rows


def _number(value: float, form: str = "") -> str:
    if form == "%":
        return f"{100 * value:.1f} %"
    if form == ",d" or (not form and float(value).is_integer()):
        return f"{int(value):,}"
    return f"{value:.3f}"


def _remark(key: str, figures: Mapping[str, float]) -> str:
    if (ceiling := figures.get(f"ceiling_{key}")) is not None:
        return f"(draws from the training set: {100 * ceiling:.1f} %)"
    if key == "valid" and "n_valid" in figures:
        return f"({int(figures['n_valid']):,})"
    if key == "fcd" and {"fcd_n", "fcd_reference_n"} <= figures.keys():
        return f"({int(figures['fcd_n']):,} against {int(figures['fcd_reference_n']):,})"
    return ""
