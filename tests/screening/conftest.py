"""Steps that break in every way, for workers to survive; small files of molecules."""

from __future__ import annotations

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
