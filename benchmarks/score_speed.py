"""How fast molecules are scored, against straight RDKit calls, on one core and on two.

    python benchmarks/score_speed.py SMILES_FILE [--limit 20000] [--repeats 3] [--processes 2]

Both sides score the same molecules, read anew for each of them so that neither finds what RDKit has
stored on a molecule before. ``first`` begins with nothing learnt, as a fresh process; ``later``
has seen the molecules once. The values of both sides are compared. The file is one SMILES a line
or a .csv with a `smiles` column, gzip or not; without one, molecules of the bundled set are used.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from decode_speed import read_smiles_file
from rdkit import Chem, RDConfig
from rdkit.Chem import QED, Crippen, Descriptors, rdMolDescriptors

from molgan.chem import fast_qed as fast_qed_module
from molgan.chem.fast_scores import describe

TOLERANCE = 1e-9


@cache
def straight() -> dict[str, Callable[[Chem.Mol], float]]:
    """Each score by the call that RDKit's documentation gives for it."""
    sa, natural = _contrib("SA_Score", "sascorer"), _contrib("NP_Score", "npscorer")
    with contextlib.redirect_stderr(io.StringIO()):
        model = natural.readNPModel()
    sa.readFragmentScores()
    return {
        "qed": QED.qed,
        "sa": sa.calculateScore,
        "np": lambda mol: natural.scoreMol(mol, model),
        "logp": Crippen.MolLogP,
        "weight": Descriptors.MolWt,
        "exact_weight": Descriptors.ExactMolWt,
        "tpsa": rdMolDescriptors.CalcTPSA,
        "hba": rdMolDescriptors.CalcNumHBA,
        "hbd": rdMolDescriptors.CalcNumHBD,
        "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds,
        "rings": rdMolDescriptors.CalcNumRings,
        "aromatic_rings": rdMolDescriptors.CalcNumAromaticRings,
        "fsp3": rdMolDescriptors.CalcFractionCSP3,
        "formal_charge": Chem.GetFormalCharge,
        "heavy_atoms": lambda mol: mol.GetNumHeavyAtoms(),
        "stereocentres": lambda mol: len(Chem.FindMolChiralCenters(mol, includeUnassigned=True)),
    }


def describe_straight(mol: Chem.Mol) -> dict[str, float]:
    """All scores of one molecule, one RDKit call for each."""
    return {name: function(mol) for name, function in straight().items()}


def _contrib(folder: str, name: str) -> Any:
    path = Path(RDConfig.RDContribDir) / folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timed(function: Callable[[Chem.Mol], Any], smiles: list[str]) -> tuple[float, list[Any]]:
    """Seconds of this process, and results; reading the molecules is in neither."""
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    start = time.process_time()
    results = [function(mol) for mol in mols]
    return time.process_time() - start, results


def warm_up() -> None:
    """Read the tables that both sides read once in a process."""
    describe(Chem.MolFromSmiles("CCO"))
    describe_straight(Chem.MolFromSmiles("CCO"))


def score_part(smiles: list[str]) -> int:
    """Read and score a part in a worker."""
    return len([describe(Chem.MolFromSmiles(text)) for text in smiles])


def over_processes(smiles: list[str], processes: int) -> float:
    """Seconds by the clock for reading and scoring in so many processes, tables read beforehand."""
    parts = [smiles[k : k + 512] for k in range(0, len(smiles), 512)]
    with ProcessPoolExecutor(processes, initializer=warm_up) as pool:
        list(pool.map(score_part, [["CCO"]] * processes * 4))
        start = time.perf_counter()
        list(pool.map(score_part, parts))
        return time.perf_counter() - start


def compare_each(smiles: list[str]) -> None:
    """Print what each score costs in straight calls, and the parts that ours still has."""
    print("\nstraight calls, microseconds a molecule")
    for name, function in straight().items():
        print(f"  {name:16s}{timed(function, smiles)[0] / len(smiles) * 1e6:8.1f}")
    print("ours, learnt")
    print(f"  {'qed':16s}{timed(fast_qed_module.fast_qed, smiles)[0] / len(smiles) * 1e6:8.1f}")
    print(f"  {'all':16s}{timed(describe, smiles)[0] / len(smiles) * 1e6:8.1f}")


def main() -> None:
    """Measure and print rates, ratios and the largest difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", type=Path)
    parser.add_argument("--limit", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    if args.path is None:
        from molgan.data import Bundled

        smiles = Bundled().read().smiles[: args.limit]
    else:
        smiles = read_smiles_file(args.path, args.limit)

    warm_up()
    # Times of one process, not of the clock, and the best of several, one side after the other:
    # other load does not count, or counts for both.
    straights, firsts, laters = [], [], []
    for _ in range(args.repeats):
        seconds, theirs = timed(describe_straight, smiles)
        straights.append(seconds)
        fast_qed_module.forget()
        seconds, ours = timed(describe, smiles)
        firsts.append(seconds)
        laters.append(timed(describe, smiles)[0])
    worst = max(
        abs(one[name] - other[name])
        for one, other in zip(ours, theirs, strict=True)
        for name in other
    )
    assert worst <= TOLERANCE, worst
    count = len(smiles)
    print(f"molecules            {count:,}; largest difference of any score {worst:.1e}")
    print(f"straight RDKit calls {count / min(straights):8,.0f} molecules/s")
    for label, seconds in (("first", min(firsts)), ("later", min(laters))):
        ratio = min(straights) / seconds
        print(f"molgan, {label}        {count / seconds:8,.0f} molecules/s, {ratio:.2f} times")
    compare_each(smiles[:2000])
    if args.processes > 1:
        alone, together = over_processes(smiles, 1), over_processes(smiles, args.processes)
        print(f"\n1 process, reading included   {count / alone:8,.0f} molecules/s by the clock")
        print(f"{args.processes} processes                   {count / together:8,.0f} molecules/s")


if __name__ == "__main__":
    main()
