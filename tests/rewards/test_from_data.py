"""Objectives written as data, and what is said of those that cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molgan.chem.scores import SCORES
from molgan.errors import ConfigError, MolganError
from molgan.rewards import QED, Linear, Objective, Uniqueness, make_objective, read_objective

WRITTEN = """
aggregation: arithmetic
components:
  qed: {weight: 2}
  size: {type: heavy_atoms, transform: {type: step, high: 5}, required: false}
  "BertzCT": {transform: {type: reverse_sigmoid, low: 1e1, high: 200}, weight: 0}
  plain: {_target_: molgan.rewards.LogP}
"""


def test_a_file_of_ones_own(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(WRITTEN)
    objective = read_objective(path)
    assert objective.weights == {"qed": 2.0, "size": 1.0, "BertzCT": 0.0, "plain": 1.0}
    assert objective.required == {"qed", "plain"}
    result = objective.score(["CCO", "CCCCCC", "not a molecule"])
    for row, size in ((0, 1.0), (1, 0.0)):
        parts = [result.transformed[name][row] for name in ("qed", "plain")]
        assert result.total[row] == pytest.approx((2 * parts[0] + size + parts[1]) / 4)
    assert (result.total[2], result.reasons[2]) == (0, "parse")


def test_json_is_yaml_too(tmp_path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"components": {"qed": null, "drug": "qed"}, "weights": {"drug": 3}}')
    assert read_objective(path).weights == {"qed": 1.0, "drug": 3.0}


def test_python_and_data_are_the_same_objective() -> None:
    made = make_objective({"qed": QED(), "uniqueness": None}, {"qed": 0.5}, "geometric")
    by_hand = Objective({"qed": QED(), "uniqueness": Uniqueness()}, {"qed": 0.5}, "geometric")
    assert made.digest() == by_hand.digest()
    assert made.describe() == by_hand.describe()


def test_every_score_of_the_bench_goes_by_its_name() -> None:
    line = {"transform": {"type": "linear", "worst": -1000, "best": 1000}}
    names = [name for name in SCORES if name not in ("qed", "sa", "logp")]
    result = make_objective(dict.fromkeys(names, line)).score(["CC(=O)Oc1ccccc1C(=O)O"])
    assert all(reason is None for reason in result.reasons)
    assert result.raw["heavy_atoms"][0] == 13
    assert result.raw["hba"][0] == 3
    assert result.raw["weight"][0] == pytest.approx(180.16, abs=0.01)


@pytest.mark.parametrize(
    ("components", "said"),
    [
        ({"qedd": {}}, "component qedd: there is no component 'qedd' (did you mean qed"),
        ({"x": {"type": "BertzTC"}}, "did you mean BertzCT"),
        ({"tpsa": {}}, "the score 'tpsa' needs a transform"),
        ({"tpsa": {"transform": {"type": "sigmoyd"}}}, "no type 'sigmoyd' (did you mean sigmoid"),
        ({"tpsa": {"transform": {"low": 1}}}, "no type 'None'"),
        (
            {"tpsa": {"transform": {"type": "sigmoid", "low": 9, "high": 1}}},
            "component tpsa: a sigmoid transform needs low below high, not low=9 and high=1",
        ),
        (
            {"tpsa": {"transform": {"type": "sigmoid", "lo": 9}}},
            "no lo (did you mean low?); its",
        ),
        ({"tpsa": {"transform": {"type": "sigmoid", "low": "a", "high": 2}}}, "transform sigmoid"),
        (
            {"qed": {"wieght": 2}},
            "component qed: qed: there is no wieght (did you mean weight?)",
        ),
        ({"qed": {"weight": "two"}}, "component qed: weight=two must be a number"),
        ({"qed": 3}, "component qed must be a mapping"),
        ({"qed": {"weight": -1}}, "component qed must be a number >= 0"),
        ({"reward": {"type": "qed"}}, "cannot be called reward"),
        ({"qed": {}, "qed_score": {"type": "qed"}}, "cannot be called qed_score"),
        ({"similarity": {}}, "component similarity: similarity needs its reference molecules"),
        ({"similarity": {"path": "none.smi"}}, "similarity: path=none.smi: there is no such file"),
        ({"similarity": {"smiles": "C1CC"}}, "smiles holds 'C1CC'"),
        ({"substructure": {"smarts": "C"}}, "wanted must be given"),
        ({"substructure": {"smarts": "[C", "wanted": True}}, "smarts='[C' is no SMARTS"),
        ({"alerts": {"catalogues": ["PIANS"]}}, "no catalogue of alerts 'PIANS'"),
        ({"scaffold": {"relation": "like", "smiles": "C1CC1"}}, "relation=like is unknown"),
        ({"scaffold": {"relation": "equal", "smiles": "CCO"}}, "without a ring has no scaffold"),
        (
            {"python": {"function": "x:y", "batch": True, "transform": "identity"}},
            "cannot import x",
        ),
        ({"command": {"command": "no-such", "transform": "identity"}}, "no program no-such"),
        ({"qsar": {"model": "none.qsar", "transform": "identity"}}, "model=none.qsar"),
        ({"docking": {"receptor": "none.pdbqt"}}, "receptor=none.pdbqt: there is no such file"),
        ({"uniqueness": {"form": "odd"}}, "'odd' is unknown"),
    ],
)
def test_what_cannot_work_names_component_and_key(components: dict[str, Any], said: str) -> None:
    with pytest.raises(MolganError) as caught:
        make_objective(components)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("components: [", "is no YAML that can be read"),
        ("qed: {}", "needs components"),
        ("components: {qed: {}}\nweigths: {qed: 1}", "no key 'weigths'; use components, weights"),
        ("components: {qed: {weight: 1}}\nweights: {qed: 1}", "weight is given twice"),
        ("components: {qed: {_target_: molgan.rewards.Nothing}}", "Nothing"),
        ("components: {qed: {required: true}}\nrequired: [qed]", "not both"),
    ],
)
def test_a_file_that_is_no_objective_is_named(tmp_path, text: str, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_objective(path)
    assert str(caught.value).startswith(f"reward.path={path}") or "twice" in said
    assert said in str(caught.value)


def test_there_has_to_be_a_file() -> None:
    with pytest.raises(MolganError, match=r"reward\.path=nowhere\.yaml: there is no such file"):
        read_objective("nowhere.yaml")


def test_the_digest_changes_with_whatever_decides_a_total(tmp_path) -> None:
    path = tmp_path / "known.smi"
    path.write_text("CCO\n")

    def digest(weight: float = 1.0, best: float = 1.0, file: Path = path) -> str:
        similar = {"type": "similarity", "path": str(file), "transform": Linear(0.0, best)}
        return make_objective({"qed": {}, "similar": similar}, {"qed": weight}).digest()

    assert digest() == digest()
    path.write_text("CCO\n\n")  # the same molecules
    same = digest()
    path.write_text("CCN\n")
    assert len({same, digest(), digest(weight=2.0), digest(best=0.5)}) == 4


def test_one_by_one_nothing_depends_on_the_batch(valid) -> None:
    objective = make_objective({"uniqueness": {}, "qed": {"weight": 0}})
    np.testing.assert_allclose(objective(valid("CCO", "CCO")).total, [0.5, 0.5])
    np.testing.assert_allclose(objective.one_by_one()(valid("CCO", "CCO")).total, [1, 1])
