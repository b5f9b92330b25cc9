"""Connectivity of many small graphs at once, with adjacency rows as bit masks.

Atom k of a graph is bit ``k % 64`` of word ``k // 64``. One sweep over the atoms costs N operations
on (B,) integers, whatever the number of bonds; chains in written order need a single sweep.
"""

from __future__ import annotations

import numpy as np


def adjacency_words(adjacent: np.ndarray) -> np.ndarray:
    """Pack adjacency rows into bit masks.

    Args:
        adjacent: (B, R, N) bool; R rows of each graph, usually all N.

    Returns:
        (R, B, W) uint64 with W = ceil(N / 64).
    """
    batch, rows, n = adjacent.shape
    words = (n + 63) // 64
    raw = np.zeros((batch, rows, words * 8), dtype=np.uint8)
    packed = np.packbits(adjacent, axis=-1, bitorder="little")
    raw[..., : packed.shape[-1]] = packed
    as_words = raw.view("<u8").astype(np.uint64, copy=False)
    return np.ascontiguousarray(as_words.transpose(1, 0, 2))


def present_words(present: np.ndarray) -> np.ndarray:
    """Pack atom masks (B, N) bool into (B, W) uint64."""
    masks: np.ndarray = adjacency_words(present[:, None, :])[0]
    return masks


def lowest_bit(masks: np.ndarray) -> np.ndarray:
    """Keep only the lowest set bit of each mask (B, W); an empty mask stays empty."""
    result = np.zeros_like(masks)
    done = np.zeros(len(masks), dtype=bool)
    for w in range(masks.shape[1]):
        word = masks[:, w]
        # Two's complement: x & -x isolates the lowest set bit.
        result[:, w] = np.where(done, 0, word & (~word + np.uint64(1)))
        done |= word != 0
    return result


def reachable(words: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Find the atoms connected to the seeds.

    Args:
        words: (N, B, W) adjacency from `adjacency_words`.
        seeds: (B, W) atoms to start from.

    Returns:
        (B, W) masks of all atoms reached, seeds included.
    """
    reached = seeds.copy()
    active = np.arange(len(seeds))
    while active.size:
        before = reached[active]
        now = before.copy()
        rows = words[:, active]
        for k in range(len(words)):
            bit = (now[:, k // 64] >> np.uint64(k % 64)) & np.uint64(1)
            now |= rows[k] * bit[:, None]
        reached[active] = now
        active = active[(now != before).any(axis=1)]
    return reached


def is_connected(adjacent: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Tell which graphs are in one piece.

    Args:
        adjacent: (B, N, N) bool, symmetric, False at absent atoms.
        present: (B, N) bool.

    Returns:
        (B,) bool; an empty graph counts as connected.
    """
    masks = present_words(present)
    reached = reachable(adjacency_words(adjacent), lowest_bit(masks))
    connected: np.ndarray = (reached == masks).all(axis=1)
    return connected


def largest_component(
    adjacent: np.ndarray, present: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Keep the largest connected piece of each graph.

    Args:
        adjacent: (B, N, N) bool, symmetric, False at absent atoms.
        present: (B, N) bool.
        weights: (B, N) in [0, 1]; of pieces of equal size the heaviest is kept. Optional.

    Returns:
        (B, N) bool; where all else is equal, the piece with the first atom.
    """
    words = adjacency_words(adjacent)
    left = present_words(present)
    batch, n = present.shape
    best = np.zeros((batch, n), dtype=bool)
    best_size = np.zeros(batch)
    while left.any():
        piece = reachable(words, lowest_bit(left))
        members = _unpack(piece, n)
        size = members.sum(axis=1).astype(np.float64)
        if weights is not None:
            # Weights decide between equal sizes only: together they stay below one atom.
            size += (members * weights).sum(axis=1) / (n + 1)
        better = size > best_size
        best[better] = members[better]
        best_size[better] = size[better]
        left &= ~piece
    return best


def _unpack(masks: np.ndarray, n: int) -> np.ndarray:
    """Turn masks (B, W) uint64 back into (B, n) bool."""
    as_bytes = masks.astype("<u8").view(np.uint8)
    return np.unpackbits(as_bytes, axis=-1, bitorder="little", count=n).astype(bool)
