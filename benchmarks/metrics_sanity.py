"""Does the measuring bench say of real molecules what is known of them?

    python benchmarks/metrics_sanity.py --qm9 qm9.csv.gz --qm9-split valid_idx_qm9.json \
        --zinc250k zinc250k.csv.gz --moses moses_test.csv.gz

* 10,000 training molecules of QM9 against its test molecules: a perfect model's figures
* one half of MOSES' test molecules against the other
* 10,000 copies of one molecule against QM9
* 10,000 molecules of ZINC250k against QM9

Prints one table; parts whose files are not given are left out.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from molgan.data import read_molecules
from molgan.metrics import (
    Comparison,
    Protocol,
    Reference,
    Report,
    benchmark_reference,
    measure,
    sample_from_smiles,
)

GROUPS = ("strict", "moses", "guacamol", "gdss", "digress")


def drawn(smiles: list[str], n: int, seed: int = 0) -> list[str]:
    """`n` different ones at random."""
    rows = np.random.default_rng(seed).choice(len(smiles), min(n, len(smiles)), replace=False)
    return [smiles[row] for row in np.sort(rows)]


def timed(name: str, smiles: list[str], reference: Reference, *groups: str) -> Report:
    """Measure one sample and say how long it took."""
    started = time.monotonic()
    sample = sample_from_smiles(smiles, name)
    report = measure(sample, reference, Protocol("sanity", groups or GROUPS), progress=True)
    print(f"{name}: {len(smiles):,} molecules, {time.monotonic() - started:.0f} s", flush=True)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--qm9", type=Path)
    parser.add_argument("--qm9-split", type=Path)
    parser.add_argument("--zinc250k", type=Path)
    parser.add_argument("--moses", type=Path)
    parser.add_argument("-n", type=int, default=10_000, help="molecules of each sample")
    arguments = parser.parse_args()

    reports = []
    if arguments.qm9:
        qm9 = benchmark_reference("qm9", path=arguments.qm9, split_path=arguments.qm9_split)
        reports.append(timed("QM9 train", drawn(qm9.train, arguments.n), qm9))
        reports.append(timed("one molecule", ["CCO"] * arguments.n, qm9))
        if arguments.zinc250k:
            zinc = drawn(read_molecules(arguments.zinc250k).smiles, arguments.n)
            reports.append(timed("ZINC250k against QM9", zinc, qm9))
    if arguments.moses:
        smiles = read_molecules(arguments.moses).smiles
        halves = np.random.default_rng(0).permutation(len(smiles))
        first, second = np.array_split(halves, 2)
        reference = Reference("second half of MOSES test", test=[smiles[row] for row in second])
        reports.append(
            timed("MOSES test", [smiles[row] for row in first], reference, "strict", "moses")
        )
    print(Comparison(reports).to_text())


if __name__ == "__main__":
    main()
