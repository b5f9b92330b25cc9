from __future__ import annotations

import math

import pytest
from rdkit import Chem

from molgan.chem import EXTRA_SCORES, describe
from molgan.chem.rule_sets import RULES, cns_mpo, rule_set
from molgan.errors import ConfigError

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
TRISTEARIN_LIKE = "CCCCCCCCCCCCCCCCCC(=O)OCC(O)COC(=O)CCCCCCCCCCCCCCCCC"
PYRIDONE = "O=c1cccc[nH]1"


def scores(smiles: str) -> dict[str, float]:
    return describe(Chem.MolFromSmiles(smiles), EXTRA_SCORES)


# Exactly at the published limits, which are inclusive unless the paper says "less than".
AT_LIMIT = {
    "lipinski": {"weight": 500, "logp": 5, "lipinski_hbd": 5, "lipinski_hba": 10},
    "veber": {"rotatable_bonds": 10, "tpsa": 140},
    "ghose": {"weight": 480, "logp": 5.6, "molar_refractivity": 130, "atoms": 70},
    "lead_like": {"weight": 350, "logp": 3},
    "lead_like_oprea": {
        "weight": 460, "logp": 4.2, "rotatable_bonds": 10, "rings": 4, "hbd": 5, "hba": 9
    },
    "fragment_ro3": {
        "weight": 299.9, "logp": 3, "hbd": 3, "hba": 3, "rotatable_bonds": 3, "tpsa": 60
    },
    "drug_like": {
        "weight": 500, "logp": 5, "hbd": 5, "hba": 10, "formal_charge": 2, "rotatable_bonds": 8,
        "heavy_atoms": 50,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", AT_LIMIT)
def test_limits_are_the_published_ones(name: str) -> None:
    rule = RULES[name]
    limit = {key: float(value) for key, value in AT_LIMIT[name].items()}
    assert set(rule.scores) == set(limit)
    assert rule.failures(limit) == []
    for score in limit:
        over = [s for s in limit if s == score or (rule.violations and s != "weight")]
        broken = rule.failures({**limit, **{s: limit[s] + 0.2 for s in over}})
        assert any(text.startswith(f"{score} ") for text in broken), score


@pytest.mark.parametrize("name", ["ghose", "lead_like", "drug_like"])
def test_limits_downwards(name: str) -> None:
    rule = RULES[name]
    lows = {limit.score: float(limit.low or 0) for limit in rule.limits}
    assert rule.failures(lows) == []
    assert rule.failures({**lows, "weight": lows["weight"] - 1})[0].startswith("weight")


def test_a_failure_says_what_and_by_how_much() -> None:
    values = scores(TRISTEARIN_LIKE)
    assert rule_set("veber").failures(values) == ["rotatable_bonds 36 > 10"]
    assert rule_set("lead_like").failures(values)[0] == "weight 625 > 350"


def test_lipinski_forgives_one_violation_and_no_more() -> None:
    fine = {"weight": 612.3, "logp": 4.0, "lipinski_hbd": 1.0, "lipinski_hba": 6.0}
    assert rule_set("lipinski").failures(fine) == []
    assert rule_set("lipinski").failures({**fine, "logp": 6.1}) == [
        "weight 612.3 > 500",
        "logp 6.1 > 5",
    ]


def test_known_drugs() -> None:
    for smiles in (ASPIRIN, IMATINIB):
        assert RULES["lipinski"].failures(scores(smiles)) == []
        assert RULES["veber"].failures(scores(smiles)) == []
    assert RULES["fragment_ro3"].failures(scores(PYRIDONE)) == []
    assert "weight" in RULES["fragment_ro3"].failures(scores(IMATINIB))[0]


def test_cns_mpo_with_logd_and_pka_is_the_published_sum() -> None:
    # By hand: ClogP 4 -> 0.5, ClogD 3 -> 0.5, MW 430 -> 0.5, TPSA 30 -> 0.5, HBD 2 -> 0.5, pKa 9
    # -> 0.5.
    middle = {"logp": 4.0, "logd": 3.0, "weight": 430.0, "tpsa": 30.0, "hbd": 2.0, "pka": 9.0}
    assert cns_mpo(middle) == (pytest.approx(3.0), pytest.approx(3.0))
    best = {"logp": 2.0, "logd": 1.0, "weight": 300.0, "tpsa": 60.0, "hbd": 0.0, "pka": 7.0}
    assert cns_mpo(best) == (6.0, 6.0)
    assert cns_mpo({**best, "tpsa": 105.0})[0] == pytest.approx(5.5)
    assert cns_mpo({**best, "tpsa": 10.0})[0] == pytest.approx(5.0)


def test_cns_mpo_without_them_gives_bounds_that_hold() -> None:
    values = {"logp": 3.0, "weight": 400.0, "tpsa": 50.0, "hbd": 1.0}
    low, high = cns_mpo(values)
    assert high - low == pytest.approx(1.5)  # pKa anything; logD from logP, 0.5, to 1
    for logd in (3.0, 1.5, -2.0):
        for pka in (2.0, 9.0, 11.0):
            assert low <= cns_mpo({**values, "logd": logd, "pka": pka})[0] <= high


def test_the_rule_cns_mpo_rejects_only_what_cannot_reach_four() -> None:
    rule = RULES["cns_mpo"]
    assert rule.failures({"logp": 3.0, "weight": 400.0, "tpsa": 50.0, "hbd": 1.0}) == []
    heavy = {"logp": 4.5, "weight": 480.0, "tpsa": 110.0, "hbd": 3.0}
    assert rule.failures(heavy) == ["CNS MPO at most 2.89 < 4"]
    assert rule.failures({**heavy, "logp": math.nan}) == ["CNS MPO unknown"]


def test_every_rule_set_names_its_source() -> None:
    assert set(RULES) >= {*AT_LIMIT, "cns_mpo"}
    assert all(rule.source and rule.name == name for name, rule in RULES.items())


def test_an_unknown_rule_set_is_named() -> None:
    with pytest.raises(ConfigError, match="'lipinsky'; known: lipinski, veber"):
        rule_set("lipinsky")
