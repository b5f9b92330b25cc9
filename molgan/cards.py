"""Model cards: the facts of a ready model, gathered from files of its run, and how they are told.

Facts are plain data, kept as NAME.json beside the card:

* ``name``; ``file``: name, bytes, SHA-256, precision, sampling, parameters, atoms of the bundle;
* ``data``: source, split, counts and content hash of the training set;
* ``recipe``: command, settings whose defaults changed since, hash of the resolved settings, seed,
  hardware, minutes, versions;
* ``agreement``: how many molecules of the same noise the released bundle and the run's share;
* ``versions``: of what released it;
* ``evaluations``: what `molgan.evaluate` wrote of the very bundle, with protocol, seed and SHA-256.

Only the prose on licence, use and limits is written by hand.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molgan.errors import MolganError

if TYPE_CHECKING:
    from molgan.metrics import Comparison, Report

Facts = dict[str, Any]

_OVERRIDES = Path(".hydra", "overrides.yaml")
# Settings that say where and how loudly a run went on, not what it did.
_ELSEWHERE = re.compile(r"[+~]*(run_dir|resume|progress|tracker|n_jobs)\b")
# Settings that change what is drawn from the weights, not the weights; the card has them apart.
_SAMPLING = re.compile(r"model\.(noise_scale|refine_steps|generator\.sampler\.look_levels)$")
# An absolute path of at least one folder: at the start of a text or after a blank, "=", a quote.
_FOLDERS = re.compile(
    r"""(?<![^\s='"\[(,])(?:~|[A-Za-z]:(?=[\\/]))?[\\/](?:[^\s'",\])\\/]+[\\/])+"""
)


def without_folders(value: Any) -> Any:
    """Plain data with every absolute path cut down to its file name: what may leave a machine."""
    if isinstance(value, str):
        return _FOLDERS.sub("", value)
    if isinstance(value, Mapping):
        return {key: without_folders(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(each) for each in value]
    return value


def facts_of_run(run_dir: Path) -> Facts:
    """Data and recipe of a finished run, from the files that it left.

    Args:
        run_dir: of `molgan.train`.

    Raises:
        MolganError: naming the file that is missing or cannot be read.
    """
    from omegaconf import OmegaConf

    from molgan.training.run_folder import CONFIG, MANIFEST, METRICS

    config = without_folders(_json(run_dir / CONFIG))
    manifest = without_folders(_json(run_dir / MANIFEST))
    overrides = OmegaConf.to_container(OmegaConf.create(_text(run_dir / _OVERRIDES)))
    assert isinstance(overrides, list)
    typed = [str(text) for text in overrides if not _ELSEWHERE.match(str(text))]
    last = json.loads(_text(run_dir / METRICS).splitlines()[-1])
    if "final/training_seconds" not in last:
        raise MolganError(f"{run_dir} holds a run without final figures: let it finish first")
    settings = config.get("data", {})
    return {
        "data": {
            "source": settings.get("source"),
            "split": settings.get("split"),
            **manifest["data"],
        },
        "recipe": {
            "command": " ".join(["python -m molgan.train", *without_folders(typed)]),
            "changed_since": changed_since(config, typed),
            "config_sha256": hashlib.sha256(
                json.dumps(config, sort_keys=True).encode()
            ).hexdigest(),
            "seed": manifest["seed"],
            "molecules_seen": last["molecules_seen"],
            "minutes": round(last["final/training_seconds"] / 60, 1),
            "hardware": manifest["hardware"],
            # Checkouts of before did not know their own version.
            "versions": {k: v for k, v in manifest["versions"].items() if v != "not installed"},
        },
    }


def changed_since(config: Mapping[str, Any], typed: Sequence[str]) -> list[str]:
    """What has to be added to the command of a run, today, to get the settings that it had.

    Args:
        config: resolved settings of the run.
        typed: its command.

    Returns:
        Overrides; empty where the defaults are those of then.
    """
    from molgan.config import compose, flat_settings, to_plain

    before = flat_settings(json.loads(json.dumps(config)))
    composed = without_folders(to_plain(compose(typed)))
    now = flat_settings(json.loads(json.dumps(composed)))
    missing = object()
    differing = {
        key
        for key in before.keys() | now.keys()
        if before.get(key, missing) != now.get(key, missing)
    }
    told = sorted(k for k in differing if not _ELSEWHERE.match(k) and not _SAMPLING.match(k))
    return list(
        dict.fromkeys(
            f"{'' if key in now else '+'}{key}={_typed(before[key])}"
            if key in before
            else f"~{_newest_group(key, before)}"
            for key in told
        )
    )


def _newest_group(key: str, before: Mapping[str, Any]) -> str:
    """The widest group around a setting of which the run had nothing, else the setting."""
    parts = key.split(".")
    groups = [".".join(parts[:depth]) for depth in range(1, len(parts))]
    new = (group for group in groups if not any(each.startswith(f"{group}.") for each in before))
    return next(new, key)


def read_evaluations(files: Sequence[str | Path], sha256: str) -> list[Facts]:
    """Reports that `molgan.evaluate` wrote of one bundle, by protocol and seed.

    Args:
        files: its results.json files, or the folders that hold them.
        sha256: of the bundle.

    Raises:
        MolganError: for a file that is none, or that is of another bundle.
    """
    found: dict[tuple[str, int], Facts] = {}
    for file in map(Path, files):
        path = file / "results.json" if file.is_dir() else file
        entries = _json(path)
        if not isinstance(entries, list) or not all("sha256" in entry for entry in entries):
            raise MolganError(f"{path} is not what molgan.evaluate writes with out=FOLDER")
        for entry in entries:
            if entry["sha256"] != sha256:
                raise MolganError(
                    f"{path} holds figures of another file than this bundle: measure the released "
                    "bundle itself with molgan.evaluate"
                )
            found[entry["protocol"], entry["seed"]] = without_folders(entry)
    return [found[key] for key in sorted(found)]


def card_text(facts: Facts, words: str) -> str:
    """The card as Markdown.

    Args:
        facts: of the model.
        words: Markdown sections written by hand: data and licence, intended use, limits.
    """
    name, file, data, recipe = (facts[key] for key in ("name", "file", "data", "recipe"))
    counts, coverage = data["molecules"], data["coverage"]
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in coverage["dropped"].items())
    hardware = recipe["hardware"]
    machine = hardware.get("gpu") or f"{hardware['cpu']}, {hardware['torch_threads']} threads"
    agreement = facts["agreement"]
    rows = {
        "training molecules": f"{counts['train']:,} of source `{data['source']}`, split "
        f"`{data['split']}`; {counts['valid']:,} held out for validation, {counts['test']:,} for "
        f"test; of {coverage['total']:,} molecules {coverage['kept']:,} kept"
        + (f" (dropped: {dropped})" if dropped else ""),
        "content of the data": f"`{data['content_hash']}`",
        "atoms": f"up to {file['max_atoms']} heavy atoms: {', '.join(file['atoms'])}",
        "command": f"`{recipe['command']}`",
        "to add with this molgan": f"`{' '.join(recipe['changed_since'])}`: defaults have changed"
        if recipe["changed_since"]
        else "nothing: the defaults are those of the run",
        "resolved settings": f"SHA-256 `{recipe['config_sha256']}`; the bundle carries them",
        "seed": str(recipe["seed"]),
        "hardware": f"{hardware['device']}: {machine}",
        "time": f"{recipe['minutes']:g} minutes, {recipe['molecules_seen']:,} molecules seen",
        "trained with": _listed(recipe["versions"]),
        "released with": _listed(facts["versions"]),
        "file": f"`{file['name']}`, {file['bytes'] / 1e6:.1f} MB, SHA-256 `{file['sha256']}`",
        "sampling": _listed(file["sampling"])
        + (
            "; refining encodes and decodes each draw again"
            if file["sampling"]["refine_steps"]
            else ""
        ),
        "networks": ", ".join(f"{k} {v / 1e6:.1f} M" for k, v in file["parameters"].items())
        + f" parameters, kept in {file['precision']} precision",
        "against the run's own file": f"{100 * agreement['identical']:.1f} % of "
        f"{agreement['drawn']:,} draws are the same molecule (seed {agreement['seed']})",
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    use = (
        f'from molgan import MolGAN\n\nmodel = MolGAN.from_pretrained("{name}")\n'
        'model.sample(1000, seed=0).write_smi("library.smi")'
    )
    parts = [
        f"# Ready model `{name}`",
        f"![molecules drawn from {name}]({name}.png)",
        f"*The first {facts['pictured']['molecules']} distinct valid molecules of seed "
        f"{facts['pictured']['seed']}, not chosen otherwise.*",
        f"```python\n{use}\n```",
        f"```\npython -m molgan.generate model={name} n=1000 out=library.smi\n```",
        "## Figures",
        *(_figures(facts["evaluations"]) or ["Not measured yet."]),
        "## Recipe",
        f"| | |\n|:--|:--|\n{table}",
        words.strip(),
        "*Written by `python -m molgan.release` from files of the run and of `molgan.evaluate`; by "
        f"hand are only the sections between the recipe and this line. All facts: `{name}.json`.*",
    ]
    return "\n\n".join(parts) + "\n"


def _figures(evaluations: Sequence[Facts]) -> list[str]:
    """One table for each protocol, a column for each sampling seed, and what was done."""
    from molgan.metrics import Comparison, Report

    parts = []
    for protocol in dict.fromkeys(entry["protocol"] for entry in evaluations):
        reports = [
            Report(
                f"seed {entry['seed']}",
                entry["figures"],
                entry["errors"],
                entry["missing"],
                entry["notes"],
            )
            for entry in evaluations
            if entry["protocol"] == protocol
        ]
        parts += [f"### Protocol `{protocol}`", *_table(Comparison(reports))]
    return parts


def _table(comparison: Comparison) -> list[str]:
    """The figures of several samples of one model: no contest, but their mean beside them."""
    from molgan.metrics import Comparison
    from molgan.metrics.reporting import layout

    reports = list(comparison.reports)
    shown = Comparison([*reports, _mean(reports)] if len(reports) > 1 else reports)
    heads = layout.names(shown)
    lines = [f"| | {' | '.join(heads)} |", f"|:--|{'--:|' * len(heads)}"]
    for group, rows in layout.groups(shown):
        lines.append(f"| **{group}** |{' |' * len(heads)}")
        for row in rows:
            cells = [
                cell.value
                + (f" ± {cell.error}" if cell.error else "")
                + (f" \\[{cell.ceiling}\\]" if cell.ceiling else "")
                for cell in row.cells
            ]
            lines.append(f"| {row.label} | {' | '.join(cells)} |")
    legend = " ".join(layout.legend(comparison)).replace("[ ]", r"\[ \]")
    done = [*layout.notes(comparison), *layout.gaps(comparison)]
    return ["\n".join(lines), legend, "\n".join(f"- {line}" for line in done)]


def _mean(reports: Sequence[Report]) -> Report:
    """Means of the figures that all reports have."""
    from molgan.metrics import Report

    shared = [key for key in reports[0].figures if all(key in one.figures for one in reports)]
    means = {key: sum(one.figures[key] for one in reports) / len(reports) for key in shared}
    return Report("mean", means)


def _listed(entries: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in entries.items())


def _typed(value: Any) -> str:
    """A value as one types it in an override."""
    if isinstance(value, list):
        return f"[{','.join(map(_typed, value))}]"
    return str(value) if isinstance(value, str) else json.dumps(value)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MolganError(f"cannot read {path}: {error}") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except ValueError as error:
        raise MolganError(f"{path} is not JSON: {error}") from error
