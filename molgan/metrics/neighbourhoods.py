"""Neighbourhood subgraph pairs: the features of the NSPDK kernel, as EDeN counts them.

The kernel is that of Costa and De Grave, *Fast neighborhood subgraph pairwise distance kernel*,
ICML 2010, in the form of EDeN's `vectorize(graphs, complexity=4, discrete=True)` (copied in
harryjo97/GDSS `evaluation/eden.py`) on the graphs of `mols_to_nx` (GDSS `utils/mol_utils.py`).

A molecule is its heavy-atom graph, labelled with element and integer bond order: aromatic bonds
count as 1 (`int(1.5)`), charges and hydrogens are not seen. With r and d from 0 to 4:

* the neighbourhood N_r(v) is, ring by ring around atom v, the multiset of (element, degree) of the
  atoms at distance 0 ... r and the multiset of orders of the bonds met on the way; how the atoms of
  neighbouring rings are joined is not recorded. It exists where v has an atom at distance r
* block (r, d) counts, over ordered atom pairs (v, u) at distance d whose N_r both exist, the
  unordered pair {N_r(v), N_r(u)} and, as a feature of its own, N_r(u) alone
* each block is scaled to length 1, then the whole vector

Features are 52-bit hashes, the same on every machine; EDeN's are those of Python's `hash`, which
differ from process to process, in 2**16 buckets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.errors import DataError

COMPLEXITY = 4
"""Largest radius and largest distance."""

_HASH_BITS = 52  # the bits above hold the place of the molecule in its batch

MAX_BATCH = 2 ** (64 - _HASH_BITS)
"""Largest number of molecules that `describe` takes at once."""

_FAR = 255  # distance of atoms that are more than COMPLEXITY bonds apart, or not connected
_SALT = 2**40  # apart from anything a label or a block number can be

Hashes = npt.NDArray[np.uint64]
Rows = tuple[npt.NDArray[np.int64], Hashes, npt.NDArray[np.float32]]


def nspdk_features(mol: Chem.Mol) -> tuple[Hashes, npt.NDArray[np.float32]]:
    """Describe one molecule; `nspdk_matrix` does the same to many at a fraction of the cost.

    Args:
        mol: Sanitised molecule with at least one atom; not changed.

    Returns:
        The distinct features as ascending 52-bit hashes, and their values, a vector of length 1.

    Raises:
        DataError: If the molecule has no atoms.
    """
    _, hashes, values = describe([mol])
    return hashes, values


def describe(mols: Sequence[Chem.Mol]) -> Rows:
    """Describe a batch of n molecules, 1 to `MAX_BATCH`; time and memory go with the largest.

    Returns:
        Where each molecule's features start (n + 1), then what `nspdk_features` returns for each,
        one behind the other.

    Raises:
        DataError: If a molecule has no atoms.
    """
    atoms, bonds, bond_hash, near = _graphs(mols)
    distance = _distances(near, atoms != 0)
    codes, exists = _neighbourhoods(atoms, bonds, bond_hash, distance)
    side = COMPLEXITY + 1
    salts = _mix(np.arange(2 * side * side, dtype=np.uint64) + np.uint64(_SALT))
    salts = salts.reshape(2, side, side)  # (kind, radius, distance)
    upper = np.triu(np.ones(distance.shape[1:], dtype=bool))
    mol, one, two = np.nonzero((distance != _FAR) & upper)
    apart = distance[mol, one, two]
    found: list[tuple[Any, ...]] = []  # molecule, block, hash, count
    for radius in range(side):
        both = exists[radius][mol, one] & exists[radius][mol, two]
        mol, one, two, apart = mol[both], one[both], two[both], apart[both]
        twice = 1 + (apart > 0)  # (v, u) and (u, v)
        code = codes[radius]
        # The sum of two hashes knows no order, as the pair does not.
        pair = _mix(code[mol, one] + code[mol, two] + salts[0, radius][apart])
        found.append((mol, radius * side + apart, pair, twice))
        # How many partners each atom has at each distance: the weight of its N_r alone.
        shape = (*code.shape, side)
        ends = np.concatenate([one, two[apart > 0]])
        where = (np.concatenate([mol, mol[apart > 0]]), ends)
        cells = np.ravel_multi_index((*where, np.concatenate([apart, apart[apart > 0]])), shape)
        partners = np.bincount(cells, minlength=np.prod(shape)).reshape(shape)
        mol_u, u, apart_u = np.nonzero(partners)
        alone = _mix(code[mol_u, u] + salts[1, radius][apart_u])
        found.append((mol_u, radius * side + apart_u, alone, partners[mol_u, u, apart_u]))
    mol, block, hashes, counts = (np.concatenate(part) for part in zip(*found, strict=True))
    return _normalise(mol, block, hashes, counts, len(mols), side * side)


def _mix(values: Hashes) -> Hashes:
    """Scramble 64-bit integers: the finaliser of SplitMix64 (Steele et al., OOPSLA 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _normalise(
    mol: npt.NDArray[np.int64],
    block: npt.NDArray[np.int64],
    hashes: Hashes,
    counts: npt.NDArray[np.int64],
    n: int,
    blocks: int,
) -> Rows:
    """Add up equal features of a molecule, scale its blocks to length 1 and then the molecule."""
    bits = np.uint64(_HASH_BITS)
    keys = (mol.astype(np.uint64) << bits) | (hashes >> np.uint64(64 - _HASH_BITS))
    order = np.argsort(keys)
    keys = keys[order]
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    totals = np.add.reduceat(counts[order], first).astype(np.float64)
    mol, block = mol[order[first]], block[order[first]]
    squares = np.bincount(mol * blocks + block, totals**2, minlength=n * blocks)
    filled = np.count_nonzero(squares.reshape(n, blocks), axis=1)
    values = totals / np.sqrt(squares[mol * blocks + block] * filled[mol])
    starts = np.concatenate([[0], np.cumsum(np.bincount(mol, minlength=n))])
    return starts, keys[first] & np.uint64(2**_HASH_BITS - 1), values.astype(np.float32)


def _graphs(
    mols: Sequence[Chem.Mol],
) -> tuple[Hashes, npt.NDArray[np.int64], Hashes, npt.NDArray[np.bool_]]:
    """Read molecules as `mols_to_nx` of GDSS does, padded to the largest.

    Returns:
        Hashes of the atoms (B, N), 0 where there is none; the bonds' atoms (B, E, 2); hashes of the
        bonds (B, E), 0 where there is none; which atoms are bonded (B, N, N).
    """
    elements = [[atom.GetAtomicNum() for atom in mol.GetAtoms()] for mol in mols]
    edges = [
        [
            (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), int(bond.GetBondTypeAsDouble()))
            for bond in mol.GetBonds()
        ]
        for mol in mols
    ]
    if not all(elements):
        raise DataError("A molecule without atoms has no NSPDK features; leave it out.")
    n, width = len(mols), max(map(len, elements))
    numbers = np.full((n, width), -1, dtype=np.int64)
    bonds = np.zeros((n, max(1, *map(len, edges)), 3), dtype=np.int64)
    near = np.zeros((n, width, width), dtype=bool)
    for i, (row, edge) in enumerate(zip(elements, edges, strict=True)):
        numbers[i, : len(row)] = row
        if edge:
            bonds[i, : len(edge)] = edge
            one, two = bonds[i, : len(edge), 0], bonds[i, : len(edge), 1]
            near[i, one, two] = near[i, two, one] = True
    here = np.arange(bonds.shape[1]) < np.array([[len(edge)] for edge in edges])
    labels = (np.maximum(numbers, 0) << 16) + near.sum(axis=2)
    atoms = np.where(numbers >= 0, _mix((labels + 1).astype(np.uint64)), np.uint64(0))
    orders = (bonds[:, :, 2] + 2 * _SALT).astype(np.uint64)
    return atoms, bonds[:, :, :2], np.where(here, _mix(orders), np.uint64(0)), near


def _distances(
    near: npt.NDArray[np.bool_], present: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """Return the bonds between two atoms (B, N, N), 0 to COMPLEXITY, else _FAR."""
    ball = np.eye(near.shape[1], dtype=bool) & present[:, :, None]
    distance = np.where(ball, 0, _FAR).astype(np.uint8)
    steps = near.astype(np.float32)
    for far in range(1, COMPLEXITY + 1):
        ring = (ball.astype(np.float32) @ steps > 0) & ~ball
        distance[ring] = far
        ball |= ring
    return distance


def _neighbourhoods(
    atoms: Hashes,
    bonds: npt.NDArray[np.int64],
    bond_hash: Hashes,
    distance: npt.NDArray[np.uint8],
) -> tuple[list[Hashes], list[npt.NDArray[np.bool_]]]:
    """Hash N_r of every atom, for r = 0 ... COMPLEXITY: (B, N) each, and whether it exists."""
    rows = np.arange(len(atoms))[:, None]
    bond_distance = np.minimum(distance[rows, bonds[:, :, 0]], distance[rows, bonds[:, :, 1]])
    codes, exists = [_mix(atoms)], [atoms != 0]
    for radius in range(1, COMPLEXITY + 1):
        met = bond_distance == radius - 1
        ring = distance == radius
        # Sums modulo 2**64 of scrambled labels are hashes of multisets.
        met_hash = np.where(met, bond_hash[:, :, None], np.uint64(0)).sum(axis=1, dtype=np.uint64)
        ring_hash = np.where(ring, atoms[:, None, :], np.uint64(0)).sum(axis=2, dtype=np.uint64)
        codes.append(_mix(_mix(codes[-1] + met_hash) + ring_hash))
        exists.append(ring.any(axis=2))
    return codes, exists
