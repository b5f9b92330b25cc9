"""A component of another package is found through its entry point and trained with."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor

from molgan.errors import ConfigError
from molgan.rewards import Scorer, make_objective
from molgan.rewards.registry import ENTRY_POINTS, plug_ins

PACKAGE = Path(__file__).resolve().parents[1] / "plugin_package"


def install(source: Path, folder: Path) -> None:
    """Put a package where Python looks, with the metadata that pip would write.

    Building a wheel needs hatchling, which a test environment need not have.
    """
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    module = project["name"].replace("-", "_")
    shutil.copytree(source / module, folder / module)
    info = folder / f"{module}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = ["[" + ENTRY_POINTS + "]"]
    lines += [f"{name} = {value}" for name, value in project["entry-points"][ENTRY_POINTS].items()]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    install(PACKAGE, folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    yield folder
    for name in ("carbon_scores", "broken_scores"):
        sys.modules.pop(name, None)


def test_it_is_found_by_its_name(installed, valid) -> None:
    assert plug_ins()["carbon_share"].value == "carbon_scores:CarbonShare"
    objective = make_objective({"carbon": {"type": "carbon_share", "power": 2}, "carbon_share": {}})
    result = objective(valid("CCO", "CC"))
    np.testing.assert_allclose(result.raw["carbon"], [4 / 9, 1])
    np.testing.assert_allclose(result.total, [8 / 27, 1])


def test_without_the_package_the_name_is_unknown() -> None:
    with pytest.raises(ConfigError, match="no component 'carbon_share'"):
        make_objective({"carbon_share": {}})


def test_wrong_settings_name_it(installed) -> None:
    with pytest.raises(ConfigError, match=r"no powr \(did you mean power\?\); its settings"):
        make_objective({"carbon_share": {"powr": 2}})


def test_worker_processes_find_it(installed, valid) -> None:
    # joblib keeps workers between calls; those of an earlier test do not know this path.
    get_reusable_executor().shutdown(wait=True)
    molecules = valid(*("C" * n + "O" for n in range(1, 70)))
    objective = make_objective({"carbon_share": {}})
    pooled = Scorer(objective, n_jobs=2)(molecules)
    np.testing.assert_array_equal(pooled.total, objective(molecules).total)


def broken(folder: Path, value: str, code: str) -> None:
    (folder / "broken_scores.py").write_text(code)
    info = folder / "broken_scores-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-scores\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\nbroken = {value}\n")


@pytest.mark.parametrize(
    ("value", "code", "said"),
    [
        ("broken_scores:Missing", "", "cannot be loaded"),
        ("broken_scores:made", "1 / 0", "ZeroDivisionError"),
        ("broken_scores:made", "made = 3", "neither a class nor a function"),
        ("broken_scores:made", "def made(): return 3", "makes no component"),
        ("broken_scores:made", "def made(): raise ValueError('no licence')", "no licence"),
    ],
)
def test_a_plug_in_that_cannot_be_used(installed, value, code, said) -> None:
    broken(installed, value, code)
    with pytest.raises(ConfigError, match=f"reward component broken: .*{said}"):
        make_objective({"broken": {}})


def test_it_is_used_in_training(installed, tmp_path, tiny_settings) -> None:
    from molgan.train import main

    reward = tmp_path / "carbon.yaml"
    reward.write_text("components:\n  carbon: {type: carbon_share}\n  uniqueness: {weight: 0.5}\n")
    run_dir = tmp_path / "run"
    assert main([*tiny_settings, f"reward={reward}", f"run_dir={run_dir}"]) == 0
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    real = [row["reward/real"] for row in rows if "reward/real" in row]
    # The small set is carbon for the most part, and no molecule of it scores 0.
    assert real
    assert all(0.4 < value < 1 for value in real)
    oracle = [row for row in rows if "oracle/calls" in row and row["phase"] == "adversarial"]
    assert oracle
    assert all(0 <= row["oracle/hit_rate"] <= 1 for row in oracle)
    with (run_dir / "library.csv").open() as file:
        columns = csv.DictReader(file).fieldnames or []
    for name in ("carbon", "carbon_score", "uniqueness_score", "reward", "reward_note"):
        assert name in columns
    manifest = json.loads((run_dir / "manifest.json").read_text())
    carbon = manifest["reward"]["components"]["carbon"]
    assert carbon["class"] == "carbon_scores.CarbonShare"
    assert (carbon["weight"], carbon["power"], carbon["required"]) == (1.0, 1.0, True)
