"""Standard errors: how far a figure would move if the same model were sampled once more.

Only the sample counts as random. The reference set is given by the protocol, and another training
run of the model is another matter.

Which function for which figure:

* shares of molecules drawn (validity, filters): `share_error`, at 0 and 1 `share_interval`
* means over molecules (QED, SNN): `mean_error`; over pairs (IntDiv): `pair_mean_error`
* counts of distinct things (uniqueness, number of scaffolds, V x U x N): `distinct_error`;
  novelty among the distinct ones: `novelty_error`
* everything else, from rows of features (FCD, MMD, Wasserstein, KL): `bootstrap_error`

The bootstrap draws rows with replacement, so it makes repeats where the sample has none: of n
distinct molecules it keeps 63 %. Uniqueness under it is meaningless, hence the formulas above. FCD,
MMD and KL shift upward under it too, since repeats make a smaller sample of it: the mean of the
resamples must not be shown. Their spread about their own mean, which is what is returned, remains
usable as a standard error.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

# Of Efron and Thisted's binomial smoothing: weight 1 up to about 4 copies, 0 above 20.
_SMOOTHING = 20


def bootstrap_error(
    statistic: Callable[[Rows], float], n: int, *, resamples: int = 200, seed: int = 0
) -> float:
    """Return the bootstrap standard error of a statistic of n molecules.

    Efron, Ann. Stat. 7, 1 (1979). With 200 resamples it is itself good to about 5 %.

    Args:
        statistic: From (n,) row numbers, repeats included, to the figure of those molecules.
        n: Number of molecules.
        resamples: At least 2.
        seed: Of the draws; the same seed gives the same rows for every statistic.

    Returns:
        Standard deviation over the resamples; nan with fewer than 2 molecules, or where the
        statistic is not defined on most resamples.
    """
    return float(bootstrap_errors(statistic, n, resamples=resamples, seed=seed))


def bootstrap_errors(
    statistic: Callable[[Rows], npt.ArrayLike], n: int, *, resamples: int = 200, seed: int = 0
) -> Array:
    """Like `bootstrap_error` for a statistic that returns several figures at once, any shape."""
    if n < 2:
        return np.full(np.shape(statistic(np.arange(n))) if n else (), math.nan)
    rng = np.random.default_rng(seed)
    values = np.array([statistic(rng.integers(0, n, n)) for _ in range(resamples)], dtype=float)
    defined = np.isfinite(values)
    count = defined.sum(axis=0)
    enough = (count > 1) & (2 * count > resamples)
    # Plain formulas instead of nanstd, which warns where nothing is defined.
    mean = np.where(defined, values, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(defined, values - mean, 0.0) ** 2
    errors = np.sqrt(squares.sum(axis=0) / np.maximum(count - 1, 1))
    return np.asarray(np.where(enough, errors, math.nan))


def share_error(k: int, n: int) -> float:
    """Return the binomial standard error sqrt(p (1 - p) / n) of a share p = k / n.

    It is 0 where k is 0 or n, which says too little: see `share_interval`. nan where n is 0.

    Args:
        k: Molecules that count.
        n: Molecules drawn.
    """
    return math.sqrt(k * (n - k) / n) / n if n else math.nan


def share_interval(k: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's score interval of a share (J. Am. Stat. Assoc. 22, 209, 1927).

    Unlike p ± z times the standard error it stays within 0 and 1 and has a width at k = 0: with
    10,000 valid ones of 10,000 it is 0.9996 to 1. (nan, nan) where n is 0.

    Args:
        k: Molecules that count.
        n: Molecules drawn.
        z: Half width in standard errors; 1.96 for 95 %.
    """
    if n == 0:
        return math.nan, math.nan
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At the ends the two parts cancel up to rounding.
    return 0.0 if k == 0 else middle - half, 1.0 if k == n else middle + half


def mean_error(values: npt.ArrayLike) -> float:
    """Return the standard error std / sqrt(n) of a mean; nan with fewer than 2 finite values.

    For a mean the jackknife gives just this.

    Args:
        values: (n,) one value for each molecule, repeats included; those not finite are left out.
    """
    array = np.asarray(values, dtype=np.float64).ravel()
    array = array[np.isfinite(array)]
    if len(array) < 2:
        return math.nan
    return float(np.std(array, ddof=1)) / math.sqrt(len(array))


def pair_mean_error(row_means: npt.ArrayLike) -> float:
    """Return the standard error of a mean over all pairs of molecules, such as that of IntDiv.

    Twice that of the mean of the rows, for each molecule stands in a row and in a column
    (Hoeffding, Ann. Math. Stat. 19, 293, 1948). The bootstrap over rows alone would give half.

    Args:
        row_means: (n,) mean over the pairs of each molecule with all n.
    """
    return 2.0 * mean_error(row_means)


def distinct_error(counts: npt.ArrayLike, n: int) -> float:
    """Return the standard error of the number of distinct kinds seen in n draws.

    Divide by n for the error of uniqueness. The kinds may be molecules, only the novel ones among
    them, or scaffolds; draws of no kind (invalid, known, acyclic) count in n alone.

    With L the expected copies of a kind, the number of distinct kinds has the variance
    sum(exp(-L) - exp(-2 L)) - (sum L exp(-L))^2 / n. Its first sum is what a second sample of n
    would add in new kinds, which Good and Toulmin (Biometrika 43, 45, 1956) estimate without bias
    by f1 - f2 + f3 - ..., f_k being the kinds seen k times, and its last sum is estimated by f1. So
    the variance is f1 - f2 + f3 - ... - f1^2 / n. High f_k are smoothed after Efron and Thisted
    (Biometrika 63, 435, 1976). The delete-one jackknife would be f1 - f1^2 / n: too large, by a
    factor of up to 2 where repeats are rare.

    Where no kind was seen twice the estimate is 0: then all that is known is that repeats are rarer
    than about 3 in n.

    Args:
        counts: (d,) how often each kind was drawn; zeros are allowed.
        n: Number of draws.

    Returns:
        Standard error in kinds; nan where n is 0.
    """
    array = np.asarray(counts, dtype=np.int64).ravel()
    return _weighted_distinct_error(array, np.ones(len(array)), n)


def novelty_error(counts: npt.ArrayLike, novel: npt.ArrayLike, n: int) -> float:
    """Return the standard error of novelty, novel distinct kinds over distinct kinds.

    By the delta method from the same variance as `distinct_error`. Where no kind is drawn twice it
    is the binomial error of a share.

    Args:
        counts: (d,) how often each distinct molecule was drawn.
        novel: (d,) whether it is novel.
        n: Number of draws, of these molecules: `sum(counts)` or more.

    Returns:
        Standard error of the share; nan where nothing was drawn.
    """
    array = np.asarray(counts, dtype=np.int64).ravel()
    new = np.asarray(novel, dtype=np.float64).ravel()
    new, array = new[array > 0], array[array > 0]
    if len(array) == 0:
        return math.nan
    return _weighted_distinct_error(array, new - new.mean(), n) / len(array)


def _weighted_distinct_error(counts: Rows, weights: Array, n: int) -> float:
    """Return the standard error of the sum of the weights of the kinds seen."""
    if n == 0:
        return math.nan
    # +1, -1, +1, ... for kinds seen 1, 2, 3, ... times, fading out by the upper tail of Binomial
    # (20, 1/2).
    tail = [math.comb(_SMOOTHING, k) / 2**_SMOOTHING for k in range(_SMOOTHING + 1)]
    upper = np.append(np.cumsum(tail[::-1])[::-1], 0.0)
    signs = np.where(np.arange(len(upper)) % 2 == 1, upper, -upper)
    signs[0] = 0.0
    first = float(np.sum(weights**2 * signs[np.minimum(counts, _SMOOTHING + 1)]))
    last = float(np.sum(weights[counts == 1])) ** 2 / n
    return math.sqrt(max(0.0, first - last))
