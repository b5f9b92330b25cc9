"""How fast ChemNet activations are computed, against the `fcd` package's own loop.

    python benchmarks/fcd_speed.py SMILES_FILE [--n 2000] [--threads 1] [--device cpu]

Both get the same SMILES, the same number of threads and the same device, in turn: the package's
`get_predictions`, as its `get_fcd` calls it, and `molgan.metrics.chemnet.chemnet_activations`. The
package by default reads in a second process, which the other does without; `--workers 1` gives it
that process, and its CPU time is then not counted. Activations are compared one by one, and the
distance between the two halves of the SMILES as each of the two computes it. The file is one SMILES
a line or a .csv with a `smiles` (or `SMILES`) column, gzip or not.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import fcd as package
import numpy as np
import numpy.typing as npt
import torch

from molgan.metrics.chemnet import chemnet_activations, frechet_distance, statistics_of

Activations = npt.NDArray[np.float32]


def read_smiles_file(path: Path, count: int) -> list[str]:
    """Read up to `count` SMILES, spread evenly over the file."""
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    with opened as lines:
        if ".csv" in path.suffixes:
            rows = list(csv.DictReader(lines))
            column = next(name for name in rows[0] if name.lower() == "smiles")
            smiles = [row[column] for row in rows]
        else:
            smiles = [line.split()[0] for line in lines if line.strip()]
    return smiles[:: max(1, len(smiles) // count)][:count]


def timed(function: Callable[[], Activations]) -> tuple[Activations, float, float]:
    """Result, seconds by the clock and seconds of CPU of all threads."""
    clock, cpu = time.perf_counter(), time.process_time()
    result = function()
    return result, time.perf_counter() - clock, time.process_time() - cpu


def their_distance(one: Activations, other: Activations) -> float:
    """The distance by the package's own functions, as its `get_fcd` calls them."""
    return float(
        package.calculate_frechet_distance(
            mu1=one.mean(axis=0),
            sigma1=np.cov(one.T),
            mu2=other.mean(axis=0),
            sigma2=np.cov(other.T),
        )
    )


def main() -> None:
    """Measure and print both rates, their ratio and the differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--n", type=int, default=2_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0, help="processes that read for fcd")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=2, help="rounds; the best one counts")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore", DeprecationWarning)  # the package's, of numpy and scipy
    smiles = read_smiles_file(args.path, args.n)
    model = package.load_ref_model()

    def theirs() -> Activations:
        result: Activations = package.get_predictions(
            model, smiles, n_jobs=args.workers, device=args.device
        )
        return result

    def ours() -> Activations:
        return chemnet_activations(smiles, device=args.device)

    chemnet_activations(smiles[:2], device=args.device)
    package.get_predictions(model, smiles[:2], n_jobs=0, device=args.device)
    rounds = [(timed(theirs), timed(ours)) for _ in range(args.repeats)]
    print(f"SMILES            {len(smiles):,} ({len(set(smiles)):,} distinct)")
    print(f"threads, device   {args.threads}, {args.device}; {args.workers} workers for fcd")
    for place, unit in ((1, "clock"), (2, "CPU")):
        best = [min(one[side][place] for one in rounds) for side in (0, 1)]
        print(f"by {unit}:")
        print(f"  fcd package     {len(smiles) / best[0]:,.0f} molecules/s")
        print(f"  molgan          {len(smiles) / best[1]:,.0f} molecules/s")
        print(f"  ratio           {best[0] / best[1]:.2f}")
    reference, own = rounds[-1][0][0], rounds[-1][1][0]
    print(f"largest difference of an activation  {np.abs(reference - own).max():.1e}")
    half = len(smiles) // 2
    start = time.perf_counter()
    one = their_distance(reference[:half], reference[half:])
    middle = time.perf_counter()
    other = frechet_distance(statistics_of(own[:half]), statistics_of(own[half:]))
    end = time.perf_counter()
    print(f"FCD of the halves, fcd package       {one:.7f} ({middle - start:.2f} s)")
    print(f"FCD of the halves, molgan            {other:.7f} ({end - middle:.2f} s)")


if __name__ == "__main__":
    main()
