"""A training run: its curves, and a page with the fixed-noise molecules over time."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from molgan.config import flat_settings
from molgan.errors import DataError
from molgan.library.writers import atomic_write
from molgan.metrics.reporting.page import as_page, drawing, image
from molgan.views.view import View, figure_view

PAGE = "training.html"
"""Name of the page in a run folder."""

_METRICS = "metrics.jsonl"  # molgan.training.run_folder.METRICS, which needs torch
_SNAPSHOTS = 8  # evaluations shown, evenly spread, with the last
_EACH = 8  # molecules of an evaluation
_CELL = (108, 84)
_SHOWN = ("valid", "unique", "novel", "scaffolds", "reward", "qed")


def training_curves(run_dir: str | Path) -> View:
    """The curves of a run, from its `metrics.jsonl`; also of one that still goes on.

    Args:
        run_dir: The run's folder.

    Raises:
        DataError: If there is no metrics file.
    """
    from molgan.library.curves import draw_curves, read_metrics

    run_dir = Path(run_dir)
    rows = read_metrics(run_dir / _METRICS)
    return figure_view(
        f"Training of {run_dir.name}",
        "The axis is molecules seen; grey stretches are phases. The losses of a GAN need not fall.",
        draw_curves(rows),
    )


def training_page(run_dir: str | Path, settings: Mapping[str, Any] | None = None) -> str:
    """The page of a run: figures now, curves, molecules from the same noise over time, settings.

    Args:
        run_dir: The run's folder.
        settings: Dotted key -> value; None reads the run's config.json.

    Raises:
        DataError: If there is no metrics file.
    """
    from molgan.library.curves import draw_curves, read_metrics
    from molgan.metrics.reporting.plots import as_svg

    run_dir = Path(run_dir)
    rows = read_metrics(run_dir / _METRICS)
    curves = image(as_svg(draw_curves(rows)), "curves of the training")
    sections = [
        ("Now", _now(rows)),
        ("Curves", f'<figure class="plot">{curves}</figure>'),
        ("Molecules from the same noise", _snapshots(run_dir / "samples")),
        ("Settings", _settings(_of_run(run_dir) if settings is None else settings)),
    ]
    return as_page(f"Training of {run_dir.name}", sections, style=_STYLE)


def write_training_page(run_dir: str | Path) -> Path:
    """Write `training.html` into a run's folder; 0.3 s or so.

    Args:
        run_dir: The run's folder.

    Raises:
        DataError: If there is no metrics file.
        MolganError: If the page cannot be written.
    """
    path = Path(run_dir) / PAGE
    page = training_page(run_dir)
    with atomic_write(path) as file:
        file.write(page)
    return path


def snapshot(path: str | Path, n: int = _EACH) -> list[str]:
    """SMILES of the first n molecules of an evaluation's table.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return [row["smiles"] for _, row in zip(range(n), csv.DictReader(file), strict=False)]
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the molecules of {path}: {error}") from error


def spread(paths: Sequence[Path], n: int = _SNAPSHOTS) -> list[Path]:
    """At most n of the paths, evenly spread, the first and the last among them."""
    if len(paths) <= n:
        return list(paths)
    return [paths[round(i * (len(paths) - 1) / (n - 1))] for i in range(n)]


def _now(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "<p>Nothing recorded yet.</p>"
    latest: dict[str, Any] = {}
    for row in rows:
        latest.update({key: value for key, value in row.items() if value is not None})
    lines = [("molecules seen", f"{int(latest['molecules_seen']):,}")]
    lines += [("phase", str(latest.get("phase", "-")))]
    for name in _SHOWN:
        for prefix in ("final/", "eval/"):
            value = latest.get(prefix + name)
            if isinstance(value, int | float):
                kind = "final sample" if prefix == "final/" else "same noise"
                lines.append((f"{name}, {kind}", f"{value:.4g}"))
                break
    if isinstance(speed := latest.get("molecules_per_second"), int | float):
        lines.append(("molecules per second", f"{speed:,.0f}"))
    return f"<dl>{''.join(f'<dt>{escape(a)}</dt><dd>{escape(b)}</dd>' for a, b in lines)}</dl>"


def _snapshots(folder: Path) -> str:
    found = spread(sorted(folder.glob("*.csv")))
    lines = []
    for path in found:
        smiles = snapshot(path)
        pictures = "".join(drawing(text, _CELL) for text in smiles) or "no valid molecule"
        seen = f"{int(path.stem):,}" if path.stem.isdigit() else escape(path.stem)
        lines.append(f'<tr><th scope="row">{seen}</th><td>{pictures}</td></tr>')
    if not lines:
        return ""
    return (
        '<table class="film"><thead><tr><th>molecules seen</th><th></th></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
        '<p class="caption">The first valid, distinct molecules that the generator made of the '
        "same noise at each evaluation; nothing is selected.</p>"
    )


def _of_run(run_dir: Path) -> dict[str, Any]:
    import json

    try:
        config = json.loads((run_dir / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return flat_settings(config)


def _settings(settings: Mapping[str, Any]) -> str:
    lines = "".join(
        f"<dt>{escape(str(key))}</dt><dd>{escape(str(value))}</dd>"
        for key, value in settings.items()
        if not key.endswith(("_target_", "_partial_", "_convert_"))
    )
    return f"<details><summary>All settings</summary><dl>{lines}</dl></details>" if lines else ""


_STYLE = """\
.film { border-collapse: collapse; }
.film th { text-align: right; padding-right: .8rem; font-weight: normal; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.film tr { border-bottom: 1px solid #e4e8eb; }
"""
