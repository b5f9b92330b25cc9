"""The page of a screen: one self-contained file with funnel, reasons, histograms and molecules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from molgan.library.writers import atomic_write
from molgan.metrics.reporting.page import as_page, plot
from molgan.metrics.reporting.sortable import SCRIPT, TABLE_STYLE, sortable_table
from molgan.screening.tables import read_table

if TYPE_CHECKING:
    from molgan.screening.job import Job

ROWS = 200
"""Molecules of the table; the page is to stay quick, and all are in the CSV."""

_CURVE = 20_000  # molecules of a histogram
_REASONS = 12  # most frequent reasons shown for a stage
_CARRIED = 8  # further columns of the input in the table of molecules
_CELL = (150, 112)  # pixels of a picture

#: What happened at each stage, in the order in which molecules pass them.
STAGES = {
    "read": "cannot be read",
    "run": "took its worker along",
    "size": "too large",
    "standardize": "inorganic, or not to be standardised",
    "duplicates": "same molecule again",
    "elements": "unwanted elements",
    "ranges": "outside the ranges",
    "rules": "broke rules",
    "novelty": "known already",
    "oddities": "odd structures",
    "alerts": "alerts",
}

_PLOTTED = (
    "qed", "sa", "np", "logp", "weight", "tpsa", "hba", "hbd", "rotatable_bonds", "rings",
    "fsp3", "heavy_atoms", "similarity",
)  # fmt: skip

_STYLE = """\
.funnel td, .funnel th { padding: .15rem .8rem .15rem 0; text-align: right; }
.funnel th[scope=row] { text-align: left; font-weight: normal; }
.funnel .bar { display: block; height: .8em; background: #0072b2; min-width: 1px;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.funnel td.wide { width: 22rem; }
"""


def write_report(
    out: Path, job: Job, manifest: Mapping[str, Any], known: Sequence[str] = ()
) -> None:
    """Write report.html from the tables of a finished screen.

    Args:
        out: Folder of the results.
        job: The settings.
        manifest: Counts and settings.
        known: SMILES of reference molecules for the histograms.
    """
    picked = out / "picked.csv" if "picked" in manifest else None
    name = manifest["input"]["file"]
    sections = [
        ("What became of the molecules", _funnel(manifest)),
        ("Why molecules were rejected", _reasons(out / "rejected.csv")),
        ("Scores", _histograms(job, out / "hits.csv", picked, known)),
        _molecules(
            job, picked or out / "hits.csv", picked is not None, manifest["input"]["columns"]
        ),
        ("Settings", _settings(manifest)),
    ]
    with atomic_write(out / "report.html") as file:
        file.write(
            as_page(f"Screen of {name}", sections, style=_STYLE + TABLE_STYLE, script=SCRIPT)
        )


def funnel(manifest: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """(Stage, lost there, left after it), from all rows of the input to the hits.

    Args:
        manifest: With `counts` and `rejected_at`.
    """
    counts = manifest["counts"]
    lost = dict(manifest["rejected_at"])
    lost["read"] = counts["unreadable"]
    lost["duplicates"] = counts["duplicates"]
    left = counts["in"]
    steps = []
    for stage in [*STAGES, *(key for key in lost if key not in STAGES)]:
        if lost.get(stage):
            left -= lost[stage]
            steps.append((stage, lost[stage], left))
    return steps


def _funnel(manifest: Mapping[str, Any]) -> str:
    total = manifest["counts"]["in"]
    rows = [("rows of the file", 0, total)]
    rows += [(STAGES.get(stage, stage), lost, left) for stage, lost, left in funnel(manifest)]
    for key, label in {"picked": "picked among the hits"}.items():
        if key in manifest:
            rows.append((label, manifest["counts"]["hits"] - manifest[key], manifest[key]))
    lines = []
    for label, lost, left in rows:
        share = 100 * left / max(total, 1)
        lines.append(
            f'<tr><th scope="row">{escape(label)}</th><td>{f"{-lost:,}" if lost else ""}</td>'
            f'<td>{left:,}</td><td>{share:.3g} %</td><td class="wide">'
            f'<span class="bar" style="width:{share:.2f}%"></span></td></tr>'
        )
    return (
        '<table class="funnel"><thead><tr><td></td><th scope="col">lost</th>'
        '<th scope="col">left</th><th scope="col">share</th><td></td></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _reasons(path: Path) -> str:
    """The most frequent reasons of each stage; a molecule with several counts for each."""
    counts: dict[str, Counter[str]] = {}
    for line in read_table(path):
        rules = dict.fromkeys(rule for rule in line["rule"].split("; ") if rule)
        counts.setdefault(line["stage"], Counter()).update(list(rules))
    parts = []
    for stage in [*STAGES, *sorted(key for key in counts if key not in STAGES)]:
        if stage not in counts:
            continue
        # Of equals by name: the page is the same however the counts came together.
        found = sorted(counts[stage].items(), key=lambda item: (-item[1], item[0]))
        items = "".join(
            f"<tr><th scope='row'>{escape(rule)}</th><td>{count:,}</td></tr>"
            for rule, count in found[:_REASONS]
        )
        more = f", the most frequent {_REASONS} of {len(found):,}" if len(found) > _REASONS else ""
        parts.append(
            f"<h3>{escape(STAGES.get(stage, stage))}{more}</h3>"
            f'<table class="figures"><tbody>{items}</tbody></table>'
        )
    return "\n".join(parts)


def _histograms(job: Job, hits: Path, picked: Path | None, known: Sequence[str]) -> str:
    from molgan.metrics.reporting.plots import histograms

    names = [name for name in _PLOTTED if name in job.screen.numbers()]
    names += list(job.screen.descriptors)
    libraries = [("hits", _columns(hits, names))]
    if picked is not None:
        libraries.append(("picked", _columns(picked, names)))
    reference = None
    if known:
        reference = (Path(str(job.screen.known)).name, _described(job, known, names))
    figure = histograms(libraries, reference)
    if figure is None:
        return ""
    grey = " The grey area is a sample of the known molecules." if reference else ""
    return plot(
        figure,
        "Histograms of the scores",
        f"Share of the molecules of each set in each bin.{grey} Values beyond the axis count in "
        "the outermost bins.",
    )


def _columns(path: Path, names: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    """Columns of numbers of at most `_CURVE` molecules, evenly spread over the table."""
    count = sum(1 for _ in read_table(path))
    step = max(1, -(-count // _CURVE))
    rows = [
        [float(line[name]) if line[name] else np.nan for name in names]
        for line in islice(read_table(path), 0, None, step)
    ]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
    return {name: table[:, place] for place, name in enumerate(names)}


def _described(
    job: Job, smiles: Iterable[str], names: Sequence[str]
) -> dict[str, npt.NDArray[np.float64]]:
    from rdkit import Chem

    tools = job.screen.tools()
    scores = [tools.describe(Chem.MolFromSmiles(text)) for text in smiles]
    return {name: np.array([one[name] for one in scores]) for name in names if name in scores[0]}


def _molecules(job: Job, path: Path, is_pick: bool, carried: Sequence[str]) -> tuple[str, str]:
    rows = list(islice(read_table(path), ROWS))
    count = sum(1 for _ in read_table(path))
    what = "Picked molecules" if is_pick else "Hits"
    head = f"{what} ({count:,})" if count <= ROWS else f"{what} (first {ROWS} of {count:,})"
    if not rows:
        return head, "<p>None.</p>"
    numbers = set(job.screen.numbers()) | {"copies", "rank", "row", "vina"}
    skipped = {"smiles", "inchikey", "row", "changes", *carried[_CARRIED:]}
    columns = [name for name in rows[0] if name not in skipped]
    table = (
        f"{sortable_table(rows, columns, numbers, _CELL)}"
        '<p class="caption">A click on a heading sorts, another turns the order round. All '
        f"molecules are in {escape(path.name)}.</p>"
    )
    return head, table


def _settings(manifest: Mapping[str, Any]) -> str:
    lines = []
    for part in ("input", "versions", "settings"):
        for key, value in manifest[part].items():
            if value in (None, [], {}, ""):
                continue
            if isinstance(value, Mapping):
                value = ", ".join(f"{name}={each}" for name, each in value.items())
            lines.append(f"<dt>{escape(str(key))}</dt><dd>{escape(str(value))}</dd>")
    return f"<dl>{''.join(lines)}</dl>"
