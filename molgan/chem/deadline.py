"""Work that may hang or crash: each item in a worker process that is killed when its time is up.

RDKit's embedding, Meeko and Vina are C++ that can run for half an hour on one strange molecule
(rdkit/rdkit#8259) or end the whole process. No exception can be caught there; only a process of
its own can be given up. Workers are started afresh (no fork, so threads and locks of this process
do no harm) and need no ``if __name__ == "__main__"`` in the caller's script.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from molgan.errors import MolganError

AHEAD = 1000
"""Finished results kept for each worker while an earlier item is still at work."""

_ORPHAN_GRACE = 10
"""Seconds after its deadline at which a worker that nobody kills any more ends itself."""

_START = (
    "import pickle, sys; sys.path[:] = pickle.loads(bytes.fromhex(sys.argv[2]));"
    "from molgan.chem.deadline import serve; serve(int(sys.argv[1]), int(sys.argv[3]))"
)


@dataclass(frozen=True)
class Outcome:
    """What became of one item: a value, or the reason why there is none.

    Attributes:
        value: What the function returned; None where there is a reason.
        reason: None, or such as "took longer than 60 s", "worker crashed (SIGSEGV)",
            "worker ended (exit code 3)", "ValueError: ...".
    """

    value: Any = None
    reason: str | None = None


def run_each(
    function: Callable[..., Any],
    items: Iterable[Any],
    *arguments: Any,
    seconds: float,
    n_jobs: int = 1,
) -> Iterator[Outcome]:
    """Yield the outcome of ``function(item, *arguments)`` for every item, in their order.

    Args:
        function: Of a module that workers can import.
        items: Read as they are needed, so that an endless stream works.
        *arguments: The same for every item.
        seconds: Wall-clock time for one item, more than 0. Start-up of a worker does not count.
        n_jobs: Worker processes, -1 for one per core. Even one is a process of its own.

    Raises:
        MolganError: when worker processes cannot be started at all, as on Windows.
    """
    if not seconds > 0:
        raise MolganError(f"the time for one molecule must be more than 0 s, not {seconds}")
    task = pickle.dumps((function, arguments))
    count = n_jobs if n_jobs > 0 else _cores()
    source = enumerate(items)
    results: dict[int, Outcome] = {}
    workers: list[Worker] = []
    idle: deque[Worker] = deque()
    position, running = 0, True
    try:
        while True:
            while running and (idle or len(workers) < count):
                if len(results) > AHEAD * count:
                    break
                following = next(source, None)
                if following is None:
                    running = False
                    break
                if idle:
                    worker = idle.popleft()
                else:
                    worker = Worker(task, seconds)
                    workers.append(worker)
                worker.take(*following)
            while position in results:
                yield results.pop(position)
                position += 1
            busy = [worker for worker in workers if worker.index is not None]
            if not busy:
                if not running:
                    return
                continue
            for worker in until_something_happens(busy):
                outcome = worker.outcome()
                if outcome is None:
                    continue
                index = worker.index
                assert index is not None
                results[index] = outcome
                worker.index = None
                if worker.alive:
                    idle.append(worker)
                else:
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.kill()


def _cores() -> int:
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def until_something_happens(busy: list[Worker]) -> list[Worker]:
    """Workers that said something, ended, or ran out of time; waits until there is one."""
    now = time.monotonic()
    nearest = min((worker.deadline for worker in busy), default=now)
    timeout = None if nearest == float("inf") else max(0.0, nearest - now)
    said = set(map(id, wait([worker.pipe for worker in busy], timeout)))
    now = time.monotonic()
    return [one for one in busy if id(one.pipe) in said or one.deadline <= now]


@dataclass(eq=False)
class Worker:
    """One worker process with its pipes and the deadline of what it works on."""

    task: bytes
    seconds: float
    index: int | None = None
    deadline: float = float("inf")
    alive: bool = True
    ready: bool = False
    item: Any = None
    pipe: Connection[Any, Any] = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)
    lifeline: int = field(init=False)

    def __post_init__(self) -> None:
        if os.name == "nt":
            raise MolganError(
                "worker processes with a time limit (screening, 3D structures, docking) need "
                "Linux or macOS; on Windows run molgan in WSL, the Windows Subsystem for Linux"
            )
        self.pipe, theirs = Pipe()
        # Nothing is ever written here: it closes when this process ends, by whatever death.
        lifeline, self.lifeline = os.pipe()
        path = pickle.dumps(sys.path).hex()
        try:
            # Standard output is for results of the command, not for C++ that prints progress.
            self.process = subprocess.Popen(
                [sys.executable, "-c", _START, str(theirs.fileno()), path, str(lifeline)],
                pass_fds=[theirs.fileno(), lifeline],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except OSError as error:
            os.close(self.lifeline)
            raise MolganError(f"cannot start a worker process: {error.strerror}") from error
        finally:
            theirs.close()
            os.close(lifeline)
        try:
            self.pipe.send((self.task, self.seconds))
        except OSError:
            pass  # it did not live to read this; reading its answer says so

    def take(self, index: int, item: Any) -> None:
        """Give it an item; its time starts when the worker is up."""
        self.index, self.item = index, item
        if self.ready:
            self._start()

    def _start(self) -> None:
        self.deadline = time.monotonic() + self.seconds
        try:
            self.pipe.send(self.item)
        except OSError:
            pass  # it died while idle; reading says so
        self.item = None

    def outcome(self) -> Outcome | None:
        """What became of its item; None when it has only now started."""
        try:
            message = self.pipe.recv() if self.pipe.poll() else None
        except (EOFError, OSError):
            return self._ended()
        if message is None:
            if time.monotonic() < self.deadline:
                return None
            self.kill()
            return Outcome(None, f"took longer than {self.seconds:g} s")
        if not self.ready:
            if message != "ready":
                self.kill()
                raise MolganError(f"worker processes cannot start: {message}")
            self.ready = True
            self._start()
            return None
        self.deadline = float("inf")
        value, reason = message
        return Outcome(value, reason)

    def _ended(self) -> Outcome:
        code = self.process.wait()
        self.kill()
        if not self.ready:
            raise MolganError(
                f"worker processes cannot start (exit code {code}); what they wrote is above"
            )
        if code < 0:
            return Outcome(None, f"worker crashed ({signal.Signals(-code).name})")
        return Outcome(None, f"worker ended (exit code {code})")

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        if self.alive:
            self.alive = False
            self.process.kill()
            self.process.wait()
            self.pipe.close()
            os.close(self.lifeline)


def serve(handle: int, lifeline: int) -> None:
    """Work off items that come through a pipe until it is closed; the life of a worker."""
    import fcntl  # which Windows does not have; all that needs no such worker still runs there

    # Ctrl-C reaches the whole group; the parent kills its workers in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A parent that was killed leaves nobody to end a hanging worker. The kernel does it, by signals
    # that Python does not handle, since a handler never runs while C++ does not return: when the
    # lifeline closes (Linux), and in any case some time after the deadline.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    pipe: Connection[Any, Any] = Connection(handle)
    try:
        task, seconds = pipe.recv()
        try:
            function, arguments = pickle.loads(task)
        except Exception as error:
            pipe.send(reason_of_error(error))
            return
        pipe.send("ready")  # what it takes to import all that is not the first molecule's time
        while True:
            item = pipe.recv()
            signal.setitimer(signal.ITIMER_REAL, seconds + _ORPHAN_GRACE)
            try:
                message: tuple[Any, str | None] = function(item, *arguments), None
            except Exception as error:
                message = None, reason_of_error(error)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send(message)
    except (EOFError, ConnectionError):
        pass


def reason_of_error(error: Exception) -> str:
    """What an exception says in one line; with its type where it is none of ours."""
    text = " ".join(str(error).split())
    return text if isinstance(error, MolganError) else f"{type(error).__name__}: {text}"
