"""Plain summaries of numbers: validity by size, property summaries, histograms on shared bins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molgan.errors import DataError

Array = npt.NDArray[np.float64]

_TAIL = 0.1  # percent of a set's values at either end that need not widen the bins
_MOST_INTEGER_BINS = 60


@dataclass(frozen=True)
class SizeValidity:
    """Validity by number of heavy atoms, for the sizes that were drawn.

    Attributes:
        sizes: (k,) heavy atoms, increasing.
        drawn: (k,) graphs of that size, valid or not.
        valid: (k,) valid ones among them.
    """

    sizes: npt.NDArray[np.int64]
    drawn: npt.NDArray[np.int64]
    valid: npt.NDArray[np.int64]

    @property
    def share(self) -> Array:
        """(k,) share of valid ones, 0 to 1."""
        return np.asarray(self.valid / self.drawn)


@dataclass(frozen=True)
class Summary:
    """Summary of one property of one library.

    Attributes:
        n: Finite values; the others are left out.
        missing: Values left out: nan or infinite.
        mean: Mean; like all that follow nan where n is 0.
        std: Standard deviation over n - 1; nan where n is 1.
        minimum: Smallest value.
        quartile_1: A quarter of the values lies below (numpy's linear interpolation).
        median: Half of them.
        quartile_3: Three quarters.
        maximum: Largest value.
    """

    n: int
    missing: int
    mean: float
    std: float
    minimum: float
    quartile_1: float
    median: float
    quartile_3: float
    maximum: float


@dataclass(frozen=True)
class SharedHistogram:
    """Histograms of several libraries on the same bins.

    Attributes:
        edges: (k + 1,) edges of the bins, increasing.
        shares: Library -> (k,) share of its finite values in each bin; sums to 1, since values
            beyond the outer edges count in the outer bins; all 0 for a library without values.
        clipped: Library -> share of its values beyond the outer edges.
    """

    edges: Array
    shares: dict[str, Array]
    clipped: dict[str, float]


def validity_by_size(sizes: npt.ArrayLike, valid: npt.ArrayLike) -> SizeValidity:
    """Count drawn and valid graphs by size.

    Args:
        sizes: (n,) heavy atoms of each graph drawn; below 1 where unknown or empty: not counted.
        valid: (n,) whether it is a valid molecule.

    Raises:
        DataError: If the two differ in length.
    """
    numbers = np.asarray(sizes, dtype=np.int64).ravel()
    good = np.asarray(valid, dtype=bool).ravel()
    if len(numbers) != len(good):
        raise DataError(f"{len(numbers)} sizes for {len(good)} graphs; give one for each")
    known = numbers > 0
    different, index = np.unique(numbers[known], return_inverse=True)
    drawn = np.bincount(index, minlength=len(different))
    return SizeValidity(different, drawn, np.bincount(index[good[known]], minlength=len(different)))


def summarise(values: npt.ArrayLike) -> Summary:
    """Summarise one property of one library.

    Args:
        values: (n,) one value for each molecule, repeats included; nan where there is none.
    """
    everything = np.asarray(values, dtype=np.float64).ravel()
    finite = everything[np.isfinite(everything)]
    n, missing = len(finite), len(everything) - len(finite)
    if n == 0:
        return Summary(0, missing, *([math.nan] * 7))
    std = float(np.std(finite, ddof=1)) if n > 1 else math.nan
    quantiles = [float(q) for q in np.quantile(finite, [0, 0.25, 0.5, 0.75, 1])]
    return Summary(n, missing, float(finite.mean()), std, *quantiles)


def shared_histogram(libraries: Mapping[str, npt.ArrayLike], bins: int = 40) -> SharedHistogram:
    """Return histograms of one property of several libraries, reference included, on shared bins.

    Whole numbers of small range get one bin each, centred on the number. Otherwise the bins have
    equal width and reach over the middle 99.8 % of every library, so that a few outliers do not
    squeeze the picture; they count in the outer bins.

    Args:
        libraries: Name -> (n,) values; nan and infinite ones are left out.
        bins: Number of bins where the values are not whole numbers, at least 1.
    """
    finite = {name: _finite(values) for name, values in libraries.items()}
    present = [values for values in finite.values() if len(values)]
    edges = _edges(present, bins) if present else np.array([0.0, 1.0])
    shares: dict[str, Array] = {}
    clipped: dict[str, float] = {}
    for name, values in finite.items():
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
        shares[name] = counts / max(len(values), 1)
        outside = np.count_nonzero((values < edges[0]) | (values > edges[-1]))
        clipped[name] = outside / max(len(values), 1)
    return SharedHistogram(edges, shares, clipped)


def _finite(values: npt.ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]


def _edges(present: list[Array], bins: int) -> Array:
    low = min(float(values.min()) for values in present)
    high = max(float(values.max()) for values in present)
    whole = all(bool((values == np.round(values)).all()) for values in present)
    if whole and high - low < _MOST_INTEGER_BINS:
        return np.arange(low - 0.5, high + 1.0)
    low = min(float(np.percentile(values, _TAIL)) for values in present)
    high = max(float(np.percentile(values, 100 - _TAIL)) for values in present)
    if not high > low:
        return np.array([low - 0.5, low + 0.5])
    return np.linspace(low, high, bins + 1)
