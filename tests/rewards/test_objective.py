from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molgan.chem import Decoded
from molgan.errors import ConfigError
from molgan.rewards import (
    QED,
    ComponentScores,
    Identity,
    LogP,
    Objective,
    SAScore,
    Uniqueness,
    Validity,
)

NAN = float("nan")
MOL = Chem.MolFromSmiles("CCO")
VALID = Decoded(MOL, "CCO", None)
INVALID = Decoded(None, None, "fragments")


class Table:
    """Gives the scores it was made with; NaN has the reason `failed`."""

    batch_level = True
    transform = Identity()

    def __init__(self, *values: float) -> None:
        self.values = np.array(values)

    def __call__(self, decoded: Sequence[Decoded]) -> ComponentScores:
        reasons = tuple("failed" if np.isnan(value) else None for value in self.values)
        return ComponentScores(self.values, reasons)


@pytest.mark.parametrize(
    ("aggregation", "weights", "expected"),
    [
        ("product", None, 0.5 * 0.8),
        ("product", {"a": 2.0}, 0.25 * 0.8),
        ("arithmetic", None, 0.65),
        ("arithmetic", {"a": 3.0}, (3 * 0.5 + 0.8) / 4),
        ("geometric", None, 0.4**0.5),
        ("geometric", {"b": 3.0}, (0.5 * 0.8**3) ** 0.25),
        ("min", None, 0.5),
        ("min", {"a": 0.0}, 0.8),
        ("product", {"a": 0.0}, 0.8),
        ("arithmetic", {"b": 0.0}, 0.5),
    ],
)
def test_aggregations_by_hand(
    aggregation: Any, weights: dict[str, float] | None, expected: float
) -> None:
    objective = Objective({"a": Table(0.5), "b": Table(0.8)}, weights, aggregation)
    assert objective([VALID]).total == pytest.approx([expected])


@pytest.mark.parametrize("aggregation", ["product", "arithmetic", "geometric", "min"])
def test_an_invalid_molecule_has_total_0(aggregation: Any) -> None:
    objective = Objective({"a": Table(0.9, 0.9)}, aggregation=aggregation)
    result = objective([INVALID, VALID])
    assert result.total == pytest.approx([0.0, 0.9])
    assert result.reasons == ("fragments", None)


@pytest.mark.parametrize("aggregation", ["product", "arithmetic", "geometric", "min"])
def test_a_required_failure_makes_the_total_0(aggregation: Any) -> None:
    objective = Objective({"a": Table(1.0, 1.0), "b": Table(NAN, 1.0)}, aggregation=aggregation)
    result = objective([VALID, VALID])
    np.testing.assert_array_equal(result.total, [0.0, 1.0])
    np.testing.assert_array_equal(result.raw["b"], [NAN, 1.0])
    np.testing.assert_array_equal(result.transformed["b"], [NAN, 1.0])
    assert result.reasons == ("b: failed", None)


def test_a_failure_that_is_not_required_enters_as_0_with_its_full_weight() -> None:
    objective = Objective(
        {"a": Table(0.6), "b": Table(NAN)}, {"b": 2.0}, "arithmetic", required=["a"]
    )
    assert objective([VALID]).total == pytest.approx([0.6 / 3])


def test_a_failed_component_of_weight_0_is_reported_and_changes_nothing() -> None:
    objective = Objective({"a": Table(0.6), "b": Table(NAN)}, {"b": 0.0})
    result = objective([VALID])
    assert result.total == pytest.approx([0.6])
    assert result.reasons == ("b: failed",)


@given(
    st.sampled_from(["product", "arithmetic", "geometric", "min"]),
    st.lists(st.floats(0, 1), min_size=2, max_size=4),
    st.lists(st.floats(0.1, 5), min_size=4, max_size=4),
    st.booleans(),
)
def test_a_failure_never_raises_the_total(
    aggregation: Any, scores: list[float], weights: list[float], required: bool
) -> None:
    names = [str(index) for index in range(len(scores))]
    options: dict[str, Any] = {
        "weights": dict(zip(names, weights, strict=False)),
        "aggregation": aggregation,
        "required": None if required else [],
    }
    scored = Objective({n: Table(s) for n, s in zip(names, scores, strict=True)}, **options)
    failed = Objective(
        {n: Table(s) for n, s in zip(names, [NAN, *scores[1:]], strict=True)}, **options
    )
    total = scored([VALID]).total[0]
    assert 0.0 <= total <= 1.0 + 1e-12
    assert failed([VALID]).total[0] <= total + 1e-12


def test_molgans_objective_all_by_hand() -> None:
    objective = Objective(
        {"logp": LogP(), "sa": SAScore(), "qed": QED(), "uniqueness": Uniqueness("paper")}
    )
    result = objective([VALID] * 5)
    logp = (-0.0014 + 2.12178879609) / (6.0429063424 + 2.12178879609)
    sa = (result.raw["sa"][0] - 5) / (1.5 - 5)
    np.testing.assert_allclose(
        result.total, np.full(5, logp * sa * result.raw["qed"][0] * 0.95), rtol=1e-9
    )


def test_columns_are_raw_and_transformed_scores_and_the_reward() -> None:
    objective = Objective({"validity": Validity(), "sa": SAScore()})
    result = objective([VALID, INVALID])
    columns = result.columns()
    names = ["validity", "validity_score", "sa", "sa_score", "reward"]
    assert list(columns) == names
    assert objective.column_names() == (*names, "reward_note")
    assert columns["sa_score"][0] == pytest.approx((columns["sa"][0] - 5.0) / (1.5 - 5.0))
    assert result.notes() == ["", "fragments"]
    np.testing.assert_array_equal(columns["validity"], [1.0, 0.0])
    assert columns["reward"][1] == 0.0


def test_without_components_there_is_nothing_to_optimise() -> None:
    objective = Objective({})
    assert not objective
    np.testing.assert_array_equal(objective([VALID, INVALID]).total, [1.0, 0.0])


def test_an_empty_batch_has_no_totals() -> None:
    result = Objective({"qed": QED(), "uniqueness": Uniqueness()})([])
    assert result.total.shape == (0,)
    assert result.reasons == ()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"aggregation": "sum"}, "'sum' is unknown"),
        ({"weights": {"qde": 1.0}}, "qde"),
        ({"weights": {"a": -1.0}}, "component a"),
        ({"weights": {"a": float("inf")}}, "component a"),
        ({"weights": {"a": 0.0}}, "all weights"),
        ({"required": ["b"]}, "required name b"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Objective({"a": Table(1.0)}, **settings)
