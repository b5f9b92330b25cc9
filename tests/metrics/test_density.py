from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from molgan.metrics.density import gaussian_kde

RNG = np.random.default_rng(0)
DATA = {
    "normal": RNG.normal(size=3000),
    "two values": np.repeat([1.0, 4.0], [7, 2]),
    "two molecules": np.array([180.1, 46.07]),
    "with an outlier": np.append(RNG.normal(300, 40, size=2000), 9000.0),
    "discrete": RNG.integers(0, 12, size=1000) * 17.07,
    "skewed": RNG.lognormal(sigma=1.5, size=2000),
    "large offset": 1e6 + RNG.normal(size=500),
    "narrow": 0.5 + 1e-6 * RNG.normal(size=500),
}


@pytest.mark.parametrize("values", DATA.values(), ids=DATA)
def test_density_is_scipys(values: np.ndarray) -> None:
    width = np.ptp(values)
    # Beyond the data on both sides too, as when another set reaches further.
    grid = np.linspace(values.min() - 0.4 * width, values.max() + width, 1000)
    expected = stats.gaussian_kde(values)(grid)
    found = gaussian_kde(values, grid)
    # scipy does not centre the values and loses digits where they are far from 0.
    tolerance = 1e-12 + 1e-15 * np.abs(values).max() / values.std()
    assert np.abs(found - expected).max() < tolerance * expected.max()
    assert (found >= 0).all()


def test_one_value_far_from_the_grid_gives_nothing() -> None:
    assert (gaussian_kde(np.array([0.0, 1.0]), np.linspace(1e5, 2e5, 50)) == 0).all()


def test_the_density_integrates_to_one() -> None:
    grid = np.linspace(-8, 8, 4001)
    assert np.trapezoid(gaussian_kde(DATA["normal"], grid), grid) == pytest.approx(1, abs=1e-6)
