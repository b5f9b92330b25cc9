"""Which known atom type stands in for a new one."""

from __future__ import annotations

import pytest

from molgan.chem import AtomType, most_similar_type

QM9 = [AtomType.parse(text) for text in ("C", "O", "N", "F", "N+", "O-", "N-", "C-")]


@pytest.mark.parametrize(
    ("new", "known"),
    [
        ("S", "O"),
        ("Cl", "F"),
        ("Br", "F"),
        ("P", "N"),
        ("Si", "C"),
        ("S-", "O-"),
        ("P+", "N+"),
        ("O+", "O"),
        ("C+", "C"),
        ("B", "N"),
    ],
)
def test_a_chemist_would_choose_the_same(new, known):
    assert str(most_similar_type(AtomType.parse(new), QM9)) == known


def test_an_element_with_another_charge_comes_before_its_group():
    known = [AtomType.parse(text) for text in ("O-", "S")]
    assert str(most_similar_type(AtomType.parse("S-"), known)) == "S"
