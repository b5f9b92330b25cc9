"""Chunks through workers and back in their order: in this process, on all cores, on a cluster.

The results are the same, and in the same order, whatever the engine and the number of workers.
"""

from __future__ import annotations

import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from molgan.chem.deadline import reason_of_error
from molgan.errors import ConfigError, MolganError
from molgan.screening.isolation import Lost, Team, Work

PARALLEL = ("joblib", "dask", "none")

_AHEAD = 16  # chunks for each worker that may be done while an earlier one is still at work

Chunk = Sequence[Any]
Engine = Callable[[Iterable[Chunk]], Iterator[tuple[Chunk, list[Any]]]]


def run_chunks(
    work: Work,
    chunks: Iterable[Chunk],
    *,
    parallel: str = "joblib",
    n_jobs: int = 1,
    seconds: float = 60.0,
    scheduler: str | None = None,
) -> Iterator[tuple[Chunk, list[Any]]]:
    """Yield every chunk with its results, in the order of the chunks.

    Args:
        work: As for `molgan.screening.isolation.Isolated`.
        chunks: Read as they are needed.
        parallel: "joblib": `n_jobs` child processes of this one. "dask": a cluster's workers, each
            with child processes. "none": in this process, where a crash or a hang is everybody's;
            an exception still costs only its item.
        n_jobs: Child processes, -1 for one per core.
        seconds: Wall-clock time for one item.
        scheduler: Address of the Dask scheduler, such as "tcp://10.0.0.1:8786".

    Raises:
        ConfigError: For an unknown engine or a scheduler that does not answer.
        MolganError: If child processes cannot be started, or a package is missing.
    """
    if parallel == "none":
        return _in_this_process(work, chunks)
    if parallel == "joblib":
        return _on_cores(work, chunks, n_jobs, seconds)
    if parallel == "dask":
        return _on_cluster(work, chunks, seconds, scheduler)
    raise ConfigError(f"parallel={parallel}: choose from {', '.join(PARALLEL)}")


def _in_this_process(work: Work, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, list[Any]]]:
    work([])
    for chunk in chunks:
        yield chunk, _here(work, chunk)


def _here(work: Work, chunk: Chunk) -> list[Any]:
    """The results of a chunk; one by one where it fails, as `Isolated` has them."""
    try:
        return work(chunk)
    except Exception as error:
        if len(chunk) == 1:
            return [Lost("error", reason_of_error(error))]
        return [result for item in chunk for result in _here(work, [item])]


def _on_cores(
    work: Work, chunks: Iterable[Chunk], n_jobs: int, seconds: float
) -> Iterator[tuple[Chunk, list[Any]]]:
    """Joblib's threads, each waiting for a child process of its own.

    Not joblib's processes: it gives up all of them, and all that they were doing, for one crash,
    and cannot tell which molecule it was.
    """
    from joblib import Parallel, delayed, effective_n_jobs

    count = effective_n_jobs(n_jobs)
    team = Team(work, seconds)
    room = threading.Semaphore(_AHEAD * count)
    stopped = threading.Event()

    def run(chunk: Chunk) -> tuple[Chunk, list[Any]]:
        # Chunks start in their order, so the one waited for has its place already; should a busy
        # machine ever turn that round, memory gives way before everything stops.
        room.acquire(timeout=60)
        return chunk, [] if stopped.is_set() else team(chunk)

    source = _Source(chunks)
    pool = Parallel(
        n_jobs=count,
        backend="threading",
        batch_size=1,
        pre_dispatch=2 * count,
        return_as="generator",
    )
    results = pool(delayed(run)(chunk) for chunk in source)
    try:
        for result in results:
            room.release()
            yield result
        source.check()
    finally:
        stopped.set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib's, about work that nobody will look at
            results.close()
        for _ in range(2 * _AHEAD * count):
            room.release()
        team.close()


class _Source:
    """An iterable that ends where it fails and says so later.

    Joblib reads it in a thread of its own, where an exception would be nobody's.
    """

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._chunks = chunks
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[Chunk]:
        try:
            yield from self._chunks
        except Exception as error:
            self._error = error

    def check(self) -> None:
        """Raise what stopped it, if anything did."""
        if self._error is not None:
            raise self._error


def _on_cluster(
    work: Work, chunks: Iterable[Chunk], seconds: float, scheduler: str | None
) -> Iterator[tuple[Chunk, list[Any]]]:
    try:
        from distributed import Client
    except ImportError as error:
        raise MolganError('parallel=dask needs Dask: pip install "molgan[cluster]"') from error
    from molgan.screening import cluster

    if not scheduler:
        raise ConfigError(
            "parallel=dask needs the address of a scheduler: "
            "parallel.scheduler=tcp://HOST:8786, or the file that it wrote"
        )
    client = cluster.connect(Client, scheduler)
    try:
        key, task = cluster.publish(client, work)
        waiting: deque[tuple[Chunk, Any]] = deque()
        ahead = _AHEAD * max(1, sum(client.nthreads().values()))
        for chunk in chunks:
            future = client.submit(cluster.run, key, task, list(chunk), seconds, pure=False)
            waiting.append((chunk, future))
            while len(waiting) >= ahead or (waiting and waiting[0][1].done()):
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
        client.run(cluster.close, key)
    finally:
        client.close()


def _next(waiting: deque[tuple[Chunk, Any]]) -> tuple[Chunk, list[Any]]:
    chunk, future = waiting.popleft()
    try:
        return chunk, future.result()
    except MolganError:
        raise
    except Exception as error:
        raise MolganError(
            f"the Dask cluster gave up on some molecules: {type(error).__name__}: {error}; what "
            "was finished is kept, and the same command goes on from there"
        ) from error
