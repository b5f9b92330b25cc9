"""Reading a molecule the one way everything in molgan agrees on: its graph and nothing else.

Dropped on reading: stereochemistry, isotopes, atom map numbers, explicit hydrogens. What is left is
sanitised by RDKit. The *identity* of a molecule is its canonical SMILES in this form.
"""

from __future__ import annotations

from typing import Any

from rdkit import Chem

_PARAMS: Any = Chem.SmilesParserParams()
_PARAMS.sanitize = False
_PARAMS.removeHs = False

MAX_PASSES = 4
"""How often a canonical SMILES is read and written again until it stays the same."""


def parse(smiles: str) -> Chem.Mol | None:
    """Parse a SMILES as it stands: no sanitisation, no removal of hydrogens."""
    return Chem.MolFromSmiles(smiles, _PARAMS)


def read_smiles(smiles: str, *, max_atoms: int | None = None) -> tuple[Chem.Mol | None, str | None]:
    """Parse a SMILES into a sanitised molecule without stereo, isotopes and atom maps.

    Args:
        smiles: One SMILES string.
        max_atoms: Give up on molecules with more heavy atoms, before the costly steps.

    Returns:
        The molecule and None, or None and a reason: ``parse``, ``empty``, ``fragments``
        (only with `max_atoms`), ``size``. Several fragments are let through when `max_atoms`
        is None.
    """
    mol = parse(smiles)
    if mol is None:
        return None, "parse"
    # A SMILES without these characters cannot hold what is to be removed.
    strip = "[" in smiles or "/" in smiles or "\\" in smiles
    return _standardize(mol, strip, max_atoms)


def standard_copy(
    mol: Chem.Mol, *, max_atoms: int | None = None
) -> tuple[Chem.Mol | None, str | None]:
    """Like `read_smiles`, for a molecule that is already there; the argument is not changed."""
    return _standardize(Chem.RWMol(mol), True, max_atoms)


def identity(mol: Chem.Mol) -> str | None:
    """Write the canonical, stereo-free SMILES that stays the same when read and written again.

    RDKit's canonical SMILES is such a fixed point for every molecule of QM9 and ZINC250k at the
    first try. Where it is not, the string is read and written again until it is.

    Args:
        mol: A molecule as `read_smiles` returns it.

    Returns:
        The SMILES, or None where no fixed point is found within `MAX_PASSES` passes.
    """
    smiles: str = Chem.MolToSmiles(mol, isomericSmiles=False)
    for _ in range(MAX_PASSES):
        again, _reason = read_smiles(smiles)
        if again is None:
            return None
        rewritten: str = Chem.MolToSmiles(again, isomericSmiles=False)
        if rewritten == smiles:
            return smiles
        smiles = rewritten
    return None


def _standardize(
    mol: Chem.Mol, strip: bool, max_atoms: int | None
) -> tuple[Chem.Mol | None, str | None]:
    if strip:
        mol = stripped(mol)
    if mol.GetNumAtoms() == 0:
        return None, "empty"
    if max_atoms is not None:
        if len(Chem.GetMolFrags(mol)) > 1:
            return None, "fragments"
        if mol.GetNumAtoms() > max_atoms:
            return None, "size"
    if Chem.SanitizeMol(mol, catchErrors=True):
        return None, "parse"
    return mol, None


def stripped(mol: Chem.Mol) -> Chem.Mol:
    """Without stereochemistry, isotopes, atom maps and explicit hydrogens; `mol` may be changed."""
    Chem.RemoveStereochemistry(mol)
    hydrogens = False
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() == 1:
            hydrogens = True
        if atom.GetIsotope():
            atom.SetIsotope(0)
        if atom.GetAtomMapNum():
            atom.SetAtomMapNum(0)
    return Chem.RemoveHs(mol, sanitize=False) if hydrogens else mol
