"""Transfer: does a model go to a chemotype after seeing 200 of its members, or recite them?

    python benchmarks/finetune.py qm9.csv.gz --smarts "C#N" "[OX2;R]" [--start qm9] [--size 200]
        [--seeds 0 1 2] [--samples 10000] [--out FOLDER] [settings of molgan.train]

Members of the chemotype are the molecules of the file that match all SMARTS and that the start
model can hold. For each seed `--size` of them are chosen at random and the model is taken to them
by `experiment=finetune`; the others are held out. Then molecules are drawn, all from one noise, and
counted strictly:

* valid: of all drawn; unique: distinct of the valid ones;
* novel: valid molecules drawn, repeats included, that are not among the 200; "new to both": of the
  distinct ones, neither among the 200 nor in the start model's own training set;
* chemotype: valid molecules drawn that match all SMARTS;
* nearest: mean Tanimoto similarity (Morgan, radius 2, 1,024 bits) of the valid molecules drawn to
  the nearest one of the 200, and of the held-out members;
* held out: share of the distinct molecules drawn that are held-out members. They were never shown
  in this training; the start model may have seen them in its own.

The rows "held-out members" say what real molecules of the chemotype have. Written to the folder:
`rows.json`, `table.md`, the chosen molecules and the models. Rows that are there are not run again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem

from molgan.building import build_fabric, build_trainer
from molgan.bundle import Bundle
from molgan.chem import quiet_rdkit
from molgan.config import compose
from molgan.data import load_dataset
from molgan.data.readers import read_molecules
from molgan.metrics import HashedIdentities
from molgan.metrics.similarity import morgan_bits, nearest

Row = dict[str, Any]
COLUMNS = ("valid", "unique", "novel", "new_to_both", "chemotype", "held_out")


def members(path: Path, patterns: list[Chem.Mol], start: Bundle) -> list[str]:
    """Molecules of the file that match all patterns and fit the model, canonical, sorted."""
    with quiet_rdkit():
        mols = (Chem.MolFromSmiles(text) for text in read_molecules(path).smiles)
        found = [Chem.MolToSmiles(m) for m in mols if m is not None and matches(m, patterns)]
    return sorted(set(start.codec.encode_smiles(found, verify=False).smiles))


def matches(mol: Chem.Mol, patterns: list[Chem.Mol]) -> bool:
    return all(mol.HasSubstructMatch(pattern) for pattern in patterns)


def bits(smiles: Sequence[str]) -> Any:
    return morgan_bits([Chem.MolFromSmiles(text) for text in smiles])


def measured(
    bundle: Bundle,
    start: Bundle,
    focused: list[str],
    others: list[str],
    patterns: list[Chem.Mol],
    samples: int,
) -> Row:
    """Figures of molecules drawn from a model."""
    stream = bundle.sampler(repeats=1.0).stream(samples, seed=1)
    drawn = [item for draw in stream for item in draw.decoded]
    valid = [item for item in drawn if item.valid]
    smiles = [item.smiles for item in valid if item.smiles]
    distinct = list(dict.fromkeys(smiles))
    own = HashedIdentities.from_smiles(focused)
    known = own.contains(distinct) | start.identities.contains(distinct)
    theirs = morgan_bits([item.mol for item in valid if item.mol is not None])
    return {
        "valid": len(valid) / len(drawn),
        "unique": len(distinct) / len(valid),
        "novel": 1 - float(own.contains(smiles).mean()),
        "new_to_both": 1 - float(known.mean()),
        "chemotype": float(np.mean([matches(item.mol, patterns) for item in valid])),
        "nearest_focused": float(nearest(theirs, bits(focused))[0].mean()),
        "nearest_held_out": float(nearest(theirs, bits(others))[0].mean()),
        "held_out": len(set(distinct) & set(others)) / len(distinct),
    }


def of_members(focused: list[str], others: list[str], start: Bundle) -> Row:
    """The same figures of the held-out members: what the chemotype itself has."""
    theirs = bits(others)
    return {
        "valid": 1.0,
        "unique": 1.0,
        "novel": 1.0,
        "new_to_both": 1 - float(start.identities.contains(others).mean()),
        "chemotype": 1.0,
        "nearest_focused": float(nearest(theirs, bits(focused))[0].mean()),
        "nearest_held_out": float(nearest(theirs, theirs, exclude_self=True)[0].mean()),
        "held_out": 1.0,
    }


def tuned(arguments: argparse.Namespace, path: Path, seed: int) -> tuple[Bundle, Row]:
    """The model after `experiment=finetune`, and what that cost."""
    started, worked = time.monotonic(), time.process_time()
    settings = [f"init_from={arguments.start}", f"seed={seed}", "progress=false"]
    cfg = compose(["experiment=finetune", *settings, *arguments.settings])
    dataset = load_dataset("file", path=path, fractions=[1, 0, 0], progress=False)
    trainer = build_trainer(cfg, dataset, build_fabric(cfg), None)
    trainer.fit()
    return trainer.bundle, {
        "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(time.process_time() - worked, 1),
    }


def table(rows: list[Row]) -> str:
    """One line a model and seed, the start model's before the tuned one's."""
    lines = [
        "| seed | molecules | valid | unique | novel | new to both | chemotype | held out | "
        "nearest of the focused set | nearest held-out member | CPU |",
        "|" + "---|" * 11,
    ]
    for row in rows:
        shares = [f"{100 * row[key]:.1f} %" for key in COLUMNS]
        near = [f"{row[key]:.3f}" for key in ("nearest_focused", "nearest_held_out")]
        cost = f"{row['cpu_seconds'] / 60:.1f} min" if "cpu_seconds" in row else "-"
        lines.append("| " + " | ".join([str(row["seed"]), row["of"], *shares, *near, cost]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", type=Path, help="molecules, .csv, .smi or .sdf, also .gz")
    parser.add_argument("settings", nargs="*", help="settings of molgan.train")
    parser.add_argument("--smarts", nargs="+", required=True, help="what makes the chemotype")
    parser.add_argument("--start", default="qm9", help="bundle, run folder or ready model")
    parser.add_argument("--size", type=int, default=200, help="molecules in the focused set")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("runs/finetune"))
    arguments = parser.parse_intermixed_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    patterns = [Chem.MolFromSmarts(text) for text in arguments.smarts]
    start = Bundle.load(arguments.start)
    found = members(arguments.file, patterns, start)
    print(f"{len(found):,} members", flush=True)
    kept = arguments.out / "rows.json"
    rows: list[Row] = json.loads(kept.read_text()) if kept.exists() else []
    for seed in arguments.seeds:
        if any(row["seed"] == seed for row in rows):
            continue
        order = np.random.default_rng(seed).permutation(len(found))
        focused = [found[place] for place in order[: arguments.size]]
        others = [found[place] for place in order[arguments.size :]]
        path = arguments.out / f"focused_{seed}.smi"
        path.write_text("".join(f"{text}\n" for text in focused))
        model, cost = tuned(arguments, path, seed)
        model.save(arguments.out / f"tuned_{seed}.molgan", precision="half")
        sets = start, focused, others, patterns, arguments.samples
        rows += [
            {"seed": seed, "of": "held-out members"} | of_members(focused, others, start),
            {"seed": seed, "of": "start model"} | measured(start, *sets),
            {"seed": seed, "of": "fine-tuned"} | measured(model, *sets) | cost,
        ]
        kept.write_text(json.dumps(rows, indent=1) + "\n")
        print(json.dumps(rows[-1]), flush=True)
    (arguments.out / "table.md").write_text(table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
