"""What a molecule is built around: its generic scaffold and its ring systems, as SMILES."""

from __future__ import annotations

from collections import Counter

from rdkit import Chem


def generic_scaffold(mol: Chem.Mol) -> str:
    """Return the graph framework of Bemis and Murcko (J. Med. Chem. 39, 2887, 1996) as SMILES.

    Rings and the chains between them, every atom a carbon and every bond single: what is left when
    atoms with one neighbour are removed until there are none. Atoms that RDKit keeps on a scaffold
    for their double bond, such as a carbonyl's oxygen, are gone too: without bond orders they are
    side chains. An acyclic molecule has none: "".
    """
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    pruned = True
    while pruned:
        degree = Counter(index for bond in bonds for index in bond)
        left = [bond for bond in bonds if degree[bond[0]] > 1 and degree[bond[1]] > 1]
        pruned = len(left) < len(bonds)
        bonds = left
    frame = Chem.RWMol()
    place = {index: frame.AddAtom(Chem.Atom(6)) for index in {i for bond in bonds for i in bond}}
    for begin, end in bonds:
        frame.AddBond(place[begin], place[end], Chem.BondType.SINGLE)
    # No sanitisation: in place of a metal or phosphorus a carbon may have more than four bonds.
    frame.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(frame)
    return str(Chem.MolToSmiles(frame))


def ring_systems(mol: Chem.Mol) -> tuple[str, ...]:
    """Return the ring systems of a molecule as sorted SMILES, one for each occurrence.

    A ring system is a set of rings that share atoms (fused, bridged or spiro), together with the
    atoms bonded to it by more than a single bond, as in a lactam. Where a substituent was, there is
    a hydrogen. Biphenyl has two.
    """
    ring_bonds = [bond for bond in mol.GetBonds() if bond.IsInRing()]
    group = {i: i for bond in ring_bonds for i in (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())}

    def root(index: int) -> int:
        while group[index] != index:
            group[index] = index = group[group[index]]
        return index

    for bond in ring_bonds:
        group[root(bond.GetBeginAtomIdx())] = root(bond.GetEndAtomIdx())
    systems: dict[int, list[int]] = {}
    for index in group:
        systems.setdefault(root(index), []).append(index)
    return tuple(sorted(_ring_system(mol, atoms) for atoms in systems.values()))


def _ring_system(mol: Chem.Mol, ring_atoms: list[int]) -> str:
    """Write the ring system that consists of these ring atoms."""
    inside = set(ring_atoms)
    bonds = {bond.GetIdx(): bond for i in ring_atoms for bond in mol.GetAtomWithIdx(i).GetBonds()}
    kept = [
        bond
        for bond in bonds.values()
        if bond.IsInRing() or bond.GetBondType() != Chem.BondType.SINGLE
    ]
    part = Chem.RWMol()
    index: dict[int, int] = {}
    for bond in kept:
        for atom in (bond.GetBeginAtom(), bond.GetEndAtom()):
            if atom.GetIdx() not in index:
                index[atom.GetIdx()] = part.AddAtom(_with_hydrogens(atom, inside))
        begin, end = index[bond.GetBeginAtomIdx()], index[bond.GetEndAtomIdx()]
        part.AddBond(begin, end, bond.GetBondType())
    if Chem.SanitizeMol(part, catchErrors=True):
        # Not met so far; the fragment as it stands is a name as good as another.
        return str(Chem.MolFragmentToSmiles(mol, atomsToUse=list(index), isomericSmiles=False))
    return str(Chem.MolToSmiles(part, isomericSmiles=False))


def _with_hydrogens(atom: Chem.Atom, inside: set[int]) -> Chem.Atom:
    """Copy an atom, with a hydrogen for each bond cut where RDKit would not add it by itself."""
    copy = Chem.Atom(atom)
    if atom.GetIdx() in inside:
        cut = sum(
            not bond.IsInRing() and bond.GetBondType() == Chem.BondType.SINGLE
            for bond in atom.GetBonds()
        )
    else:
        # A side atom keeps its multiple bond to the ring and nothing else.
        copy.SetIsAromatic(False)
        cut = 0
        for bond in atom.GetBonds():
            if bond.GetOtherAtomIdx(atom.GetIdx()) not in inside:
                cut += round(bond.GetBondTypeAsDouble())
    plain = atom.GetAtomicNum() == 6 and atom.GetFormalCharge() == 0
    if atom.GetNoImplicit() or (copy.GetIsAromatic() and not plain):
        copy.SetNumExplicitHs(atom.GetNumExplicitHs() + cut)
    return copy
