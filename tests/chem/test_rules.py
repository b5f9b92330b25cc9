from __future__ import annotations

import math

import pytest
from rdkit import Chem

from molgan.chem.rules import Elements, Limit, RuleSet, property_ranges
from molgan.errors import ConfigError


def test_a_limit_says_what_and_by_how_much() -> None:
    assert Limit("weight", high=300, below=True).failure({"weight": 300}) == "weight 300 >= 300"
    assert Limit("logp", low=1).failure({"logp": -0.123456}) == "logp -0.1235 < 1"


def test_unknown_scores_fail_and_missing_ones_are_an_error() -> None:
    rule = RuleSet("x", (Limit("qed", low=0.5),), "test")
    assert rule.failures({"qed": math.nan}) == ["qed unknown"]
    with pytest.raises(ConfigError, match=r"'qed'.*logp"):
        rule.failures({"logp": 1.0})


def test_own_ranges() -> None:
    rule = property_ranges({"weight": (200, 400), "qed": (0.5, None)})
    assert rule.failures({"weight": 300, "qed": 0.9}) == []
    assert rule.failures({"weight": 450, "qed": 0.4}) == ["weight 450 > 400", "qed 0.4 < 0.5"]


@pytest.mark.parametrize(
    "pair", [(5, 1), (None, None), (1,), "12", 3, ("a", 2), (True, 2)], ids=repr
)
def test_ranges_that_cannot_work_are_named(pair: object) -> None:
    with pytest.raises(ConfigError, match="range of logp"):
        property_ranges({"logp": pair})  # type: ignore[dict-item]


def test_unknown_element() -> None:
    with pytest.raises(ConfigError, match="'Xx' is no symbol"):
        Elements(("C", "Xx"))


def test_unwanted_elements() -> None:
    assert Elements().failures(Chem.MolFromSmiles("CC(F)(Cl)Br")) == []
    mol = Chem.MolFromSmiles("C[Se]c1ccc(B(O)O)cc1")
    assert Elements().failures(mol) == ["element Se", "element B"]
    assert Elements(("C", "O")).failures(Chem.MolFromSmiles("[2H]C=O")) == []
