from __future__ import annotations

import csv
import logging
import time
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem, rdBase

from molgan.errors import ChemistryError, ConfigError, MolganError
from molgan.library import docking_export, extras
from molgan.library.conformers import Conformer, embed
from molgan.library.docking_export import export_docking
from molgan.library.docking_files import (
    SafeNames,
    enumerate_stereo,
    pdbqt_text,
    protonate,
    sdf_record,
    write_pdbqt,
    write_sdf,
)
from molgan.library.states import Ligand, States

DRUGS = ["CC(=O)Nc1ccc(O)cc1", "CC(=O)Oc1ccccc1C(=O)O", "CN1CCC[C@H]1c1cccnc1", "CCO", "c1ccncc1"]


def built(smiles: str) -> Chem.Mol:
    conformer = embed(smiles)
    assert isinstance(conformer, Conformer)
    return conformer.mol


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_an_sdf_reads_back_with_names_scores_and_coordinates(tmp_path: Path) -> None:
    mol = built("C[C@H](N)C(=O)O")
    properties = {"qed": 0.123456789, "n": np.int64(12345678), "gone": None, "nan": float("nan")}
    properties |= {"note": "two\n\nlines"}
    write_sdf(tmp_path / "a.sdf", [sdf_record(mol, "first one", properties)] * 2)
    read = list(Chem.SDMolSupplier(str(tmp_path / "a.sdf"), removeHs=False))
    assert len(read) == 2
    assert read[1].GetProp("_Name") == "first one"
    assert read[1].GetPropsAsDict() == {"qed": 0.123457, "n": 12345678, "note": "two lines"}
    assert Chem.MolToSmiles(Chem.RemoveHs(read[1])) == "C[C@H](N)C(=O)O"
    np.testing.assert_allclose(
        read[1].GetConformer().GetPositions(), mol.GetConformer().GetPositions(), atol=6e-5
    )


def test_names_of_files_work_anywhere_and_never_repeat() -> None:
    safe = SafeNames()
    names = ["a/b c", "A_B_C", "a_b_c", "..", "", "con", "é", "-x", "n" * 300, "ok-1.2", "NUL.txt"]
    made = [safe(name) for name in names]
    assert made[:3] == ["a_b_c", "A_B_C_2", "a_b_c_3"]
    assert made[3:8] == ["mol_", "mol__2", "mol_con", "_", "x"]
    assert made[8:] == ["n" * 100, "ok-1.2", "mol_NUL.txt"]


def test_open_stereocentres_are_listed_and_given_ones_kept() -> None:
    assert enumerate_stereo("CC(F)[C@H](N)O") == sorted(
        map(Chem.CanonSmiles, ["C[C@H](F)[C@H](N)O", "C[C@@H](F)[C@H](N)O"])
    )
    assert enumerate_stereo("CC=CC") == sorted(map(Chem.CanonSmiles, ["C/C=C/C", "C/C=C\\C"]))
    assert enumerate_stereo("CCO") == ["CCO"]
    chain = "CC(F)C(Cl)C(Br)C(O)C(N)C"
    assert len(enumerate_stereo(chain, 5)) == 5
    assert enumerate_stereo(chain, 5) == enumerate_stereo(chain, 5)
    with pytest.raises(ChemistryError, match="does not read"):
        enumerate_stereo("C(")
    with pytest.raises(ConfigError, match="1 or more"):
        enumerate_stereo("C", 0)


def test_protonation_follows_the_ph() -> None:
    pytest.importorskip("dimorphite_dl")
    assert protonate("CC(=O)O", 7.4, 7.4) == ["CC(=O)[O-]"]
    assert protonate("CC(=O)O", 1.0, 1.0) == ["CC(=O)O"]
    assert protonate("CCCN", 7.4, 7.4) == ["CCC[NH3+]"]
    assert protonate("c1ccccc1") == ["c1ccccc1"]
    assert set(protonate("CC(=O)O", 1.0, 8.0)) == {"CC(=O)O", "CC(=O)[O-]"}
    assert len(protonate("CC(=O)O", 1.0, 8.0, limit=1)) == 1


@pytest.mark.parametrize("ph", [(8.0, 7.0), (-1.0, 7.0), (7.0, 15.0)])
def test_a_ph_range_that_is_none_is_refused(ph: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="pH range"):
        protonate("CCO", *ph)


def test_pdbqt_has_name_types_charges_and_torsions(tmp_path: Path) -> None:
    pytest.importorskip("meeko")
    write_pdbqt(tmp_path / "a.pdbqt", built("CC(=O)Oc1ccccc1C(=O)[O-]"), "aspirin\nacid")
    lines = (tmp_path / "a.pdbqt").read_text().splitlines()
    assert lines[0] == "REMARK  Name = aspirin acid"
    assert lines[1] == "REMARK SMILES CC(=O)Oc1ccccc1C(=O)[O-]"
    atoms = [line for line in lines if line.startswith("ATOM")]
    assert len(atoms) == 13  # no hydrogen on a carbon is left
    assert sorted({line.split()[-1] for line in atoms}) == ["A", "C", "OA"]
    assert sum(float(line[66:76]) for line in atoms) == pytest.approx(-1, abs=0.01)
    assert lines[-1] == "TORSDOF 3"


def test_meeko_leaves_the_log_of_rdkit_alone(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("meeko")
    pdbqt_text(built("CCO"), "x")
    with caplog.at_level(logging.DEBUG):
        rdBase.LogErrorMsg("told by RDKit")
    assert "told by RDKit" not in caplog.text


def test_what_meeko_cannot_charge_is_a_reason() -> None:
    pytest.importorskip("meeko")
    with pytest.raises(ChemistryError, match="PDBQT: "):
        pdbqt_text(Chem.AddHs(Chem.MolFromSmiles("CCO")), "flat")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    with pytest.raises(MolganError, match=r'pip install "molgan\[docking\]"'):
        export_docking([Ligand("a", "C")], tmp_path)
    with pytest.raises(MolganError, match="dimorphite_dl"):
        protonate("CCO")
    assert list(tmp_path.iterdir()) == []


def test_a_library_becomes_folders_of_n_with_an_index(tmp_path: Path) -> None:
    ligands = [Ligand(f"m {i}", smiles, {"qed": i / 3}) for i, smiles in enumerate(DRUGS)]
    ligands.insert(1, Ligand("bad", "C1CC", {"qed": 0.0}))
    ligands.append(Ligand("flat", "C1#CC1", {"qed": 0.0}))
    made = export_docking(ligands, tmp_path, formats=["sdf"], per_folder=2, attempts=2)
    assert (made.written, made.folders) == (5, 3)
    assert [(name, step) for name, step, _ in made.failures] == [("bad", "3D"), ("flat", "3D")]
    index = rows_of(tmp_path / "index.csv")
    assert [row["name"] for row in index] == [f"m {i}" for i in range(5)]
    assert [row["folder"] for row in index] == ["dock_0001"] * 2 + ["dock_0002"] * 2 + ["dock_0003"]
    assert index[1]["qed"] == "0.333333"
    names = [
        mol.GetProp("_Name")
        for number in (1, 2, 3)
        for mol in Chem.SDMolSupplier(str(tmp_path / f"dock_000{number}" / "ligands.sdf"))
    ]
    assert names == [row["name"] for row in index]
    failures = rows_of(tmp_path / "failures.csv")
    assert (failures[0]["name"], failures[0]["reason"]) == ("bad", "parse")
    assert failures[1]["reason"].startswith("embedding failed")
    assert {path.name for path in tmp_path.iterdir()} == {
        *("dock_0001", "dock_0002", "dock_0003", "index.csv", "failures.csv")
    }


def test_the_files_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    pytest.importorskip("meeko")
    ligands = [Ligand(f"m{i}", smiles) for i, smiles in enumerate([*DRUGS, "C1CC", "CC(F)Cl"])]
    for n_jobs in (1, 2):
        export_docking(
            ligands,
            tmp_path / str(n_jobs),
            per_folder=3,
            n_jobs=n_jobs,
            states=States(stereo_limit=4),
        )
    one = contents(tmp_path / "1")
    assert one == contents(tmp_path / "2")
    assert {"dock_0001/m0.pdbqt", "dock_0003/m6_s2.pdbqt"} < set(one)


def test_states_are_rows_of_their_own_with_a_parent(tmp_path: Path) -> None:
    pytest.importorskip("dimorphite_dl")
    ligands = [Ligand("a", "OC(=O)C(C)CC", {"qed": 0.5}), Ligand("b", "CCC"), Ligand("c", "C1")]
    made = export_docking(
        ligands, tmp_path, formats=["sdf"], states=States(ph=(1.0, 8.0), stereo_limit=2)
    )
    assert [(row["name"], row["parent"]) for row in rows_of(tmp_path / "index.csv")] == [
        *((f"a_p{p}_s{s}", "a") for p in (1, 2) for s in (1, 2)),
        ("b", "b"),
    ]
    assert len({row["smiles"] for row in rows_of(tmp_path / "index.csv")}) == 5
    assert [failure[:2] for failure in made.failures] == [("c", "states")]


def test_files_of_an_earlier_run_are_replaced_only_when_asked(tmp_path: Path) -> None:
    ligands = [Ligand(f"m{i}", smiles) for i, smiles in enumerate(DRUGS)]
    export_docking(ligands, tmp_path, formats=["sdf"], per_folder=2)
    (tmp_path / ".dock_0004.partial").mkdir()
    with pytest.raises(MolganError, match=r"holds docking files already \(dock_0001"):
        export_docking(ligands[:1], tmp_path, formats=["sdf"])
    export_docking(ligands[:1], tmp_path, formats=["sdf"], overwrite=True)
    assert set(contents(tmp_path)) == {"dock_0001/ligands.sdf", "failures.csv", "index.csv"}
    assert not (tmp_path / ".dock_0004.partial").exists()


def test_names_must_be_unique(tmp_path: Path) -> None:
    with pytest.raises(MolganError, match="'a' is there twice"):
        export_docking([Ligand("a", "C"), Ligand("a", "CC")], tmp_path, formats=["sdf"])
    assert not (tmp_path / "index.csv").exists()


def test_nothing_to_write_is_an_empty_index(tmp_path: Path) -> None:
    made = export_docking([], tmp_path, formats=["sdf"])
    assert (made.written, made.folders, made.failures) == (0, 0, [])
    assert rows_of(tmp_path / "index.csv") == []
    assert (tmp_path / "index.csv").read_text().startswith("name,parent,smiles,folder,sdf,pdbqt")


def hanging(item: tuple[Ligand, None], *settings: object) -> object:
    if item[0].name == "hang":
        time.sleep(3600)
    return docking_export._prepared(item, *settings)  # type: ignore[arg-type]


def test_a_ligand_that_hangs_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docking_export, "_prepared", hanging)
    ligands = [Ligand("a", "C"), Ligand("hang", "CC"), Ligand("b", "CCC")]
    made = export_docking(ligands, tmp_path, formats=["sdf"], seconds=3)
    assert made.failures == [("hang", "3D", "took longer than 3 s")]
    assert [row["name"] for row in rows_of(tmp_path / "index.csv")] == ["a", "b"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"formats": ["mol2"]}, "sdf and pdbqt, not 'mol2'"),
        ({"formats": []}, "sdf and pdbqt"),
        ({"per_folder": 0}, "per_folder"),
        ({"seconds": 0}, "seconds"),
    ],
)
def test_settings_that_cannot_work_are_named(
    tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        export_docking([Ligand("a", "C")], tmp_path, **settings)  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MolganError, match=r"cannot write .*file"):
        export_docking([Ligand("a", "C")], tmp_path / "file", formats=["sdf"])
