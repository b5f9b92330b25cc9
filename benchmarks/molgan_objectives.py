"""MolGAN's objectives on QM9: how far a finished model is steered, and how diverse it stays.

    python benchmarks/molgan_objectives.py data.path=qm9.csv.gz [--start qm9] [--seeds 0 1 2]
        [--objectives druglikeness ...] [--ways guide sampler] [--targets 0.95 0.99] [--out FOLDER]

Each run takes the start model (a bundle, a run folder or a ready model) through the reinforcement
phase of `experiment=optimize` towards one objective of the MolGAN paper, with the normalisations of
its code (`conf/reward/paper_*.yaml`), then draws 6,400 molecules. "all" is the product of the three
scores and, in training, of uniqueness. The start model itself is the row with target 0. Two ways:

* **guide**: sampler and decoder rest; a reward network chooses among 32 candidates.
* **sampler**: sampler and decoder learn too, and the reward network chooses among 8.

Written to the folder: `rows.json`, one row a run, `table.md` and `front.png`, mean score over
uniqueness. Rows that are there already are not run again. Everything is counted strictly, over all
molecules drawn; mean scores are over the valid ones, repeats included, as MolGAN's are. Words with
`=` are settings of `molgan.train`.

MolGAN's rows are those of De Cao and Kipf 2018 (arXiv:1805.11973), table 3, trained on QM9; their
validity is a laxer one. Their solubility of 0.89 cannot come from nine heavy atoms under the
constants of their own code: nonane, QM9's maximum, has 0.72.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from hydra.utils import instantiate

from molgan.building import build_fabric, build_trainer
from molgan.bundle import Bundle
from molgan.config import compose
from molgan.data import MoleculeDataset
from molgan.metrics import Protocol, dataset_reference, evaluate, measure
from molgan.metrics.samples import sample_from_draws
from molgan.sampling import Draw

SAMPLES = 6_400
#: our name: reward file, score in it, and QM9's own 95th and 99th percentile
OBJECTIVES: dict[str, tuple[str, str, tuple[float, float] | None]] = {
    "druglikeness": ("paper_qed", "qed", (0.574, 0.614)),
    "synthesizability": ("paper_sa", "sa", (0.658, 0.829)),
    "solubility": ("paper_logp", "logp", (0.498, 0.579)),
    "all": ("paper_all", "reward", None),
}
_PHASE = "trainer.phases.reinforcement"
WAYS = {
    "guide": [],
    "sampler": [
        f"{_PHASE}.sampler_share=1",
        f"{_PHASE}.explore_interval=8",
        f"{_PHASE}.molecules=3e5",
        "model.candidates=8",
    ],
}
#: valid, unique (both %), QED, SA, logP of MolGAN's own table
PUBLISHED = {
    "druglikeness": (100.0, 2.2, 0.62, 0.59, 0.53),
    "synthesizability": (100.0, 2.1, 0.53, 0.95, 0.68),
    "solubility": (99.8, 2.0, 0.44, 0.22, 0.89),
    "all": (98.0, 2.3, 0.51, 0.82, 0.69),
}
Row = dict[str, Any]


def steered(
    arguments: argparse.Namespace, objective: str, way: str, target: float, seed: int
) -> Row:
    """Train towards one objective, sample, measure."""
    started, worked = time.monotonic(), time.process_time()
    cfg = compose(
        [
            "experiment=optimize",
            f"init_from={arguments.start}",
            "data=qm9",
            "data.split=standard",  # the field's 13,082 test molecules
            f"reward={OBJECTIVES[objective][0]}",
            f"seed={seed}",
            "progress=false",
            *([f"{_PHASE}.target={target}", *WAYS[way]] if target else ["model.candidates=1"]),
            *arguments.settings,
        ]
    )
    dataset = instantiate(cfg.data)
    trainer = build_trainer(cfg, dataset, build_fabric(cfg), None)
    bundle: Bundle = trainer.bundle
    if target:
        trainer.fit()
        trainer.scorer.save()
    row: Row = {"objective": objective, "way": way, "target": target, "seed": seed}
    row |= measured(bundle, dataset, seed, arguments.fcd)
    if target and arguments.out:
        bundle.save(arguments.out / f"{objective}_{way}_{target}_{seed}.molgan", precision="half")
    row["seconds"] = round(time.monotonic() - started, 1)
    row["cpu_seconds"] = round(time.process_time() - worked, 1)
    return row


def measured(bundle: Bundle, dataset: MoleculeDataset, seed: int, fcd: bool) -> Row:
    """Figures of 6,400 molecules."""
    draws = list(bundle.sampler().stream(SAMPLES, seed + 1))
    decoded = [item for draw in draws for item in draw.decoded]
    figures = evaluate(decoded, bundle.identities, training_size=len(bundle.identities))
    names = ("valid", "unique", "novel", "scaffolds", "int_div")
    row: Row = {name: figures[name] for name in names if name in figures}
    row |= mean_scores(draws)
    if fcd:
        sample = sample_from_draws(draws, "steered", bundle.vocabulary, False)
        report = measure(sample, dataset_reference(dataset), Protocol("fcd", ["moses"]), seed=seed)
        row |= {name: value for name, value in report.figures.items() if "fcd" in name.lower()}
    return row


def mean_scores(draws: list[Draw]) -> Row:
    """MolGAN's three scores and their product, over valid molecules and over distinct ones."""
    from molgan.rewards import QED, LogP, SAScore

    valid = [item for draw in draws for item in draw.decoded if item.valid]
    places = {item.smiles: place for place, item in enumerate(valid)}
    distinct = np.array(sorted(places.values()), dtype=int)
    scores = {
        name: part.transform(part(valid).values)
        for name, part in (("qed", QED()), ("sa", SAScore()), ("logp", LogP()))
    }
    scores["reward"] = np.prod(list(scores.values()), axis=0)
    means = {name: float(np.nanmean(values)) for name, values in scores.items()}
    return means | {
        f"{name}_distinct": float(np.nanmean(values[distinct])) for name, values in scores.items()
    }


def table(rows: list[Row]) -> str:
    """Means over the seeds, MolGAN's rows below each objective."""
    lines = [
        "| objective | way, target | seeds | valid | unique | novel | QED | SA | logP | product |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for objective in OBJECTIVES:
        ours = [row for row in rows if row["objective"] == objective]
        for target, way in sorted({(row["target"], row["way"]) for row in ours}):
            same = [row for row in ours if (row["target"], row["way"]) == (target, way)]
            shares = [mean(same, key, 100) for key in ("valid", "unique", "novel")]
            scores = [mean(same, key, 1) for key in ("qed", "sa", "logp", "reward")]
            name = f"{way}, {target:g}" if target else "start model"
            lines.append(" | ".join(["", objective, name, str(len(same)), *shares, *scores, ""]))
        valid, unique, qed, sa, logp = PUBLISHED[objective]
        product = f"({qed * sa * logp:.3f})"
        lines.append(
            f"| {objective} | MolGAN, published | - | {valid} % | {unique} % | - | {qed} | {sa} | "
            f"{logp} | {product} |"
        )
    return "\n".join(line.strip() for line in lines) + "\n"


def mean(rows: list[Row], key: str, factor: float) -> str:
    """Mean and, of several runs, standard deviation."""
    values = np.array([row.get(key, np.nan) for row in rows]) * factor
    digits, unit = (1, " %") if factor == 100 else (3, "")
    spread = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{spread}{unit}"


def front(rows: list[Row], path: Path) -> None:
    """Mean score over uniqueness, one panel an objective."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name in OBJECTIVES if any(row["objective"] == name for row in rows)]
    figure, panels = plt.subplots(1, len(names), figsize=(4 * len(names), 3.6), squeeze=False)
    for name, panel in zip(names, panels[0], strict=True):
        _, score, percentiles = OBJECTIVES[name]
        ours = sorted((r for r in rows if r["objective"] == name), key=lambda r: r["target"])
        unique = [100 * row["unique"] for row in ours]
        panel.plot(unique, [row[score] for row in ours], "o", label="molgan")
        valid_qed = PUBLISHED[name]
        places = {"qed": 2, "sa": 3, "logp": 4}
        published = valid_qed[places[score]] if score in places else float(np.prod(valid_qed[2:]))
        panel.plot(valid_qed[1], published, "x", color="tab:red", label="MolGAN, published")
        for value, least in zip(percentiles or (), (80, 30), strict=False):
            panel.plot([least, 100], [value, value], ":", color="gray")
        panel.set(title=name, xlabel="unique (%)", ylabel=f"mean {score}", xlim=(0, 102))
    panels[0][0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("settings", nargs="*", help="settings of molgan.train, such as data.path=")
    parser.add_argument("--start", default="qm9", help="bundle, run folder or ready model")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--objectives", nargs="+", choices=OBJECTIVES, default=list(OBJECTIVES))
    parser.add_argument("--targets", type=float, nargs="+", default=[0, 0.95, 0.99])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument(
        "--fcd", action="store_true", help="also FCD and the rest of MOSES' figures"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/objectives"))
    arguments = parser.parse_intermixed_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    kept = arguments.out / "rows.json"
    rows: list[Row] = json.loads(kept.read_text()) if kept.exists() else []
    done = {(row["objective"], row["way"], row["target"], row["seed"]) for row in rows}
    wanted = itertools.product(
        arguments.objectives, arguments.targets, arguments.ways, arguments.seeds
    )
    for objective, target, way, seed in wanted:
        way = way if target else "start"
        if (objective, way, target, seed) in done:
            continue
        done.add((objective, way, target, seed))
        rows.append(steered(arguments, objective, way, target, seed))
        kept.write_text(json.dumps(rows, indent=1) + "\n")
        print(json.dumps(rows[-1]), flush=True)
    text = table(rows)
    (arguments.out / "table.md").write_text(text)
    front(rows, arguments.out / "front.png")
    print(text)


if __name__ == "__main__":
    main()
