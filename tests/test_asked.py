"""Measuring what molecules are asked for, and how well requests were met."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from molgan.asked import (
    Agreement,
    Request,
    agreement_table,
    measured,
    property_objective,
    property_settings,
)
from molgan.conditions import Conditions
from molgan.errors import ConfigError
from molgan.rewards import Scorer


def test_names_and_settings_of_properties():
    gap = {"name": "gap", "type": "qsar", "model": "gap.qsar"}
    assert property_settings(["logp", gap]) == {
        "logp": {},
        "gap": {"type": "qsar", "model": "gap.qsar"},
    }


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (["logp", "logp"], "logp twice"),
        ([{"type": "qsar"}], "has no name"),
        (["mean gap"], "has no name"),
        ([3], "has no name"),
    ],
)
def test_properties_that_cannot_be_asked_for(wanted, said):
    with pytest.raises(ConfigError, match=said):
        property_settings(wanted)


def test_raw_scores_in_the_unit_of_each_property():
    scorer = Scorer(property_objective(property_settings(["weight", "heavy_atoms", "logp"])))
    values = measured(scorer, ["CCO", "c1ccccc1"])
    np.testing.assert_allclose(values, [[46.069, 3, -0.0014], [78.114, 6, 1.6866]], atol=1e-3)


@pytest.mark.parametrize(("name", "said"), [("charm", "charm"), ("uniqueness", "alone")])
def test_scores_that_are_no_property(name, said):
    with pytest.raises(ConfigError, match=said):
        property_objective(property_settings([name]))


def test_agreement_counts_what_was_measured():
    wanted = np.array([1.0, 2.0, 3.0, np.nan, 5.0])
    obtained = np.array([1.5, 2.0, 2.5, 4.0, np.nan])
    row = Agreement.of("logp", wanted, obtained)
    assert row is not None
    assert (row.count, row.wanted, row.mean) == (3, 2.0, 2.0)
    assert row.error == pytest.approx(1 / 3)
    assert row.correlation == pytest.approx(1.0)
    same = Agreement.of("qed", np.full(5, 0.5), obtained)
    assert same is not None
    assert np.isnan(same.correlation)
    text = agreement_table([row, same])
    assert "logp" in text
    assert "1.000" in text
    assert text.splitlines()[2].endswith("-")
    assert Agreement.of("logp", wanted[3:], obtained[3:]) is None


def conditions_on(properties) -> Conditions:
    values = np.column_stack([np.arange(10.0)] * len(properties))
    return Conditions.of(properties, values, np.arange(1, 11))


def test_a_request_knows_what_was_asked_and_what_was_got():
    conditions = conditions_on({"logp": {}, "qed": {}})
    request = Request(conditions, conditions.wanted({"logp": 2.0}, 1))
    assert list(request.components()) == ["logp"]
    assert request.columns() == ["wanted_logp"]
    raw = {"logp": np.array([1.0, np.nan, 3.0]), "qed": np.zeros(3)}
    assert request.met(raw, 3) == {"wanted_logp": [2.0, 2.0, 2.0]}
    (row,) = request.agreements()
    assert (row.name, row.count, row.mean, row.error) == ("logp", 2, 2.0, 1.0)


def test_a_request_for_each_molecule_and_none_at_all():
    conditions = conditions_on({"logp": {}})
    request = Request(conditions, conditions.wanted({"logp": [1.0, 2.0, 3.0]}, 3))
    assert request.met({"logp": np.array([1.0, 2.0, 4.0])}, 3) == {"wanted_logp": [1.0, 2.0, 3.0]}
    assert request.agreements()[0].error == pytest.approx(1 / 3)
    for nothing in (Request(None, None), Request(conditions, None)):
        assert nothing.components() == nothing.met({}, 3) == {}
        assert nothing.agreements() == []


def test_a_file_left_behind_costs_only_its_measurement(caplog):
    conditions = conditions_on({"gap": {"type": "qsar", "model": "left_behind.qsar"}, "logp": {}})
    request = Request(conditions, conditions.wanted({"gap": 2.0, "logp": 1.0}, 1))
    with caplog.at_level(logging.WARNING, "molgan"):
        assert list(request.components()) == ["logp"]
    assert "left_behind.qsar" in caplog.text
    assert request.met({"logp": np.array([1.0])}, 1) == {"wanted_gap": [2.0], "wanted_logp": [1.0]}
    assert [row.name for row in request.agreements()] == ["logp"]


def test_a_model_of_measurements_is_a_property_and_says_nothing_outside_its_domain(tmp_path):
    pytest.importorskip("sklearn")
    from molgan.qsar import QSARModel

    smiles = ["C" * n + end for n in range(1, 16) for end in ("O", "N", "F")]
    path = QSARModel.fit(smiles, [float(len(text)) for text in smiles], split="random").save(
        tmp_path / "size.qsar"
    )
    settings = property_settings([{"name": "size", "type": "qsar", "model": str(path)}])
    values = measured(
        Scorer(property_objective(settings)), ["CCCO", "CCCCCCCCCCCCO", "c1ccc2ncccc2c1"]
    )
    assert values[1, 0] > values[0, 0] + 3
    assert np.isnan(values[2, 0])
