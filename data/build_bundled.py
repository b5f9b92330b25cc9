"""Build the bundled training set: all stable molecules of up to eight heavy atoms over C, N, O, F.

    python data/build_bundled.py --max-atoms 8 --out data/bundled.smi.gz

The same RDKit version gives the same bytes on every machine. See data/README.md for the rules.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bundled_enumeration import stable_molecules
from bundled_graphs import Graph, connected_graphs
from rdkit import Chem
from tqdm.auto import tqdm


def enumerate_molecules(
    max_atoms: int, *, jobs: int = 1, progress: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of heavy atoms, sorted canonical SMILES of all stable molecules of that size).

    Args:
        max_atoms: largest number of heavy atoms, 1 to 8.
        jobs: number of worker processes; the result does not depend on it.
        progress: whether to show a progress bar over graphs.
    """
    for size, graphs in connected_graphs(max_atoms):
        found: set[str] = set()
        with tqdm(
            total=len(graphs), desc=f"{size} atoms", unit="graph", disable=not progress
        ) as bar:
            for part in _map(graphs, jobs):
                found |= part
                bar.update()
                bar.set_postfix(molecules=len(found))
        yield size, sorted(found)


def _map(graphs: Sequence[Graph], jobs: int) -> Iterator[set[str]]:
    if jobs <= 1 or len(graphs) < jobs:
        yield from map(stable_molecules, graphs)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(stable_molecules, graphs, chunksize=4)


def content(smiles: Sequence[str]) -> bytes:
    """Return the uncompressed content: smaller molecules first, then by SMILES, one per line."""

    def key(text: str) -> tuple[int, str]:
        return Chem.MolFromSmiles(text).GetNumAtoms(), text

    return "".join(f"{text}\n" for text in sorted(smiles, key=key)).encode("ascii")


def write_gzip(path: Path, data: bytes) -> None:
    """Write `data` gzip-compressed, without file name or time stamp, whole or not at all."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as stream:
        stream.write(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(buffer.getvalue())
    os.replace(temporary, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--max-atoms", type=int, default=8, choices=range(1, 9), metavar="1-8")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("bundled.smi.gz"))
    parser.add_argument("--jobs", type=int, default=1, help="worker processes (default 1)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)

    start = time.monotonic()
    smiles: list[str] = []
    sizes = enumerate_molecules(options.max_atoms, jobs=options.jobs, progress=not options.quiet)
    for size, found in sizes:
        print(f"{size} heavy atoms: {len(found):>6,} molecules")
        smiles.extend(found)
    data = content(smiles)
    write_gzip(options.out, data)
    print(f"{len(smiles):,} molecules in {time.monotonic() - start:.0f} s -> {options.out}")
    print(f"{options.out.stat().st_size:,} bytes")
    print(f"SHA-256 of the uncompressed content: {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
