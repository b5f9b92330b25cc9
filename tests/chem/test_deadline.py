from __future__ import annotations

import math
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from molgan.chem import deadline
from molgan.chem.deadline import run_each
from molgan.errors import MolganError

WORK = """
import os, signal, time
from molgan.errors import ChemistryError

def work(item, unit=""):
    if item == "hang":
        time.sleep(3600)
    if item == "exit":
        os._exit(3)
    if item == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if item == "error":
        raise ValueError("one\\n two")
    if item == "ours":
        raise ChemistryError("no such atom")
    if item == "print":
        print("progress of some C++", flush=True)
    if item == "pid":
        return os.getpid()
    return item + unit
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A function of a module that exists only here, with ways to go wrong."""
    (tmp_path / "molgan_test_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    import molgan_test_work  # type: ignore[import-not-found]

    yield molgan_test_work.work
    del sys.modules["molgan_test_work"]


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_what_hangs_or_crashes_costs_only_itself(work, n_jobs: int) -> None:  # type: ignore[no-untyped-def]
    items = ["a", "hang", "b", "exit", "c", "segfault", "error", "ours", "d"]
    outcomes = list(run_each(work, items, "!", seconds=1.5, n_jobs=n_jobs))
    assert [outcome.value for outcome in outcomes] == [
        *("a!", None, "b!", None, "c!", None, None, None, "d!")
    ]
    assert [outcome.reason for outcome in outcomes if outcome.value is None] == [
        "took longer than 1.5 s",
        "worker ended (exit code 3)",
        "worker crashed (SIGSEGV)",
        "ValueError: one two",
        "no such atom",
    ]


def test_a_worker_is_kept_and_is_not_this_process(work) -> None:  # type: ignore[no-untyped-def]
    pids = {outcome.value for outcome in run_each(work, ["pid"] * 5, seconds=60)}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_nothing_is_left_running_when_the_caller_stops_early(work) -> None:  # type: ignore[no-untyped-def]
    results = run_each(work, iter(["pid", "hang", "hang"]), seconds=60, n_jobs=1)
    pid = next(results).value
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_items_are_read_only_a_little_ahead(  # type: ignore[no-untyped-def]
    work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "AHEAD", 5)
    read = []

    def endless() -> Iterator[str]:
        while True:
            read.append(1)
            yield "x"

    results = run_each(work, endless(), seconds=60, n_jobs=2)
    assert [next(results).value for _ in range(3)] == ["x"] * 3
    results.close()
    assert len(read) <= 2 * 5 + 2 + 2


def test_standard_output_stays_clean(work, capfd: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    assert [outcome.value for outcome in run_each(work, ["print"], seconds=60)] == ["print"]
    assert capfd.readouterr().out == ""


def test_no_items_need_no_worker() -> None:
    assert list(run_each(math.sqrt, [], seconds=1)) == []


def test_a_time_of_nothing_is_refused() -> None:
    with pytest.raises(MolganError, match="more than 0 s"):
        list(run_each(math.sqrt, [4.0], seconds=0))


def test_a_python_that_does_not_start_is_not_blamed_on_the_molecule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(MolganError, match="worker processes cannot start"):
        list(run_each(math.sqrt, [4.0], seconds=1))
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(MolganError, match="cannot start a worker process: No such file"):
        list(run_each(math.sqrt, [4.0], seconds=1))


def test_windows_is_told_what_does_run_there(work, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(MolganError, match="WSL"):
        list(run_each(work, ["a"], seconds=1))


def test_a_function_that_does_not_travel_is_named(work) -> None:  # type: ignore[no-untyped-def]
    results = run_each(work, ["a"], seconds=60)
    sys.path.pop(0)
    with pytest.raises(MolganError, match=r"cannot start: ModuleNotFoundError: .*molgan_test_work"):
        list(results)


def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import math\nfrom molgan.chem.deadline import run_each\n"
        "print([o.value for o in run_each(math.sqrt, [4.0, 9.0], seconds=60, n_jobs=2)])\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[2.0, 3.0]\n"
    assert done.stderr == ""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_a_parent_that_is_killed_takes_its_workers_along(tmp_path: Path) -> None:
    (tmp_path / "molgan_test_work.py").write_text(WORK)
    script = tmp_path / "script.py"
    script.write_text(
        "from molgan.chem.deadline import run_each\nfrom molgan_test_work import work\n"
        "for o in run_each(work, ['pid', 'hang'], seconds=3600): print(o.value, flush=True)\n"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{tmp_path}"},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        worker = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    ended, _, _ = select.select([worker], [], [], 60)
    os.close(worker)
    assert ended
