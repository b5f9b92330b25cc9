"""Maximum mean discrepancy under the neighbourhood subgraph pairwise distance kernel (NSPDK).

The kernel is that of Costa and De Grave, *Fast neighborhood subgraph pairwise distance kernel*,
ICML 2010, in the form the GDSS and GruM papers compute it: EDeN's `vectorize(graphs, complexity=4,
discrete=True)` (harryjo97/GDSS `evaluation/eden.py`, `evaluation/mmd.py`, `utils/mol_utils.py`).

A molecule is its heavy-atom graph, labelled with element and integer bond order: aromatic bonds
count as 1 (`int(1.5)`), charges and hydrogens are not seen. With r and d from 0 to 4:

* the neighbourhood N_r(v) is, ring by ring around atom v, the multiset of (element, degree) of the
  atoms at distance 0 ... r and the multiset of orders of the bonds met on the way; how the atoms of
  neighbouring rings are joined is not recorded. It exists where v has an atom at distance r
* block (r, d) counts, over ordered atom pairs (v, u) at distance d whose N_r both exist, the
  unordered pair {N_r(v), N_r(u)} and, as a feature of its own, N_r(u) alone
* each block is scaled to length 1, then the whole vector

The kernel is the plain dot product of two such vectors, so that the discrepancy is the squared
distance between two means: every molecule is described once, and no kernel matrix is needed.

EDeN hashes to 2**16 buckets with Python's `hash`, which differs from process to process. Features
here are 52-bit hashes that never change, and they meet only when a matrix is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

COMPLEXITY = 4
"""Largest radius and largest distance."""

BUCKETS = 2**18
"""Default number of columns of a feature matrix, and length of a mean."""

_FAR = 255  # distance of atoms that are more than COMPLEXITY bonds apart, or not connected
_HASH_BITS = 52  # the bits above hold the place of the molecule in its batch
_CELLS = 2**18  # atoms x atoms x molecules per batch: about 2 MB for each array of hashes
_SALT = 2**40  # apart from anything a label or a block number can be

_Hashes = npt.NDArray[np.uint64]
_Rows = tuple[npt.NDArray[np.int64], _Hashes, npt.NDArray[np.float32]]


def nspdk_features(mol: Chem.Mol) -> tuple[_Hashes, npt.NDArray[np.float32]]:
    """Describe one molecule; `nspdk_matrix` does the same to many at a fraction of the cost.

    Args:
        mol: Sanitised molecule with at least one atom; not changed.

    Returns:
        The distinct features as ascending 52-bit hashes, and their values, a vector of length 1.

    Raises:
        DataError: If the molecule has no atoms.
    """
    _, hashes, values = _describe([mol])
    return hashes, values


def nspdk_matrix(mols: Sequence[Chem.Mol], buckets: int = BUCKETS) -> csr_matrix:
    """Describe n molecules, one row each.

    Features that share a bucket are added up. That moves a discrepancy by about
    `sqrt(2 / buckets)` of itself (0.3 % by default), far less than drawing other molecules does.

    Args:
        mols: Sanitised molecules of at least one atom each; not changed.
        buckets: Number of columns, a power of 2. Rows compare only with rows of as many.

    Returns:
        (n, buckets) sparse matrix, float32. Rows can be picked and repeated: `matrix[rows]`.

    Raises:
        DataError: If a molecule has no atoms.
    """
    from scipy.sparse import csr_matrix

    if buckets < 1 or buckets & (buckets - 1) or buckets > 2**31:
        raise ValueError(f"buckets must be a power of 2 up to 2**31, not {buckets}")
    sizes = np.array([mol.GetNumAtoms() for mol in mols], dtype=np.int64)
    order = np.argsort(sizes, kind="stable")
    lengths = [np.zeros(1, dtype=np.int64)]
    columns = [np.zeros(0, dtype=np.int32)]
    data = [np.zeros(0, dtype=np.float32)]
    for batch in _batches(sizes[order]):
        starts, hashes, values = _describe([mols[i] for i in order[batch]])
        lengths.append(np.diff(starts))
        columns.append((hashes & np.uint64(buckets - 1)).astype(np.int32))
        data.append(values)
    sorted_rows: Any = csr_matrix(
        (np.concatenate(data), np.concatenate(columns), np.cumsum(np.concatenate(lengths))),
        shape=(len(mols), buckets),
    )
    sorted_rows.sum_duplicates()
    matrix: csr_matrix = sorted_rows[np.argsort(order)]
    return matrix


def nspdk_mean(
    matrix: csr_matrix, weights: npt.NDArray[np.generic] | None = None
) -> npt.NDArray[np.float64]:
    """Return the mean row, (buckets,): all that the discrepancy needs to know of a set.

    Args:
        matrix: (n, buckets) from `nspdk_matrix`.
        weights: (n,) how often each row counts, for example in a bootstrap sample; default once.

    Raises:
        DataError: If there is nothing to average.
    """
    counts = np.ones(matrix.shape[0]) if weights is None else np.asarray(weights, dtype=float)
    total = float(counts.sum())
    if total <= 0:
        raise DataError("The NSPDK discrepancy needs at least one valid molecule in each set.")
    mean: npt.NDArray[np.float64] = (matrix.T @ counts) / total
    return mean


def nspdk_mmd(mean_a: npt.NDArray[np.float64], mean_b: npt.NDArray[np.float64]) -> float:
    """Return the discrepancy between two sets from their means, 0 (alike) to 2.

    Equals mean K(a, a) + mean K(b, b) - 2 mean K(a, b) of `compute_nspdk_mmd` in GDSS, pairs of a
    molecule with itself included; not its square root. It therefore does not fall to 0 for finite
    samples: see `nspdk_floor`.

    Args:
        mean_a: (buckets,) from `nspdk_mean`.
        mean_b: (buckets,), the same number of buckets.
    """
    if mean_a.shape != mean_b.shape:
        raise ValueError(f"means of {mean_a.size} and {mean_b.size} buckets do not compare")
    difference = mean_a - mean_b
    return float(difference @ difference)


def nspdk_floor(mean: npt.NDArray[np.float64], n_mean: int, n_a: int, n_b: int) -> float:
    """Return the discrepancy to expect of two samples that were drawn alike, 0 to 2.

    It is (1/n_a + 1/n_b) (1 - k) with k the expected kernel of two different molecules, because a
    molecule's kernel with itself is 1.

    Args:
        mean: (buckets,) mean of a set that stands for the distribution, from `nspdk_mean`.
        n_mean: Number of molecules in that set, at least 2.
        n_a: Size of the one sample.
        n_b: Size of the other, such as the test set.
    """
    if n_mean < 2 or n_a < 1 or n_b < 1:
        raise ValueError("a floor needs a set of 2 molecules or more, and samples of 1 or more")
    between = (n_mean * float(mean @ mean) - 1) / (n_mean - 1)
    return (1 / n_a + 1 / n_b) * (1 - between)


def _batches(sizes: npt.NDArray[np.int64]) -> Iterator[slice]:
    """Cut ascending sizes into runs whose padded distance matrices stay small."""
    start = 0
    while start < len(sizes):
        stop = start + 1
        while stop < len(sizes) and (stop + 1 - start) * int(sizes[stop]) ** 2 <= _CELLS:
            stop += 1
        stop = min(stop, start + 2 ** (64 - _HASH_BITS))
        yield slice(start, stop)
        start = stop


def _mix(values: _Hashes) -> _Hashes:
    """Scramble 64-bit integers: the finaliser of SplitMix64 (Steele et al., OOPSLA 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _describe(mols: Sequence[Chem.Mol]) -> _Rows:
    """Describe a batch: where each molecule's features start (n + 1), hashes, values."""
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


def _normalise(
    mol: npt.NDArray[np.int64],
    block: npt.NDArray[np.int64],
    hashes: _Hashes,
    counts: npt.NDArray[np.int64],
    n: int,
    blocks: int,
) -> _Rows:
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
) -> tuple[_Hashes, npt.NDArray[np.int64], _Hashes, npt.NDArray[np.bool_]]:
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
    atoms: _Hashes,
    bonds: npt.NDArray[np.int64],
    bond_hash: _Hashes,
    distance: npt.NDArray[np.uint8],
) -> tuple[list[_Hashes], list[npt.NDArray[np.bool_]]]:
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
