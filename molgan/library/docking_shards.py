"""Folders of N ligands for docking, made one after the other, and gone on with after a kill."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from molgan.errors import ConfigError, MolganError
from molgan.library.docking_files import SafeNames, text_of, write_sdf
from molgan.library.docking_source import REMEDY, Position
from molgan.library.ledger import JOURNAL, Ledger
from molgan.library.states import Ligand
from molgan.library.writers import cannot_write

WORK = ".export"
"""Folder of the journal, within that of the results."""

INDEX_COLUMNS = ("name", "parent", "smiles", "folder", "sdf", "pdbqt", "force_field", "energy")
FAILURE_COLUMNS = ("name", "parent", "smiles", "step", "reason")


class Shards:
    """Writes folders of N ligands; each is made aside and takes its place when it is full.

    With each of them goes a line of the journal, so that an export that was killed loses no more
    than the folder that it was filling.

    Args:
        folder: Of the results.
        per_folder: Ligands in a folder.
        identity: Settings that must be the same for an export to be gone on with.

    Attributes:
        written: Ligands in files.
        folders: How many folders there are.
        failures: (name, step, reason) of each ligand that is in no file.
        position: How far the export has come; to be kept up by who calls.
    """

    def __init__(self, folder: Path, per_folder: int, identity: Mapping[str, Any]) -> None:
        self.folder, self.per_folder = folder, per_folder
        self.written = self.folders = 0
        self.failures: list[tuple[str, str, str]] = []
        self.position = Position()
        self._files = {name: folder / WORK / f"{name}.csv" for name in ("index", "failures")}
        self._ledger = Ledger(
            folder / WORK,
            self._files,
            {"failures": _line(FAILURE_COLUMNS)},
            identity,
            what="an export of other settings",
            remedy=REMEDY,
        )
        self._columns: list[str] | None = None
        self._names: set[str] = set()
        self._records: list[str] = []
        self._held = 0
        self._safe = SafeNames()

    def start(self, *, resume: bool, overwrite: bool) -> None:
        """Make the folder, and see to what an earlier export left in it.

        Args:
            resume: Whether to go on with an earlier export of the same settings.
            overwrite: Whether anything else is removed.

        Raises:
            MolganError: If there is something and it may not be removed, or nothing can be written.
        """
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        if not (resume and self._goes_on(overwrite)):
            self._make_room(overwrite)
            self._ledger.start(False)

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
            self._head(list(ligand.scores))
        assert self._columns is not None
        row = [
            *(ligand.name, ligand.parent or ligand.name, made["smiles"], place, sdf, pdbqt),
            *(made["force_field"], made["energy"]),
            *(text_of(ligand.scores.get(column)) for column in self._columns),
        ]
        self._ledger.write("index", _line(row))
        self.written += 1
        self._held += 1
        if self._held == self.per_folder:
            self._close_folder()

    def fail(self, ligand: Ligand, step: str, reason: str) -> None:
        """Note why a ligand is in no file."""
        self.failures.append((ligand.name, step, reason))
        row = (ligand.name, ligand.parent or ligand.name, ligand.smiles, step, reason)
        self._ledger.write("failures", _line(row))

    def finish(self, *, keep: bool) -> None:
        """Write what is left of the last folder, and the tables.

        Args:
            keep: Whether the journal stays, by which a finished export is known as such.
        """
        if self._held:
            self._close_folder()
        if self._columns is None:
            self._head([])
        self._commit()
        self.close()
        for path in self._files.values():
            with _writing(self.folder / path.name):
                path.replace(self.folder / path.name)
        if not keep:
            shutil.rmtree(self.folder / WORK, ignore_errors=True)

    def close(self) -> None:
        """Close the files."""
        self._ledger.close()

    @property
    def _aside(self) -> Path:
        return self.folder / f".dock_{self.folders:04d}.partial"

    def _head(self, columns: list[str]) -> None:
        self._columns = columns
        self._ledger.write("index", _line([*INDEX_COLUMNS, *columns]))

    def _close_folder(self) -> None:
        if self._records:
            write_sdf(self._aside / "ligands.sdf", self._records)
        target = self.folder / f"dock_{self.folders:04d}"
        with _writing(target):
            self._aside.replace(target)
        self._records.clear()
        self._held = 0
        self._commit()

    def _commit(self) -> None:
        begun, states, digest = self.position
        counts = {"states": states, "digest": digest, "written": self.written}
        self._ledger.commit(begun, {**counts, "folders": self.folders})

    def _goes_on(self, overwrite: bool) -> bool:
        """Whether an earlier export is gone on with; if so, everything is as it was then."""
        if not (self.folder / WORK / JOURNAL).is_file():
            return False
        for path in self._files.values():
            finished = self.folder / path.name
            if finished.is_file() and not path.exists():
                with _writing(path):
                    finished.replace(path)
        try:
            self._ledger.start(True)
        except ConfigError:
            if overwrite:
                return False
            raise
        counts = self._ledger.counts
        there = {path.name for path in _folders(self.folder)}
        kept = {f"dock_{number:04d}" for number in range(1, counts.get("folders", 0) + 1)}
        if not self._ledger.resumed or not kept <= there:
            self.close()
            return False
        # What was being filled, or was full and not yet in the journal, is made again.
        _remove(self.folder / name for name in there - kept)
        _remove(self.folder.glob(".dock_[0-9]*.partial"))
        if counts:
            self._recall(counts)
        return True

    def _recall(self, counts: Mapping[str, int]) -> None:
        self.written, self.folders = counts["written"], counts["folders"]
        self.position = Position(self._ledger.rows, counts["states"], counts["digest"])
        with self._files["index"].open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            for row in rows:
                self._names.add(row["name"])
                if row["pdbqt"]:
                    self._safe(row["name"])
            if rows.fieldnames:
                self._columns = list(rows.fieldnames)[len(INDEX_COLUMNS) :]
        with self._files["failures"].open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                self.failures.append((row["name"], row["step"], row["reason"]))

    def _make_room(self, overwrite: bool) -> None:
        with _writing(self.folder):
            earlier = _folders(self.folder)
        if earlier and not overwrite:
            raise MolganError(
                f"{self.folder} holds docking files already ({earlier[0].name}, ...); "
                "write to another folder, or allow overwriting"
            )
        # What an interrupted run had not finished is of no use to anybody.
        _remove([*earlier, *self.folder.glob(".dock_[0-9]*.partial")])
        for path in self._files.values():
            with _writing(self.folder / path.name):
                (self.folder / path.name).unlink(missing_ok=True)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("dock_[0-9]*") if path.is_dir())


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with _writing(path):
            shutil.rmtree(path)


def _line(row: Sequence[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().encode("utf-8", "replace")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from error
