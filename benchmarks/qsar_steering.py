"""A QSAR model steers generation; another one, fitted independently, judges it.

    python benchmarks/qsar_steering.py data.path=qm9.csv.gz --model gap_forest --judge gap_network
        --low 0.1 --high 0.3 --down [--start qm9] [--out FOLDER]

The start model goes through `experiment=optimize` towards a sigmoid of the first model's prediction
between `--low` and `--high`, upwards or `--down`. Then molecules are drawn from it and from the
start model, and both QSAR models predict them. A shift is in standard deviations of the values that
the first model was fitted to. The judge should be of another family and another split. Words with
`=` are settings of `molgan.train`. Written to the folder: `table.md`, `rows.json` and the steered
model.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from hydra.utils import instantiate

from molgan.building import build_fabric, build_trainer
from molgan.bundle import Bundle
from molgan.config import compose
from molgan.metrics import evaluate
from molgan.qsar import QSARModel

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


def figures(name: str, bundle: Bundle, arguments: argparse.Namespace, deviation: float) -> Row:
    """Validity, uniqueness and both models' predictions of drawn molecules, repeats included."""
    stream = bundle.sampler().stream(arguments.n, arguments.seed + 1)
    decoded = [item for draw in stream for item in draw.decoded]
    strict = evaluate(decoded, bundle.identities, training_size=len(bundle.identities))
    smiles = [item.smiles for item in decoded if item.smiles is not None]
    row: Row = {"model": name, **{key: strict[key] for key in ("valid", "unique", "novel")}}
    for place, path in (("predicted", arguments.model), ("judged", arguments.judge)):
        values, _, inside = QSARModel.load(path).predict(smiles)
        row[place], row[f"{place}_inside"] = float(np.nanmean(values)), float(np.mean(inside))
        row[f"{place}_deviations"] = row[place] / deviation
    return row


def table(start: Row, after: Row) -> str:
    """Start and steered model, and the shift in standard deviations of the measurements."""
    lines = [
        "| | valid | unique | novel | predicted | in its domain | judged | in its domain |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in (start, after):
        shares = [f"{100 * row[key]:.1f} %" for key in ("valid", "unique", "novel")]
        guesses = [
            text
            for place in ("predicted", "judged")
            for text in (f"{row[place]:.4f}", f"{100 * row[f'{place}_inside']:.0f} %")
        ]
        lines.append(f"| {row['model']} | " + " | ".join([*shares, *guesses]) + " |")
    shifts = [
        after[f"{place}_deviations"] - start[f"{place}_deviations"]
        for place in ("predicted", "judged")
    ]
    lines.append(f"| shift, standard deviations | | | | {shifts[0]:+.2f} | | {shifts[1]:+.2f} | |")
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
    parser.add_argument("--n", type=int, default=6_400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/qsar_steering"))
    arguments = parser.parse_intermixed_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    deviation = QSARModel.load(arguments.model).training["std"]
    start = figures("start", Bundle.load(arguments.start), arguments, deviation)
    bundle, seconds = steered(arguments)
    bundle.save(arguments.out / "steered.molgan", precision="half")
    after = figures("steered", bundle, arguments, deviation) | {"seconds": round(seconds, 1)}
    (arguments.out / "rows.json").write_text(json.dumps([start, after], indent=1) + "\n")
    text = table(start, after)
    (arguments.out / "table.md").write_text(text)
    print(f"standard deviation of the measurements {deviation:.4f}; {seconds:.0f} s of steering")
    print(text)


if __name__ == "__main__":
    main()
