"""`import molgan` loads nothing heavy and changes nothing in the process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import molgan

HEAVY = {"torch", "rdkit", "deepchem", "pandas", "numpy", "hydra", "matplotlib", "torch_geometric"}


def run_python(code: str) -> dict[str, object]:
    """What a fresh interpreter prints as JSON."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_import_loads_no_heavy_package():
    loaded = run_python("import sys, json, molgan; print(json.dumps({m: 1 for m in sys.modules}))")
    assert HEAVY.isdisjoint(loaded)


def test_chem_does_without_torch():
    loaded = run_python(
        "import sys, json, molgan.chem; print(json.dumps({m: 1 for m in sys.modules}))"
    )
    assert {"torch", "deepchem", "matplotlib"}.isdisjoint(loaded)


def test_importing_rooms_changes_no_global_state():
    state = run_python(
        """
import json, logging, os, threading, warnings
import numpy, rdkit, torch
from rdkit import rdBase

def state():
    return {
        "filters": [str(f) for f in warnings.filters if "molgan" in str(f) or f[0] == "ignore"],
        "rdkit": rdBase.LogStatus(),
        "root": [logging.getLogger().level, len(logging.getLogger().handlers)],
        "threads": [threading.active_count(), torch.get_num_threads()],
        "rng": [numpy.random.get_state()[1].tolist()[:3], torch.initial_seed()],
        "environ": sorted(os.environ),
        "cuda": torch.cuda.is_initialized(),
    }

before = state()
import molgan, molgan.chem, molgan.cli, molgan.config, molgan.graphs, molgan.rewards, molgan.metrics
print(json.dumps({"before": before, "after": state()}))
"""
    )
    assert state["after"] == state["before"]


@pytest.mark.parametrize("name", molgan.__all__)
def test_every_public_name_is_there(name: str):
    assert getattr(molgan, name) is not None
    assert name in dir(molgan)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Molgan'"):
        molgan.Molgan  # noqa: B018


def test_python_m_molgan_lists_the_commands():
    done = subprocess.run(
        [sys.executable, "-m", "molgan"], capture_output=True, text=True, check=True
    )
    assert "python -m molgan.train" in done.stdout
    assert "python -m molgan.generate" in done.stdout
