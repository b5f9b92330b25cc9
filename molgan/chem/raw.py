"""Graphs as they were drawn, molecules or not, as RDKit molecules and as arrays.

`Codec.decode` and `read_smiles` give sanitised molecules or a reason; here nothing is checked. What
looser countings and repairs start from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.chem.rdkit_log import quiet_rdkit
from molgan.chem.reading import parse
from molgan.chem.vocabulary import BOND_NAMES, AtomType, Vocabulary

BOND_TYPES = {
    "single": Chem.BondType.SINGLE,
    "double": Chem.BondType.DOUBLE,
    "triple": Chem.BondType.TRIPLE,
    "aromatic": Chem.BondType.AROMATIC,
}
"""RDKit's type of each bond name of a vocabulary; "none" has no type."""

_KNOWN_BONDS = frozenset(BOND_TYPES.values())
_BOND_INDEX = {kind: BOND_NAMES.index(name) for name, kind in BOND_TYPES.items()}

Bond = tuple[int, int, Chem.BondType]
"""Numbers of two atoms, and the type between them."""


def raw_molecule(
    atoms: npt.NDArray[np.uint8], bonds: npt.NDArray[np.uint8], vocabulary: Vocabulary
) -> Chem.Mol:
    """Build an unsanitised molecule straight from arrays, whatever its valences.

    Args:
        atoms: (N,) atom type indices; empty slots (0) are left out with their bonds.
        bonds: (N, N) bond type indices; the part above the diagonal is read, as by `Codec.decode`.
        vocabulary: What the indices mean; atom types bring their formal charges.
    """
    present = np.flatnonzero(atoms)
    mol = Chem.RWMol()
    for kind in atoms[present]:
        atom_type = vocabulary.atoms[int(kind) - 1]
        atom = Chem.Atom(atom_type.symbol)
        atom.SetFormalCharge(atom_type.charge)
        mol.AddAtom(atom)
    kinds = np.triu(bonds[np.ix_(present, present)], 1)
    for start, end in zip(*(index.tolist() for index in np.nonzero(kinds)), strict=True):
        mol.AddBond(start, end, BOND_TYPES[vocabulary.bonds[kinds[start, end]]])
    return mol.GetMol()


def raw_molecule_from_smiles(smiles: str) -> Chem.Mol | None:
    """Read a SMILES as the heavy-atom graph that it draws, unsanitised.

    Hydrogens (as atoms or as counts in brackets), stereochemistry, isotopes and atom maps are
    dropped: these graphs have none. Aromatic rings are kekulised; where one cannot be, aromatic
    bonds stay as they are. Corrections depend on the order of the atoms, which a text seldom
    keeps: an invalid graph may be corrected to another molecule than from its arrays.

    Args:
        smiles: Any text.

    Returns:
        The graph, valences unchecked; None if the text is no SMILES or has no heavy atom.
    """
    with quiet_rdkit():
        try:
            parsed = parse(smiles)
            if parsed is None:
                return None
            return _heavy_graph(kekulized(parsed) or parsed)
        except (ValueError, RuntimeError):
            return None


def graph_of(mol: Chem.Mol) -> tuple[list[Chem.Atom], list[Bond]] | None:
    """Atoms and bonds without anything else, or None where these protocols have no such graph."""
    atoms = []
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() == 0:
            return None
        atoms.append(_bare(atom))
    bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx(), b.GetBondType()) for b in mol.GetBonds()]
    if not _KNOWN_BONDS.issuperset(kind for _, _, kind in bonds):
        return None
    return atoms, bonds


def kekulized(mol: Chem.Mol) -> Chem.Mol | None:
    """The molecule without aromatic bonds; itself where it has none, None where impossible."""
    if not any(bond.GetBondType() == Chem.BondType.AROMATIC for bond in mol.GetBonds()):
        return mol
    copy = Chem.RWMol(mol)
    try:
        Chem.Kekulize(copy, clearAromaticFlags=True)
    except ValueError:
        return None
    return copy


def _heavy_graph(mol: Chem.Mol) -> Chem.Mol | None:
    """Unsanitised copy with elements (other than hydrogen), charges and bonds only."""
    heavy = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() != 1]
    if not heavy:
        return None
    number = {atom.GetIdx(): k for k, atom in enumerate(heavy)}
    result = Chem.RWMol()
    for atom in heavy:
        bare = Chem.Atom(atom.GetAtomicNum())
        bare.SetFormalCharge(atom.GetFormalCharge())
        result.AddAtom(bare)
    for bond in mol.GetBonds():
        start, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if start in number and end in number:
            result.AddBond(number[start], number[end], bond.GetBondType())
    return result.GetMol()


def _bare(atom: Chem.Atom) -> Chem.Atom:
    """Element and charge; and the hydrogen of an aromatic [nH], which its bonds do not tell."""
    bare = Chem.Atom(atom.GetAtomicNum())
    bare.SetFormalCharge(atom.GetFormalCharge())
    if atom.GetIsAromatic():
        bare.SetNumExplicitHs(atom.GetNumExplicitHs())
    return bare


def raw_arrays(
    mols: Sequence[Chem.Mol],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], Vocabulary]:
    """Arrays of graphs that need not be molecules, with the vocabulary that holds them all.

    Nothing is checked or sanitised. Dummy atoms become empty slots; bonds of other kinds than
    single, double, triple and aromatic count as single.

    Args:
        mols: At least one molecule, sanitised or not.

    Returns:
        (B, N) atom types, (B, N, N) bond types, and what they mean.
    """
    kinds = {
        (atom.GetSymbol(), atom.GetFormalCharge())
        for mol in mols
        for atom in mol.GetAtoms()
        if atom.GetAtomicNum() > 0
    }
    vocabulary = Vocabulary(tuple(AtomType(*kind) for kind in sorted(kinds)), BOND_NAMES)
    size = max(mol.GetNumAtoms() for mol in mols)
    atoms = np.zeros((len(mols), size), np.uint8)
    bonds = np.zeros((len(mols), size, size), np.uint8)
    for row, mol in enumerate(mols):
        for atom in mol.GetAtoms():
            if atom.GetAtomicNum() > 0:
                index = vocabulary.atom_index(atom.GetSymbol(), atom.GetFormalCharge())
                assert index is not None  # the vocabulary was made from these atoms
                atoms[row, atom.GetIdx()] = index
        for bond in mol.GetBonds():
            i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            bonds[row, i, j] = bonds[row, j, i] = _BOND_INDEX.get(bond.GetBondType(), 1)
    return atoms, bonds, vocabulary
