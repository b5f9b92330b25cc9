"""How fast graphs are decoded, against the floor that RDKit itself sets, on one core.

    python benchmarks/decode_speed.py SMILES_FILE [--limit 20000] [--repeats 5]

The floor is `SanitizeMol` and `MolToSmiles` on the same molecules, built beforehand: the part of
decoding that nobody can leave out. The file is one SMILES a line or a .csv with a `smiles` column,
gzip or not; without one, molecules of the bundled set are used.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import time
from itertools import islice
from pathlib import Path

import numpy as np
from rdkit import Chem

from molgan.chem import Codec, Vocabulary, unpack_bonds


def read_smiles_file(path: Path, limit: int) -> list[str]:
    """Read up to `limit` SMILES, spread evenly over the file."""
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    with opened as lines:
        if ".csv" in path.suffixes:
            smiles = [row["smiles"] for row in csv.DictReader(lines)]
        else:
            smiles = [line.split()[0] for line in lines if line.strip()]
    return list(islice(smiles, 0, None, max(1, len(smiles) // limit)))


def unsanitized(codec: Codec, atoms: np.ndarray, bonds: np.ndarray) -> list[Chem.Mol]:
    """Build the molecules as decoding does, up to the point where RDKit starts to work.

    Args:
        codec: of the vocabulary.
        atoms: (B, N) atom types.
        bonds: (B, N, N) bond types.
    """
    table = [None, Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE]
    mols = []
    for types, matrix in zip(atoms, bonds, strict=True):
        present = types > 0
        mol = Chem.RWMol()
        for k in types[present]:
            kind = codec.vocabulary.atoms[k - 1]
            atom = Chem.Atom(kind.symbol)
            atom.SetFormalCharge(kind.charge)
            mol.AddAtom(atom)
        kept = np.triu(matrix[present][:, present])
        for i, j in zip(*np.nonzero(kept), strict=True):
            mol.AddBond(int(i), int(j), table[kept[i, j]])
        mols.append(mol)
    return mols


def floor_of(mols: list[Chem.Mol]) -> tuple[float, list[str]]:
    """Seconds of this process, and the SMILES, of sanitising and writing built molecules."""
    start = time.process_time()
    smiles = []
    for mol in mols:
        Chem.SanitizeMol(mol)
        smiles.append(Chem.MolToSmiles(mol))
    return time.process_time() - start, smiles


def main() -> None:
    """Measure and print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", type=Path)
    parser.add_argument("--limit", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    if args.path is None:
        from molgan.data import Bundled

        smiles = Bundled().read().smiles[: args.limit]
    else:
        smiles = read_smiles_file(args.path, args.limit)

    vocabulary = Vocabulary.from_smiles(smiles)
    start = time.process_time()
    encoded = Codec(vocabulary, 64).encode_smiles(smiles, verify=False)
    encode_seconds = time.process_time() - start
    codec = Codec(vocabulary, int((encoded.atoms > 0).sum(axis=1).max()))
    encoded = codec.encode_smiles(smiles)
    bonds = unpack_bonds(encoded.bonds, codec.max_atoms)

    # Times of one process, not of the clock, and the best of several: other load does not count.
    floors, decodes = [], []
    for _ in range(args.repeats):
        # Freeing the molecules of the last round belongs to neither time.
        decoded = mols = None
        mols = unsanitized(codec, encoded.atoms, bonds)
        seconds, floor = floor_of(mols)
        floors.append(seconds)
        start = time.process_time()
        decoded = codec.decode(encoded.atoms, bonds)
        decodes.append(time.process_time() - start)
        assert floor == [one.smiles for one in decoded]
    count = len(encoded)
    print(f"molecules            {count:,} (up to {codec.max_atoms} heavy atoms)")
    print(f"encode, unverified   {len(smiles) / encode_seconds:,.0f} molecules/s")
    print(f"RDKit's floor        {count / min(floors):,.0f} molecules/s")
    print(f"molgan decode        {count / min(decodes):,.0f} molecules/s")
    print(f"decode / floor time  {min(decodes) / min(floors):.2f}")


if __name__ == "__main__":
    main()
