"""What surrounds each atom of a molecule, as keys that are equal only where the surroundings are.

An atom's *code* holds everything about it alone: element, charge, hydrogens, bonds of each kind,
number of rings. Its *near key* adds the codes of its neighbours with the bonds between, its *far
key* the near keys of the neighbours. Anything that RDKit decides by a SMARTS pattern reaching no
further is the same for all atoms of one key: it is asked of RDKit once and remembered.

Nothing is hashed beyond RDKit's own invariant of one atom, so that two surroundings never share a
key by chance. Molecules with isotopes, dummy atoms, explicit hydrogens, metals, radicals or bonds
other than single, double, triple and aromatic have no keys: `surroundings` gives None, and callers
ask RDKit directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

MAX_ATOMS = 200
"""Larger molecules have no keys: RDKit cuts lists of matches at 1,000, and adjacency grows."""

MAX_REMEMBERED = 200_000
"""Keys kept at a time (about 100 MB); then everything is learnt anew."""

ELEMENTS = frozenset((5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53))
"""Atomic numbers that can have keys."""

# Counts of each kind of bond in one number, five bits each, the lowest five for all of them.
_COUNTED = {1.0: 1 + (1 << 5), 1.5: 1 + (1 << 10), 2.0: 1 + (1 << 15), 3.0: 1 + (1 << 20)}
_DEGREE = 31
_AROMATIC = 31 << 10
_ORDERS = ((1.0, 5), (1.5, 10), (2.0, 15), (3.0, 20))

RING_BOND = 8
"""Added to twice the bond order for a bond in a ring; see `Surroundings.bonds`."""

_PREFIX = "molgan"

_ODD_BOND = Chem.MolFromSmarts("*!-;!=;!#;!:*")


@dataclass(slots=True)
class Surroundings:
    """Keys and bonds of one molecule of n atoms and m bonds.

    Attributes:
        codes: n indices into the codes seen so far.
        near: n indices of near keys.
        starts: n + 1 positions in `tails` and `bonds`: where each atom's neighbours begin.
        tails: 2 m atom indices: neighbours of atom 0, of atom 1, ...
        bonds: 2 m numbers: twice the bond order (3 if aromatic), `RING_BOND` more in a ring.
        rings: Atom indices of each ring, as RDKit's ring information has them.
        in_rings: n bit masks of the rings around each atom.
    """

    codes: list[int]
    near: list[int]
    starts: list[int]
    tails: list[int]
    bonds: list[int]
    rings: tuple[tuple[int, ...], ...]
    in_rings: list[int]

    def far(self, atom: int) -> tuple[int, ...]:
        """Return the far key of an atom."""
        near = self.near
        first, end = self.starts[atom], self.starts[atom + 1]
        return near[atom], *sorted(
            [
                near[t] << 4 | b
                for t, b in zip(self.tails[first:end], self.bonds[first:end], strict=True)
            ]
        )


class Keys:
    """All codes and near keys met so far, numbered in the order of meeting.

    Attributes:
        atoms: One atom for each code, and the molecule that keeps it alive.
        near: Near keys: code, then for each neighbour its code times 16 plus its bond, sorted.
    """

    def __init__(self) -> None:
        """Start with nothing known."""
        self.atoms: list[tuple[Chem.Atom, Chem.Mol]] = []
        self.near: list[tuple[int, ...]] = []
        self._codes: dict[tuple[int, int, int], int] = {}
        self._near: dict[tuple[int, ...], int] = {}

    def surroundings(self, mol: Chem.Mol) -> Surroundings | None:
        """Return the keys of a sanitised molecule, or None if it has none."""
        n = mol.GetNumAtoms()
        if not 0 < n <= MAX_ATOMS or mol.HasSubstructMatch(_ODD_BOND):
            return None
        # RDKit's invariant holds only whole units of mass difference, and so does not see 13C.
        if "[" in rdMolDescriptors.CalcMolFormula(mol, True, False):
            return None
        invariants = rdMolDescriptors.GetConnectivityInvariants(mol)
        adjacency = Chem.GetAdjacencyMatrix(mol, True, 0, True, _PREFIX)
        # RDKit keeps the matrix on the molecule: 5 kB that nobody else would ask for.
        mol.ClearProp(_PREFIX + "AdjacencyMatrixBO")
        heads, tails = adjacency.nonzero()
        orders = adjacency[heads, tails].tolist()
        heads, tails = heads.tolist(), tails.tolist()
        rings = mol.GetRingInfo().AtomRings()
        if rings and 1.5 not in orders and rdMolDescriptors.CalcNumAromaticRings(mol):
            return None  # kekulised, and still marked as aromatic
        in_rings = [0] * n
        for number, ring in enumerate(rings):
            for atom in ring:
                in_rings[atom] |= 1 << number
        counted = [0] * n
        for head, order in zip(heads, orders, strict=True):
            counted[head] += _COUNTED[order]
        known = self._codes
        codes: list[int] = []
        for key in zip(invariants, counted, map(int.bit_count, in_rings), strict=True):
            code = known.get(key)
            if code is None:
                code = self._new_code(mol, len(codes), key)
            if code < 0:
                return None
            codes.append(code)
        bonds = [
            int(2 * order) | (RING_BOND if in_rings[head] & in_rings[tail] else 0)
            for head, tail, order in zip(heads, tails, orders, strict=True)
        ]
        starts = [0, *accumulate([count & _DEGREE for count in counted])]
        around = [codes[tail] << 4 | bond for tail, bond in zip(tails, bonds, strict=True)]
        numbered = self._near
        near = []
        for atom, code in enumerate(codes):
            near_key = (code, *sorted(around[starts[atom] : starts[atom + 1]]))
            index = numbered.setdefault(near_key, len(self.near))
            if index == len(self.near):
                self.near.append(near_key)
            near.append(index)
        return Surroundings(codes, near, starts, tails, bonds, rings, in_rings)

    def _new_code(self, mol: Chem.Mol, index: int, key: tuple[int, int, int]) -> int:
        atom = mol.GetAtomWithIdx(index)
        if _is_ordinary(atom, key[1]):
            code = len(self.atoms)
            kept = Chem.Mol(mol)
            self.atoms.append((kept.GetAtomWithIdx(index), kept))
        else:
            code = -1
        self._codes[key] = code
        return code


def _is_ordinary(atom: Chem.Atom, counted: int) -> bool:
    """Whether RDKit's view of an atom follows from its bonds as counted."""
    twice = sum(int(2 * order) * (counted >> shift & 31) for order, shift in _ORDERS)
    aromatic = counted & _AROMATIC != 0
    valence: Any = atom.GetTotalValence()
    return (
        atom.GetAtomicNum() in ELEMENTS
        and atom.GetNumRadicalElectrons() == 0
        and not atom.HasQuery()
        and atom.GetIsAromatic() == aromatic
        # Of aromatic atoms RDKit rounds the sum in its own way.
        and (aromatic or twice == 2 * (valence - atom.GetTotalNumHs()))
    )
