"""Every file in conf/ composes, and every object it describes can be built from it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf

from molgan import config
from molgan.errors import ConfigError

CONF = config.config_dir()
ENTRY_POINTS = sorted(path.stem for path in CONF.glob("*.yaml"))
LEAVES = sorted(
    str(path.relative_to(CONF).with_suffix(""))
    for path in CONF.rglob("*/*.yaml")
    if path.relative_to(CONF).parts[0] != "hydra"
)
# Building one of these reads and encodes a whole data set; its settings are checked all the same.
WORKS_WHEN_BUILT = {
    "molgan.data.MoleculeDataset",
    "molgan.data.load_dataset",
    "molgan.metrics.benchmark_reference",
    "molgan.metrics.file_reference",
    "molgan.metrics.moses_reference",
    "molgan.rewards.make_objective",  # tests/rewards/test_conf.py builds and uses every reward
    "molgan.rewards.qsar_objective",
    "molgan.rewards.read_objective",
}


@pytest.fixture(scope="module")
def molecules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that stands in where a setting asks for the user's own."""
    path = tmp_path_factory.mktemp("conf") / "molecules.smi"
    path.write_text("CCO ethanol\nCCN ethylamine\nc1ccccc1 benzene\n")
    return path


def compose_leaf(leaf: str) -> DictConfig:
    """The settings of the first entry point that takes this option, in its place or added."""
    group, _, option = leaf.rpartition("/")
    refusals = []
    for entry_point in ENTRY_POINTS:
        for prefix in ("", "+"):
            try:
                return config.compose([f"{prefix}{group}={option}"], entry_point)
            except ConfigError as error:
                refusals.append(f"{entry_point} {prefix}{group}={option}: {error}")
    pytest.fail("no entry point takes it:\n" + "\n".join(refusals))


def targets(node: Any, key: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each outermost description of an object, with its dotted key."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield key, node
        else:
            for name, child in node.items():
                yield from targets(child, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from targets(child, f"{key}[{index}]")


def build(key: str, node: dict[str, Any]) -> None:
    """Build what `node` describes; only its partial where the program adds arguments of its own."""
    target = get_object(node["_target_"])
    arguments = {name: value for name, value in node.items() if not str(name).startswith("_")}
    signature = inspect.signature(target)
    try:
        signature.bind_partial(**arguments)
    except TypeError as error:
        pytest.fail(f"{key}: {node['_target_']}: {error}")
    try:
        signature.bind(**arguments)
        complete = node["_target_"] not in WORKS_WHEN_BUILT
    except TypeError:
        complete = False  # the program gives the rest, such as sizes that come from the data
    built = instantiate({**node, "_partial_": node.get("_partial_", False) or not complete})
    assert isinstance(built, partial) or not node.get("_partial_", False)


def plain(cfg: DictConfig, molecules: Path) -> dict[str, Any]:
    """Resolved settings, the user's own files replaced by a small one."""
    for key in OmegaConf.missing_keys(cfg):
        assert key in ("in", "run", "name", "target", "words", "lead") or any(
            word in key
            for word in ("path", "model", "file", "library", "receptor", "function", "command")
        ), f"{key} is ???, and this test has no value for it"
        OmegaConf.update(cfg, key, str(molecules))
    return config.to_plain(cfg)


def test_there_are_entry_points_and_leaves():
    assert "train" in ENTRY_POINTS
    assert LEAVES


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_entry_point(entry_point: str, molecules: Path):
    for key, node in targets(plain(config.compose(config_name=entry_point), molecules)):
        build(key, node)


@pytest.mark.parametrize("leaf", LEAVES)
def test_leaf(leaf: str, molecules: Path):
    for key, node in targets(plain(compose_leaf(leaf), molecules)):
        build(key, node)
