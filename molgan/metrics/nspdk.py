"""Maximum mean discrepancy under the neighbourhood subgraph pairwise distance kernel (NSPDK).

The kernel is the dot product of two feature vectors (see `molgan.metrics.neighbourhoods`), so that
the discrepancy is the squared distance between two means: every molecule is described once, and no
kernel matrix is needed. It is the figure of harryjo97/GDSS and harryjo97/GruM
(`compute_nspdk_mmd` in `evaluation/mmd.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.errors import DataError
from molgan.metrics.neighbourhoods import MAX_BATCH, describe
from molgan.metrics.neighbourhoods import nspdk_features as nspdk_features

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BUCKETS = 2**18
"""Default number of columns of a feature matrix, and length of a mean."""

_CELLS = 2**15  # atoms x atoms x molecules in a batch: larger ones leave the processor cache


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
        starts, hashes, values = describe([mols[i] for i in order[batch]])
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
    samples: see `nspdk_floor`. For the same reason bootstrap samples of n rows score about
    (1 - k) / n more than the rows themselves; their spread is right, their mean is not.

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
        stop = min(stop, start + MAX_BATCH)
        yield slice(start, stop)
        start = stop
