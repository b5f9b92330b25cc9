from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import numpy as np
import pytest

from molgan.chem import Decoded
from molgan.errors import ConfigError
from molgan.rewards import (
    ComponentScores,
    Identity,
    Novelty,
    Objective,
    Validity,
    check_objective,
)


class Answers:
    """Gives the values and reasons it was made with, whatever it is asked."""

    batch_level = False
    transform = Identity()

    def __init__(self, values: Sequence[float], reasons: Sequence[str | None]) -> None:
        self.answer = ComponentScores(np.array(values), tuple(reasons))

    def __call__(self, decoded: Sequence[Decoded]) -> ComponentScores:
        return self.answer


class Raises(Answers):
    def __call__(self, decoded: Sequence[Decoded]) -> ComponentScores:
        raise RuntimeError("no licence")


FAILED = Answers([math.nan] * 3, ["no licence"] * 3)


@pytest.mark.parametrize(
    ("component", "said"),
    [
        (FAILED, "component x fails on each of 3 trial molecules; on CCO: no licence"),
        (Answers([1.0], [None]), "component x returned 1 scores and 1 reasons for 3 molecules"),
        (Answers([1.0] * 3, [None]), "3 scores and 1 reasons for 3"),
        (Raises([], []), "component x cannot score: RuntimeError: no licence"),
        (Novelty(), "component x has no training set here: give it path=FILE"),
    ],
)
def test_a_component_that_cannot_work_is_named(component, said) -> None:
    with pytest.raises(ConfigError) as caught:
        check_objective(Objective({"fine": Validity(), "x": component}))
    assert said in str(caught.value)


def test_one_failure_is_only_warned_about(caplog) -> None:
    component = Answers([1.0, math.nan, 1.0], [None, "too large", None])
    with caplog.at_level(logging.WARNING, "molgan"):
        check_objective(Objective({"x": component}), ["C", "CC", "CCC"])
    assert "component x fails on 1 of 3 trial molecules; on CC: too large" in caplog.text


def test_what_works_says_nothing(caplog) -> None:
    check_objective(Objective({"x": Validity()}))
    check_objective(Objective({}))
    assert not caplog.text
