from __future__ import annotations

import pickle

import numpy as np
import pytest

from molgan.errors import ConfigError
from molgan.rewards import MOLGAN_SA, Identity, Linear, Objective, Score, Scorer
from molgan.rewards import scores as module

LINE = Linear(0.0, 100.0)


def test_values_of_known_molecules(valid) -> None:
    aspirin = valid("CC(=O)Oc1ccccc1C(=O)O")
    # Aspirin: 63.6 A^2 (Ertl et al. 2000), 180.16 g/mol, 21 atoms with hydrogens, 5 double bonds.
    for name, expected in {"tpsa": 63.6, "weight": 180.16, "rings": 1, "NumHDonors": 1}.items():
        assert Score(name, LINE)(aspirin).values[0] == pytest.approx(expected, abs=0.01)


def test_scores_of_the_bench_are_worked_out_once_for_a_molecule(valid, monkeypatch) -> None:
    asked = []

    def describe(mol):
        asked.append(mol)
        return {"tpsa": 1.0, "weight": 2.0}

    monkeypatch.setattr(module, "describe", describe)
    objective = Objective({name: Score(name, LINE) for name in ("tpsa", "weight")})
    result = Scorer(objective)(valid("CCO", "CCN", "CCO"))
    assert len(asked) == 2
    np.testing.assert_array_equal(result.raw["weight"], [2, 2, 2])


def test_only_three_have_a_direction_of_their_own() -> None:
    assert Score("qed").transform == Identity()
    assert Score("sa").transform == MOLGAN_SA
    with pytest.raises(ConfigError, match="the score 'rings' needs a transform"):
        Score("rings")


def test_an_unknown_name_lists_the_bench_and_near_descriptors() -> None:
    with pytest.raises(ConfigError, match=r"no score 'MolRM'; the library bench has qed, .*MolMR"):
        Score("MolRM", LINE)


def test_it_travels(valid) -> None:
    component = pickle.loads(pickle.dumps(Score("BertzCT", LINE)))
    assert component(valid("c1ccccc1")).values[0] == pytest.approx(71.96, abs=0.01)
