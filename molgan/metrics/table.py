"""Figures as an aligned text table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

# Key -> (label, whether it is a share shown in percent); the order is the order of the table.
_ROWS: dict[str, tuple[str, bool]] = {
    "n": ("molecules drawn", False),
    "valid": ("valid (strict)", True),
    "unique": ("unique, of valid", True),
    "unique_at_1k": ("unique@1k", True),
    "unique_at_10k": ("unique@10k", True),
    "novel": ("novel, of unique", True),
    "vun": ("valid x unique x novel", True),
    "n_unique": ("distinct molecules", False),
    "scaffolds": ("distinct Murcko scaffolds", False),
    "int_div": ("internal diversity", False),
    "mean_atoms": ("mean heavy atoms", False),
    "fcd": ("FCD", False),
    "qed": ("mean QED", False),
    "logp": ("mean logP", False),
    "sa": ("mean SA score", False),
    "reward": ("mean reward", False),
}
_HIDDEN = {"n_valid"}


def format_table(figures: Mapping[str, float], title: str = "") -> str:
    """Return figures as lines `label  value  remark`, the values aligned at their right.

    Shares are in percent. Beside a uniqueness stands its ceiling where one is known, and below
    validity the reasons of what was rejected. A key this function does not know is listed at the
    end under its own name.

    Args:
        figures: As `evaluate` returns them; further numbers may be added.
        title: A first line.
    """
    rejected = {key: value for key, value in figures.items() if key.startswith("rejected/")}
    rows: list[tuple[str, str, str]] = []
    for key, (label, share) in _ROWS.items():
        if key not in figures:
            continue
        rows.append((label, _number(figures[key], share), _remark(key, figures)))
        if key == "valid":
            rows += [
                (f"  rejected: {name.removeprefix('rejected/')}", f"{int(count):,}", "")
                for name, count in sorted(rejected.items(), key=lambda item: -item[1])
            ]
    rows += [
        (key, _number(value, key.startswith("lenient/")), "")
        for key, value in figures.items()
        if key not in _ROWS
        and key not in rejected
        and key not in _HIDDEN
        and not key.startswith("ceiling_")
    ]
    width = max((len(label) for label, _, _ in rows), default=0)
    number_width = max((len(number) for _, number, _ in rows), default=0)
    lines = [
        f"{label:<{width}}  {number:>{number_width}}  {remark}".rstrip()
        for label, number, remark in rows
    ]
    return "\n".join([title, *lines] if title else lines)


def _number(value: float, share: bool) -> str:
    if share:
        return f"{100 * value:.1f} %"
    return f"{int(value):,}" if float(value).is_integer() else f"{value:.3f}"


def _remark(key: str, figures: Mapping[str, float]) -> str:
    ceiling = figures.get(f"ceiling_{key}")
    if ceiling is not None:
        return f"(draws from the training set: {100 * ceiling:.1f} %)"
    return f"({int(figures['n_valid']):,})" if key == "valid" and "n_valid" in figures else ""
