"""Screening a `Library` from Python."""

from __future__ import annotations

import pandas as pd
import pytest

from molgan.errors import MolganError
from molgan.library import Library
from molgan.screening import Pick, Screen, screen_library

SMILES = [
    "CCO",
    "OCC",
    "CC(=O)Oc1ccccc1C(=O)O",
    "CCC[Si](C)C",
    "c1ccccc1",
    "CCCCCCCCCCCCCCCCCCCCCCCC",
]


def library() -> Library:
    return Library(pd.DataFrame({"smiles": SMILES, "name": list("abcdef")}))


def test_hits_rejected_and_repeats_add_up():
    screen = Screen(elements=("C", "O"), rules=("lipinski",), ranges={"logp": (None, 5.0)})
    hits, rejected = screen_library(library(), screen)
    assert hits.names == ["a", "c", "e"]
    assert hits.frame["weight"].tolist() == pytest.approx([46.069, 180.159, 78.114], abs=1e-3)
    assert rejected["name"].tolist() == ["d", "f"]
    assert rejected["stage"].tolist() == ["elements", "ranges"]
    assert sum(hits.rejected.values()) + len(hits) == len(SMILES)
    assert hits.rejected["duplicates"] == 1


def test_texts_stay_what_they_are():
    named = Library(pd.DataFrame({"smiles": ["CCO", "c1ccccc1"], "name": ["NA", "1e3"]}))
    hits, _ = screen_library(named, Screen(scaffolds=True, oddities="flag"))
    assert hits.names == ["NA", "1e3"]
    assert hits.frame["scaffold"].tolist() == ["", "c1ccccc1"]
    assert hits.frame["flags"].tolist() == ["", ""]
    assert hits.frame["copies"].tolist() == [1, 1]


def test_a_pick_leaves_the_most_different():
    hits, _ = screen_library(library(), Screen(oddities="off"), Pick(method="maxmin", n=2))
    assert len(hits) == 2


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(MolganError, match="no_such_rule"):
        screen_library(library(), Screen(rules=("no_such_rule",)))
