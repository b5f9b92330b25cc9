"""``python -m molgan.screen``: molecules from anywhere to hits, with a reason for every other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molgan import cli, config

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from molgan.rewards import Objective
    from molgan.screening import Dock, Export, Job, OtherScores, Pick, Screen


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    typed = sys.argv[1:] if argv is None else argv
    return cli.run(screen, "screen", config.as_hydra_reads(typed, "screen"))


def screen(cfg: DictConfig) -> dict[str, Any]:
    """Screen ``cfg["in"]`` into the folder ``cfg.out`` and print what became of the molecules.

    Returns:
        The manifest of the results.

    Raises:
        MolganError: for an input, a setting or a disk that cannot work; see the message.
    """
    from molgan.screening import run

    job = job_of(cfg)
    manifest = run(job)
    print(summary(manifest, job.out))
    return manifest


def job_of(cfg: DictConfig) -> Job:
    """The screen that the settings describe.

    Raises:
        ConfigError: for a value that cannot work.
    """
    from molgan.config import to_plain, whole_number
    from molgan.screening import Engine, Job

    for key, least in {"chunk": 1, "n_jobs": -1, "seed": 0, "max_atoms": 1}.items():
        whole_number(cfg, key, least)
    plain = to_plain(cfg)
    return Job(
        source=Path(str(plain["in"])).expanduser(),
        out=Path(str(plain["out"])).expanduser(),
        screen=replace(_screen(plain), reward=_reward(cfg)),
        pick=_pick(plain),
        export=_export(plain),
        dock=_dock(plain),
        engine=Engine(
            parallel=str(plain["parallel"]["backend"]),
            n_jobs=int(plain["n_jobs"]),
            seconds=_float(plain, "seconds"),
            scheduler=_text(plain["parallel"]["scheduler"]),
            chunk=int(plain["chunk"]),
        ),
        column=_text(plain["column"]),
        name_column=_text(plain["name_column"]),
        delimiter=_text(plain["delimiter"]),
        resume=str(plain["resume"]),
        progress=bool(plain["progress"]),
        report=bool(plain["report"]),
    )


def summary(manifest: dict[str, Any], out: Path) -> str:
    """What became of the molecules, a line for each step."""
    from molgan.screening.report import STAGES, funnel

    counts = manifest["counts"]
    lines = [f"{counts['in']:>12,}  molecules in {manifest['input']['file']}"]
    lines += [f"{-lost:>12,}  {STAGES.get(stage, stage)}" for stage, lost, _ in funnel(manifest)]
    lines.append(f"{counts['hits']:>12,}  hits")
    labels = {
        "picked": "picked",
        "exported": "3D structures in docking/ (docking/index.csv says which file is which)",
        "not_exported": "without a 3D structure (docking/failures.csv says why)",
        "docked": "docked",
    }
    if not manifest.get("not_exported"):
        del labels["not_exported"]
    lines += [f"{manifest[key]:>12,}  {label}" for key, label in labels.items() if key in manifest]
    files = ["picked.smi"] if "picked" in manifest else ["hits.smi", "hits.csv"]
    files += ["rejected.csv"] + (["report.html"] if (out / "report.html").is_file() else [])
    return "\n".join([*lines, f"results in {out}: {', '.join(files)}"])


def _screen(plain: dict[str, Any]) -> Screen:
    from molgan.chem.standardize import Standardizer
    from molgan.screening import Screen

    return Screen(
        standardizer=Standardizer(**plain["standardize"]),
        max_atoms=int(plain["max_atoms"]),
        descriptors=_names(plain, "descriptors"),
        elements=None if plain["elements"] is None else _names(plain, "elements"),
        ranges={
            str(name): _range(f"ranges.{name}", limits)
            for name, limits in _group(plain, "ranges").items()
        },
        rules=_names(plain, "rules"),
        alerts=_names(plain, "alerts"),
        smarts=_names(plain, "smarts"),
        oddities=str(plain["oddities"]).lower().replace("false", "off"),
        flags=_names(plain, "flags"),
        actives=_text(plain["actives"]),
        known=_text(plain["known"]),
        novel=bool(plain["novel"]),
        other=_other(plain["scores"]),
        scaffolds=plain["pick"]["per_scaffold"] is not None,
    )


def _reward(cfg: DictConfig) -> Objective | None:
    from hydra.utils import instantiate

    objective: Objective = instantiate(cfg.reward)
    return objective or None


def _other(plain: dict[str, Any]) -> OtherScores | None:
    from molgan.screening import OtherScores

    if plain["file"] is None:
        return None
    return OtherScores(
        file=str(plain["file"]),
        column=str(plain["column"]),
        name=str(plain["name"]),
        better=str(plain["better"]),
        index=_text(plain["index"]),
    )


def _pick(plain: dict[str, Any]) -> Pick:
    from molgan.screening import Pick

    pick = plain["pick"]
    return Pick(
        pareto={str(name): str(way) for name, way in _group(pick, "pareto", "pick.").items()},
        per_scaffold=_count(pick, "per_scaffold", "pick."),
        method=_text(pick["method"]),
        n=_count(pick, "n", "pick."),
        threshold=_float(pick, "threshold", "pick."),
        by=_text(pick["by"]),
        seed=int(plain["seed"]),
    )


def _export(plain: dict[str, Any]) -> Export:
    from molgan.errors import ConfigError
    from molgan.screening import Export

    export = plain["export"]
    numbers = {
        key: _count(export, key, "export.") for key in ("stereo", "shard", "conformers", "attempts")
    }
    if None in numbers.values():
        raise ConfigError(
            f"export.{next(key for key, value in numbers.items() if value is None)}: a number is "
            "wanted, not null"
        )
    ph = None
    if export["protonate"] is not None:
        low, high = _range("export.protonate", export["protonate"])
        if low is None or high is None:
            raise ConfigError("export.protonate: two numbers are wanted, such as [6.4,8.4]")
        ph = (low, high)
    return Export(
        sdf=bool(export["sdf"]),
        pdbqt=bool(export["pdbqt"]),
        protonate=ph,
        seconds=_float(export, "seconds", "export."),
        seed=int(plain["seed"]),
        parquet=bool(export["parquet"]),
        **{key: int(value) for key, value in numbers.items() if value is not None},
    )


def _dock(plain: dict[str, Any]) -> Dock | None:
    from molgan.screening import Dock

    dock = plain["dock"]
    if dock["receptor"] is None:
        return None
    return Dock(
        receptor=str(dock["receptor"]),
        box=_text(dock["box"]),
        center=_point(dock, "center"),
        size=_point(dock, "size"),
        exhaustiveness=_count(dock, "exhaustiveness", "dock.") or 0,
        n_poses=_count(dock, "n_poses", "dock.") or 0,
        scoring=str(dock["scoring"]),
        seed=int(plain["seed"]),
        seconds=_float(dock, "seconds", "dock."),
    )


def _point(plain: dict[str, Any], key: str) -> tuple[float, float, float] | None:
    from molgan.errors import ConfigError

    value = plain[key]
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 3:
        raise ConfigError(f"dock.{key}={value}: three numbers in angstrom are wanted")
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in value):
        raise ConfigError(f"dock.{key}={value}: three numbers in angstrom are wanted")
    x, y, z = map(float, value)
    return x, y, z


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _names(plain: dict[str, Any], key: str) -> tuple[str, ...]:
    """A list of names; a single one may be typed without brackets."""
    value = plain[key]
    if value is None:
        return ()
    return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),)


def _group(plain: dict[str, Any], key: str, prefix: str = "") -> dict[Any, Any]:
    from molgan.errors import ConfigError

    value = plain[key] if plain[key] is not None else {}
    if not isinstance(value, dict):
        raise ConfigError(f"{prefix}{key}={value}: write {prefix}{key}={{name:value,...}}")
    return value


def _range(key: str, limits: Any) -> tuple[float | None, float | None]:
    from molgan.errors import ConfigError

    good = isinstance(limits, list) and len(limits) == 2
    if not good or any(not isinstance(end, int | float | None) for end in limits):
        raise ConfigError(
            f"{key}={limits}: lowest and highest are wanted, such as [0,5] or [0,null]"
        )
    low, high = (None if end is None else float(end) for end in limits)
    return low, high


def _count(plain: dict[str, Any], key: str, prefix: str) -> int | None:
    from molgan.errors import ConfigError

    value = plain[key]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ConfigError(f"{prefix}{key}={value}: a whole number is wanted")
    return int(value)


def _float(plain: dict[str, Any], key: str, prefix: str = "") -> float:
    from molgan.errors import ConfigError

    value = plain[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{prefix}{key}={value}: a number is wanted")
    return float(value)


if __name__ == "__main__":
    sys.exit(main())
