"""A whole screen: the input streamed through the workers, then pick, export and report."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

from molgan.data.readers import file_format, open_bytes, user_path
from molgan.data.streaming import Row, stream_rows
from molgan.errors import ConfigError, DataError, MolganError
from molgan.library.docking_shards import WORK
from molgan.library.ledger import differing
from molgan.library.writers import atomic_write, cannot_write
from molgan.screening import tables
from molgan.screening.docking import Dock
from molgan.screening.engines import run_chunks
from molgan.screening.export import FOLDER, Export
from molgan.screening.isolation import Work as AnyWork
from molgan.screening.picking import Pick
from molgan.screening.references import chunks_of, load_references
from molgan.screening.reward import chunk_and_seconds
from molgan.screening.settings import Screen
from molgan.screening.sorting import Sorter
from molgan.screening.work import Work

log = logging.getLogger("molgan.screening")

MANIFEST = "manifest.json"
#: What is written once all molecules are sorted.
LEFT_AT_THE_END = (
    "hits.smi", "hits.csv", "hits.parquet", "picked.smi", "picked.csv", "report.html", FOLDER,
    MANIFEST,
)  # fmt: skip
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
        return stream_rows(
            self.source,
            column=self.column,
            name_column=self.name_column,
            delimiter=self.delimiter,
        )


def run(job: Job, work: Callable[[Work], AnyWork] | None = None) -> dict[str, Any]:
    """Screen a file into a folder.

    Args:
        job: The settings.
        work: Wraps what is done to rows, for those who add steps of their own.

    Returns:
        The manifest that was written.

    Raises:
        MolganError: For settings, files or a disk that cannot work.
        DataError: If the file holds nothing that can be screened.
    """
    job.check()
    engine = job.engine
    chunk, seconds = chunk_and_seconds(job.screen.reward, engine.chunk, engine.seconds)
    job = replace(job, engine=replace(engine, chunk=chunk, seconds=seconds))
    source = _survey(job.source)
    identity = _identity(job, source)
    finished = _finished(job, identity)
    if finished is not None:
        log.info("%s is finished already; resume=never does it again", job.out)
        return finished
    next(job.rows(), None)  # what is wrong with the file is said before anything is touched
    with _folder(job.out), _log_file(job.out / "screen.log"):
        log.info("screening %s into %s", job.source, job.out)
        references, sample = load_references(job.screen, job.rows, **job.engine.options())
        do: AnyWork = Work(job.screen, references, bits=job.pick.needs_bits)
        if work is not None:
            do = work(do)  # type: ignore[arg-type]
        sorter = Sorter(job.out, job.screen.columns(), identity, bits=job.pick.needs_bits)
        sorter.start(job.resume == "auto")
        if sorter.resumed:
            log.info("going on after %s rows", f"{sorter.rows:,}")
        else:
            _clear(job.out)
        began, done = time.monotonic(), sorter.rows
        try:
            _stream(job, sorter, source["rows"], do)
        finally:
            sorter.close()
        counts = dict(sorter.counts)
        took, more = time.monotonic() - began, sorter.rows - done
        log.info("%s rows in %.1f s (%.0f a second)", f"{more:,}", took, more / max(took, 1e-9))
        _add_up(counts)
        manifest = _finish(job, sorter, counts, identity, sample)
        if counts.get("in", 0) == counts.get("unreadable", 0):
            raise DataError(_nothing_readable(job, counts))
        return manifest


def _stream(job: Job, sorter: Sorter, expected: int, work: AnyWork) -> None:
    """Everything up to the sorted rows."""
    from molgan.progress import tqdm

    rows, done = job.rows(), sorter.rows
    for _ in islice(rows, done):
        pass
    bar = tqdm(
        total=max(expected, done) or None,
        initial=done,
        desc="screening",
        unit=" molecules",
        disable=not job.progress,
        smoothing=0.05,
    )
    with bar:
        chunks = chunks_of(rows, job.engine.chunk)
        for chunk, results in run_chunks(work, chunks, **job.engine.options()):
            sorter.append(chunk, results)
            bar.update(len(chunk))


def _finish(
    job: Job, sorter: Sorter, counts: dict[str, int], identity: dict[str, Any], sample: list[str]
) -> dict[str, Any]:
    """What is written once all rows are sorted; the manifest comes last."""
    out, hits = job.out, job.out / "hits.csv"
    tables.write_hits(sorter.files["hits"], out, job.screen.columns(), sorter.copies())
    figures: dict[str, Any] = {}
    chosen = hits
    if job.pick.wanted:
        log.info("picking")
        places = job.pick.choose(hits, sorter.files.get("bits"))
        tables.write_selection(hits, out, "picked", places.tolist())
        figures["picked"] = len(places)
        chosen = out / "picked.csv"
    figures.update(job.export.write(chosen, out, n_jobs=job.engine.n_jobs, progress=job.progress))
    if job.dock is not None:
        figures.update(job.dock.write(chosen, out, n_jobs=job.engine.n_jobs, progress=job.progress))
    if job.export.parquet:
        tables.write_parquet(hits, out / "hits.parquet", job.screen.numbers())
    manifest = {
        **identity,
        "counts": {
            key: counts.get(key, 0)
            for key in ("in", "hits", "rejected", "duplicates", "unreadable")
        },
        "rejected_at": {
            key.partition(":")[2]: count for key, count in counts.items() if ":" in key
        },
        **figures,
    }
    if job.report:
        from molgan.screening.report import write_report

        log.info("writing the report")
        write_report(out, job, manifest, sample)
    with atomic_write(out / MANIFEST) as file:
        json.dump(manifest, file, indent=2)
        file.write("\n")
    for work in (sorter.work, out / FOLDER / WORK):
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def _clear(out: Path) -> None:
    """Remove what an earlier screen left, so that nothing in the folder is of another one."""
    for name in LEFT_AT_THE_END:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _add_up(counts: dict[str, int]) -> None:
    parts = ("hits", "rejected", "duplicates", "unreadable")
    if counts.get("in", 0) != sum(counts.get(part, 0) for part in parts):
        raise AssertionError(f"the counts do not add up: {counts}")


def _nothing_readable(job: Job, counts: dict[str, int]) -> str:
    rows = counts.get("in", 0)
    if not rows:
        return f"in={job.source} holds no molecules"
    first = next(tables.read_table(job.out / "rejected.csv"))
    shown = first["smiles"][:60]
    hint = ""
    if any(mark in shown for mark in ",;\t|"):
        hint = " If that is a table, give the file the ending .csv, and delimiter= if need be."
    return (
        f"in={job.source}: none of {rows:,} rows holds a molecule that can be read; the first is "
        f"{shown!r} ({first['detail']}). {job.out / 'rejected.csv'} lists them all.{hint}"
    )


def _identity(job: Job, source: dict[str, Any]) -> dict[str, Any]:
    """What decides the results, as plain values; the same for any number of workers."""
    identity = {
        "input": {"file": job.source.name, "sha256": source["sha256"], "bytes": source["bytes"]},
        "settings": {
            "column": job.column,
            "name_column": job.name_column,
            "delimiter": job.delimiter,
            **job.screen.identity(),
            "pick": job.pick.identity(),
            "export": job.export.identity(),
            "dock": None if job.dock is None else job.dock.identity(),
        },
        "versions": {name: _version(name) for name in ("molgan", "rdkit", "numpy")},
    }
    plain: dict[str, Any] = json.loads(json.dumps(identity))
    return plain


def _version(name: str) -> str:
    import molgan

    if name == "molgan":
        return molgan.__version__
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _finished(job: Job, identity: dict[str, Any]) -> dict[str, Any] | None:
    """The manifest of the same screen, if the folder holds its complete results."""
    path = job.out / MANIFEST
    if job.resume != "auto" or not path.is_file():
        return None
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MolganError(
            f"{path} cannot be read ({error}); resume=never replaces what is there"
        ) from error
    differing({key: manifest.get(key, {}) for key in identity}, identity, job.out)
    return manifest


def _survey(path: Path) -> dict[str, Any]:
    """Hash and size of a file, and about how many rows it has, for the progress bar."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(_PIECE):
            digest.update(piece)
    mark = b"$$$$" if file_format(path) == "sdf" else b"\n"
    rows = 0
    try:
        with open_bytes(path) as unpacked:
            while piece := unpacked.read(_PIECE):
                rows += piece.count(mark)
    except DataError:
        pass  # reading says it, after the rows that there are
    return {"sha256": digest.hexdigest(), "bytes": path.stat().st_size, "rows": rows}


@contextmanager
def _folder(out: Path) -> Iterator[None]:
    """The folder, made if need be, and nobody else's while this lasts."""
    from filelock import FileLock, Timeout

    lock = FileLock(out / ".lock", timeout=0)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise MolganError(f"out={out}: another screen is writing there at this moment") from error
    except OSError as error:
        raise cannot_write(error.filename or out, error) from error
    try:
        yield
    finally:
        # Removed while it is held: a screen that comes after makes a lock of its own.
        (out / ".lock").unlink(missing_ok=True)
        lock.release()


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """A copy of what molgan says, with the time, appended to a file."""
    package = logging.getLogger("molgan")
    level = package.level
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    package.addHandler(handler)
    if package.getEffectiveLevel() > logging.INFO:
        package.setLevel(logging.INFO)
    try:
        yield
    except BaseException as error:
        # Into the file only: the command says it on the terminal.
        text = f"stopped: {type(error).__name__}: {error}"
        handler.handle(log.makeRecord(log.name, logging.ERROR, __file__, 0, text, (), None))
        if isinstance(error, KeyboardInterrupt):
            log.warning("what is finished is kept: the same command goes on from there")
        raise
    finally:
        package.removeHandler(handler)
        package.setLevel(level)
        handler.close()
