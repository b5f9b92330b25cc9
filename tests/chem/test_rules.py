from __future__ import annotations

import math

import pytest
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors

from molgan.chem.rules import (
    RULES,
    Elements,
    Limit,
    RuleSet,
    cns_mpo,
    property_ranges,
    rule_scores,
    rule_set,
)
from molgan.errors import ConfigError

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
TRISTEARIN_LIKE = "CCCCCCCCCCCCCCCCCC(=O)OCC(O)COC(=O)CCCCCCCCCCCCCCCCC"
PYRIDONE = "O=c1cccc[nH]1"


def scores(smiles: str) -> dict[str, float]:
    mol = Chem.MolFromSmiles(smiles)
    return {
        "weight": Descriptors.MolWt(mol),
        "logp": Crippen.MolLogP(mol),
        "tpsa": rdMolDescriptors.CalcTPSA(mol),
        "hbd": rdMolDescriptors.CalcNumHBD(mol),
        "hba": rdMolDescriptors.CalcNumHBA(mol),
        "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds(mol),
        "rings": rdMolDescriptors.CalcNumRings(mol),
        "formal_charge": Chem.GetFormalCharge(mol),
        "heavy_atoms": mol.GetNumHeavyAtoms(),
        **rule_scores(mol),
    }


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
    assert Limit("weight", high=300, below=True).failure({"weight": 300}) == "weight 300 >= 300"
    assert Limit("logp", low=1).failure({"logp": -0.123456}) == "logp -0.1235 < 1"


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


def test_scores_that_only_rules_need() -> None:
    values = rule_scores(Chem.MolFromSmiles("NCC(=O)O"))
    assert values["lipinski_hbd"] == 3
    assert values["lipinski_hba"] == 3
    assert values["atoms"] == 10
    assert values["molar_refractivity"] == pytest.approx(
        Crippen.MolMR(Chem.MolFromSmiles("NCC(=O)O"))
    )


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


def test_unknown_rule_set_and_element() -> None:
    with pytest.raises(ConfigError, match="'lipinsky'; known: lipinski, veber"):
        rule_set("lipinsky")
    with pytest.raises(ConfigError, match="'Xx' is no symbol"):
        Elements(("C", "Xx"))


def test_unwanted_elements() -> None:
    assert Elements().failures(Chem.MolFromSmiles("CC(F)(Cl)Br")) == []
    mol = Chem.MolFromSmiles("C[Se]c1ccc(B(O)O)cc1")
    assert Elements().failures(mol) == ["element Se", "element B"]
    assert Elements(("C", "O")).failures(Chem.MolFromSmiles("[2H]C=O")) == []
