"""MolGAN's objectives on QM9: how far a finished model is steered, and how diverse it stays.

    python benchmarks/molgan_objectives.py data.path=qm9.csv.gz [--start qm9] [--seeds 0 1 2]
        [--objectives druglikeness ...] [--ways sampler guide] [--targets 0.95 0.99] [--fcd]
        [--precision bf16-mixed] [--out FOLDER]

Each run takes the start model (a bundle, a run folder or a ready model) through the reinforcement
phase of `experiment=optimize` towards one objective of the MolGAN paper, with the normalisations of
its code (`conf/reward/paper_*.yaml`), then draws 6,400 molecules twice: independently, and with a
memory of the graphs given (`repeats=0`). The two say different things: uniqueness of independent
draws is a property of the model, uniqueness of a library drawn with a memory is the memory's work,
and its price is in the mean score. "all" is the product of the three scores and, in training, of
uniqueness. The start model has a row of its own. Two ways:

* **sampler**: sampler and decoder learn too, and a reward network chooses among 8 candidates.
* **guide**: they rest, and it chooses among 32.

Written to the folder: every model, `rows.json`, a row for each model and kind of draws, `table.md`
and `front.png`, mean score over uniqueness. What is there already is not run again. Everything is
counted strictly, over all molecules drawn; mean scores are over the valid ones, repeats included,
as MolGAN's are. Words with `=` are settings of `molgan.train`.

MolGAN's rows are those of De Cao and Kipf 2018 (arXiv:1805.11973), table 3, trained on QM9; their
validity is a laxer one. Their solubility of 0.89 cannot come from nine heavy atoms under the
constants of their own code: nonane, QM9's maximum, has 0.72.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator
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
from molgan.sampling import PRECISIONS, Draw

SAMPLES = 6_400
#: our name: reward file, score in it, and QM9's own 95th and 99th percentile
OBJECTIVES: dict[str, tuple[str, str, tuple[float, float]]] = {
    "druglikeness": ("paper_qed", "qed", (0.574, 0.614)),
    "synthesizability": ("paper_sa", "sa", (0.658, 0.829)),
    "solubility": ("paper_logp", "logp", (0.498, 0.579)),
    "all": ("paper_all", "reward", (0.133, 0.194)),
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
#: of QM9's scores; 0.99 leaves the mean of synthesizability 0.003 below the 99th percentile
TARGETS = dict.fromkeys(OBJECTIVES, 0.99) | {"synthesizability": 0.992}
DRAWS = {"independent": 1.0, "no repeats": 0.0}
#: valid, unique (both %), QED, SA, logP of MolGAN's own table
PUBLISHED = {
    "druglikeness": (100.0, 2.2, 0.62, 0.59, 0.53),
    "synthesizability": (100.0, 2.1, 0.53, 0.95, 0.68),
    "solubility": (99.8, 2.0, 0.44, 0.22, 0.89),
    "all": (98.0, 2.3, 0.51, 0.82, 0.69),
}
START = "any"  # the start model is the same for all objectives
Row = dict[str, Any]
_KEYS = ("objective", "way", "target", "seed", "draws")


def steered(
    arguments: argparse.Namespace, objective: str, way: str, target: float, seed: int
) -> Bundle:
    """The start model trained towards one objective, or as an earlier call left it."""
    path: Path = arguments.out / f"{objective}_{way}_{target}_{seed}.molgan"
    if path.exists():
        return Bundle.load(path)
    worked = time.process_time()
    cfg = compose(
        [
            *settings_of(arguments, objective, seed),
            f"{_PHASE}.target={target}",
            *WAYS[way],
            *arguments.settings,
        ]
    )
    trainer = build_trainer(cfg, instantiate(cfg.data), build_fabric(cfg), None)
    trainer.fit()
    trainer.scorer.save()
    bundle: Bundle = trainer.bundle
    bundle.metrics["cpu_seconds"] = round(time.process_time() - worked, 1)
    bundle.save(path, precision="half")
    return bundle


def settings_of(arguments: argparse.Namespace, objective: str, seed: int) -> list[str]:
    """What all runs have in common."""
    return [
        "experiment=optimize",
        f"init_from={arguments.start}",
        "data=qm9",
        "data.split=standard",  # the field's 13,082 test molecules
        f"reward={OBJECTIVES[objective][0]}",
        f"seed={seed}",
        "progress=false",
    ]


def measured(
    bundle: Bundle,
    dataset: MoleculeDataset,
    seed: int,
    repeats: float,
    arguments: argparse.Namespace,
) -> Row:
    """Figures of 6,400 molecules."""
    worked = time.process_time()
    sampler = bundle.sampler(
        repeats=repeats if bundle.guide else None, precision=arguments.precision
    )
    draws = list(sampler.stream(SAMPLES, seed + 1))
    row: Row = {"draw_cpu_seconds": round(time.process_time() - worked, 1)}
    decoded = [item for draw in draws for item in draw.decoded]
    figures = evaluate(decoded, bundle.identities, training_size=len(bundle.identities))
    names = ("valid", "unique", "novel", "scaffolds", "int_div")
    row |= {name: figures[name] for name in names if name in figures}
    row |= mean_scores(draws)
    if arguments.fcd:
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
        "| objective | way, target | draws | seeds | valid | unique | novel | QED | SA | logP "
        "| product | IntDiv | scaffolds | FCD |",
        "|" + "---|" * 14,
    ]
    keys = [("valid", 100), ("unique", 100), ("novel", 100), ("qed", 1), ("sa", 1), ("logp", 1)]
    keys += [("reward", 1), ("int_div", 1), ("scaffolds", 0), ("moses/fcd_test", 10)]
    for objective in [*OBJECTIVES, START]:
        for (target, way, draws), same in grouped(rows, objective).items():
            name = f"{way}, {target:g}" if target else "start model"
            figures = [mean(same, key, factor) for key, factor in keys]
            cells = [objective, name, draws, str(len(same)), *figures]
            lines.append(f"| {' | '.join(cells)} |")
        if objective in PUBLISHED:
            valid, unique, qed, sa, logp = PUBLISHED[objective]
            lines.append(
                f"| {objective} | MolGAN, published | independent | - | {valid} % | {unique} % | - "
                f"| {qed} | {sa} | {logp} | ({qed * sa * logp:.3f}) | - | - | - |"
            )
    return "\n".join(lines) + "\n"


def grouped(rows: list[Row], objective: str) -> dict[tuple[float, str, str], list[Row]]:
    """The rows of an objective by target, way and kind of draws: one for each seed."""
    ours = [row for row in rows if row["objective"] == objective]
    names = sorted({(row["target"], row["way"], row["draws"]) for row in ours})
    return {
        name: [row for row in ours if (row["target"], row["way"], row["draws"]) == name]
        for name in names
    }


def mean(rows: list[Row], key: str, factor: float) -> str:
    """Mean and, of several runs, standard deviation; ``factor`` 100 is for a share."""
    values = np.array([row.get(key, np.nan) for row in rows]) * (factor if factor == 100 else 1)
    digits = {100: 1, 10: 1, 0: 0}.get(int(factor), 3)
    unit = " %" if factor == 100 else ""
    spread = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{spread}{unit}"


def front(rows: list[Row], path: Path) -> None:
    """Mean score over uniqueness, one panel an objective; a line joins the two draws of a model."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 2, figsize=(9, 7))
    start = [row for row in rows if row["objective"] == START]
    for (name, (_, score, percentiles)), panel in zip(OBJECTIVES.items(), panels.flat, strict=True):
        for percentile, level, least in zip((95, 99), percentiles, (80, 30), strict=True):
            panel.axhline(level, ls=":", color="black", lw=0.7)
            panel.plot([least, 100], [level, level], "-", color="black", lw=1)
            panel.text(4, level, f"QM9, {percentile}th percentile", fontsize=7, va="bottom")
        ours = [row for row in rows if row["objective"] == name]
        for model in {(row["way"], row["target"], row["seed"]) for row in ours}:
            pair = [row for row in ours if (row["way"], row["target"], row["seed"]) == model]
            panel.plot(*places(pair, score), "-", color="lightgray", lw=0.8)
        for (draws, repeats), marker in zip(DRAWS.items(), "os", strict=True):
            some = [row for row in ours if row["draws"] == draws]
            label = "independent draws" if repeats == 1 else "drawn with a memory (repeats=0)"
            panel.plot(*places(some, score), marker, label=f"molgan, {label}", alpha=0.7)
        panel.plot(*places(start, score), "D", color="gray", label="start model")
        _, unique, *scores = PUBLISHED[name]
        known = dict(zip(("qed", "sa", "logp"), scores, strict=True))
        published = known.get(score, float(np.prod(scores)))
        panel.plot(unique, published, "x", color="tab:red", label="MolGAN, published")
        title = {"qed": "QED", "sa": "SA", "logp": "logP", "reward": "product of the three"}[score]
        panel.set(title=title, xlabel="unique of 6,400 (%)", ylabel="mean score", xlim=(0, 103))
    panels[0, 0].legend(fontsize=8, loc="lower left")
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)


def places(rows: list[Row], score: str) -> tuple[list[float], list[float]]:
    """Uniqueness in per cent and mean score of each row."""
    return [100 * row["unique"] for row in rows], [row[score] for row in rows]


def plan(arguments: argparse.Namespace) -> Iterator[tuple[str, str, float, int]]:
    """Objective, way, target and seed of every run, a whole picture of each seed at a time."""
    for seed in arguments.seeds:
        yield START, "start", 0, seed
        for objective in arguments.objectives:
            targets = arguments.targets or [TARGETS[objective]]
            for way, target in itertools.product(arguments.ways, targets):
                yield objective, way, target, seed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("settings", nargs="*", help="settings of molgan.train, such as data.path=")
    parser.add_argument("--start", default="qm9", help="bundle, run folder or ready model")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--objectives", nargs="+", choices=OBJECTIVES, default=list(OBJECTIVES))
    parser.add_argument("--targets", type=float, nargs="+", help="default: 0.99 or a bit more")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["sampler"])
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0], help="of drawing")
    parser.add_argument("--fcd", action="store_true", help="also the rest of MOSES' figures")
    parser.add_argument("--out", type=Path, default=Path("runs/objectives"))
    arguments = parser.parse_intermixed_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    kept = arguments.out / "rows.json"
    rows: list[Row] = json.loads(kept.read_text()) if kept.exists() else []
    done = {tuple(row[key] for key in _KEYS) for row in rows}
    cfg = compose([*settings_of(arguments, "druglikeness", 0), *arguments.settings])
    dataset = instantiate(cfg.data)
    for objective, way, target, seed in dict.fromkeys(plan(arguments)):
        for draws, repeats in DRAWS.items():
            name = (objective, way, target, seed, draws)
            if name in done or (objective == START and repeats < 1):
                continue
            bundle = (
                Bundle.load(arguments.start)
                if objective == START
                else steered(arguments, objective, way, target, seed)
            )
            row = dict(zip(_KEYS, name, strict=True))
            row |= measured(bundle, dataset, seed, repeats, arguments)
            rows.append(row | {"train_cpu_seconds": bundle.metrics.get("cpu_seconds")})
            kept.write_text(json.dumps(rows, indent=1) + "\n")
            print(json.dumps(rows[-1]), flush=True)
    text = table(rows)
    (arguments.out / "table.md").write_text(text)
    front(rows, arguments.out / "front.png")
    print(text)


if __name__ == "__main__":
    main()
