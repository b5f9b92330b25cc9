"""Morgan fingerprints and Tanimoto similarities: nearest neighbours and means over many pairs.

Fingerprints have radius 2 and 1,024 bits, as in MOSES (Polykovskiy et al. 2020), and are kept
packed, eight bits to a byte. Similarities are those of RDKit's `BulkTanimotoSimilarity`.

Pairs are counted by adding, for each bit that a molecule has, the row of that bit over a block of
other molecules: a molecule has some 40 of the 1,024 bits, so this is an order of magnitude less
work than a matrix product or a popcount over all bits, and one block fits into the cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

Bits = npt.NDArray[np.uint8]

N_BITS = 1024
RADIUS = 2
BLOCK = 32_768
"""Other molecules per block: 32 MiB unpacked, of which some 1 MiB is read for each molecule."""


def molecule_bits(mol: Chem.Mol) -> Bits:
    """Return the packed Morgan fingerprint of one molecule, shape (128,)."""
    return np.packbits(_generator().GetFingerprintAsNumPy(mol))


def morgan_bits(mols: Sequence[Chem.Mol]) -> Bits:
    """Return packed Morgan fingerprints, shape (M, 128): radius 2, 1,024 bits, no chirality.

    Args:
        mols: Sanitised molecules.
    """
    packed = np.empty((len(mols), N_BITS // 8), dtype=np.uint8)
    for row, mol in enumerate(mols):
        packed[row] = molecule_bits(mol)
    return packed


class Unpacked:
    """Reference fingerprints laid out for `nearest` once, where they are asked many times.

    Args:
        reference_bits: (R, 128) packed fingerprints; unpacked they take 1 KiB each.
        chunk: Reference molecules in one block.
    """

    def __init__(self, reference_bits: Bits, chunk: int = BLOCK) -> None:
        self.blocks = list(_blocks(reference_bits, chunk))


def nearest(
    bits: Bits, reference_bits: Bits | Unpacked, *, exclude_self: bool = False, chunk: int = BLOCK
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Find for each molecule the most similar reference molecule.

    Args:
        bits: (M, 128) packed fingerprints.
        reference_bits: (R, 128) packed fingerprints, or the same laid out once for many calls.
        exclude_self: Molecule i is not compared with reference molecule i: leave-one-out, for
            `bits` and `reference_bits` that are the same set.
        chunk: Reference molecules held unpacked at once (1 KiB each).

    Returns:
        (M,) Tanimoto similarities, 0 to 1, and (M,) reference indices, the first one of several
        equally near. Where there is nothing to compare with: NaN and -1.
    """
    best = np.full(len(bits), -1.0, dtype=np.float32)
    similarity = np.full(len(bits), np.nan)
    index = np.full(len(bits), -1, dtype=np.int64)
    if isinstance(reference_bits, Unpacked):
        blocks: Iterable[_Block] = reference_bits.blocks
    else:
        blocks = _blocks(reference_bits, chunk)
    for start, i, common, size, sizes in _pairs(bits, blocks):
        # common / (sum of sizes) rises with the Tanimoto similarity and is at most 1/2. Two
        # different ones differ by more than float32 rounds, so ties are true ties.
        total = sizes + np.float32(size)
        ratio = common / total if size else np.where(sizes == 0, np.float32(0.5), np.float32(0))
        if exclude_self and start <= i < start + len(sizes):
            ratio[i - start] = -1.0
        k = int(ratio.argmax())
        if ratio[k] > best[i]:
            best[i] = ratio[k]
            index[i] = start + k
            union = float(total[k]) - float(common[k])
            similarity[i] = float(common[k]) / union if union else 1.0
    return similarity, index


def mean_similarities(
    bits: Bits, power: float = 1, *, chunk: int = BLOCK
) -> npt.NDArray[np.float64]:
    """Return for each molecule i the mean over all molecules j of T_ij ** power.

    The pair of a molecule with itself is included, as in MOSES; the internal diversity of the set
    is 1 - mean ** (1 / power) of the mean of these (see `molgan.metrics.moses.internal_diversity`).

    Args:
        bits: (M, 128) packed fingerprints.
        power: Exponent of the similarity.
        chunk: Molecules held unpacked at once (1 KiB each).

    Returns:
        (M,) means, 0 to 1.
    """
    sums = np.zeros(len(bits))
    for _, i, common, size, sizes in _pairs(bits, _blocks(bits, chunk)):
        # Two molecules without any bit (none in practice: every atom sets one) count as alike.
        if size:
            tanimoto = common / (sizes.astype(np.float64) + (size - common.astype(np.float64)))
        else:
            tanimoto = (sizes == 0).astype(np.float64)
        sums[i] += float(tanimoto.sum() if power == 1 else (tanimoto**power).sum())
    return sums / max(len(bits), 1)


class _Block(NamedTuple):
    """A part of the reference: its first molecule, a row for each bit, bits of each molecule."""

    start: int
    rows: list[npt.NDArray[np.uint8]]
    sizes: npt.NDArray[np.float32]


def _blocks(reference_bits: Bits, chunk: int) -> Iterator[_Block]:
    """Lay out the reference, block by block."""
    for start in range(0, len(reference_bits), chunk):
        part = reference_bits[start : start + chunk]
        rows = np.ascontiguousarray(np.unpackbits(part, axis=1).T)  # (1024, block)
        yield _Block(start, list(rows), np.bitwise_count(part).sum(1, dtype=np.float32))


def _pairs(
    bits: Bits, blocks: Iterable[_Block]
) -> Iterator[tuple[int, int, npt.NDArray[Any], int, npt.NDArray[np.float32]]]:
    """Compare every molecule with one block of the reference after the other.

    Yields:
        First reference molecule of the block; molecule; bits in common with each of the block
        (valid until the next step); bits of the molecule; bits of each of the block.
    """
    present = [np.flatnonzero(row) for row in np.unpackbits(bits, axis=1)]
    for start, rows, sizes in blocks:
        for i, on in enumerate(present):
            # Bytes are added many at a time; no drug-like molecule has more bits than they hold.
            common = np.zeros(len(sizes), dtype=np.uint8 if len(on) < 256 else np.uint16)
            for bit in on.tolist():
                np.add(common, rows[bit], out=common)
            yield start, i, common, len(on), sizes


@cache
def _generator() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=N_BITS)
