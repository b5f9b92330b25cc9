"""Work on many molecules in worker processes: chunks out, results back in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

POOL_CHUNK = 1024
"""Molecules sent to a worker at a time."""

POOL_THRESHOLD = 4 * POOL_CHUNK
"""Below so many molecules, starting workers costs more than it saves."""


def run_tasks(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], n_jobs: int
) -> Iterator[Any]:
    """Yield ``function(*task)`` for every task, in order, in worker processes if asked.

    Args:
        function: Of a module, so that it travels.
        tasks: Its arguments.
        n_jobs: Worker processes, -1 for one per core.
    """
    if n_jobs in (0, 1) or len(tasks) < 2:
        return (function(*task) for task in tasks)
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=n_jobs, return_as="generator", initializer=_ignore_ctrl_c)
    results: Iterator[Any] = pool(delayed(function)(*task) for task in tasks)
    return results


def _ignore_ctrl_c() -> None:
    """Ctrl-C reaches the whole group: who started the workers decides what becomes of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def map_chunks(
    function: Callable[..., Any],
    items: Sequence[Any],
    n_jobs: int,
    *arguments: Any,
    chunk: int = POOL_CHUNK,
    label: str | None = None,
) -> Iterator[Any]:
    """Yield ``function(part, *arguments)`` for consecutive parts of `items`.

    Args:
        function: Takes a list of items.
        items: What to cut into parts.
        n_jobs: Worker processes; used for `POOL_THRESHOLD` items and more.
        *arguments: Passed on.
        chunk: Items of a part.
        label: Of a progress bar; None shows none.
    """
    from molgan.progress import tqdm

    tasks = [(items[i : i + chunk], *arguments) for i in range(0, len(items), chunk)]
    results = run_tasks(function, tasks, n_jobs if len(items) >= POOL_THRESHOLD else 1)
    # Many passes follow each other: a finished bar leaves no line behind.
    bar = tqdm(total=len(items), desc=label, unit="mol", disable=label is None, leave=False)
    with bar:
        for task, result in zip(tasks, results, strict=True):
            bar.update(len(task[0]))
            yield result
