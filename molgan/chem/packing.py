"""Bond matrices as packed upper triangles, which is how they are stored."""

from __future__ import annotations

import numpy as np


def pack_bonds(bonds: np.ndarray) -> np.ndarray:
    """Take the upper triangle of bond matrices.

    Args:
        bonds: (B, N, N) bond types; only entries above the diagonal are read.

    Returns:
        (B, N * (N - 1) // 2), in the order of ``np.triu_indices(N, 1)``, same dtype.
    """
    rows, cols = np.triu_indices(bonds.shape[-1], 1)
    packed: np.ndarray = bonds[..., rows, cols]
    return packed


def unpack_bonds(packed: np.ndarray, num_atoms: int | None = None) -> np.ndarray:
    """Undo `pack_bonds`.

    Args:
        packed: (B, P) upper triangles.
        num_atoms: N; worked out from P when None.

    Returns:
        (B, N, N) symmetric matrices with a zero diagonal, same dtype.

    Raises:
        ValueError: P is not N * (N - 1) // 2.
    """
    pairs = packed.shape[-1]
    n = int((1 + np.sqrt(1 + 8 * pairs)) / 2) if num_atoms is None else num_atoms
    if n * (n - 1) // 2 != pairs:
        raise ValueError(f"{pairs} pairs are not the upper triangle of an {n} x {n} matrix")
    bonds = np.zeros((*packed.shape[:-1], n, n), dtype=packed.dtype)
    rows, cols = np.triu_indices(n, 1)
    bonds[..., rows, cols] = packed
    bonds[..., cols, rows] = packed
    return bonds
