"""An export that was killed goes on after its last complete folder, to the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from molgan.errors import ConfigError, MolganError
from molgan.library import docking_export
from molgan.library.docking_export import DockingFiles, export_docking
from molgan.library.states import Ligand, States

# Ten ligands in folders of three: some with two stereoisomers, two that fail.
SMILES = ["C", "CC(F)Cl", "CC", "C1#CC1", "CCO", "OC(F)Cl", "CCN", "C1CC", "CC=O", "COC"]
LIGANDS = [Ligand(f"m {i}", smiles, {"qed": i / 7}) for i, smiles in enumerate(SMILES)]

# A module of its own: worker processes must be able to import it.
KILLER = """
import os, signal, sys
from pathlib import Path
from molgan.library import docking_export
from molgan.library.states import Ligand, States

prepared = docking_export._prepared

def deadly(item, *settings):
    if item[0].name == os.environ["VICTIM"]:
        os.kill(int(os.environ["PARENT"]), signal.SIGKILL)
    return prepared(item, *settings)

def ligands():
    return [Ligand(f"m {i}", smiles, {"qed": i / 7}) for i, smiles in enumerate(sys.argv[2:])]

if __name__ == "__main__":
    import killer
    os.environ["PARENT"] = str(os.getpid())
    docking_export._prepared = killer.deadly
    docking_export.export_docking(
        ligands(), sys.argv[1], formats=["sdf"], per_folder=3, attempts=2,
        states=States(stereo_limit=2), resume=True,
    )
"""


def export(folder: Path, ligands: Any = LIGANDS, **settings: Any) -> DockingFiles:
    settings = {"states": States(stereo_limit=2), "resume": True, **settings}
    return export_docking(ligands, folder, formats=["sdf"], per_folder=3, attempts=2, **settings)


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """The folder of an export that was killed with -9 when two folders were complete."""
    (tmp_path / "killer.py").write_text(KILLER)
    paths = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    done = subprocess.run(
        [sys.executable, str(tmp_path / "killer.py"), str(tmp_path / "killed"), *SMILES],
        env={**os.environ, "PYTHONPATH": paths, "VICTIM": "m 8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    return tmp_path / "killed"


@pytest.fixture
def undisturbed(tmp_path: Path) -> tuple[dict[str, bytes], DockingFiles]:
    made = export(tmp_path / "undisturbed")
    return contents(made.folder), made


def test_killed_and_resumed_is_the_same(
    killed: Path, undisturbed: tuple[dict[str, bytes], DockingFiles]
) -> None:
    assert not (killed / "index.csv").exists()
    before = {path: path.stat().st_ino for path in killed.glob("dock_*/ligands.sdf")}
    assert len(before) == 2
    (killed / ".dock_0003.partial").mkdir(exist_ok=True)
    (killed / ".dock_0003.partial" / "half").write_text("of a file")
    made = export(killed, iter(LIGANDS))
    assert {path: path.stat().st_ino for path in before} == before  # not made again
    assert contents(killed) == undisturbed[0]
    assert replace(made, folder=Path()) == replace(undisturbed[1], folder=Path())
    assert [failure[0] for failure in made.failures] == ["m 3", "m 7"]


def test_finished_export_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = export(tmp_path)
    before = {name: data for name, data in contents(tmp_path).items() if ".export" not in name}
    monkeypatch.setattr(docking_export, "_prepared", None)  # nothing to call
    assert export(tmp_path) == made
    after = {name: data for name, data in contents(tmp_path).items() if ".export" not in name}
    assert after == before
    assert set(after) > {"index.csv", "failures.csv", "dock_0001/ligands.sdf"}


def test_full_folder_that_the_journal_does_not_know_is_made_again(
    killed: Path, undisturbed: tuple[dict[str, bytes], DockingFiles]
) -> None:
    (killed / ".dock_0003.partial").rename(killed / "dock_0003")
    export(killed)
    assert contents(killed) == undisturbed[0]


def test_missing_folder_starts_anew_only_where_that_is_allowed(
    killed: Path, undisturbed: tuple[dict[str, bytes], DockingFiles]
) -> None:
    (killed / "dock_0001").rename(killed / "elsewhere")
    with pytest.raises(MolganError, match="holds docking files already"):
        export(killed)
    (killed / "elsewhere" / "ligands.sdf").unlink()
    (killed / "elsewhere").rmdir()
    export(killed, overwrite=True)
    assert contents(killed) == undisturbed[0]


@pytest.mark.parametrize(
    "ligands",
    [
        [replace(LIGANDS[0], smiles="CCC"), *LIGANDS[1:]],
        [replace(LIGANDS[0], scores={"qed": 0.5}), *LIGANDS[1:]],
        LIGANDS[:2],
    ],
)
def test_other_molecules_are_refused(killed: Path, ligands: list[Ligand]) -> None:
    with pytest.raises(ConfigError, match=r"had (other|more) molecules: write to another folder"):
        export(killed, ligands)


def test_other_settings_are_refused_or_replace(killed: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"export of other settings \(seed was 0, is 1\)"):
        export(killed, seed=1)
    export(killed, seed=1, overwrite=True)
    export(tmp_path / "other", seed=1)
    assert contents(killed) == contents(tmp_path / "other")


def test_without_resume_no_journal_stays(tmp_path: Path) -> None:
    made = export(tmp_path, LIGANDS[:1], resume=False)
    assert set(contents(tmp_path)) == {"dock_0001/ligands.sdf", "failures.csv", "index.csv"}
    with pytest.raises(MolganError, match="holds docking files already"):
        export(tmp_path, LIGANDS[:1])
    assert made.written == 1
