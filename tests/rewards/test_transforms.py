from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgan.errors import ConfigError
from molgan.rewards import (
    MOLGAN_LOGP,
    MOLGAN_SA,
    TRANSFORMS,
    DoubleSigmoid,
    Gaussian,
    Identity,
    Linear,
    ReverseSigmoid,
    Sigmoid,
    Step,
    Transform,
    ValueMap,
)

EXAMPLES: dict[str, Transform] = {
    "identity": Identity(),
    "linear": Linear(0.0, 1.0),
    "sigmoid": Sigmoid(2.0, 4.0),
    "reverse_sigmoid": ReverseSigmoid(2.0, 4.0),
    "double_sigmoid": DoubleSigmoid(2.0, 4.0),
    "step": Step(low=2.0),
    "gaussian": Gaussian(3.0, 0.5),
    "value_map": ValueMap({1: 0.5}),
}


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


@pytest.mark.parametrize(
    ("transform", "raw", "expected"),
    [
        # 1 / (1 + exp(-x)) is 0.05 at -log 19, 0.5 at 0, 0.95 at log 19, and so on.
        (Sigmoid(2.0, 4.0), [2.0, 3.0, 4.0, 5.0], [0.05, 0.5, 0.95, 361 / 362]),
        (ReverseSigmoid(2.0, 4.0), [1.0, 2.0, 3.0, 4.0], [361 / 362, 0.95, 0.5, 0.05]),
        (DoubleSigmoid(2.0, 4.0, edge=0.1), [1.0, 2.0, 3.0, 4.0, 5.0], [0, 0.5, 1, 0.5, 0]),
        (DoubleSigmoid(0.0, 10.0, edge=2.0), [-1.0, 1.0, 9.0, 11.0], [0.05, 0.95, 0.95, 0.05]),
        (Step(low=1.0, high=2.0), [0.9, 1.0, 1.5, 2.0, 2.1], [0, 1, 1, 1, 0]),
        (Step(high=0.0), [-5.0, 0.0, 1e-9], [1, 1, 0]),
        (Gaussian(3.0, 0.5), [3.0, 3.5, 2.0], [1.0, math.exp(-0.5), math.exp(-2.0)]),
        (ValueMap({0: 1.0, 2: 0.5}, other=0.1), [0.0, 1.0, 2.0], [1.0, 0.1, 0.5]),
    ],
)
def test_values_by_hand(transform: Transform, raw: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(transform(np.array(raw)), expected, atol=2e-6)


def test_there_is_an_example_of_every_transform() -> None:
    assert EXAMPLES.keys() == TRANSFORMS.keys()


@pytest.mark.parametrize("name", EXAMPLES)
@given(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=5))
def test_everything_lies_in_0_to_1_and_a_failed_score_stays_nan(
    name: str, raw: list[float]
) -> None:
    values = EXAMPLES[name](np.array([*raw, np.nan]))
    assert math.isnan(values[-1])
    assert np.all((values[:-1] >= 0) & (values[:-1] <= 1))


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (Linear, {"worst": 1.0, "best": 1.0}, "worst=1.0"),
        (Linear, {"worst": float("nan"), "best": 1.0}, "different finite numbers"),
        (Linear, {"worst": 0.0, "best": float("inf")}, "best=inf"),
        (Sigmoid, {"low": 3.0, "high": 1.0}, "low below high, not low=3.0 and high=1.0"),
        (ReverseSigmoid, {"low": 1.0, "high": 1.0}, "reverse_sigmoid"),
        (DoubleSigmoid, {"low": 4.0, "high": 2.0}, "low=4.0"),
        (DoubleSigmoid, {"low": 2.0, "high": 4.0, "edge": 0.0}, "edge=0.0"),
        (Step, {}, "low, high or both"),
        (Step, {"low": 2.0, "high": 1.0}, "low=2.0"),
        (Gaussian, {"target": 1.0, "width": 0.0}, "width=0.0"),
        (ValueMap, {"values": {}}, "empty"),
        (ValueMap, {"values": {1: 1.5}}, "1.5"),
        (ValueMap, {"values": {"many": 1.0}}, "many"),
        (ValueMap, {"values": {1: 0.5}, "other": -1.0}, "-1.0"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    kind: Any, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        kind(**settings)
