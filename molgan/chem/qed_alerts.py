"""How many structural alerts QED counts in a molecule, told from the surroundings of its atoms.

Every atom of a pattern needs an atom of the molecule that it matches, with neighbours and bonds
that its own neighbours and bonds in the pattern match. This is asked once for each near key (see
`molgan.chem.environments`), of RDKit's own query atoms and bonds, and remembered as a bit for each
such demand. Patterns with a demand that no atom of the molecule meets are not there; the others
are tried, except those of one or two atoms, which are there as soon as their demands are met.

This is for the 116 plain patterns of QED and for molecules that have keys. The catalogues of
`molgan.chem.alerts` are another matter: their patterns are often recursive, about which keys say
nothing, and any molecule may come. See `molgan.chem.prescreen`, which leaves half as many to try.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from rdkit import Chem

from molgan.chem.environments import Keys

# What a query atom may ask for so that the answer follows from an atom's code.
_FROM_CODE = frozenset(
    "AtomAnd AtomOr AtomXor AtomNull AtomAtomicNum AtomType AtomFormalCharge AtomHCount "
    "AtomTotalValence AtomExplicitDegree AtomTotalDegree AtomInNRings AtomInRing AtomIsotope "
    "AtomIsAliphatic AtomIsAromatic AtomNegativeFormalCharge AtomPositiveFormalCharge".split()
)
# One bond of every kind: order, in a ring or not.
_BONDS = ("CC", "C=C", "C#C", "C1CC1", "C1=CC1", "C1#CCCCCCC1", "c1ccccc1")

_ANY_ATOM = -1
_ANY_BOND = 0xFFFF

Demand = tuple[int, tuple[tuple[int, int], ...]]


class QedAlerts:
    """Counts how many of some patterns occur in a molecule, each once.

    Args:
        patterns: SMARTS queries of RDKit.
        keys: Whose near keys are asked about.
    """

    def __init__(self, patterns: Sequence[Chem.Mol], keys: Keys) -> None:
        """Read the demands of every pattern."""
        self._keys = keys
        self._queries: list[Any] = []
        self._query_index: dict[str, int] = {}
        self._demands: dict[Demand, int] = {}
        self._met: list[int] = []  # by near key
        self._matching: list[int] = []  # by code: a bit for each query atom
        self._relevant: list[list[tuple[int, tuple[tuple[int, int], ...]]]] = []  # by code
        self._patterns: list[tuple[int, Chem.Mol | None]] = []
        for pattern in patterns:
            demands = [self._demand(atom) for atom in pattern.GetAtoms()]
            needed = 0
            for demand in demands:
                needed |= 1 << self._demands.setdefault(demand, len(self._demands))
            decided = self._is_decided(pattern, demands)
            self._patterns.append((needed, None if decided else pattern))

    def count(self, mol: Chem.Mol, near: Sequence[int]) -> int:
        """Return the number of patterns in a molecule with these near keys."""
        while len(self._met) < len(self._keys.near):
            self._met.append(self._meets(self._keys.near[len(self._met)]))
        known = self._met
        met = 0
        for key in near:
            met |= known[key]
        return sum(
            [
                pattern is None or mol.HasSubstructMatch(pattern)
                for needed, pattern in self._patterns
                if needed & met == needed
            ]
        )

    def _demand(self, atom: Any) -> Demand:
        around = []
        for bond in atom.GetBonds():
            other = bond.GetOtherAtom(atom)
            around.append((_allowed(bond), self._query(other)))
        return self._query(atom), tuple(sorted(around))

    def _query(self, atom: Any) -> int:
        """Number a query atom, the same for equal ones; what does not follow from a code is any."""
        description = atom.DescribeQuery()
        if not {line.split()[0] for line in description.splitlines()} <= _FROM_CODE:
            return _ANY_ATOM
        index = self._query_index.setdefault(description, len(self._queries))
        if index == len(self._queries):
            self._queries.append(atom)
        return index

    def _is_decided(self, pattern: Chem.Mol, demands: Sequence[Demand]) -> bool:
        if pattern.GetNumAtoms() > 2 or pattern.GetNumBonds() != pattern.GetNumAtoms() - 1:
            return False
        known_bonds = all(allowed != _ANY_BOND for _, around in demands for allowed, _ in around)
        return known_bonds and all(centre != _ANY_ATOM for centre, _ in demands)

    def _meets(self, near: tuple[int, ...]) -> int:
        """Return the demands that an atom of this near key meets, as bits."""
        while len(self._matching) < len(self._keys.atoms):
            self._learn_code(len(self._matching))
        around = [(1 << (entry & 15), self._matching[entry >> 4]) for entry in near[1:]]
        met = 0
        for bit, wanted in self._relevant[near[0]]:
            for allowed, query in wanted:
                if not any(
                    allowed & bond and (query == _ANY_ATOM or matching >> query & 1)
                    for bond, matching in around
                ):
                    break
            else:
                met |= bit
        return met

    def _learn_code(self, code: int) -> None:
        atom = self._keys.atoms[code][0]
        matching = sum(1 << i for i, query in enumerate(self._queries) if query.Match(atom))
        self._matching.append(matching)
        degree = atom.GetDegree()
        self._relevant.append(
            [
                (1 << number, around)
                for (centre, around), number in self._demands.items()
                if len(around) <= degree and (centre == _ANY_ATOM or matching >> centre & 1)
            ]
        )


def _allowed(bond: Any) -> int:
    """Return which kinds of bond a query bond matches: a bit for each number in `bonds`."""
    return sum(1 << kind for kind, real in _real_bonds() if bond.Match(real)) or _ANY_BOND


@cache
def _real_bonds() -> tuple[tuple[int, Any], ...]:
    mols = [Chem.MolFromSmiles(smiles) for smiles in _BONDS]
    found = []
    for mol in mols:
        bond = mol.GetBondWithIdx(0)
        for candidate in mol.GetBonds():
            if candidate.GetBondTypeAsDouble() > bond.GetBondTypeAsDouble():
                bond = candidate
        found.append((int(2 * bond.GetBondTypeAsDouble()) | (8 if bond.IsInRing() else 0), bond))
    _KEPT.extend(mols)
    return tuple(found)


_KEPT: list[Chem.Mol] = []  # bonds do not keep their molecules alive
