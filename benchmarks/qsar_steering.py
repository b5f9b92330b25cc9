"""A QSAR model steers generation; another one, fitted independently, judges it.

    python benchmarks/qsar_steering.py data.path=qm9.csv.gz --model gap_forest --judge gap_network
        --low 0.1 --high 0.3 --down [--candidates 16 32] [--repeats 1 0.5 0] [--start qm9]
        [--out FOLDER]

The start model goes through `experiment=optimize` towards a sigmoid of the first model's prediction
between `--low` and `--high`, upwards or `--down`. Then molecules are drawn from it and from the
start model, and both QSAR models predict them: independently (`repeats` 1), and with a memory of
the graphs given, which says nothing about the model's own diversity. A shift is in standard
deviations of the values that the first model was fitted to. The judge should be of another family
and another split. Words with `=` are settings of `molgan.train`. Written to the folder: `table.md`,
`rows.json` and the steered model; one that is there already is drawn from, and not made again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from hydra.utils import instantiate

from molgan.building import build_fabric, build_trainer
from molgan.bundle import Bundle
from molgan.config import compose
from molgan.metrics import evaluate
from molgan.qsar import QSARModel
from molgan.sampling import PRECISIONS

_PHASE = "trainer.phases.reinforcement"
#: the sampler learns too: few molecules of the start model come near an extreme
STEERING = [
    f"{_PHASE}.sampler_share=1",
    f"{_PHASE}.explore_interval=8",
    f"{_PHASE}.molecules=3e5",
    "model.candidates=16",
]
Row = dict[str, Any]


def steered(arguments: argparse.Namespace) -> tuple[Bundle, float]:
    """The start model after steering, and the seconds that took."""
    started = time.monotonic()
    cfg = compose(
        [
            "experiment=optimize",
            f"init_from={arguments.start}",
            "data=qm9",
            "data.split=standard",
            "reward=qsar",
            f"reward.model={arguments.model}",
            f"reward.transform.type={'reverse_sigmoid' if arguments.down else 'sigmoid'}",
            f"reward.transform.low={arguments.low}",
            f"reward.transform.high={arguments.high}",
            f"seed={arguments.seed}",
            "progress=false",
            f"{_PHASE}.target={arguments.quantile}",
            *STEERING,
            *arguments.settings,
        ]
    )
    trainer = build_trainer(cfg, instantiate(cfg.data), build_fabric(cfg), None)
    trainer.fit()
    trainer.scorer.save()
    return trainer.bundle, time.monotonic() - started


def figures(
    name: str,
    bundle: Bundle,
    arguments: argparse.Namespace,
    candidates: int | None = None,
    repeats: float | None = None,
) -> Row:
    """Validity, uniqueness and both models' predictions of drawn molecules, repeats included."""
    sampler = bundle.sampler(candidates=candidates, repeats=repeats, precision=arguments.precision)
    stream = sampler.stream(arguments.n, arguments.seed + 1)
    decoded = [item for draw in stream for item in draw.decoded]
    strict = evaluate(decoded, bundle.identities, training_size=len(bundle.identities))
    row: Row = {"model": name, **{key: strict[key] for key in ("valid", "unique", "novel")}}
    copies = Counter(item.smiles for item in decoded if item.smiles is not None)
    weights = np.array(list(copies.values()))
    for place, path in (("predicted", arguments.model), ("judged", arguments.judge)):
        model = QSARModel.load(path)
        values, _, inside = model.predict(list(copies))
        known = np.isfinite(values)
        row[place] = float(np.average(values[known], weights=weights[known]))
        row[f"{place}_inside"] = float(np.average(inside, weights=weights))
    return row


def table(rows: list[Row], deviation: float) -> str:
    """All rows, the start model first, with their shifts from it in standard deviations."""
    lines = [
        "| | draws | valid | unique | novel | predicted | in its domain | judged | in its domain "
        "| shift predicted / judged |",
        "|" + "---|" * 10,
    ]
    for row in rows:
        shares = [f"{100 * row[key]:.1f} %" for key in ("valid", "unique", "novel")]
        guesses = [
            text
            for place in ("predicted", "judged")
            for text in (f"{row[place]:.4f}", f"{100 * row[f'{place}_inside']:.0f} %")
        ]
        shifts = [(row[place] - rows[0][place]) / deviation for place in ("predicted", "judged")]
        cells = [row["model"], row["draws"], *shares, *guesses, "{:+.2f} / {:+.2f}".format(*shifts)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("settings", nargs="*", help="settings of molgan.train, such as data.path=")
    parser.add_argument("--start", default="qm9", help="bundle, run folder or ready model")
    parser.add_argument("--model", required=True, help="QSAR model that steers")
    parser.add_argument("--judge", required=True, help="QSAR model that judges")
    parser.add_argument("--low", type=float, required=True, help="of the sigmoid")
    parser.add_argument("--high", type=float, required=True, help="of the sigmoid")
    parser.add_argument("--down", action="store_true", help="low predictions are wanted")
    parser.add_argument("--quantile", type=float, default=0.997, help="of the training scores")
    parser.add_argument("--candidates", type=int, nargs="+", help="default: the model's own")
    parser.add_argument("--repeats", type=float, nargs="+", default=[1.0, 0.0])
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0], help="of drawing")
    parser.add_argument("--n", type=int, default=6_400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/qsar_steering"))
    arguments = parser.parse_intermixed_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    deviation = QSARModel.load(arguments.model).training["std"]
    start = figures("start", Bundle.load(arguments.start), arguments)
    rows = [start | {"draws": "independent"}]
    path = arguments.out / "steered.molgan"
    if path.exists():
        bundle = Bundle.load(path)
    else:
        bundle, seconds = steered(arguments)
        bundle.save(path, precision="half")
        print(f"{seconds:.0f} s of steering")
    for candidates in arguments.candidates or [None]:
        for repeats in arguments.repeats:
            name = "steered" if candidates is None else f"steered, {candidates} candidates"
            draws = "independent" if repeats == 1 else f"repeats={repeats:g}"
            row = figures(name, bundle, arguments, candidates, repeats)
            rows.append(row | {"draws": draws})
            (arguments.out / "rows.json").write_text(json.dumps(rows, indent=1) + "\n")
            text = table(rows, deviation)
            (arguments.out / "table.md").write_text(text)
    print(f"standard deviation of the measurements {deviation:.4f}")
    print(text)


if __name__ == "__main__":
    main()
