from __future__ import annotations

import numpy as np
import pytest

from molgan.qsar.calibration import Calibration

RNG = np.random.default_rng(0)


def test_scale_and_floor_are_found_again():
    spread = RNG.uniform(0.1, 2.0, 20_000)
    errors = RNG.normal(size=20_000) * np.sqrt(2.25 * spread**2 + 0.25)
    found = Calibration.of(errors, spread)
    assert found.scale == pytest.approx(2.25, rel=0.1)
    assert found.floor == pytest.approx(0.25, rel=0.2)


def test_errors_in_small_units_are_no_trouble():
    spread = 1e-4 * RNG.uniform(0.5, 2.0, 5000)
    found = Calibration.of(3 * spread * RNG.normal(size=5000), spread)
    scores = 3 * spread / found(spread)
    assert np.allclose(scores, 1, atol=0.1)


def test_a_spread_that_tells_nothing_becomes_the_mean_error():
    errors, spread = RNG.normal(size=5000), RNG.uniform(0.9, 1.1, 5000)
    std = Calibration.of(errors, spread)(spread)
    assert np.allclose(std, 1, atol=0.1)


@pytest.mark.parametrize(
    ("errors", "spread", "expected"),
    [
        ([], [], [1.0, 2.0]),
        ([2.0, -2.0], [1.0, 1.0], [2.0, 4.0]),  # too few for a curve: only scaled
        ([2.0, -2.0], [0.0, 0.0], None),  # members that agree: the error itself is the floor
        ([0.0] * 30, [1.0] * 30, [1.0, 2.0]),
    ],
)
def test_few_errors(errors, spread, expected):
    found = Calibration.of(np.array(errors), np.array(spread))
    if expected is None:
        assert found(np.zeros(1)) == pytest.approx(2.0)
    else:
        assert found(np.array([1.0, 2.0])) == pytest.approx(expected)
