"""Steps that break in every way, for workers to survive; small files of molecules."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# A module of its own: it must be importable in worker processes, where no test module is.
BREAKERS = '''
import os, signal, time

class Breaking:
    """Does what `what` says of an item's text before the work on its chunk."""

    def __init__(self, work, what, victim=None):
        self.work, self.what, self.victim = work, what, victim

    def __call__(self, items):
        for item in items:
            act = self.what.get(getattr(item, "text", item))
            if act == "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            if act == "hang":
                time.sleep(3600)
            if act == "error":
                raise ValueError("no such luck")
            if act == "kill":
                with open(self.victim) as file:
                    os.kill(int(file.read()), signal.SIGKILL)
                time.sleep(3600)
        return self.work(items)

def double(items):
    return [item * 2 for item in items]
'''

MOLECULES = (
    "CCO CCN CCC CCCO CC=O C1CC1 C1CCC1 C1CCCC1 CC#N OCCO NCCN CC(C)C CC(=O)O CC(N)=O COC C1CCOC1 "
    "C1CCNC1 CC(C)O FCC O=C1CCC1 C=CC C#CC CCCC CCOC OC1CC1 c1ccccc1 Cc1ccccc1 c1ccncc1 Oc1ccccc1 "
    "CC(=O)Oc1ccccc1C(=O)O CN1C=NC2=C1C(=O)N(C(=O)N2C)C CC(C)Cc1ccc(cc1)C(C)C(=O)O"
).split()


@pytest.fixture
def breakers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module `breakers`, importable here and in worker processes."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "breakers.py").write_text(BREAKERS)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    sys.modules.pop("breakers", None)
    import breakers

    yield breakers
    sys.modules.pop("breakers", None)


@pytest.fixture
def smi(tmp_path: Path) -> Callable[..., Path]:
    """Writes a .smi file of the lines given."""

    def write(*lines: str, name: str = "library.smi") -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


@pytest.fixture
def library(smi: Callable[..., Path]) -> Path:
    """Molecules of all kinds: 32 good ones, salts, repeats, broken ones, alerts."""
    lines = [f"{text} m{number}" for number, text in enumerate(MOLECULES)]
    lines[5:5] = ["C1CC broken", "OCC again", "c1ccccc1N=Nc1ccccc1 azo", "CC[Si](C)C silane"]
    lines[20:20] = ["CCN.Cl salt", "C" * 60 + " wax", "CCO m3"]
    return smi(*lines)


def _contents(folder: Path) -> dict[str, bytes]:
    """Every file but the log, which tells the time."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "screen.log"
    }


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Every file of a folder with its bytes, but for the log."""
    return _contents


KILLED = """
import os, sys
from breakers import Breaking
from pathlib import Path
from test_job import make
from molgan.screening import run

source, out, parallel, scheduler = sys.argv[1:]
Path(out + ".pid").write_text(str(os.getpid()))
job = make(source, out, parallel, scheduler)
run(job, lambda work: Breaking(work, {"C1CCNC1": "kill"}, out + ".pid"))
"""

JOB = """
from pathlib import Path
from molgan.screening import Engine, Job, Pick, Screen

def make(source, out, parallel, scheduler):
    engine = Engine(parallel=parallel, n_jobs=2, chunk=3, seconds=120, scheduler=scheduler)
    screen = Screen(alerts=("PAINS",), rules=("veber",))
    pick = Pick(method="maxmin", n=6)
    return Job(Path(source), Path(out), screen, pick, engine=engine, progress=False)
"""


@pytest.fixture
def killed_and_resumed(
    library: Path, tmp_path: Path, breakers: Any
) -> Callable[..., tuple[dict[str, bytes], dict[str, bytes]]]:
    """Contents of a run that was killed with -9 and gone on with, and of one undisturbed."""
    from molgan.screening import run

    def kill(parallel: str, scheduler: str = "") -> tuple[dict[str, bytes], dict[str, bytes]]:
        (tmp_path / "modules" / "test_job.py").write_text(JOB)
        script = tmp_path / "killed.py"
        script.write_text(KILLED)
        out = tmp_path / "killed"
        path = os.pathsep.join([str(Path.cwd()), os.environ["PYTHONPATH"]])
        done = subprocess.run(
            [sys.executable, str(script), str(library), str(out), parallel, scheduler],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == -9, done.stderr
        journal = (out / ".work" / "journal.jsonl").read_text().splitlines()
        assert not (out / "manifest.json").exists()
        import test_job

        sys.modules.pop("test_job")
        run(test_job.make(library, out, parallel, scheduler))
        assert "going on after" in (out / "screen.log").read_text() or len(journal) < 3
        run(test_job.make(library, tmp_path / "undisturbed", "none", None))
        return _contents(out), _contents(tmp_path / "undisturbed")

    return kill
