"""Gaussian kernel density estimate of one-dimensional data, fast enough for the bootstrap.

The plain way costs one exponential for each pair of value and grid point: 0.1 s for 10,000 values
and 1,000 points. Grouping the values into boxes one bandwidth wide and expanding the kernel about
each box (the fast Gauss transform of Greengard and Strain, SIAM J. Sci. Stat. Comput. 12, 79, 1991)
gives the same numbers to about 1e-14 in a few milliseconds.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# With |t| <= 1/2 the terms left out are below 1e-16 of the kernel's peak.
_TERMS = 22
_REACH = 9.0  # bandwidths; beyond, the kernel is below 1e-17


def gaussian_kde(values: Array, grid: Array) -> Array:
    """Return the density at each point of the grid, as `scipy.stats.gaussian_kde` gives it.

    The bandwidth is Scott's: the standard deviation (n - 1) times n^(-1/5).

    Args:
        values: (n,) data, at least two of them different.
        grid: (m,) increasing points.

    Returns:
        (m,) densities, 0 and up.
    """
    n = len(values)
    bandwidth = float(np.std(values, ddof=1)) * n**-0.2
    origin = float(values.min())
    scaled = (values - origin) / bandwidth
    points = (grid - origin) / bandwidth
    boxes, box_of = np.unique(np.floor(scaled).astype(np.int64), return_inverse=True)
    t = scaled - (boxes[box_of] + 0.5)
    # exp(-(x - t)^2 / 2) = exp(-x^2 / 2) * sum over p of x^p / p! * t^p exp(-t^2 / 2), with x and t
    # measured from the middle of the box: the sum over the values moves into the moments.
    moments = np.empty((len(boxes), _TERMS))
    term = np.exp(-0.5 * t * t)
    for p in range(_TERMS):
        moments[:, p] = np.bincount(box_of, weights=term, minlength=len(boxes))
        term = term * t / (p + 1)
    density = np.zeros(len(grid))
    middles = boxes + 0.5
    starts = np.searchsorted(points, middles - _REACH)
    ends = np.searchsorted(points, middles + _REACH)
    for middle, start, end, moment in zip(middles, starts, ends, moments, strict=True):
        x = points[start:end] - middle
        density[start:end] += np.exp(-0.5 * x * x) * np.polynomial.polynomial.polyval(x, moment)
    # The expansion can undershoot by rounding where the density is practically 0.
    return np.asarray(np.maximum(density, 0.0) / (n * bandwidth * math.sqrt(2 * math.pi)))
