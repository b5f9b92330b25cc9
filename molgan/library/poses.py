"""Docked poses back from PDBQT, and how far they are from a known one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Geometry import Point3D

from molgan.chem.rdkit_log import quiet_rdkit
from molgan.errors import ChemistryError, DataError

MAX_MATCHES = 100_000
"""Most symmetric ways to lay one molecule on the other that `pose_rmsd` tries."""


@dataclass(frozen=True)
class Pose:
    """One binding mode.

    Attributes:
        score: In kcal/mol, lower is better; NaN where the file gives none.
        mol: Heavy atoms with coordinates in angstrom, in the frame of the receptor.
    """

    score: float
    mol: Chem.Mol


def read_poses(text: str) -> list[Pose]:
    """Read the poses of one ligand from PDBQT as Vina writes it, best first as in the file.

    Bonds and charges come from the SMILES that Meeko leaves in the remarks; PDBQT itself has none.

    Args:
        text: PDBQT with one or more MODEL blocks.

    Raises:
        ChemistryError: there is no such remark, or its atoms are not those of the file.
    """
    with quiet_rdkit():
        return [_pose(lines) for lines in _models(text)]


def read_reference(path: str | Path) -> Chem.Mol:
    """Read a ligand with a known pose: the first molecule of an .sdf, .mol or .pdbqt file.

    Args:
        path: Of the file.

    Raises:
        DataError: the file is missing, of another kind, or holds no molecule.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read the reference ligand {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"the reference ligand {path} is no text file") from error
    if path.suffix.lower() == ".pdbqt":
        try:
            poses = read_poses(text)
        except ChemistryError as error:
            raise DataError(f"{path}: {error}") from error
        if not poses:
            raise DataError(f"{path} holds no ligand")
        return poses[0].mol
    if path.suffix.lower() not in (".sdf", ".sd", ".mol"):
        raise DataError(f"{path}: a reference ligand is an .sdf, .mol or .pdbqt file")
    with quiet_rdkit():
        read: Any = Chem.MolFromMolBlock(text)
    if read is None or read.GetNumConformers() == 0:
        raise DataError(f"{path} starts with no molecule that RDKit can read")
    reference: Chem.Mol = read
    return reference


def pose_rmsd(pose: Chem.Mol, reference: Chem.Mol) -> float:
    """Root mean square distance of heavy atoms in angstrom, nothing moved, symmetry allowed for.

    Atoms are matched by element and connection only, so that two oxygens of a carboxylate, two
    sides of a phenyl ring, or two protonation states count as the same. Of all matches the lowest
    is returned.

    Args:
        pose: A molecule with coordinates in angstrom.
        reference: The same molecule, in the same frame.

    Raises:
        ChemistryError: the two are not the same molecule.
    """
    a, b = _skeleton(pose), _skeleton(reference)
    if a.GetNumAtoms() != b.GetNumAtoms() or a.GetNumBonds() != b.GetNumBonds():
        raise ChemistryError("the pose and the reference are not the same molecule")
    matches = b.GetSubstructMatches(a, uniquify=False, maxMatches=MAX_MATCHES)
    if not matches:
        raise ChemistryError("the pose and the reference are not the same molecule")
    here, there = _positions(a), _positions(b)
    squared = ((here[:, None] - there[None]) ** 2).sum(axis=2)
    order = np.arange(len(here))
    return float(np.sqrt(min(squared[order, list(match)].mean() for match in matches)))


def _models(text: str) -> Iterator[list[str]]:
    """Lines of each MODEL; a file without that word is one."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("MODEL"):
            lines = []
        elif line.startswith("ENDMDL"):
            yield lines
            lines = []
        else:
            lines.append(line)
    if any(line.startswith(("ATOM", "HETATM")) for line in lines):
        yield lines


def _pose(lines: list[str]) -> Pose:
    smiles, pairs, score = "", [], float("nan")
    positions: dict[int, tuple[float, float, float]] = {}
    try:
        for line in lines:
            if line.startswith("REMARK SMILES IDX"):
                pairs += [int(number) for number in line.split()[3:]]
            elif line.startswith("REMARK SMILES"):
                smiles = line.split()[2]
            elif line.startswith("REMARK VINA RESULT:"):
                score = float(line.split()[3])
            elif line.startswith(("ATOM", "HETATM")):
                x, y, z = (float(line[start : start + 8]) for start in (30, 38, 46))
                positions[int(line[6:11])] = x, y, z
    except (ValueError, IndexError) as error:
        raise ChemistryError(f"a line of the PDBQT cannot be read: {line.strip()!r}") from error
    settings: Any = Chem.SmilesParserParams()
    settings.removeHs = False  # the numbers of the remarks count every atom that is written
    mol: Any = Chem.MolFromSmiles(smiles, settings) if smiles else None
    if mol is None:
        raise ChemistryError("the PDBQT has no REMARK SMILES, so its bonds are not known")
    conformer = Chem.Conformer(mol.GetNumAtoms())
    placed = set()
    for atom, serial in zip(pairs[::2], pairs[1::2], strict=False):
        if not 1 <= atom <= mol.GetNumAtoms() or serial not in positions:
            raise ChemistryError("REMARK SMILES IDX names atoms that are not there")
        conformer.SetAtomPosition(atom - 1, Point3D(*positions[serial]))
        placed.add(atom - 1)
    if any(atom.GetAtomicNum() > 1 and atom.GetIdx() not in placed for atom in mol.GetAtoms()):
        raise ChemistryError("REMARK SMILES IDX does not place every heavy atom")
    mol.AddConformer(conformer)
    return Pose(score, mol)


def _skeleton(mol: Chem.Mol) -> Chem.RWMol:
    """Heavy atoms by element, joined by bonds of one kind, with their coordinates."""
    if mol.GetNumConformers() == 0:
        raise ChemistryError("a molecule without coordinates has no distance to another")
    bare = Chem.RWMol()
    heavy = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1]
    place = {atom.GetIdx(): bare.AddAtom(Chem.Atom(atom.GetAtomicNum())) for atom in heavy}
    for bond in mol.GetBonds():
        ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if ends[0] in place and ends[1] in place:
            bare.AddBond(place[ends[0]], place[ends[1]], Chem.BondType.SINGLE)
    conformer = Chem.Conformer(len(heavy))
    positions = mol.GetConformer()
    for atom in heavy:
        conformer.SetAtomPosition(place[atom.GetIdx()], positions.GetAtomPosition(atom.GetIdx()))
    bare.AddConformer(conformer)
    return bare


def _positions(mol: Chem.Mol) -> npt.NDArray[np.float64]:
    return np.asarray(mol.GetConformer().GetPositions(), dtype=np.float64)
