from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Geometry import Point3D

from molgan.errors import ChemistryError, DataError
from molgan.library.conformers import Conformer, embed
from molgan.library.poses import pose_rmsd, read_poses, read_reference


def built(smiles: str) -> Chem.Mol:
    conformer = embed(smiles)
    assert isinstance(conformer, Conformer)
    return conformer.mol


def moved(mol: Chem.Mol, shift: tuple[float, float, float]) -> Chem.Mol:
    copy = Chem.Mol(mol)
    for atom in range(copy.GetNumAtoms()):
        place = np.array(copy.GetConformer().GetAtomPosition(atom)) + shift
        copy.GetConformer().SetAtomPosition(atom, Point3D(*place.tolist()))
    return copy


def test_a_shift_is_its_length_and_nothing_is_aligned() -> None:
    mol = built("CC(=O)Nc1ccc(O)cc1")
    assert pose_rmsd(mol, mol) == 0
    assert pose_rmsd(moved(mol, (3.0, 4.0, 0.0)), mol) == pytest.approx(5.0)


def test_order_of_atoms_and_hydrogens_make_no_difference() -> None:
    mol = Chem.RemoveHs(built("CC(=O)Nc1ccc(O)cc1"))
    order = list(reversed(range(mol.GetNumAtoms())))
    assert pose_rmsd(Chem.RenumberAtoms(mol, order), built("CC(=O)Nc1ccc(O)cc1")) == 0


def test_equal_atoms_may_change_places() -> None:
    mol = Chem.RemoveHs(built("Fc1ccccc1"))
    swapped = Chem.Mol(mol)
    pairs = {2: 6, 6: 2, 3: 5, 5: 3}  # the two sides of the ring
    for atom, other in pairs.items():
        swapped.GetConformer().SetAtomPosition(atom, mol.GetConformer().GetAtomPosition(other))
    assert pose_rmsd(swapped, mol) == pytest.approx(0, abs=1e-6)
    acid, ion = Chem.RemoveHs(built("CC(=O)O")), None
    ion = Chem.MolFromSmiles("CC([O-])=O")
    ion.AddConformer(Chem.Conformer(acid.GetConformer()))
    assert pose_rmsd(ion, acid) == 0


def test_other_molecules_are_refused() -> None:
    with pytest.raises(ChemistryError, match="not the same molecule"):
        pose_rmsd(built("CCO"), built("CCN"))
    with pytest.raises(ChemistryError, match="not the same molecule"):
        pose_rmsd(built("CCO"), built("CCCO"))
    with pytest.raises(ChemistryError, match="without coordinates"):
        pose_rmsd(Chem.MolFromSmiles("CCO"), built("CCO"))


def test_poses_of_vina_are_the_molecule_in_place(shared_data: Path) -> None:
    folder = shared_data / "vina_1iep"
    poses = read_poses((folder / "1iep_ligand_vina_out.pdbqt").read_text())
    assert [pose.score for pose in poses] == [-13.234, -11.293, -11.281, -11.146]
    imatinib = Chem.CanonSmiles("Cc1ccc(NC(=O)c2ccc(CN3CC[NH+](C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1")
    assert Chem.MolToSmiles(poses[0].mol) == imatinib
    crystal = read_reference(folder / "1iep_ligand.sdf")
    # The prepared ligand is the crystal pose; bond lengths survive only if atoms are paired right.
    assert pose_rmsd(read_reference(folder / "1iep_ligand.pdbqt"), crystal) < 0.01
    assert pose_rmsd(poses[0].mol, crystal) < 1.0
    assert pose_rmsd(poses[3].mol, crystal) > 2.0
    # Vina's own bounds of the same distances, from the file; it does not know the symmetry.
    for pose, (low, high) in zip(
        poses[1:], [(0.986, 1.681), (3.044, 12.414), (3.813, 12.238)], strict=True
    ):
        assert low - 0.01 <= pose_rmsd(pose.mol, poses[0].mol) <= high + 0.01


PDBQT = """REMARK SMILES CO
REMARK SMILES IDX 1 1 2 2
ROOT
ATOM      1  C   UNL     1       1.000   2.000   3.000  1.00  0.00    +0.000 C
ATOM      2  OA  UNL     1       1.000   2.000   4.400  1.00  0.00    +0.000 OA
ENDROOT
TORSDOF 0
"""


def test_a_file_without_models_is_one_pose() -> None:
    (pose,) = read_poses(PDBQT)
    assert np.isnan(pose.score)
    np.testing.assert_allclose(pose.mol.GetConformer().GetPositions(), [[1, 2, 3], [1, 2, 4.4]])
    assert read_poses("") == []


def test_hydrogens_in_the_smiles_count_as_atoms() -> None:
    text = PDBQT.replace("SMILES CO", "SMILES [H]CO").replace("IDX 1 1 2 2", "IDX 2 1 3 2")
    (pose,) = read_poses(text)
    assert pose.mol.GetConformer().GetAtomPosition(2).z == 4.4
    assert pose_rmsd(pose.mol, read_poses(PDBQT)[0].mol) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("REMARK SMILES CO\n", ""), "no REMARK SMILES"),
        (("IDX 1 1 2 2", "IDX 1 1"), "every heavy atom"),
        (("IDX 1 1 2 2", "IDX 1 1 2 7"), "not there"),
        (("IDX 1 1 2 2", "IDX 1 1 3 2"), "not there"),
        (("3.000  1.00", "xxxxx  1.00"), "cannot be read"),
    ],
)
def test_a_pdbqt_that_does_not_add_up_is_refused(change: tuple[str, str], message: str) -> None:
    with pytest.raises(ChemistryError, match=message):
        read_poses(PDBQT.replace(*change))


def test_a_reference_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.sdf"):
        read_reference(tmp_path / "none.sdf")
    for name, text, message in [
        ("a.sdf", "rubbish", "no molecule"),
        ("a.pdbqt", "", "no ligand"),
        ("b.pdbqt", PDBQT.replace("REMARK", "XXXXXX"), "no REMARK SMILES"),
        ("a.xyz", "1", "an .sdf, .mol or .pdbqt"),
    ]:
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=message):
            read_reference(tmp_path / name)
