"""Which atom type of a vocabulary behaves most like one that it lacks."""

from __future__ import annotations

from collections.abc import Sequence

from rdkit import Chem

from molgan.chem.vocabulary import AtomType, Vocabulary


def most_similar_type(kind: AtomType, known: Sequence[AtomType]) -> AtomType:
    """The known type from which a network should start to learn a new one.

    The same element with another charge comes first, then the same group of the periodic table (O
    for S, F for Cl), then the same charge, a near valence and a near atomic number.

    Args:
        kind: the new type.
        known: at least one type.
    """
    table = Chem.GetPeriodicTable()

    def distance(other: AtomType) -> tuple[bool, bool, int, int, int]:
        return (
            other.symbol != kind.symbol,
            table.GetNOuterElecs(other.symbol) != table.GetNOuterElecs(kind.symbol),
            abs(other.charge - kind.charge),
            abs(_valence(other) - _valence(kind)),
            abs(table.GetAtomicNumber(other.symbol) - table.GetAtomicNumber(kind.symbol)),
        )

    return min(known, key=distance)


def _valence(kind: AtomType) -> int:
    return int(Vocabulary((kind,)).max_valence()[1])
