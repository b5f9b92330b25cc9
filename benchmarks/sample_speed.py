"""How fast noise becomes strictly valid canonical SMILES, against RDKit's floor and DeepChem.

    python benchmarks/sample_speed.py model=RUN_OR_BUNDLE [--n 10000] [--processes 2] [--json FILE]
    python benchmarks/sample_speed.py model=qm9 model=SMALLER_ONE [--precision 32-true bf16-mixed]
    python benchmarks/sample_speed.py model=RUN_OR_BUNDLE --million

Several models, such as a teacher and its student, and several precisions take turns in one run.

* **molgan**: `Sampler.stream` from noise to SMILES with batches of 1,024, no repair; molecules a
  second are valid ones, the time is that of all draws.
* **floor**: RDKit's `SanitizeMol` and `MolToSmiles` on the same valid molecules, built beforehand.
* **DeepChem**: `BasicMolGANModel.predict_gan_generator` for as many graphs, then `defeaturize` and
  `MolToSmiles` on the same valid molecules as graphs of its own kind. Its own graphs would be
  mostly invalid, which RDKit refuses sooner or later; this is what it would need if it were as
  good. (Charges are not in its graphs: some of them fail.)

All on one core, in seconds of the process, best of several rounds; over processes by the clock.
`--million` streams a million draws and prints how the memory grows.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import math
import resource
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from decode_speed import floor_of, unsanitized
from rdkit import Chem

from molgan.bundle import Bundle
from molgan.chem import Codec, Decoded
from molgan.sampling import Draw, Sampler

MILLION = 1_000_000


class TimedCodec(Codec):
    """A codec that adds up the seconds it needs for decoding."""

    seconds = 0.0

    def decode(self, atoms: np.ndarray, bonds: np.ndarray, *, n_jobs: int = 1) -> list[Decoded]:
        """As `Codec.decode`."""
        start = time.process_time()
        decoded = super().decode(atoms, bonds, n_jobs=n_jobs)
        self.seconds += time.process_time() - start
        return decoded


def make_sampler(model: str, precision: str) -> Sampler:
    """The model's sampler on one thread, warm."""
    torch.set_num_threads(1)
    sampler = Bundle.load(model).sampler(precision=precision)
    for _ in sampler.stream(1024, seed=1):
        pass
    return sampler


def alone(sampler: Sampler, n: int) -> tuple[float, float, list[Draw]]:
    """Seconds in all, seconds of decoding, and the draws."""
    sampler.codec = codec = TimedCodec(sampler.codec.vocabulary, sampler.codec.max_atoms)
    start = time.process_time()
    draws = list(sampler.stream(n, seed=0))
    return time.process_time() - start, codec.seconds, draws


def valid_graphs(draws: list[Draw]) -> tuple[np.ndarray, np.ndarray]:
    """Atom types (V, N) and bond types (V, N, N) of the valid molecules."""
    atoms = np.concatenate([draw.atoms for draw in draws])
    bonds = np.concatenate([draw.bonds for draw in draws])
    valid = np.array([one.valid for draw in draws for one in draw.decoded], dtype=bool)
    return atoms[valid], bonds[valid]


class DeepChem:
    """DeepChem's way from noise to SMILES."""

    def __init__(self, codec: Codec) -> None:
        # Its import warns of every package that it does not find.
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            from deepchem.feat import MolGanFeaturizer
            from deepchem.feat.molecule_featurizers.molgan_featurizer import GraphMatrix
            from deepchem.models.torch_models import BasicMolGANModel
        logging.disable(logging.NOTSET)
        kinds = codec.vocabulary.atoms
        numbers = [Chem.GetPeriodicTable().GetAtomicNumber(kind.symbol) for kind in kinds]
        self.graph = GraphMatrix
        self.featurizer = MolGanFeaturizer(codec.max_atoms, atom_labels=[0, *numbers])
        self.gan = BasicMolGANModel(
            edges=codec.vocabulary.num_bond_types,
            vertices=codec.max_atoms,
            nodes=codec.vocabulary.num_atom_types,
            device=torch.device("cpu"),
        )

    def sample(self, n: int) -> float:
        """Seconds for the graphs of ``n`` molecules, in batches of 1,024."""
        start = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            for first in range(0, n, 1024):
                self.gan.predict_gan_generator(min(1024, n - first))
        return time.process_time() - start

    def write(self, atoms: np.ndarray, bonds: np.ndarray) -> tuple[float, int]:
        """Seconds from graphs to SMILES, and how many molecules came out."""
        present = atoms > 0
        bonds = bonds * present[:, :, None] * present[:, None, :]
        graphs = [self.graph(a, x) for a, x in zip(bonds, atoms, strict=True)]
        start = time.process_time()
        mols = self.featurizer.defeaturize(graphs)
        smiles = [Chem.MolToSmiles(mol) for mol in mols if mol is not None]
        return time.process_time() - start, len(smiles)


_SAMPLERS: dict[str, Sampler] = {}


def worker(model: str, precision: str, n: int, seed: int) -> int:
    """Valid molecules of ``n`` draws in a process of its own; its sampler is made once."""
    if model not in _SAMPLERS:
        _SAMPLERS[model] = make_sampler(model, precision)
    draws = _SAMPLERS[model].stream(n, seed)
    return sum(one.valid for draw in draws for one in draw.decoded)


def together(model: str, precision: str, n: int, processes: int) -> float:
    """Valid molecules per second by the clock, ``n`` draws in each of so many processes."""
    pools = [ProcessPoolExecutor(1) for _ in range(processes)]
    for ready in [pool.submit(worker, model, precision, 1, 0) for pool in pools]:
        ready.result()
    start = time.perf_counter()
    running = [pool.submit(worker, model, precision, n, seed) for seed, pool in enumerate(pools)]
    valid = sum(one.result() for one in running)
    seconds = time.perf_counter() - start
    for pool in pools:
        pool.shutdown()
    return valid / seconds


def peak_megabytes() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def million(model: str, precision: str, n: int) -> dict[str, float]:
    """Stream ``n`` draws and keep nothing but counts."""
    sampler = make_sampler(model, precision)
    start, valid, drawn, early = time.perf_counter(), 0, 0, 0.0
    for draw in sampler.stream(n, seed=0):
        valid += sum(one.valid for one in draw.decoded)
        drawn += len(draw.decoded)
        if not early and drawn >= n // 20:
            early = peak_megabytes()
    seconds = time.perf_counter() - start
    print(
        f"{drawn:,} draws, {valid:,} valid, {seconds:,.0f} s, {valid / seconds:,.0f} valid a second"
    )
    print(f"peak memory {early:,.0f} MB after a twentieth, {peak_megabytes():,.0f} MB at the end")
    return {"draws": drawn, "valid": valid, "seconds": seconds, "peak_mb": peak_megabytes()}


@dataclass
class Row:
    """Best times of one model in one precision, in seconds for all draws.

    Attributes:
        model: its path or name.
        precision: of its networks.
        sampler: warm.
        total: noise to SMILES.
        decoding: of it, from graphs on.
        network: of it, the rest.
        floor: RDKit's, on the same valid molecules.
        valid: how many these are.
    """

    model: str
    precision: str
    sampler: Sampler
    total: float = math.inf
    decoding: float = math.inf
    network: float = math.inf
    floor: float = math.inf
    valid: int = 0

    def measure(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """One round; returns the valid molecules as graphs."""
        total, decoding, draws = alone(self.sampler, n)
        atoms, bonds = valid_graphs(draws)
        expected = [one.smiles for draw in draws for one in draw.decoded if one.valid]
        # Freeing the molecules belongs to no time.
        del draws
        floor, smiles = floor_of(unsanitized(self.sampler.codec, atoms, bonds))
        assert smiles == expected
        self.total = min(self.total, total)
        self.decoding = min(self.decoding, decoding)
        self.network = min(self.network, total - decoding)
        self.floor = min(self.floor, floor)
        self.valid = len(expected)
        return atoms, bonds

    def show(self) -> None:
        """A line of the table; a floor is that of this row's own molecules."""
        print(
            f"{Path(self.model).name[:22]:22} {self.precision:10} {self.valid:6,} "
            f"{self.valid / self.floor:10,.0f} {self.valid / self.total:10,.0f} "
            f"{self.total / self.floor:8.2f} {self.network / self.floor:8.2f} "
            f"{self.decoding / self.floor:8.2f}"
        )

    def plain(self) -> dict[str, Any]:
        """For the JSON file."""
        return {
            "model": Path(self.model).name,
            "precision": self.precision,
            "valid": self.valid,
            "floor_seconds": self.floor,
            "seconds": self.total,
            "decode_seconds": self.decoding,
            "network_seconds": self.network,
        }


def compare(
    models: list[str], precisions: list[str], n: int, repeats: int, processes: int, peer: bool
) -> dict[str, Any]:
    """All rows; prints the table."""
    rows = [
        Row(model, precision, make_sampler(model, precision))
        for model in models
        for precision in precisions
    ]
    deepchem = DeepChem(rows[0].sampler.codec) if peer else None
    networks, theirs = [], []
    for _ in range(repeats):
        graphs = [row.measure(n) for row in rows]
        if deepchem is not None:
            networks.append(deepchem.sample(n))
            seconds, written = deepchem.write(*graphs[0])
            theirs.append(seconds)
    print(f"draws {n:,}; one core, seconds of the process; valid molecules a second, floors")
    print(f"{'model':22} precision   valid      floor     molgan   floors networks decoding")
    for row in rows:
        row.show()
    found: dict[str, Any] = {"draws": n, "rows": [row.plain() for row in rows]}
    if deepchem is not None:
        first = rows[0]
        whole = min(networks) + min(theirs)
        print(f"DeepChem, graphs         {n / min(networks):10,.0f} graphs/s")
        print(
            f"DeepChem, to SMILES      {first.valid / min(theirs):10,.0f}   "
            f"({written:,} of the first row's {first.valid:,})"
        )
        print(f"DeepChem, both           {first.valid / whole:10,.0f}")
        found |= {"deepchem_network_seconds": min(networks), "deepchem_seconds": whole}
    for row in rows if processes > 1 else []:
        rates = {count: together(row.model, row.precision, n, count) for count in (1, processes)}
        for count, rate in rates.items():
            print(
                f"{Path(row.model).name} {row.precision}: {count} processes, by the clock "
                f"{rate:,.0f}   {rate / rates[1]:.2f} times one"
            )
        found.setdefault("processes", []).append(rates)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("models", nargs="+", help="model=RUN_FOLDER_OR_BUNDLE, trained models")
    parser.add_argument("--n", type=int, default=10_000, help="draws")
    parser.add_argument(
        "--precision", nargs="+", default=["32-true"], help="or bf16-mixed, or both"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-deepchem", action="store_true")
    parser.add_argument("--million", nargs="?", type=int, const=MILLION, metavar="N")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    models = [each.removeprefix("model=") for each in args.models]
    if args.million:
        found: dict[str, Any] = million(models[0], args.precision[0], args.million)
    else:
        found = compare(
            models, args.precision, args.n, args.repeats, args.processes, not args.no_deepchem
        )
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
