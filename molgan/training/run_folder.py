"""What a run leaves behind besides its models: settings, manifest, molecules, pictures, figures."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import molgan
from molgan.config import flat_settings
from molgan.errors import ConfigError, MolganError
from molgan.library import Library, atomic_write, write_curves
from molgan.metrics import Comparison
from molgan.views.runs import PAGE, write_training_page

CONFIG = "config.json"
METRICS = "metrics.jsonl"
CURVES = "training.png"
REPORT = "report.html"
MANIFEST = "manifest.json"

_PACKAGES = ("torch", "rdkit", "numpy", "torch-geometric", "hydra-core")
# What a new run in the folder of an old one must not inherit.
_SAMPLES = "samples/" + 12 * "[0-9]" + ".csv"
_OF_A_RUN = ("checkpoint.pt", "best.molgan", "last.molgan", "results.json", REPORT, PAGE, _SAMPLES)
# What a killed process was writing, and nothing that could be the user's own.
_HALF_WRITTEN = (
    "checkpoint.partial",
    *(f".{name}.*.tmp" for name in ("best.molgan", "last.molgan", METRICS, CONFIG, MANIFEST)),
    *(f".{name}.*.tmp" for name in ("library.*", "results.json", CURVES, REPORT, PAGE)),
    "samples/." + 12 * "[0-9]" + ".csv.*.tmp",
)
# Settings that may differ between a run and its resumption.
_FREE = {"resume", "run_dir", "tracker", "progress", "n_jobs"}


def versions() -> dict[str, str]:
    """Versions of molgan and of the libraries on which results depend."""
    found = {"python": platform.python_version(), "molgan": molgan.__version__}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def write_manifest(run_dir: Path, facts: Mapping[str, Any], device: torch.device) -> None:
    """Write ``manifest.json``: versions, hardware and the given facts."""
    hardware: dict[str, Any] = {
        "device": str(device),
        "cpu": _cpu_name(),
        "cpu_count": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
    }
    if device.type == "cuda":
        hardware["gpu"] = torch.cuda.get_device_name(device)
    document = {"versions": versions(), "hardware": hardware, **facts}
    with atomic_write(run_dir / MANIFEST) as file:
        json.dump(document, file, indent=2)


def write_config(run_dir: Path, config: Mapping[str, Any]) -> None:
    """Write the resolved settings as JSON, for `check_same_config` and for people."""
    with atomic_write(run_dir / CONFIG) as file:
        json.dump(config, file, indent=2)


def check_same_config(run_dir: Path, config: Mapping[str, Any]) -> None:
    """Refuse to resume a run under other settings.

    Raises:
        ConfigError: naming the settings that differ.
    """
    path = run_dir / CONFIG
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"cannot resume: {path} cannot be read ({error}); give another run_dir=, or "
            "resume=never to overwrite what is there"
        ) from error
    old, new = flat_settings(before), flat_settings(json.loads(json.dumps(config)))
    changed = sorted(
        key
        for key in old.keys() | new.keys()
        if old.get(key) != new.get(key) and key.split(".")[0] not in _FREE
    )
    if changed:
        shown = ", ".join(
            f"{key} ({old.get(key)} before, {new.get(key)} now)" for key in changed[:5]
        )
        raise ConfigError(
            f"{run_dir} holds a run with other settings: {shown}. Give the same settings to "
            "resume it, "
            "another run_dir= to start a new one, or resume=never to overwrite it"
        )


def check_same_data(run_dir: Path, content_hash: str) -> None:
    """Refuse to resume a run on other molecules, such as a file that was changed since.

    Raises:
        ConfigError: naming the run.
    """
    path = run_dir / MANIFEST
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["data"]["content_hash"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"cannot resume: {path} cannot be read ({error})") from error
    if before != content_hash:
        raise ConfigError(
            f"{run_dir} holds a run on other molecules: the data have changed since. Give the same "
            "data to resume it, or another run_dir= to start a new run"
        )


def check_same_reward(run_dir: Path, reward: Mapping[str, Any]) -> None:
    """Refuse to resume a run under another objective, such as a reward file changed since.

    Args:
        run_dir: the run's folder.
        reward: `Objective.describe` of the objective now.

    Raises:
        ConfigError: naming the run.
    """
    path = run_dir / MANIFEST
    try:
        before = json.loads(path.read_text(encoding="utf-8")).get("reward")
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(f"cannot resume: {path} cannot be read ({error})") from error
    if before is None:  # of an earlier version
        return
    old, new = flat_settings(before), flat_settings(json.loads(json.dumps(reward)))
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    if changed:
        raise ConfigError(
            f"{run_dir} holds a run with another reward: {changed[0]} was "
            f"{old.get(changed[0])} and is {new.get(changed[0])}. Give the same reward to resume "
            "it, or another run_dir= to start a new run"
        )


def write_results(
    run_dir: Path,
    library: Library,
    comparison: Comparison,
    legend: Sequence[str],
) -> None:
    """Write the final library, its picture, the curves, ``results.json`` and ``report.html``."""
    library.write_smi(run_dir / "library.smi")
    library.write_csv(run_dir / "library.csv")
    with atomic_write(run_dir / "results.json") as file:
        json.dump(dict(comparison.reports[0].figures), file, indent=2)
    comparison.to_html(run_dir / REPORT, title=f"molgan run {run_dir.name}")
    if len(library):
        library.write_grid(run_dir / "library.png", legend)
    write_curves(run_dir / METRICS, run_dir / CURVES)
    write_training_page(run_dir)


def make_run_dir(run_dir: Path, anew: bool = True) -> None:
    """Create the folder and the one for samples.

    Args:
        run_dir: the folder.
        anew: a run starts from nothing here: models, samples and resume state of an earlier one
            are removed, lest they pass for its own.

    Raises:
        MolganError: when that cannot be done.
    """
    try:
        (run_dir / "samples").mkdir(parents=True, exist_ok=True)
        for pattern in _HALF_WRITTEN + _OF_A_RUN * anew:
            for path in run_dir.glob(pattern):
                path.unlink()
    except OSError as error:
        raise MolganError(f"cannot make the run folder {run_dir}: {error.strerror}") from error


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
