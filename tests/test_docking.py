from __future__ import annotations

import csv
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from molgan.docking import (
    Vina,
    aliases_from_index,
    dock_folder,
    import_scores,
    pose_rmsd,
    read_box,
    read_poses,
    read_reference,
)
from molgan.errors import ConfigError, DataError, MolganError
from molgan.library import vina as vina_module
from molgan.library.conformers import Conformer, embed
from molgan.library.docking_export import export_docking
from molgan.library.docking_files import pdbqt_text
from molgan.library.states import Ligand

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CC[NH+](C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"


def small(receptor: Path, **settings: object) -> Vina:
    return Vina(receptor, (0, 0, 0), (5, 5, 5), **{"exhaustiveness": 1, **settings})  # type: ignore[arg-type]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def ligand(smiles: str, name: str = "x") -> str:
    pytest.importorskip("meeko")
    conformer = embed(smiles)
    assert isinstance(conformer, Conformer)
    return pdbqt_text(conformer.mol, name)


def test_vina_docks_and_its_end_costs_one_ligand(receptor: Path) -> None:
    pytest.importorskip("vina")
    ethanol = ligand("CCO", "ethanol")
    boron = ethanol.replace(" C \n", " B \n", 1)
    # An empty ligand makes Vina end its whole process.
    texts = [ethanol, "", boron, ethanol]
    first, gone, unknown, again = small(receptor, seed=3).dock_all(texts)
    assert first.reason is None
    assert first == again
    assert first.score == first.scores[0] == min(first.scores) < 0
    assert gone.reason == "worker ended (exit code 1)"
    assert np.isnan(gone.score)
    assert unknown.reason is not None
    assert "not a valid AutoDock type" in unknown.reason
    poses = read_poses(first.poses)
    assert [pose.score for pose in poses] == list(first.scores)
    for pose in poses:
        assert np.abs(pose.mol.GetConformer().GetPositions()).max() < 3.5
    assert "REMARK  Name = ethanol" in first.poses


def test_threads_and_workers_change_nothing(receptor: Path) -> None:
    pytest.importorskip("vina")
    texts = [ligand(smiles) for smiles in ("CCO", "CC(N)=O")]
    one = list(small(receptor, exhaustiveness=2).dock_all(texts))
    assert one == list(small(receptor, exhaustiveness=2, cpu=2).dock_all(texts, n_jobs=2))
    assert one[1] == small(receptor, exhaustiveness=2).dock(texts[1])
    assert one != list(small(receptor, exhaustiveness=2, seed=5).dock_all(texts))


def test_a_box_is_read_from_a_configuration_of_vina(tmp_path: Path) -> None:
    path = tmp_path / "box.txt"
    path.write_text("receptor = r.pdbqt\ncenter_x=1 # here\ncenter_y = -2.5\ncenter_z= 3\n")
    with pytest.raises(DataError, match="does not set size_x, size_y, size_z"):
        read_box(path)
    path.write_text(path.read_text() + "size_x = 20\nsize_y = 21\nsize_z = 22.5\n")
    assert read_box(path) == ((1, -2.5, 3), (20, 21, 22.5))
    path.write_text("center_x = left\n")
    with pytest.raises(DataError, match=r"line 1: 'center_x = left' has no number"):
        read_box(path)
    with pytest.raises(DataError, match=r"none\.txt"):
        read_box(tmp_path / "none.txt")


def test_the_box_of_the_example_is_read(shared_data: Path) -> None:
    folder = shared_data / "vina_1iep"
    vina = Vina.from_config(folder / "1iep_receptor.pdbqt", folder / "1iep_receptor.box.txt")
    assert (vina.center, vina.size) == ((15.190, 53.903, 16.917), (20, 20, 20))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"exhaustiveness": 0}, "exhaustiveness must be 1 or more"),
        ({"cpu": 0}, "cpu must be 1 or more"),
        ({"n_poses": 0}, "n_poses must be 1 or more"),
        ({"seed": -1}, "seed"),
        ({"energy_range": 0}, "energy_range"),
        ({"scoring": "ad4"}, "vina or vinardo, not 'ad4'"),
    ],
)
def test_settings_that_cannot_work_are_named(
    receptor: Path, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        small(receptor, **settings)


def test_a_box_or_receptor_that_cannot_work_is_named(receptor: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="more than 0 angstrom"):
        Vina(receptor, (0, 0, 0), (5, 0, 5))
    with pytest.raises(ConfigError, match="center of the box"):
        Vina(receptor, (0, float("nan"), 0), (5, 5, 5))
    with pytest.raises(DataError, match=r"none\.pdbqt"):
        small(tmp_path / "none.pdbqt")
    (tmp_path / "r.pdb").write_text(receptor.read_text())
    with pytest.raises(DataError, match=r"r\.pdb must be a \.pdbqt file"):
        small(tmp_path / "r.pdb")


def pretended(pdbqt: str, vina: Vina) -> tuple[tuple[float, ...], str]:
    """In place of Vina: a score by the length of the text; some ligands go wrong."""
    if "hang" in pdbqt:
        time.sleep(3600)
    if "crash" in pdbqt:
        os._exit(1)
    return (-float(len(pdbqt)),), pdbqt


@pytest.fixture
def pretence(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(vina_module, "_dock", pretended)
    monkeypatch.setattr(vina_module, "docking_extra", lambda name: None)
    return monkeypatch


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Six ligands in two folders, of texts that are no molecules."""
    folder = tmp_path / "files"
    rows = ["name,parent,smiles,pdbqt"]
    for number, text in enumerate(["a", "bb", "hang", "dddd", "crash", "ffffff"]):
        place = f"dock_000{number // 3 + 1}/m{number}.pdbqt"
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
        rows.append(f"m{number},p{number // 2},C,{place}")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_folder_is_docked_into_a_table(
    receptor: Path, exported: Path, pretence: pytest.MonkeyPatch
) -> None:
    path = dock_folder(exported, small(receptor), seconds=2, n_jobs=2)
    rows = rows_of(path)
    assert [row["vina"] for row in rows] == ["-1.000", "-2.000", "", "-4.000", "", "-6.000"]
    assert [row["reason"] for row in rows if not row["vina"]] == [
        "took longer than 2 s",
        "worker ended (exit code 1)",
    ]
    assert (path.parent / rows[3]["poses"]).read_text() == "dddd"
    aliases = aliases_from_index(exported / "index.csv")
    got = import_scores(path, ["p0", "p1", "p2", "p3"], score="vina", aliases=aliases)
    np.testing.assert_array_equal(got.values, [-2, -4, -6, np.nan])


def test_a_run_that_was_stopped_goes_on_and_ends_the_same(
    receptor: Path, exported: Path, pretence: pytest.MonkeyPatch
) -> None:
    for place in ("dock_0001/m2.pdbqt", "dock_0002/m4.pdbqt"):
        (exported / place).write_text("fine")
    whole = dock_folder(exported, small(receptor), exported / "whole").read_bytes()
    table = dock_folder(exported, small(receptor), exported / "again")
    # Stopped in the middle of the fourth row; what was docked is not docked again.
    table.write_bytes(b"".join(whole.splitlines(keepends=True)[:4]) + b"m3,p1")
    (exported / "dock_0001" / "m0.pdbqt").unlink()
    dock_folder(exported, small(receptor, cpu=2), exported / "again")
    assert table.read_bytes() == whole


def test_results_of_other_settings_are_not_mixed(
    receptor: Path, exported: Path, pretence: pytest.MonkeyPatch
) -> None:
    (exported / "dock_0001" / "m2.pdbqt").write_text("fine")
    dock_folder(exported, small(receptor))
    assert json.loads((exported / "docked" / "settings.json").read_text())["exhaustiveness"] == 1
    with pytest.raises(ConfigError, match=r"another run \(exhaustiveness, seed differ\)"):
        dock_folder(exported, small(receptor, exhaustiveness=2, seed=1))
    receptor.write_text(receptor.read_text() + "TER\n")
    with pytest.raises(ConfigError, match=r"\(receptor differ"):
        dock_folder(exported, small(receptor))


def test_a_folder_without_ligands_to_dock_is_named(receptor: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"index\.csv"):
        dock_folder(tmp_path, small(receptor))
    (tmp_path / "index.csv").write_text("name,parent,smiles,pdbqt\na,a,C,\n")
    with pytest.raises(DataError, match="names no PDBQT files"):
        dock_folder(tmp_path, small(receptor))


def test_a_missing_vina_is_named(receptor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("molgan.library.extras.importlib.import_module", missing)
    with pytest.raises(MolganError, match=r'vina.*pip install "molgan\[docking\]"'):
        small(receptor).dock("")


@pytest.mark.slow
def test_imatinib_finds_its_way_back(shared_data: Path, tmp_path: Path) -> None:
    """From SMILES to the pose and the energy of the published result; five minutes of one core."""
    pytest.importorskip("vina")
    pytest.importorskip("meeko")
    data = shared_data / "vina_1iep"
    export_docking([Ligand("imatinib", IMATINIB)], tmp_path, formats=["pdbqt"])
    vina = Vina.from_config(
        data / "1iep_receptor.pdbqt", data / "1iep_receptor.box.txt", exhaustiveness=32, cpu=2
    )
    (row,) = rows_of(dock_folder(tmp_path, vina))
    best = read_poses((tmp_path / "docked" / row["poses"]).read_text())[0]
    reference = read_poses((data / "1iep_ligand_vina_out.pdbqt").read_text())[0]
    assert float(row["vina"]) == pytest.approx(-13.234, abs=1)
    assert pose_rmsd(best.mol, reference.mol) < 2
    assert pose_rmsd(best.mol, read_reference(data / "1iep_ligand.sdf")) < 2


@pytest.mark.slow
def test_twenty_molecules_are_docked(shared_data: Path, tmp_path: Path) -> None:
    """Twenty of ZINC250k through files into the kinase; a minute of one core."""
    import gzip

    pytest.importorskip("vina")
    pytest.importorskip("meeko")
    data = shared_data / "vina_1iep"
    with gzip.open(shared_data / "zinc250k_smiles.csv.gz", "rt") as file:
        smiles = file.read().split()[1:200_001:10_000]
    export_docking([Ligand(f"z{i}", one) for i, one in enumerate(smiles)], tmp_path, per_folder=8)
    vina = Vina.from_config(
        data / "1iep_receptor.pdbqt", data / "1iep_receptor.box.txt", exhaustiveness=1
    )
    rows = rows_of(dock_folder(tmp_path, vina, n_jobs=-1))
    assert [row["name"] for row in rows] == [f"z{i}" for i in range(20)]
    assert all(float(row["vina"]) < -3 for row in rows)
