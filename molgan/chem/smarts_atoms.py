"""Whether an atom or bond of a SMARTS can match an atom of a given kind at all.

RDKit writes the expression of every query atom back as text. Here it is read with three values: a
condition that the kind of atom decides is true or false, one that depends on more than that (ring
sizes, neighbours, isotopes) is unknown. Only what is certainly false rules an atom out, so that a
misjudged condition costs time and never a match.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from rdkit import Chem


class Kind(NamedTuple):
    """What is known of an atom without its neighbours."""

    number: int
    aromatic: bool
    charge: int
    hydrogens: int
    degree: int
    connections: int
    isotope: int
    ring: int  # size of its smallest ring, 0 outside of rings


def kinds_of(mol: Chem.Mol) -> list[Kind]:
    """Return the kind of every atom of a sanitised molecule."""
    rings = mol.GetRingInfo()
    return [
        Kind(
            atom.GetAtomicNum(),
            atom.GetIsAromatic(),
            atom.GetFormalCharge(),
            atom.GetTotalNumHs(True),
            atom.GetDegree(),
            atom.GetTotalDegree(),
            atom.GetIsotope(),
            rings.MinAtomRingSize(atom.GetIdx()),
        )
        for atom in mol.GetAtoms()
    ]


def can_match(expression: str, kind: Kind) -> bool:
    """Return False only if a query atom cannot match.

    Args:
        expression: The atom as RDKit writes it: ``C``, ``[C&H1,$(N=O)]``, ``[#6&!R]``.
        kind: Of the atom to be matched.
    """
    return _evaluate(expression, kind) is not False


def bond_can_match(expression: str, bond: Chem.BondType, in_ring: bool) -> bool:
    """Return False only if a query bond cannot match a bond of this type.

    Args:
        expression: The bond as RDKit writes it: ``""`` (single or aromatic), ``=``, ``-&!@``.
        bond: Type of the bond to be matched.
        in_ring: Whether that bond is in a ring.
    """
    if expression == "":
        return bond in (Chem.BondType.SINGLE, Chem.BondType.AROMATIC)
    return any(
        all(_bond_term(term, bond, in_ring) for term in part.split("&"))
        for part in expression.split(",")
    )


_BONDS = {
    "-": Chem.BondType.SINGLE,
    "=": Chem.BondType.DOUBLE,
    "#": Chem.BondType.TRIPLE,
    ":": Chem.BondType.AROMATIC,
}


def _bond_term(term: str, bond: Chem.BondType, in_ring: bool) -> bool:
    negated = term.startswith("!")
    term = term.removeprefix("!")
    if term in _BONDS:
        return (bond == _BONDS[term]) != negated
    if term == "@":
        return in_ring != negated
    return True  # "~", directions, and whatever else there is


def alternatives(expression: str) -> list[list[list[str]]]:
    """Take an atom expression apart: all of [any of [all of [terms]]].

    Args:
        expression: The atom as RDKit writes it.
    """
    if expression.startswith("["):
        expression = expression[1 : expression.rindex("]")]
    # ";" binds weakest and is "and", "," is "or", "&" is "and" once more.
    return [
        [_split(choice, "&") for choice in _split(part, ",")] for part in _split(expression, ";")
    ]


def inner_smarts(term: str) -> str | None:
    """Return the SMARTS inside of ``$(...)``, or None where the term is none, or is negated."""
    return term[2:-1] if term.startswith("$(") and term.endswith(")") else None


@cache
def _split(text: str, sign: str) -> list[str]:
    """Split at a sign outside of any brackets."""
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        if letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == sign and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def _evaluate(expression: str, kind: Kind) -> bool | None:
    return _all(
        [
            _any([_all([_term(term, kind) for term in choice]) for choice in choices])
            for choices in alternatives(expression)
        ]
    )


def _all(values: list[bool | None]) -> bool | None:
    if False in values:
        return False
    return None if None in values else True


def _any(values: list[bool | None]) -> bool | None:
    if True in values:
        return True
    return None if None in values else False


def _term(term: str, kind: Kind) -> bool | None:
    """Judge one condition: True or False if the kind decides it, None if not."""
    if term.startswith("!"):
        opposite = _term(term[1:], kind)
        return None if opposite is None else not opposite
    inner = inner_smarts(term)
    if inner is not None:
        # The first atom must match; that it does is not enough.
        first = _first_atom(inner)
        return False if first is not None and _evaluate(first, kind) is False else None
    if term in _SYMBOLS:
        number, aromatic = _SYMBOLS[term]
        return kind.number == number and (aromatic is None or kind.aromatic == aromatic)
    if term in ("*", "a", "A"):
        return True if term == "*" else kind.aromatic == (term == "a")
    if term.endswith("*"):
        return kind.isotope == int(term[:-1]) if term[:-1].isdigit() else None
    match = re.fullmatch(r"([#HDX+Rr-])(\d*)", term)
    if match is None:
        return None
    sign, digits = match.groups()
    value = int(digits) if digits else None
    if sign in "Rr" and not value:
        return (kind.ring > 0) == (value is None)
    if sign == "R":  # a number of rings
        return None if kind.ring else False
    found, default = {
        "#": (kind.number, None),
        "r": (kind.ring, None),
        "H": (kind.hydrogens, 1),
        "D": (kind.degree, 1),
        "X": (kind.connections, 1),
        "+": (kind.charge, 1),
        "-": (-kind.charge, 1),
    }[sign]
    expected = default if value is None else value
    return None if expected is None else found == expected


def _symbols() -> dict[str, tuple[int, bool | None]]:
    table = Chem.GetPeriodicTable()
    # A capital is an aliphatic atom, a small letter an aromatic one. H is left out: alone it is an
    # atom, with others a number of hydrogens.
    symbols: dict[str, tuple[int, bool | None]] = {
        table.GetElementSymbol(number): (number, False) for number in range(2, 119)
    }
    for symbol in ("b", "c", "n", "o", "p", "s", "se", "as", "te", "si"):
        symbols[symbol] = (table.GetAtomicNumber(symbol.capitalize()), True)
    return symbols


_SYMBOLS = _symbols()


@cache
def _first_atom(smarts: str) -> str | None:
    query = Chem.MolFromSmarts(smarts)
    return None if query is None else str(query.GetAtomWithIdx(0).GetSmarts())
