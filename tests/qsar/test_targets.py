from __future__ import annotations

import math

import numpy as np
import pytest

from molgan.errors import ConfigError, DataError
from molgan.qsar.targets import Target, TargetSettings


def read(cells, **settings):
    return TargetSettings("y", **settings).read(cells, "table.csv")


def test_numbers_and_why_a_cell_is_none():
    target, values, reasons = read(["1.5", " 2e0 ", "", "n/a", ">10", "inf", "1_000", None, 3])
    assert target.task == "regression"
    assert values[[0, 1, 8]].tolist() == [1.5, 2.0, 3.0]
    assert np.isnan(values[2:8]).all()
    assert reasons == [
        None,
        None,
        "no value",
        "not a number: n/a",
        "a bound, not a number: >10",
        "not finite: inf",
        "not a number: 1_000",
        "no value",
        None,
    ]


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["0", "1", "1"], ("0", "1")),
        ([0.0, 1.0, 1.0], ("0", "1")),
        (["0", "1.0", "1"], ("0", "1")),
        ([False, True, True], ("0", "1")),
        (["inactive", "Active", "active"], ("inactive", "active")),
        (["no", "yes", "YES"], ("no", "yes")),
    ],
)
def test_two_known_values_are_classes(cells, labels):
    target, values, _ = read(cells)
    assert target == Target("y", "classification", labels=labels)
    assert values.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["0", "1", "n/a"], "not a number: n/a"),
        (["inactive", "active", "inconclusive"], "neither of the classes: inconclusive"),
    ],
)
def test_what_is_neither_class_is_left_out(cells, reason):
    target, values, reasons = read(cells)
    assert target.classify
    assert values[:2].tolist() == [0, 1]
    assert reasons == [None, None, reason]


def test_two_unknown_texts_need_the_positive_one():
    with pytest.raises(DataError, match="say which of the two is the positive class"):
        read(["blue", "red"])
    target, values, _ = read(["blue", "red"], positive="Blue")
    assert target.labels == ("red", "blue")
    assert values.tolist() == [1, 0]


def test_two_numbers_are_numbers_unless_told():
    assert read(["3", "4", "4"])[0].task == "regression"
    target, values, _ = read(["3", "4", "4"], positive="4")
    assert target.classify
    assert values.tolist() == [0, 1, 1]
    assert read(["0", "1"], task="regression")[0].task == "regression"


def test_a_threshold_makes_classes_of_numbers():
    target, values, reasons = read(["4.9", "5", "x"], threshold=5.0)
    assert values[:2].tolist() == [0, 1]
    assert math.isnan(values[2])
    assert reasons[2] == "not a number: x"
    assert target.label == "probability of y >= 5"


@pytest.mark.parametrize(
    ("transform", "expected"),
    [("log10", 2.0), ("p_molar", -2.0), ("p_micromolar", 4.0), ("p_nanomolar", 7.0)],
)
def test_transforms(transform, expected):
    target, values, reasons = read(["100", "0"], transform=transform)
    assert values[0] == pytest.approx(expected)
    assert "not positive" in reasons[1]
    assert "y" in target.label


def test_label_has_the_unit():
    assert read(["1", "2.5"], unit="eV")[0].label == "y (eV)"


@pytest.mark.parametrize(
    ("cells", "settings", "words"),
    [
        (["", None], {}, "is empty"),
        (["low", "mid", "high"], {}, "holds no numbers but 'low', 'mid', 'high'"),
        (["1", "2", "3"], {"task": "classification"}, "threshold="),
        (["a", "b", "c"], {"positive": "a"}, "and not this and one other value"),
    ],
)
def test_columns_that_cannot_be(cells, settings, words):
    with pytest.raises(DataError, match=words):
        read(cells, **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"task": "magic"}, "task=magic"),
        ({"transform": "ln"}, "transform=ln"),
        ({"threshold": 1.0, "positive": "a"}, "give one"),
        ({"task": "regression", "threshold": 1.0}, "leave threshold= out"),
    ],
)
def test_settings_that_contradict(settings, words):
    with pytest.raises(ConfigError, match=words):
        TargetSettings("y", **settings)


def test_plain_form_round_trips():
    target = read(["no", "yes"])[0]
    assert Target.from_dict({**target.to_dict(), "labels": ["no", "yes"]}) == target
