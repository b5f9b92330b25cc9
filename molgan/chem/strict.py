"""Strict judgement of a molecule that comes as text: the same rules as for decoded graphs."""

from __future__ import annotations

from collections.abc import Iterable

from rdkit import Chem

from molgan.chem.decoding import Decoded, reason_of
from molgan.chem.rdkit_log import quiet_rdkit
from molgan.chem.reading import identity, parse, stripped

JUDGE_REASONS = ("parse", "dummy", "empty", "valence", "kekulize", "sanitize", "fragments")
"""Why a SMILES is not a molecule, in the order in which it is checked."""


def judge_smiles(smiles: str) -> Decoded:
    """Judge one SMILES strictly: RDKit's full sanitisation, one fragment, no dummy atoms.

    Stereochemistry, isotopes, atom maps and explicit hydrogens are dropped, nothing else is
    changed: a salt is `fragments`, not its largest ion.

    Args:
        smiles: One SMILES string as a generator wrote it.

    Returns:
        The molecule with its canonical SMILES, or the reason, one of `JUDGE_REASONS`.
    """
    mol = parse(smiles)
    if mol is None:
        return Decoded(None, None, "parse")
    mol = stripped(mol)
    if any(atom.GetAtomicNum() == 0 for atom in mol.GetAtoms()):
        return Decoded(None, None, "dummy")
    if mol.GetNumHeavyAtoms() == 0:
        return Decoded(None, None, "empty")
    failure = Chem.SanitizeMol(mol, catchErrors=True)
    if failure:
        return Decoded(None, None, reason_of(failure))
    if len(Chem.GetMolFrags(mol)) > 1:
        return Decoded(None, None, "fragments")
    text = identity(mol)
    if text is None:
        return Decoded(None, None, "sanitize")
    return Decoded(mol, text, None)


def judge_all(smiles: Iterable[str]) -> list[tuple[str | None, str | None]]:
    """(canonical SMILES, None) or (None, reason) of each; without the molecules, so it travels.

    Args:
        smiles: Any texts.
    """
    with quiet_rdkit():
        return [(item.smiles, item.reason) for item in map(judge_smiles, smiles)]
