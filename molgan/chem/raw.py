"""Graphs as somebody drew them, molecules or not, as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.chem.vocabulary import BOND_NAMES, AtomType, Vocabulary

_BOND_INDEX = {
    Chem.BondType.SINGLE: 1,
    Chem.BondType.DOUBLE: 2,
    Chem.BondType.TRIPLE: 3,
    Chem.BondType.AROMATIC: 4,
}


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
