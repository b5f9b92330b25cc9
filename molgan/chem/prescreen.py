"""Which of many SMARTS patterns a molecule can match at all, decided before any is tried.

A catalogue of alerts has hundreds of patterns and a molecule matches few of them. Every atom and
every bond of a pattern must find its own counterpart, so what single atoms and single bonds look
like rules most patterns out. The answer errs on one side only: a pattern that matches is always a
candidate. Any molecule and any pattern will do; scores, which need not look at everything, count
QED's alerts in another way (`molgan.chem.qed_alerts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molgan.chem.smarts_atoms import (
    Kind,
    alternatives,
    bond_can_match,
    can_match,
    inner_smarts,
    kinds_of,
)

_AtomCondition = tuple[str, int]
"""Expression of an atom, and how many atoms must fit it."""

_BondCondition = tuple[str, str, int, str]
"""Expressions of an atom, a bond and an atom; between them a ring through the bond, 0 for none."""


class _Needs(NamedTuple):
    """Positions of the conditions of one pattern; of each group at least one set must hold."""

    all_of: frozenset[int]
    any_of: tuple[tuple[frozenset[int], ...], ...]


class Prescreen:
    """Necessary conditions of many patterns, held as bits that are tested together.

    Args:
        patterns: Queries. None stands for one of which nothing is known: always a candidate.
    """

    def __init__(self, patterns: Sequence[Chem.Mol | None]) -> None:
        self._conditions: dict[_AtomCondition | _BondCondition, int] = {}
        self._inner: dict[str, frozenset[int]] = {}
        needs = [self._needs(p) if p is not None else _Needs(frozenset(), ()) for p in patterns]
        self._index()
        self._patterns = [
            (
                self._mask(need.all_of),
                tuple(tuple(self._mask(part) for part in group) for group in need.any_of),
            )
            for need in needs
        ]

    def candidates(self, mol: Chem.Mol) -> list[int]:
        """Return the positions of the patterns that the molecule may match, in order.

        Args:
            mol: Sanitised molecule.
        """
        missing = ~self._satisfied(mol)
        return [
            index
            for index, (mask, groups) in enumerate(self._patterns)
            if not mask & missing
            and all(any(not part & missing for part in group) for group in groups)
        ]

    def _needs(self, pattern: Chem.Mol) -> _Needs:
        texts = [str(atom.GetSmarts()) for atom in pattern.GetAtoms()]
        all_of = {self._position(condition) for condition in Counter(texts).items()}
        # Any ring of the pattern is a ring of the molecule, which may have smaller ones there too.
        Chem.GetSSSR(pattern)
        rings = pattern.GetRingInfo()
        for bond in pattern.GetBonds():
            ring = rings.MinBondRingSize(bond.GetIdx())
            ends = sorted((texts[bond.GetBeginAtomIdx()], texts[bond.GetEndAtomIdx()]))
            sign = str(bond.GetSmarts())  # type: ignore[call-arg]
            all_of.add(self._position((ends[0], sign, ring, ends[1])))
        any_of = []
        for text in set(texts):
            for group in self._recursive(text):
                if len(group) == 1:
                    all_of |= group[0]
                elif all(group):
                    any_of.append(group)
        return _Needs(frozenset(all_of), tuple(any_of))

    def _recursive(self, text: str) -> Iterator[tuple[frozenset[int], ...]]:
        """Yield, for every choice in an atom's expression, what each alternative needs by $()."""
        for choices in alternatives(text):
            yield tuple(
                frozenset().union(*(self._inside(term) for term in terms)) for terms in choices
            )

    def _inside(self, term: str) -> frozenset[int]:
        smarts = inner_smarts(term)
        if smarts is None:
            return frozenset()
        if smarts not in self._inner:
            pattern = Chem.MolFromSmarts(smarts)
            self._inner[smarts] = frozenset() if pattern is None else self._needs(pattern).all_of
        return self._inner[smarts]

    def _position(self, condition: _AtomCondition | _BondCondition) -> int:
        return self._conditions.setdefault(condition, len(self._conditions))

    def _index(self) -> None:
        """Number the conditions anew, those on atoms first, and prepare what they are tested by."""
        atoms = [c for c in self._conditions if len(c) == 2]
        bonds = [c for c in self._conditions if len(c) == 4]
        bits = {condition: bit for bit, condition in enumerate([*atoms, *bonds])}
        self._bits = [bits[condition] for condition in self._conditions]
        self._expressions = list(dict.fromkeys(text for text, _ in atoms))
        column = {text: index for index, text in enumerate(self._expressions)}
        self._columns = np.array([column[text] for text, _ in atoms], dtype=np.intp)
        self._counts = np.array([count for _, count in atoms], dtype=np.int64)
        self._bond_bits = [
            (bits[first, sign, ring, second], column[first], sign, ring, column[second])
            for first, sign, ring, second in bonds
        ]
        self._atom_rows: dict[Kind, NDArray[np.int64]] = {}
        self._bond_masks: dict[tuple[Kind, Chem.BondType, int, Kind], int] = {}

    def _mask(self, positions: frozenset[int]) -> int:
        return sum(1 << self._bits[position] for position in positions)

    def _satisfied(self, mol: Chem.Mol) -> int:
        """Return the conditions that the molecule meets, as bits."""
        kinds = kinds_of(mol)
        counts = np.zeros(len(self._expressions), dtype=np.int64)
        for kind in kinds:
            counts += self._atom_row(kind)
        met = np.packbits(counts[self._columns] >= self._counts, bitorder="little")
        bits = int.from_bytes(met.tobytes(), "little")
        rings = mol.GetRingInfo()
        for bond in mol.GetBonds():
            first, second = kinds[bond.GetBeginAtomIdx()], kinds[bond.GetEndAtomIdx()]
            ring = rings.MinBondRingSize(bond.GetIdx())
            bits |= self._bond_mask(first, bond.GetBondType(), ring, second)
        return bits

    def _atom_row(self, kind: Kind) -> NDArray[np.int64]:
        """Return 1 for every atom expression that this kind of atom can match; remembered."""
        row = self._atom_rows.get(kind)
        if row is None:
            row = np.array([can_match(text, kind) for text in self._expressions], dtype=np.int64)
            self._atom_rows[kind] = row
        return row

    def _bond_mask(self, first: Kind, bond: Chem.BondType, ring: int, second: Kind) -> int:
        """Return the conditions that such a bond meets, as bits; remembered."""
        key = (first, bond, ring, second)
        mask = self._bond_masks.get(key)
        if mask is None:
            fits_1, fits_2 = self._atom_row(first), self._atom_row(second)
            mask = 0
            for bit, i, sign, largest, j in self._bond_bits:
                ends = (fits_1[i] and fits_2[j]) or (fits_1[j] and fits_2[i])
                in_ring = largest == 0 or 0 < ring <= largest
                if ends and in_ring and bond_can_match(sign, bond, ring > 0):
                    mask |= 1 << bit
            self._bond_masks[key] = mask
        return mask
