"""One screen of one file: what is asked for, whether it can work, and what decides its results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from molgan.data.files import file_format, open_bytes, user_path
from molgan.data.streaming import Row, other_columns, stream_rows
from molgan.errors import ConfigError, DataError
from molgan.library.docking_shards import INDEX_COLUMNS
from molgan.screening.docking import Dock
from molgan.screening.export import Export
from molgan.screening.picking import Pick
from molgan.screening.settings import RESERVED, Screen
from molgan.screening.sorting import DUPLICATE_COLUMNS, REJECTED_COLUMNS
from molgan.screening.tables import FIRST, carried_names

RESUME = ("auto", "never")

_PIECE = 2**20


@dataclass(frozen=True)
class Engine:
    """How and where the work is done; it changes nothing in the results.

    Attributes:
        parallel: "joblib", "dask" or "none".
        n_jobs: Worker processes, -1 for one per core.
        seconds: Wall-clock time for one molecule.
        scheduler: Address of a Dask scheduler.
        chunk: Molecules that travel together.
    """

    parallel: str = "joblib"
    n_jobs: int = 1
    seconds: float = 60.0
    scheduler: str | None = None
    chunk: int = 250

    def options(self) -> dict[str, Any]:
        """Arguments for `run_chunks`."""
        names = ("parallel", "n_jobs", "seconds", "scheduler")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Job:
    """One screen of one file.

    Attributes:
        source: File of molecules.
        out: Folder for the results.
        screen: What is done to each molecule.
        pick: What is chosen among the hits.
        export: What is written besides tables.
        dock: How the exported molecules are docked; None docks nothing.
        engine: How the work is done.
        column: Column of SMILES in a table; None finds it.
        name_column: Column of names; None finds it.
        delimiter: Between columns; None finds it.
        resume: "auto" goes on with an interrupted run of the same settings; "never" starts anew.
        progress: Whether to show a bar.
        report: Whether to write report.html.
    """

    source: Path
    out: Path
    screen: Screen
    pick: Pick = field(default_factory=Pick)
    export: Export = field(default_factory=Export)
    dock: Dock | None = None
    engine: Engine = field(default_factory=Engine)
    column: str | None = None
    name_column: str | None = None
    delimiter: str | None = None
    resume: str = "auto"
    progress: bool = True
    report: bool = True

    def check(self) -> None:
        """Refuse what cannot work, before anything is written.

        Raises:
            MolganError: For the first thing found; it names the key or the file.
            ConfigError: For a setting out of its range.
        """
        if self.resume not in RESUME:
            raise ConfigError(f"resume={self.resume}: choose from {', '.join(RESUME)}")
        if self.engine.chunk < 1:
            raise ConfigError(f"chunk={self.engine.chunk}: a whole number from 1 up is wanted")
        if not self.engine.seconds > 0:
            raise ConfigError(f"seconds={self.engine.seconds}: a number above 0 is wanted")
        if self.engine.n_jobs < -1 or self.engine.n_jobs == 0:
            raise ConfigError(f"n_jobs={self.engine.n_jobs}: a number from 1 up, or -1, is wanted")
        user_path(self.source, "in")
        if self.screen.other is not None:
            user_path(self.screen.other.file, "scores.file")
        for key in ("actives", "known"):
            if (path := getattr(self.screen, key)) is not None:
                user_path(path, key)
        self.screen.check()
        self.pick.check(self.screen.numbers())
        if self.pick.per_scaffold is not None and not self.screen.scaffolds:
            raise ConfigError("pick.per_scaffold needs Screen(scaffolds=True)")
        self.export.check()
        if self.dock is not None:
            self.dock.check(self.export)

    def rows(self) -> Iterator[Row]:
        """The rows of the input from its beginning."""
        return stream_rows(self.source, **self._table())

    def carried(self) -> list[str]:
        """Names in the results for the further columns of the input, in their order.

        Raises:
            DataError: If the file cannot be read.
        """
        ours = (FIRST, REJECTED_COLUMNS, DUPLICATE_COLUMNS, INDEX_COLUMNS, RESERVED)
        taken = [name for columns in (*ours, self.screen.columns()) for name in columns]
        return carried_names(other_columns(self.source, **self._table()), taken)

    def _table(self) -> dict[str, str | None]:
        """How the input is read, if it is a table."""
        return {
            "column": self.column,
            "name_column": self.name_column,
            "delimiter": self.delimiter,
        }

    def survey(self) -> dict[str, Any]:
        """Hash and size of the input, and about how many rows it has, for the progress bar."""
        digest = hashlib.sha256()
        with self.source.open("rb") as handle:
            while piece := handle.read(_PIECE):
                digest.update(piece)
        mark = b"$$$$" if file_format(self.source) == "sdf" else b"\n"
        rows = 0
        try:
            with open_bytes(self.source) as unpacked:
                while piece := unpacked.read(_PIECE):
                    rows += piece.count(mark)
        except DataError:
            pass  # reading says it, after the rows that there are
        return {"sha256": digest.hexdigest(), "bytes": self.source.stat().st_size, "rows": rows}

    def identity(self, source: dict[str, Any]) -> dict[str, Any]:
        """What decides the results, as plain values; the same for any number of workers.

        Args:
            source: What `survey` found.
        """
        found = {
            "input": {
                "file": self.source.name,
                "sha256": source["sha256"],
                "bytes": source["bytes"],
                "columns": self.carried(),
            },
            "settings": {
                **self._table(),
                **self.screen.identity(),
                "pick": self.pick.identity(),
                "export": self.export.identity(),
                "dock": None if self.dock is None else self.dock.identity(),
            },
            "versions": {name: _version(name) for name in ("molgan", "rdkit", "numpy")},
        }
        plain: dict[str, Any] = json.loads(json.dumps(found))
        return plain


def _version(name: str) -> str:
    import molgan

    if name == "molgan":
        return molgan.__version__
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
