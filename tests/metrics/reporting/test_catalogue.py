from __future__ import annotations

import math

import numpy as np
import pytest
from rdkit import Chem

from molgan.chem import Decoded
from molgan.metrics import HashedIdentities, evaluate
from molgan.metrics.memorisation import exact_copies, memorisation_figures
from molgan.metrics.reporting.catalogue import GROUPS, METRICS, in_order, metric
from molgan.metrics.reporting.rounding import rounded
from molgan.metrics.structure import ring_figures, scaffold_figures, structure

# What nobody would call better or worse in itself.
NEUTRAL_SHARES = ("ceiling", "structure/", "memorisation/nearer")


@pytest.mark.parametrize("key", METRICS)
def test_every_entry_is_complete(key: str) -> None:
    item = METRICS[key]
    assert item.key == key
    assert item.label.strip() == item.label != ""
    assert item.group in GROUPS
    assert item.form in ("share", "count", "number")
    assert item.better in ("up", "down", "")
    assert item.about
    if item.form == "share" and not key.startswith(NEUTRAL_SHARES):
        assert item.better, "a share of good or bad molecules has a direction"
    if item.better:
        assert not item.detail


def test_labels_tell_the_rows_of_a_group_apart() -> None:
    shown = [(item.group, item.label) for item in METRICS.values() if not item.detail]
    assert len(set(shown)) == len(shown)


def test_published_figures_name_their_source() -> None:
    published = ("moses/", "guacamol/", "gdss/", "digress/", "lenient/")
    without = [k for k, item in METRICS.items() if k.startswith(published) and not item.source]
    assert without == []


@pytest.mark.parametrize(
    ("key", "better"),
    [
        ("valid", "up"),
        ("repaired/unique", "up"),
        ("fcd", "down"),
        ("moses/fcd_test", "down"),
        ("moses/snn_test", "up"),
        ("moses/weight", "down"),
        ("guacamol/kl", "up"),
        ("guacamol/kl_TPSA", "down"),
        ("gdss/nspdk", "down"),
        ("memorisation/copied", "down"),
        ("mean_atoms", ""),
        ("rejected/valence", ""),
        ("nobody/knows", ""),
    ],
)
def test_which_way_is_better(key: str, better: str) -> None:
    assert metric(key).better == better


def test_what_the_bench_computes_is_known() -> None:
    """Figures of the modules that have no keys of their own in a table elsewhere."""
    mol = Chem.MolFromSmiles("C1CC1O")
    decoded = [Decoded(mol=mol, smiles="OC1CC1", reason=None)] * 2
    decoded += [Decoded(mol=None, smiles=None, reason="valence")]
    training = HashedIdentities.from_smiles(["CCO"])
    figures = [
        *evaluate(decoded, training, properties=True),
        *exact_copies(["CCO"], training),
        *(key for key in memorisation_figures(np.ones(2), np.ones(2)) if "error" not in key),
    ]
    made = scaffold_figures([structure(mol)]) | ring_figures([structure(mol)])
    figures += [f"structure/{key.replace('/', '_')}" for key in made]
    assert [key for key in figures if metric(key).label == key] == []


def test_an_unknown_key_keeps_its_name() -> None:
    assert metric("molecules_per_second").label == "molecules_per_second"
    assert metric("molecules_per_second").group == "Other"
    assert metric("moses/new_idea").label == "moses/new_idea"
    assert metric("moses/new_idea").group == "MOSES"
    assert metric("").label == ""


def test_after_repair_a_figure_keeps_its_name_in_another_group() -> None:
    item = metric("repaired/valid")
    assert (item.label, item.group, item.form) == ("valid (strict)", "After repair", "share")
    assert metric("repaired/ceiling_unique").detail


def test_order_is_by_group_then_entry_then_as_it_came() -> None:
    keys = ["zzz", "moses/x", "fcd", "repaired/unique", "rejected/b", "rejected/a", "moses/valid"]
    keys += ["unique", "repaired/valid", "valid", "n", "aaa", "valid"]
    assert in_order(keys) == [
        "n",
        "valid",
        "rejected/b",
        "rejected/a",
        "unique",
        "fcd",
        "repaired/valid",
        "repaired/unique",
        "moses/valid",
        "moses/x",
        "zzz",
        "aaa",
    ]


@pytest.mark.parametrize(
    ("value", "form", "error", "expected"),
    [
        (0.9534, "number", 0.0021, ("0.953", "0.002")),
        (0.9534, "number", 0.0014, ("0.9534", "0.0014")),  # two digits where the first is 1
        (0.8512, "share", 0.0035, ("85.1", "0.4")),
        (0.99985, "share", 0.00012, ("99.985", "0.012")),
        (0.95, "share", 0.021, ("95", "2")),
        (0.95, "share", None, ("95.0", "")),
        (1.0, "share", 0.0, ("100.0", "")),  # no spread among resamples is no uncertainty known
        (1.0, "share", math.nan, ("100.0", "")),
        (1234.0, "count", 24.6, ("1,234", "25")),
        (1234.0, "count", None, ("1,234", "")),
        (0.000312, "number", None, ("0.00031", "")),
        (0.00031, "number", 0.00002, ("0.00031", "0.00002")),
        (47.9561, "number", None, ("47.956", "")),
        (1234.5678, "number", None, ("1,234.6", "")),
        (123456.78, "number", None, ("123,457", "")),
        (-1e-17, "number", None, ("0.000000", "")),
        (0.0, "number", None, ("0.000", "")),
        (-0.25, "number", None, ("-0.250", "")),
        (37000.0, "", None, ("37,000", "")),
        (12.5, "", None, ("12.500", "")),
        (math.nan, "number", 0.1, ("nan", "")),
        (math.inf, "count", None, ("inf", "")),
    ],
)
def test_rounding(value: float, form: str, error: float | None, expected: tuple[str, str]) -> None:
    assert rounded(value, form, error) == expected  # type: ignore[arg-type]
