from __future__ import annotations

import numpy as np
import pytest

from molgan.errors import ConfigError
from molgan.rewards import MOLGAN_LOGP, MOLGAN_SA, Identity, Linear


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(5.0, 0.0), (10.0, 0.0), (3.25, 0.5), (1.5, 1.0), (1.0, 1.0), (2.2, 0.8)],
)
def test_sa_normalisation_wants_low_scores(raw: float, expected: float) -> None:
    assert MOLGAN_SA(np.array([raw])) == pytest.approx([expected])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(-2.12178879609, 0.0), (-5.0, 0.0), (1.960558773155, 0.5), (6.0429063424, 1.0), (9.0, 1.0)],
)
def test_logp_normalisation_wants_high_scores(raw: float, expected: float) -> None:
    assert MOLGAN_LOGP(np.array([raw])) == pytest.approx([expected])


@pytest.mark.parametrize("transform", [Identity(), Linear(0.0, 1.0)])
def test_a_failed_score_stays_nan(transform: Identity | Linear) -> None:
    values = transform(np.array([np.nan, -1.0, 0.25, 2.0]))
    np.testing.assert_array_equal(values, [np.nan, 0.0, 0.25, 1.0])


@pytest.mark.parametrize(("worst", "best"), [(1.0, 1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_a_line_without_direction_is_refused(worst: float, best: float) -> None:
    with pytest.raises(ConfigError, match="different finite numbers"):
        Linear(worst, best)
