"""How well a conditional model gives what it is asked for, and what that costs.

    python benchmarks/conditional.py MODEL [--beside qm9] [--n 5000] [--like molecules.smi]
        [--candidates 1 4] [--seed 0] [--out FOLDER]

Three parts, one molecule drawn for each request, none left out:

* **requests as in the data**: the properties of other molecules, those of `--like` (a held-out
  file, .smi or .csv) or the examples that the model keeps of its training set; each property by
  itself, then all at once. Pearson's correlation of requested and obtained, mean absolute error;
* **fixed targets**: quantiles of each property, a fifth of `--n` molecules each;
* **no request**: the model as a plain generator, and `--beside`, the model it was trained from.

Validity is strict and over all molecules drawn, uniqueness over the valid ones, novelty over the
distinct ones. Written to the folder: `conditional.json` and `conditional.md`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from molgan.asked import Agreement, measured, property_objective
from molgan.bundle import Bundle
from molgan.chem import Decoded
from molgan.conditions import Conditions, FloatArray
from molgan.metrics import evaluate
from molgan.rewards import Scorer

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
Row = dict[str, Any]


def drawn(
    bundle: Bundle,
    n: int,
    seed: int,
    targets: Mapping[str, Any] | None,
    candidates: int | None = None,
) -> list[Decoded]:
    """Molecules of a request; where there is none, of none."""
    wanted = bundle.wanted(targets, n, outside=True)
    stream = bundle.sampler(wanted=wanted, candidates=candidates).stream(n, seed)
    return [item for draw in stream for item in draw.decoded]


def quality(decoded: list[Decoded], bundle: Bundle) -> Row:
    """Strict figures of a sample."""
    figures = evaluate(decoded, bundle.identities, training_size=len(bundle.identities))
    return {name: figures[name] for name in ("valid", "unique", "novel") if name in figures}


def requested(
    bundle: Bundle,
    scorer: Scorer,
    targets: Mapping[str, FloatArray | float],
    n: int,
    seed: int,
    candidates: int | None = None,
) -> list[Row]:
    """One row for each property asked for."""
    decoded = drawn(bundle, n, seed, targets, candidates)
    obtained = scorer(decoded).raw
    rows = []
    for name, target in targets.items():
        found = Agreement.of(name, np.broadcast_to(target, n).astype(float), obtained[name])
        assert found is not None, "no molecule is valid"
        used = bundle.conditions.candidates if candidates is None else candidates
        asked = {"asked": ", ".join(targets), "candidates": used}
        rows.append({**asked, **vars(found), **quality(decoded, bundle)})
    return rows


def like(path: Path | None, conditions: Conditions, scorer: Scorer, n: int) -> FloatArray:
    """``(n, C)`` properties to ask for: of the molecules of a file, or of the model's examples."""
    values = conditions.values
    if path is not None:
        from molgan.data.readers import read_molecules

        smiles = [text for text in read_molecules(path).smiles if text]
        chosen = np.random.default_rng(0).choice(len(smiles), min(n, len(smiles)), replace=False)
        values = measured(scorer, [smiles[place] for place in chosen])
    values = values[np.isfinite(values).all(1)]
    return values[np.linspace(0, len(values) - 1, n).round().astype(int)]


def markdown(found: Mapping[str, list[Row]]) -> str:
    """The figures as tables."""
    lines = [
        "| asked for | candidates | property | correlation | mean error | valid | unique | novel |"
    ]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for row in found["as in the data"]:
        lines.append(
            f"| {row['asked']} | {row['candidates']} | {row['name']} | {row['correlation']:.3f} | "
            f"{row['error']:.3f} | {shares(row)} |"
        )
    for row in found["no request"]:
        lines.append(f"| nothing ({row['model']}) | - | - | - | - | {shares(row)} |")
    lines += ["", "| target | obtained | mean error | valid | unique | novel |"]
    lines += ["|---|---|---|---|---|---|"]
    for row in found["fixed targets"]:
        lines.append(
            f"| {row['name']} {row['wanted']:.2f} | {row['mean']:.2f} ± {row['deviation']:.2f} | "
            f"{row['error']:.2f} | {shares(row)} |"
        )
    return "\n".join(lines) + "\n"


def shares(row: Row) -> str:
    """Validity, uniqueness and novelty in percent."""
    return " | ".join(f"{100 * row.get(key, np.nan):.1f} %" for key in ("valid", "unique", "novel"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="conditional bundle or run folder")
    parser.add_argument("--beside", default="qm9", help="unconditional model to compare with")
    parser.add_argument("--n", type=int, default=5000, help="molecules of each part")
    parser.add_argument("--like", type=Path, help="molecules whose properties are asked for")
    parser.add_argument("--candidates", type=int, nargs="+", help="default: the model's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/conditional"))
    arguments = parser.parse_args()
    started = time.process_time()
    n, seed = arguments.n, arguments.seed
    bundle = Bundle.load(arguments.model)
    conditions = bundle.conditions
    if conditions is None:
        parser.error(f"{arguments.model} is not conditional")
    scorer = Scorer(property_objective(conditions.properties))
    values = like(arguments.like, conditions, scorer, n)
    targets = dict(zip(conditions.properties, values.T, strict=True))
    found: dict[str, list[Row]] = {"as in the data": [], "fixed targets": [], "no request": []}
    asked = [{name: targets[name]} for name in targets]
    asked += [targets] if len(targets) > 1 else []
    for candidates in arguments.candidates or [conditions.candidates]:
        for each in asked:
            found["as in the data"] += requested(bundle, scorer, each, n, seed, candidates)
    for name in targets:
        for target in np.quantile(targets[name], QUANTILES):
            found["fixed targets"] += requested(bundle, scorer, {name: target}, n // 5, seed)
    for model in (arguments.model, arguments.beside):
        plain = Bundle.load(model)
        row = quality(drawn(plain, n, seed, None), plain)
        found["no request"].append({"model": Path(model).name, **row})
    text = markdown(found)
    arguments.out.mkdir(parents=True, exist_ok=True)
    settings = {
        "n": n,
        "seed": seed,
        "like": None if arguments.like is None else str(arguments.like),
    }
    cost = {"cpu_seconds": round(time.process_time() - started, 1)}
    document = json.dumps({**settings, **cost, **found}, indent=1)
    (arguments.out / "conditional.json").write_text(document + "\n")
    (arguments.out / "conditional.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
