"""Choosing few of many: diverse picks, clusters, caps per scaffold, the Pareto front.

Fingerprints are the packed bits of `molgan.metrics.similarity.morgan_bits` (Morgan radius 2, 1,024
bits). Every threshold is a Tanimoto *similarity*, 0 to 1. Everything returns row numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from molgan.errors import ConfigError

Bits = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]

BUTINA_LIMIT = 100_000
"""Most molecules that `butina` takes: it compares all pairs, 5e9 of them at this number."""

NEIGHBOUR_LIMIT = 300_000_000
"""Most neighbours that `butina` remembers, four bytes each."""


def maxmin(bits: Bits, n: int, seed: int = 0, *, first: Sequence[int] = ()) -> Rows:
    """Pick molecules so that each is as far as possible from those picked before it.

    Ashton et al., Quant. Struct.-Act. Relat. 21, 598 (2002), by RDKit's lazy picker, which compares
    only the pairs that can matter. 249,455 molecules of ZINC250k to 1,000: see docs/results.md.

    Args:
        bits: (M, bytes) packed fingerprints.
        n: How many; all M where it is more.
        seed: Of the random first pick, 0 or more.
        first: Rows that are picked already, such as the best scored; they come first in the answer.

    Returns:
        Row numbers, in the order of picking: the first k of them are a pick of k.
    """
    n = min(_not_negative(n, "n"), len(bits))
    started = list(dict.fromkeys(int(row) for row in first))[:n]
    if len(started) == n:
        return np.array(started, dtype=np.int64)
    from rdkit.SimDivFilters.rdSimDivPickers import MaxMinPicker

    # RDKit takes -1 as "any seed", and first picks only when more are wanted.
    seed = _not_negative(seed, "seed") % 2**31
    picked = MaxMinPicker().LazyBitVectorPick(_vectors(bits), len(bits), n, started, seed)
    return np.array(list(picked), dtype=np.int64)


def sphere_exclusion(
    bits: Bits,
    threshold: float,
    n: int | None = None,
    seed: int = 0,
    *,
    order: Sequence[int] | None = None,
) -> Rows:
    """Pick molecules of which no two are as similar as `threshold` or more (leader algorithm).

    Args:
        bits: (M, bytes) packed fingerprints.
        threshold: Tanimoto similarity, 0 to 1, at which a molecule counts as covered by a pick.
        n: Stop after so many; None goes on until every molecule is picked or covered.
        seed: Of the random order in which molecules are asked.
        order: Rows in the order in which they are asked instead, such as best score first. Rows
            that are not in it are not picked.

    Returns:
        Row numbers, in the order of picking.
    """
    _share(threshold)
    asked = (
        np.random.default_rng(seed).permutation(len(bits))
        if order is None
        else np.asarray(order, dtype=np.int64)
    )
    if len(asked) == 0 or n == 0:
        return np.empty(0, dtype=np.int64)
    from rdkit.SimDivFilters.rdSimDivPickers import LeaderPicker

    # RDKit keeps what lies farther than the distance; 0 for the number means no limit.
    picked = LeaderPicker().LazyBitVectorPick(
        _vectors(bits[asked]), len(asked), 1.0 - threshold, 0 if n is None else n
    )
    return asked[np.array(list(picked), dtype=np.int64)].astype(np.int64)


def butina(bits: Bits, threshold: float) -> Rows:
    """Centres of the Butina clusters, largest cluster first; see `butina_clusters`."""
    return np.array([cluster[0] for cluster in butina_clusters(bits, threshold)], dtype=np.int64)


def butina_clusters(bits: Bits, threshold: float) -> list[Rows]:
    """Cluster by Butina's algorithm: the molecule with most neighbours takes them all, and again.

    Butina, J. Chem. Inf. Comput. Sci. 39, 747 (1999). Neighbours are counted once, at the start.

    Args:
        bits: (M, bytes) packed fingerprints, at most `BUTINA_LIMIT`.
        threshold: Tanimoto similarity, 0 to 1, from which two molecules are neighbours.

    Returns:
        Clusters in the order of their forming; in each the centre first, then the others by row.
        Every row is in exactly one.

    Raises:
        ConfigError: for more molecules or neighbours than memory and time allow;
            `sphere_exclusion` has no such limit.
    """
    _share(threshold)
    if len(bits) > BUTINA_LIMIT:
        raise ConfigError(
            f"Butina clustering compares all pairs and takes at most {BUTINA_LIMIT:,} molecules, "
            f"not {len(bits):,}; use sphere exclusion, or filter first"
        )
    neighbours = _neighbours(bits, threshold)
    counts = np.array([len(rows) for rows in neighbours], dtype=np.int64)
    free = np.ones(len(bits), dtype=bool)
    clusters: list[Rows] = []
    # Stable: of equals the first row leads, so that the answer does not depend on the machine.
    for centre in np.argsort(-counts, kind="stable").tolist():
        if not free[centre]:
            continue
        members = neighbours[centre]
        members = members[free[members]]
        members = np.concatenate(([centre], members[members != centre])).astype(np.int64)
        free[members] = False
        clusters.append(members)
    clusters.sort(key=len, reverse=True)
    return clusters


def cap_per_scaffold(scaffolds: Sequence[Hashable], order: Iterable[int], limit: int) -> Rows:
    """Keep at most `limit` molecules of each scaffold, those that come first in `order`.

    Args:
        scaffolds: One for each row, such as `molgan.chem.murcko_scaffold`. Acyclic molecules share
            the scaffold ``""`` and are capped together like any other.
        order: Row numbers, best first.
        limit: 1 or more.

    Returns:
        The rows kept, in the order given.
    """
    if limit < 1:
        raise ConfigError(f"the cap per scaffold must be 1 or more, not {limit}")
    seen: Counter[Hashable] = Counter()
    kept = []
    for row in order:
        scaffold = scaffolds[row]
        if seen[scaffold] < limit:
            seen[scaffold] += 1
            kept.append(row)
    return np.array(kept, dtype=np.int64)


def pareto_front(scores: npt.ArrayLike, directions: Sequence[str]) -> Rows:
    """Rows that no other row beats: as good in every score and better in one.

    Args:
        scores: (M, K) numbers. A row with a NaN is never on the front.
        directions: K times ``"max"`` (higher is better) or ``"min"``.

    Returns:
        Row numbers, ascending. Rows with the same scores are all in or all out.

    Raises:
        ConfigError: for a direction that is neither, or K of them that do not fit.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(directions) or not directions:
        raise ConfigError(
            f"a Pareto front of scores with shape {table.shape} needs one direction for each "
            f"column, not {len(directions)}"
        )
    for direction in directions:
        if direction not in ("max", "min"):
            raise ConfigError(f"the direction of a score is max or min, not {direction!r}")
    rows = np.flatnonzero(~np.isnan(table).any(axis=1))
    # Ranks instead of numbers: their sum cannot overflow to infinity or lose a small difference.
    ranks = np.empty((len(rows), len(directions)), dtype=np.int64)
    for column, direction in enumerate(directions):
        _, rank = np.unique(table[rows, column], return_inverse=True)
        ranks[:, column] = rank if direction == "max" else -rank
    # A row that beats another has the larger sum, so the largest sum left is never beaten.
    by_sum = np.argsort(-ranks.sum(axis=1), kind="stable")
    rows, ranks = rows[by_sum], ranks[by_sum]
    front = []
    while len(rows):
        best = ranks[0]
        same = (ranks == best).all(axis=1)
        front.extend(rows[same].tolist())
        left = (ranks > best).any(axis=1)
        rows, ranks = rows[left], ranks[left]
    return np.array(sorted(front), dtype=np.int64)


def _neighbours(bits: Bits, threshold: float) -> list[npt.NDArray[np.int32]]:
    """For each row the rows, itself among them, that are at least so similar; ascending."""
    words = _words(bits)
    sizes = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    by_size = np.argsort(sizes, kind="stable")
    words, sorted_sizes = words[by_size], sizes[by_size]
    found = [np.empty(0, dtype=np.int32)] * len(bits)
    total = 0
    for row, size in enumerate(sorted_sizes.tolist()):
        # Similarity is at most the ratio of the sizes: only a window of sizes can be near.
        start = int(np.searchsorted(sorted_sizes, int(np.ceil(size * threshold - 1e-9))))
        stop = int(
            np.searchsorted(sorted_sizes, size / threshold + 1e-9, side="right")
            if threshold
            else len(bits)
        )
        common = np.bitwise_count(words[start:stop] & words[row]).sum(axis=1, dtype=np.int64)
        union = sorted_sizes[start:stop] + size - common
        near = common >= threshold * union - 1e-9
        found[by_size[row]] = np.sort(by_size[start:stop][near]).astype(np.int32)
        total += len(found[by_size[row]])
        if total > NEIGHBOUR_LIMIT:
            raise ConfigError(
                f"at a similarity of {threshold} these {len(bits):,} molecules have more than "
                f"{NEIGHBOUR_LIMIT:,} neighbours; raise the threshold, or use sphere exclusion"
            )
    return found


def _words(bits: Bits) -> npt.NDArray[np.uint64]:
    """The same bits, eight bytes to a word."""
    width = -(-bits.shape[1] // 8) * 8
    padded = np.zeros((len(bits), width), dtype=np.uint8)
    padded[:, : bits.shape[1]] = bits
    return padded.view(np.uint64)


def _vectors(bits: Bits) -> list[Any]:
    """RDKit's bit vectors, about 250 bytes each.

    RDKit reads the bits of a byte from the other end. That moves every bit of every molecule the
    same way, and similarities do not change.
    """
    from rdkit.DataStructs import CreateFromBinaryText

    return [CreateFromBinaryText(row.tobytes()) for row in np.ascontiguousarray(bits)]


def _share(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise ConfigError(f"a Tanimoto similarity lies between 0 and 1, not at {threshold}")


def _not_negative(value: int, name: str) -> int:
    if value < 0:
        raise ConfigError(f"{name} must be 0 or more, not {value}")
    return int(value)
