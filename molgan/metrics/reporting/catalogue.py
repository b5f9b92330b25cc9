"""What every figure is called, how it is written, and which way is better: known here only.

Tables, pages and files of results draw labels, groups, forms and sources from `METRICS`. A key that
is not in it is still shown, under its own name; see `metric`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from molgan.metrics.reporting.entries import (
    CEILING,
    ENTRIES,
    GROUPS,
    GUACAMOL,
    LENIENT,
    OTHER,
    PREFIXES,
    REPAIRED,
    STRICT,
    Metric,
)
from molgan.metrics.reporting.entries_published import GUACAMOL_PAPER, PUBLISHED

__all__ = [
    "GROUPS",
    "LENIENT",
    "METRICS",
    "OTHER",
    "PREFIXES",
    "PROPERTIES",
    "REPAIRED",
    "STRICT",
    "Metric",
    "in_order",
    "metric",
]

METRICS: dict[str, Metric] = {
    item.key: item
    for item in sorted((*ENTRIES, *PUBLISHED), key=lambda item: GROUPS.index(item.group))
}
_RANKS = {key: float(index) for index, key in enumerate(METRICS)}

# Names of per-molecule properties on the axes of histograms; others are as in molgan.chem.SCORES.
PROPERTIES = {
    "logp": "logP",
    "sa": "SA score",
    "qed": "QED",
    "weight": "molecular weight, g/mol",
    "tpsa": "TPSA, Å²",
    "heavy_atoms": "heavy atoms",
    "rings": "rings",
    "aromatic_rings": "aromatic rings",
    "donors": "hydrogen bond donors",
    "acceptors": "hydrogen bond acceptors",
    "rotatable_bonds": "rotatable bonds",
    "fsp3": "fraction of sp³ carbons",
    "nearest": "similarity to nearest training molecule",
}


def metric(key: str) -> Metric:
    """Return what is known of a key, never failing.

    `repaired/<key>` is the figure `<key>` in a group of its own, `rejected/<reason>` and
    `guacamol/kl_<descriptor>` are made from their names. An unknown key keeps its name as label, in
    the group of its prefix if that is known.
    """
    if (known := METRICS.get(key)) is not None:
        return known
    prefix, slash, rest = key.partition("/")
    if prefix == "repaired" and slash:
        return replace(metric(rest), key=key, group=REPAIRED)
    if prefix == "rejected" and slash:
        about = "molecules drawn that are not valid for this reason"
        return Metric(key, f"rejected: {rest}", STRICT, "count", "", about)
    if key.startswith("guacamol/kl_"):
        label = "KL divergence, " + key.removeprefix("guacamol/kl_").replace("_", " ")
        about = "of the reference from the sample, in nats"
        return Metric(key, label, GUACAMOL, "number", "down", about, GUACAMOL_PAPER)
    if key.startswith("ceiling_"):
        base = metric(key.removeprefix("ceiling_"))
        return replace(base, key=key, better="", about=CEILING, source="", detail=True)
    return Metric(key, key, PREFIXES.get(prefix, OTHER))


def in_order(keys: Iterable[str]) -> list[str]:
    """Return distinct keys in the order of a table; unknown ones last in their group."""
    return sorted(dict.fromkeys(keys), key=_rank)


def _rank(key: str) -> tuple[int, float]:
    item = metric(key)
    base = key.removeprefix("repaired/") if item.group == REPAIRED else key
    if base.startswith("rejected/"):
        position = _RANKS["valid"] + 0.5
    elif base.startswith("guacamol/kl_"):
        position = _RANKS["guacamol/kl"] + 0.5
    else:
        position = _RANKS.get(base, float(len(_RANKS)))
    return GROUPS.index(item.group), position
