"""A library as files for docking: 3D structures in folders of N, an index, and reasons for gaps."""

from __future__ import annotations

import csv
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molgan.chem.deadline import run_each
from molgan.errors import ChemistryError, ConfigError, MolganError
from molgan.library.conformers import ATTEMPTS, SECONDS, check_settings, embed
from molgan.library.docking_files import SafeNames, pdbqt_text, sdf_record, text_of, write_sdf
from molgan.library.extras import docking_extra
from molgan.library.states import Ligand, States, with_states
from molgan.library.writers import atomic_write, cannot_write

FORMATS = ("sdf", "pdbqt")

_INDEX = ("name", "parent", "smiles", "folder", "sdf", "pdbqt", "force_field", "energy")


@dataclass(frozen=True)
class DockingFiles:
    """What `export_docking` left.

    Attributes:
        folder: Holds `index.csv`, `failures.csv` and the folders `dock_0001` and so on.
        written: Ligands in files.
        failures: (name, step, reason) of each that is not; steps are "states" and "3D".
        folders: How many folders there are.
    """

    folder: Path
    written: int
    failures: list[tuple[str, str, str]]
    folders: int


def export_docking(
    ligands: Iterable[Ligand],
    folder: str | Path,
    *,
    formats: Iterable[str] = FORMATS,
    per_folder: int = 1000,
    states: States | None = None,
    seed: int = 0,
    attempts: int = ATTEMPTS,
    seconds: float = SECONDS,
    conformers: int = 1,
    n_jobs: int = 1,
    progress: bool = False,
    overwrite: bool = False,
) -> DockingFiles:
    """Build every molecule in 3D and write it for docking, `per_folder` to a folder.

    Leaves `dock_0001/ligands.sdf`, `dock_0001/<name>.pdbqt` and so on, each folder there only when
    it is complete; `index.csv`, one row for each ligand with its files and scores; `failures.csv`
    with a reason for each that has none. Same seed, same files, whatever `n_jobs`.

    Args:
        ligands: Read one after the other; names must be unique.
        folder: Made if missing.
        formats: Of "sdf" and "pdbqt".
        per_folder: Ligands in a folder, for array jobs.
        states: Protonation states and stereoisomers to add as ligands of their own, named
            ``<name>_p1``, ``<name>_s1``, ``<name>_p1_s1`` where there are several.
        seed: Of the coordinates.
        attempts: See `molgan.library.conformers.embed`.
        seconds: For one ligand, after which its worker is killed.
        conformers: Built for each ligand; the lowest is written.
        n_jobs: Worker processes, -1 for one per core.
        progress: Whether to show a bar on standard error.
        overwrite: Whether `dock_*` folders of an earlier run are removed, with all that is in them.

    Raises:
        ConfigError: a setting cannot work.
        MolganError: the folder holds docking files already, cannot be written, or an extra is
            missing.
    """
    from tqdm.auto import tqdm

    formats, states = tuple(formats), states or States()
    check_settings(seed, attempts, seconds, conformers)
    if not formats or set(formats) - set(FORMATS):
        raise ConfigError(f"formats for docking are sdf and pdbqt, not {', '.join(formats)!r}")
    if per_folder < 1:
        raise ConfigError(f"per_folder must be 1 or more, not {per_folder}")
    if "pdbqt" in formats:
        docking_extra("meeko")
    folder = Path(folder)
    _make_room(folder, overwrite)
    total = len(ligands) if isinstance(ligands, list | tuple) and not states else None
    asked: deque[tuple[Ligand, str | None]] = deque()  # handed to workers and not yet back
    failures: list[tuple[str, str, str]] = []

    def sources() -> Iterator[tuple[Ligand, str | None]]:
        for item in with_states(ligands, states, seconds):
            asked.append(item)
            yield item

    with (
        atomic_write(folder / "index.csv") as index_file,
        atomic_write(folder / "failures.csv") as failure_file,
    ):
        failure_rows = csv.writer(failure_file, lineterminator="\n")
        failure_rows.writerow(["name", "parent", "smiles", "step", "reason"])
        shards = _Shards(folder, per_folder, index_file)
        settings = (formats, seed, attempts, seconds, conformers)
        outcomes = run_each(_prepared, sources(), *settings, seconds=seconds, n_jobs=n_jobs)
        for outcome in tqdm(outcomes, "3D", total, unit="mol", disable=not progress):
            ligand, no_states = asked.popleft()
            if outcome.reason is None:
                shards.add(ligand, outcome.value)
                continue
            step = "3D" if no_states is None else "states"
            failures.append((ligand.name, step, outcome.reason))
            parent = ligand.parent or ligand.name
            failure_rows.writerow([ligand.name, parent, ligand.smiles, step, outcome.reason])
        shards.finish()
    return DockingFiles(folder, shards.written, failures, shards.folders)


def _prepared(
    item: tuple[Ligand, str | None],
    formats: tuple[str, ...],
    seed: int,
    attempts: int,
    seconds: float,
    conformers: int,
) -> dict[str, Any]:
    """Texts of all files of one ligand; the life's work of a worker."""
    ligand, no_states = item
    if no_states is not None:
        raise ChemistryError(no_states)  # comes along so that failures are told in order
    conformer = embed(
        ligand.smiles, seed=seed, attempts=attempts, seconds=seconds, conformers=conformers
    )
    if isinstance(conformer, str):
        raise ChemistryError(conformer)
    made: dict[str, Any] = {
        "smiles": conformer.smiles,
        "force_field": conformer.force_field,
        "energy": f"{conformer.energy:.4f}",
    }
    if "sdf" in formats:
        extra = {"smiles": conformer.smiles, "force_field": conformer.force_field}
        made["sdf"] = sdf_record(
            conformer.mol, ligand.name, {**ligand.scores, **extra, "energy": made["energy"]}
        )
    if "pdbqt" in formats:
        made["pdbqt"] = pdbqt_text(conformer.mol, ligand.name)
    return made


class _Shards:
    """Writes folders of N ligands; each is made aside and takes its place when it is full."""

    def __init__(self, folder: Path, per_folder: int, index: Any) -> None:
        self.folder, self.per_folder = folder, per_folder
        self.written = self.folders = 0
        self._index = csv.writer(index, lineterminator="\n")
        self._columns: list[str] | None = None
        self._names: set[str] = set()
        self._records: list[str] = []
        self._held = 0
        self._safe = SafeNames()

    def add(self, ligand: Ligand, made: Mapping[str, Any]) -> None:
        """Write one ligand."""
        if ligand.name in self._names:
            raise MolganError(f"ligands must have unique names, and {ligand.name!r} is there twice")
        self._names.add(ligand.name)
        if self._held == 0:
            self.folders += 1
            with _writing(self._aside):
                self._aside.mkdir(parents=True)
        place = f"dock_{self.folders:04d}"
        pdbqt = sdf = ""
        if "sdf" in made:
            self._records.append(made["sdf"])
            sdf = f"{place}/ligands.sdf"
        if "pdbqt" in made:
            file = f"{self._safe(ligand.name)}.pdbqt"
            with _writing(self._aside / file):
                (self._aside / file).write_text(made["pdbqt"], encoding="utf-8", newline="")
            pdbqt = f"{place}/{file}"
        if self._columns is None:
            self._columns = list(ligand.scores)
            self._index.writerow([*_INDEX, *self._columns])
        scores = [text_of(ligand.scores.get(column)) for column in self._columns]
        self._index.writerow(
            [
                *(ligand.name, ligand.parent or ligand.name, made["smiles"], place, sdf, pdbqt),
                *(made["force_field"], made["energy"], *scores),
            ]
        )
        self.written += 1
        self._held += 1
        if self._held == self.per_folder:
            self._close()

    def finish(self) -> None:
        """Write what is left of the last folder."""
        if self._held:
            self._close()
        if self._columns is None:
            self._index.writerow(_INDEX)

    @property
    def _aside(self) -> Path:
        return self.folder / f".dock_{self.folders:04d}.partial"

    def _close(self) -> None:
        if self._records:
            write_sdf(self._aside / "ligands.sdf", self._records)
        target = self.folder / f"dock_{self.folders:04d}"
        with _writing(target):
            self._aside.replace(target)
        self._records.clear()
        self._held = 0


def _make_room(folder: Path, overwrite: bool) -> None:
    """Make the folder, and see to what an earlier run left in it."""
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        earlier = sorted(path for path in folder.glob("dock_[0-9]*") if path.is_dir())
    if earlier and not overwrite:
        raise MolganError(
            f"{folder} holds docking files already ({earlier[0].name}, ...); "
            "write to another folder, or allow overwriting"
        )
    # What an interrupted run had not finished is of no use to anybody.
    for path in [*earlier, *folder.glob(".dock_[0-9]*.partial")]:
        with _writing(path):
            shutil.rmtree(path)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from error
