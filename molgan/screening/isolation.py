"""One child process for each worker, so that a molecule that hangs or crashes costs only itself.

Molecules travel in chunks, since a message each would cost more than many a score. A chunk whose
child dies or is late is done again molecule by molecule, in a fresh child, each against the clock.
"""

from __future__ import annotations

import pickle
import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from molgan.chem import deadline
from molgan.errors import MolganError

START_SECONDS = 300.0
"""Time for a child to load fragment tables and alerts, on a machine that may be busy."""

ROW_SECONDS = 0.05
"""What is added to a chunk's time for each of its molecules, which take about 2 ms."""

Work = Callable[[Sequence[Any]], list[Any]]


class Lost(NamedTuple):
    """In place of the result of an item that took its process along.

    Attributes:
        reason: "timeout", "crash" or "error".
        detail: In words, such as "took longer than 60 s" or "worker crashed (SIGSEGV)".
    """

    reason: str
    detail: str


class Isolated:
    """Calls a function on chunks in a child process, which is replaced when it is lost.

    Args:
        work: Function of a list of items that returns a result for each; called with an empty
            list first, to load what it needs. It travels by pickle.
        seconds: Wall-clock time for one item, more than 0.
    """

    def __init__(self, work: Work, seconds: float) -> None:
        self._task = pickle.dumps((work, ()))
        self._seconds = seconds
        self._child: deadline.Worker | None = None

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        """Return a result for each item, or a `Lost`.

        Raises:
            MolganError: If no child process can be started.
        """
        outcome = self._ask(list(items), self._seconds + ROW_SECONDS * len(items))
        if outcome.reason is None:
            results: list[Any] = outcome.value
            return results
        return [self._one(item) for item in items]

    def close(self) -> None:
        """End the child process."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _one(self, item: Any) -> Any:
        outcome = self._ask([item], self._seconds)
        if outcome.reason is None:
            return outcome.value[0]
        late = outcome.reason.startswith("took longer")
        dead = outcome.reason.startswith("worker")
        return Lost("timeout" if late else "crash" if dead else "error", outcome.reason)

    def _ask(self, items: list[Any], seconds: float) -> deadline.Outcome:
        if self._child is None:
            # The longest that any request may take: by this an orphan ends itself.
            self._child = deadline.Worker(self._task, START_SECONDS + self._seconds)
            outcome = self._wait(self._child, [], START_SECONDS)
            if outcome.reason is not None:
                raise MolganError(f"worker processes cannot start: {outcome.reason}")
        return self._wait(self._child, items, seconds)

    def _wait(self, child: deadline.Worker, items: list[Any], seconds: float) -> deadline.Outcome:
        child.seconds = seconds
        child.take(0, items)
        outcome = None
        while outcome is None:
            deadline.until_something_happens([child])
            outcome = child.outcome()
        if not child.alive:
            self._child = None
        return outcome


class Team:
    """As many isolated workers as threads ask at the same time; each keeps its child."""

    def __init__(self, work: Work, seconds: float) -> None:
        self._work, self._seconds = work, seconds
        self._idle: queue.LifoQueue[Isolated] = queue.LifoQueue()
        self._all: list[Isolated] = []

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        """Like `Isolated`; may be called from several threads."""
        with self._borrowed() as worker:
            return worker(items)

    def close(self) -> None:
        """End all child processes; calls that are going on fail."""
        for worker in self._all:
            worker.close()

    @contextmanager
    def _borrowed(self) -> Iterator[Isolated]:
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = Isolated(self._work, self._seconds)
            self._all.append(worker)
        try:
            yield worker
        finally:
            self._idle.put(worker)
