"""What a study leaves in its folder: model, page, pictures, tables of rows and molecules."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from molgan.library.writers import atomic_write
from molgan.metrics.reporting.page import as_page, drawing, plot
from molgan.qsar import plots
from molgan.qsar.figures import FIGURES
from molgan.qsar.model import SUFFIX
from molgan.qsar.summary import LEGEND, about_uncertainty, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from molgan.qsar.assays import Assays
    from molgan.qsar.evaluation import HeldOut
    from molgan.qsar.study import Study

MODEL = f"model{SUFFIX}"

_WORST = 12  # molecules drawn
_CONFLICTS = 20  # shown on the page
_CELL = (170, 130)  # pixels of a picture


def write_study(study: Study, assays: Assays, folder: Path) -> list[str]:
    """Write all files of a study; those of an earlier one under the same names are replaced.

    Args:
        study: What came out.
        assays: The rows it began with.
        folder: Made if it is not there.

    Returns:
        Names of the files, the model first.

    Raises:
        MolganError: When the disk refuses; it names the file.
    """
    study.model.save(folder / MODEL)
    figures = _figures(study)
    for name, (figure, _) in figures.items():
        with atomic_write(folder / f"{name}.png", binary=True) as file:
            file.write(plots.as_png(figure))
    with atomic_write(folder / "report.html") as file:
        file.write(_page(study, figures))
    _write_predictions(study, folder / "predictions.csv")
    _write_rows(study, assays, folder / "rows.csv")
    names = [MODEL, "report.html", *(f"{name}.png" for name in figures)]
    names += ["predictions.csv", "rows.csv"]
    if study.prepared.conflicts:
        _write_conflicts(study, folder / "conflicts.csv")
        names.append("conflicts.csv")
    return names


def _figures(study: Study) -> dict[str, tuple[Figure, str]]:
    """Plots of the test molecules with their captions, by the names of their files."""
    part = study.held_out.get("test")
    if part is None:
        return {}
    target, domain = study.prepared.target, study.model.domain
    found: dict[str, tuple[Figure | None, str]] = {}
    title = f"{len(part.measured):,} test molecules"
    if target.classify:
        found["roc"] = plots.roc(part, title), "ROC and precision-recall curves; grey: by chance."
        found["reliability"] = (
            plots.reliability(part),
            "Share of positives found against the predicted probability; grey: as it should be.",
        )
    else:
        found["parity"] = (
            plots.parity(part, target.label, title),
            "Predicted against measured values, whiskers of one predicted standard deviation.",
        )
        found["calibration"] = (
            plots.calibration(part, target.label),
            "Error found against error predicted, in bins of equal size; grey: as it should be.",
        )
    found["domain"] = (
        plots.similarity(part, domain.threshold, target.classify),
        "Error against the similarity to the nearest training molecule, in bins of equal size.",
    )
    return {name: (figure, text) for name, (figure, text) in found.items() if figure is not None}


def _write_predictions(study: Study, path: Path) -> None:
    """predictions.csv: each molecule with its part and, if it was held out, its prediction."""
    prepared = study.prepared
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["smiles", "part", "measured", "predicted", "std", "in_domain", "similarity"]
        )
        for name, places in study.split.items():
            part = study.held_out.get(name)
            for row, place in enumerate(places):
                measured = f"{prepared.values[place]:.10g}"
                line = [prepared.smiles[place], name, measured]
                writer.writerow([*line, *(_predicted(part, row) if part else [""] * 4)])


def _predicted(part: HeldOut, row: int) -> list[str]:
    return [
        f"{part.mean[row]:.6g}",
        f"{part.std[row]:.6g}",
        str(bool(part.in_domain[row])).lower(),
        f"{part.similarity[row]:.4f}",
    ]


def _write_rows(study: Study, assays: Assays, path: Path) -> None:
    """rows.csv: what became of each row of the table."""
    target = study.prepared.target.name
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["row", "smiles", target, "molecule", "fate"])
        for row, (molecule, fate) in zip(assays.rows, study.prepared.fates, strict=True):
            writer.writerow([row.where, row.smiles, row.value, molecule, fate])


def _write_conflicts(study: Study, path: Path) -> None:
    """conflicts.csv: molecules whose repeats disagree."""
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["molecule", "rows", "values"])
        for conflict in study.prepared.conflicts:
            values = "; ".join(f"{value:.6g}" for value in conflict.values)
            writer.writerow([conflict.smiles, "; ".join(conflict.where), values])


def _page(study: Study, figures: dict[str, tuple[Figure, str]]) -> str:
    sections = [
        ("Figures on the test molecules", _figures_table(study)),
        ("Plots", "\n".join(plot(figure, text, text) for figure, text in figures.values())),
        ("Largest errors", _worst(study)),
        ("Data", _data(study)),
        ("Repeats that disagree", _conflicts(study)),
        ("Settings", _settings(study)),
    ]
    return as_page(f"QSAR: {study.prepared.target.label}", sections)


def _figures_table(study: Study) -> str:
    heads, rows = table(study)
    notes = [*about_uncertainty(study), *study.notes]
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    notes_list = f"<ul>{items}</ul>" if items else ""
    if not heads:
        return notes_list
    lines = ["".join(f'<th scope="col">{escape(head)}</th>' for head in heads)]
    abouts = {figure.label: figure.about for figure in FIGURES.values()}
    body = "".join(
        f'<tr><th scope="row" title="{escape(abouts.get(label.rpartition(" ")[0], ""))}">'
        f"{escape(label)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for label, *cells in rows
    )
    return (
        f'<table class="figures"><thead><tr><td></td>{lines[0]}</tr></thead>'
        f'<tbody>{body}</tbody></table><p class="caption">↑ higher is better, ↓ lower is better. '
        f"{escape(LEGEND)}</p>{notes_list}"
    )


def _worst(study: Study) -> str:
    """Test molecules with the largest errors, drawn: where a model fails says what it lacks."""
    part = study.held_out.get("test")
    if part is None:
        return ""
    order = np.argsort(-np.abs(part.mean - part.measured), kind="stable")[:_WORST]
    cards = []
    for row in order:
        smiles = study.prepared.smiles[part.places[row]]
        where = "" if part.in_domain[row] else ", outside"
        text = f"measured {part.measured[row]:.4g}, predicted {part.mean[row]:.4g}{where}"
        cards.append(
            f'<figure class="molecule" title="{escape(smiles)}">{drawing(smiles, _CELL)}'
            f"<figcaption>{escape(text)}</figcaption></figure>"
        )
    return f'<div class="grid">{"".join(cards)}</div>'


def _data(study: Study) -> str:
    data = study.model.record["data"]
    pairs: list[tuple[str, Any]] = [
        (key, data[key]) for key in ("origin", "rows", "molecules", "merged", "unusable")
    ]
    pairs += [(f"unusable: {reason}", count) for reason, count in data["reasons"].items()]
    pairs += [(name, len(places)) for name, places in study.split.items()]
    return _pairs(pairs)


def _conflicts(study: Study) -> str:
    found = study.prepared.conflicts
    if not found:
        return ""
    lines = [
        f"<li>{escape(one.smiles)}: {escape('; '.join(f'{v:.4g}' for v in one.values))} "
        f"({escape(', '.join(one.where))})</li>"
        for one in found[:_CONFLICTS]
    ]
    more = f"<p>All {len(found):,} are in conflicts.csv.</p>" if len(found) > _CONFLICTS else ""
    return f"<ul>{''.join(lines)}</ul>{more}"


def _settings(study: Study) -> str:
    record, model = study.model.record, study.model
    pairs: list[tuple[str, Any]] = [("family", model.ensemble.family)]
    pairs += [(f"family.{key}", value) for key, value in record["settings"].items()]
    pairs += [(f"split: {key}", value) for key, value in record["split"].items()]
    pairs += [(key, value) for key, value in model.target.to_dict().items() if value is not None]
    pairs += [(f"training {key}", f"{value:.6g}") for key, value in model.training.items()]
    pairs += [("domain threshold", f"{model.domain.threshold:.4g}")]
    pairs += list(record["versions"].items())
    if "sha256" in record["data"]:
        pairs.append(("SHA-256 of the data", record["data"]["sha256"]))
    return _pairs(pairs)


def _pairs(pairs: Sequence[tuple[str, Any]]) -> str:
    lines = [
        f"<dt>{escape(key)}</dt><dd>{escape(_shown(value))}</dd>"
        for key, value in pairs
        if value != ""
    ]
    return f"<dl>{''.join(lines)}</dl>"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
