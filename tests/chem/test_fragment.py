"""Fragments as users write them."""

from __future__ import annotations

import pytest
from rdkit import Chem

from molgan.chem import Fragment
from molgan.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "smiles", "inside"),
    [
        ("C1COC1", "CC1COC1", True),
        ("C1COC1", "C1CCOC1", False),
        ("C1=CC=CC=C1", "Cc1ccccc1", True),  # a Kekulé ring is read as the molecule it is
        ("c1ccccc1", "Cc1ccccc1", True),
        ("[CH3]O", "COC", True),  # with brackets: SMARTS, where hydrogens count
        ("[CH3]O", "CCOCC", False),
        ("[NX3]C(=O)", "CC(N)=O", True),
        ("[#7;R]", "C1CCNC1", True),
        (" CC#N ", "CCC#N", True),
    ],
)
def test_what_contains_what(text, smiles, inside):
    assert Fragment.parse(text).is_in(Chem.MolFromSmiles(smiles)) is inside


def test_each_place_is_found_once():
    places = Fragment.parse("CO").places(Chem.MolFromSmiles("COC"))
    assert sorted(map(sorted, places)) == [[0, 1], [1, 2]]


def test_nothing_contains_nothing():
    assert Fragment.parse("C").is_in(None) is False


@pytest.mark.parametrize("text", ["", "  ", "C1CC", "hello", "[C", "C(("])
def test_what_is_no_fragment_is_said(text):
    with pytest.raises(ConfigError, match="neither SMARTS nor SMILES"):
        Fragment.parse(text)
