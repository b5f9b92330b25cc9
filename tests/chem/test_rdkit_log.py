from __future__ import annotations

import subprocess
import sys

import pytest
from rdkit import Chem

from molgan.chem import quiet_rdkit


def test_the_log_is_quiet_inside_and_as_before_outside(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_rdkit(), quiet_rdkit():
        Chem.MolFromSmiles("c1cccc1")
    assert capfd.readouterr().err == ""
    Chem.MolFromSmiles("c1cccc1")
    assert "kekulize" in capfd.readouterr().err


def test_the_log_comes_back_after_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), quiet_rdkit():
        raise RuntimeError
    Chem.MolFromSmiles("c1cccc1")
    assert "kekulize" in capfd.readouterr().err


def test_importing_changes_nothing_and_brings_no_torch() -> None:
    code = (
        "import sys, molgan.chem; from rdkit import Chem; Chem.MolFromSmiles('c1cccc1');"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "kekulize" in done.stderr
