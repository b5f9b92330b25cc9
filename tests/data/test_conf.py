"""The data group of conf/: every key is an argument, and every key is explained."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from molgan.config import config_dir
from molgan.data import MoleculeDataset, load_dataset
from molgan.data.loading import make_source

OPTIONS = sorted((config_dir() / "data").glob("*.yaml"), key=lambda path: path.name)


def test_every_source_has_its_option():
    assert [path.stem for path in OPTIONS] == [
        "bundled",
        "file",
        "molnet_qm9",
        "molnet_zinc15",
        "qm9",
        "zinc250k",
    ]


@pytest.mark.parametrize("path", OPTIONS, ids=lambda path: path.stem)
def test_option_is_flat_commented_and_complete(path: Path):
    plain = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    assert isinstance(plain, dict)
    assert plain.pop("_target_") == "molgan.data.load_dataset"
    known = {*inspect.signature(load_dataset).parameters}
    known |= {*inspect.signature(MoleculeDataset).parameters}
    assert set(plain) <= known - {"settings"}
    assert plain["seed"] == "${seed}"
    assert make_source(plain["source"]).name == path.stem
    for line in path.read_text().splitlines():
        key = line.split(":")[0]
        assert key in ("_target_", "source") or "#" in line
    defaults = inspect.signature(MoleculeDataset).parameters
    for key in ("max_atoms", "aromatic", "min_count", "keep_largest_fragment", "n_jobs"):
        assert plain[key] == defaults[key].default
    assert tuple(plain["fractions"]) == defaults["fractions"].default
