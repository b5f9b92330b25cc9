"""A whole screen: the input streamed through the workers, then pick, export and report."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from molgan.errors import DataError, MolganError
from molgan.library.docking_shards import WORK
from molgan.library.ledger import differing
from molgan.library.locks import held
from molgan.library.writers import atomic_write, cannot_write
from molgan.screening import tables
from molgan.screening.engines import run_chunks
from molgan.screening.export import FOLDER
from molgan.screening.isolation import Work as AnyWork
from molgan.screening.job import Job
from molgan.screening.references import chunks_of, load_references
from molgan.screening.reward import chunk_and_seconds
from molgan.screening.sorting import Sorter
from molgan.screening.work import Work

log = logging.getLogger("molgan.screening")

MANIFEST = "manifest.json"
#: What is written once all molecules are sorted.
LEFT_AT_THE_END = (
    "hits.smi", "hits.csv", "hits.parquet", "picked.smi", "picked.csv", "report.html", FOLDER,
    MANIFEST,
)  # fmt: skip


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
    source = job.survey()
    identity = job.identity(source)
    finished = _finished(job, identity)
    if finished is not None:
        log.info("%s is finished already; resume=never does it again", job.out)
        return finished
    next(job.rows(), None)  # what is wrong with the file is said before anything is touched
    with held(job.out, "out", "screen"), _log_file(job.out / "screen.log"):
        log.info("screening %s into %s", job.source, job.out)
        references, sample = load_references(job.screen, job.rows, **job.engine.options())
        do: AnyWork = Work(job.screen, references, bits=job.pick.needs_bits)
        if work is not None:
            do = work(do)  # type: ignore[arg-type]
        columns, carried = job.screen.columns(), identity["input"]["columns"]
        sorter = Sorter(job.out, columns, carried, identity, bits=job.pick.needs_bits)
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
    columns = [*job.screen.columns(), *identity["input"]["columns"]]
    tables.write_hits(sorter.files["hits"], out, columns, sorter.copies())
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
