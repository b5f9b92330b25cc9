"""Ring systems that a graph can have and a molecule can hardly: found on the rings themselves.

Each function yields the atoms of every place. Limits are those up to which such compounds are known
only as reactive intermediates, so that what could be bought or kept in a bottle passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import NamedTuple

from rdkit import Chem

_DOUBLE, _TRIPLE = Chem.BondType.DOUBLE, Chem.BondType.TRIPLE


class Rings(NamedTuple):
    """The smallest rings of a molecule."""

    atoms: list[frozenset[int]]
    bonds: list[frozenset[int]]

    @classmethod
    def of(cls, mol: Chem.Mol) -> Rings:
        """Read them from a sanitised molecule."""
        info = mol.GetRingInfo()
        return cls(list(map(frozenset, info.AtomRings())), list(map(frozenset, info.BondRings())))


class _Bridged(NamedTuple):
    """Two rings with a bridge in common: three bridges between two bridgeheads."""

    heads: frozenset[int]
    bridges: tuple[frozenset[int], ...]  # atoms without the bridgeheads
    shared: frozenset[int]  # bonds that both rings have


def bredt(mol: Chem.Mol, rings: Rings) -> Iterator[frozenset[int]]:
    """Double bonds at a bridgehead where neither ring through the bond has eight atoms.

    Such a bond is trans in one of the two rings that hold it, at best in the larger; trans
    cyclooctene is the smallest trans ring that can be kept. Wiseman, J. Am. Chem. Soc. 89, 5966
    (1967). Bicyclo[3.3.1]non-1-ene passes, bicyclo[2.2.1]hept-1-ene does not.
    """
    for bicycle in _bridged(mol, rings):
        sizes = [len(bridge) for bridge in bicycle.bridges]
        for head in bicycle.heads:
            for bond in mol.GetAtomWithIdx(head).GetBonds():
                if bond.GetBondType() != _DOUBLE:
                    continue
                other = bond.GetOtherAtomIdx(head)
                for k, bridge in enumerate(bicycle.bridges):
                    larger = sizes[k] + max(sizes[:k] + sizes[k + 1 :]) + 2
                    if other in bridge and larger < 8:
                        yield frozenset((head, other))


def bridged_aromatic(mol: Chem.Mol, rings: Rings) -> Iterator[frozenset[int]]:
    """Aromatic rings bridged across (meta, para, 2,5) by four atoms or fewer.

    The ring would have to bend out of its plane. [5]Metacyclophane and [6]paracyclophane are the
    smallest that were isolated. Kane, Tochtermann in Cyclophanes (2004), chapters 1 and 10.
    """
    for bicycle in _bridged(mol, rings):
        path = [mol.GetBondWithIdx(bond) for bond in bicycle.shared]
        if not all(bond.GetIsAromatic() for bond in path):
            continue
        for bridge in bicycle.bridges:
            inside = any(mol.GetAtomWithIdx(atom).GetIsAromatic() for atom in bridge)
            if not inside and len(bridge) <= 4:
                yield bicycle.heads | bridge


def ring_cumulene(mol: Chem.Mol, rings: Rings) -> Iterator[frozenset[int]]:
    """Two double bonds at one atom, both in a ring of eight atoms or fewer.

    An allene is straight and wants 180 degrees. 1,2-Cyclononadiene is the first that keeps; those
    with eight atoms dimerise. Johnson, Chem. Rev. 89, 1111 (1989).
    """
    for atoms, bonds in zip(rings.atoms, rings.bonds, strict=True):
        if len(atoms) > 8:
            continue
        for atom in atoms:
            doubles = [
                bond
                for bond in mol.GetAtomWithIdx(atom).GetBonds()
                if bond.GetIdx() in bonds and bond.GetBondType() == _DOUBLE
            ]
            # Sulphur and phosphorus are not straight with two double bonds.
            if len(doubles) == 2 and mol.GetAtomWithIdx(atom).GetAtomicNum() in (6, 7):
                yield frozenset((atom, *(bond.GetOtherAtomIdx(atom) for bond in doubles)))


def ring_alkyne(mol: Chem.Mol, rings: Rings) -> Iterator[frozenset[int]]:
    """Triple bonds in a ring of seven atoms or fewer.

    Cyclooctyne is the smallest that keeps, and is sold for click chemistry. Krebs and Wilke, Top.
    Curr. Chem. 109, 189 (1983).
    """
    info = mol.GetRingInfo()
    for bond in mol.GetBonds():
        if bond.GetBondType() == _TRIPLE and 0 < info.MinBondRingSize(bond.GetIdx()) < 8:
            yield frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))


def fused_cyclopropene(mol: Chem.Mol, rings: Rings) -> Iterator[frozenset[int]]:
    """Three-membered rings with a double bond at an atom where another ring is fused on.

    Two sp2 centres of 60 degrees in a second small ring: bicyclo[n.1.0]alkenes of this kind are
    trapped at low temperature, not isolated. Billups, Haley and Lee, Chem. Rev. 89, 1147 (1989).
    Rings of nine atoms and more are loose enough.
    """
    for i, j in _fused(rings):
        for small, other in ((i, j), (j, i)):
            if len(rings.atoms[small]) == 3 and len(rings.atoms[other]) < 9:
                fusion = rings.atoms[small] & rings.atoms[other]
                for bond in map(mol.GetBondWithIdx, rings.bonds[small]):
                    ends = {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()}
                    if bond.GetBondType() == _DOUBLE and ends & fusion:
                        yield rings.atoms[small]


def cyclopropaarene(mol: Chem.Mol, rings: Rings) -> Iterator[frozenset[int]]:
    """Three-membered rings on a bond of an aromatic ring.

    Benzocyclopropene, 68 kcal/mol of strain, is the parent of a few exotic compounds. Halton, Chem.
    Rev. 103, 1327 (2003). A ring that is aromatic itself (cyclopropenone) does not count.
    """
    for i, j in _fused(rings):
        for small, other in ((i, j), (j, i)):
            if len(rings.atoms[small]) == 3 and len(rings.atoms[other]) > 3:
                (bond,) = list(rings.bonds[small] & rings.bonds[other])[:1]
                if mol.GetBondWithIdx(bond).GetIsAromatic():
                    yield rings.atoms[small]


def fused_small_rings(mol: Chem.Mol, rings: Rings) -> Iterator[frozenset[int]]:
    """A three-membered ring that shares a bond with a ring of three or four atoms.

    Bicyclo[1.1.0]butane (64 kcal/mol of strain) and bicyclo[2.1.0]pentane (55): reagents rather
    than parts of a drug. Wiberg, Angew. Chem. Int. Ed. 25, 312 (1986). Tetrahedranes, prismanes and
    [1.1.1]propellane contain them. Spiro rings and bicyclo[1.1.1]pentane pass.
    """
    for i, j in _fused(rings):
        if sorted((len(rings.atoms[i]), len(rings.atoms[j]))) in ([3, 3], [3, 4]):
            yield rings.atoms[i] | rings.atoms[j]


RING_ODDITIES: dict[str, Callable[[Chem.Mol, Rings], Iterator[frozenset[int]]]] = {
    "Bredt double bond": bredt,
    "bridged aromatic ring": bridged_aromatic,
    "small-ring cumulene": ring_cumulene,
    "small-ring alkyne": ring_alkyne,
    "fused cyclopropene": fused_cyclopropene,
    "cyclopropaarene": cyclopropaarene,
    "fused three-membered ring": fused_small_rings,
}


def _fused(rings: Rings) -> Iterator[tuple[int, int]]:
    """Pairs of rings that share exactly one bond."""
    for i, j in combinations(range(len(rings.bonds)), 2):
        if len(rings.bonds[i] & rings.bonds[j]) == 1:
            yield i, j


def _bridged(mol: Chem.Mol, rings: Rings) -> Iterator[_Bridged]:
    """Pairs of rings that share a path of two bonds or more."""
    for i, j in combinations(range(len(rings.bonds)), 2):
        shared = rings.bonds[i] & rings.bonds[j]
        if len(shared) < 2:
            continue
        ends: dict[int, int] = {}
        for bond in map(mol.GetBondWithIdx, shared):
            for atom in (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()):
                ends[atom] = ends.get(atom, 0) + 1
        heads = frozenset(atom for atom, count in ends.items() if count == 1)
        inside = frozenset(ends) - heads
        sides = rings.atoms[i] - frozenset(ends), rings.atoms[j] - frozenset(ends)
        # Two heads: the common part is one path. Both sides: no bridge is a mere bond.
        if len(heads) == 2 and all(sides):
            yield _Bridged(heads, (inside, *sides), shared)
