"""HOMO-LUMO gaps of QM9: a forest learns them, and two models of other kinds agree."""

from __future__ import annotations

import numpy as np
import pytest

from molgan.qsar import Network, QSARModel, RandomForest, read_assays, run_study
from molgan.qsar.assays import Assays


@pytest.fixture(scope="module")
def gaps(shared_data) -> Assays:
    assays = read_assays(shared_data / "qm9_properties_sample.csv.gz", "gap")
    assert len(assays.rows) == 14_715
    chosen = np.random.default_rng(0).permutation(len(assays.rows))[:1000]
    return Assays([assays.rows[place] for place in chosen])


def test_a_forest_beats_mean_and_neighbour_on_new_scaffolds(gaps):
    found = run_study(gaps, target="gap", family=RandomForest(trees=20, size=512))
    figures = found.model.record["figures"]
    assert figures["test"]["r2"] > 0.6
    assert figures["test"]["rmse"] < 0.8 * figures["neighbour"]["rmse"]
    assert figures["test"]["rmse"] < 0.7 * figures["baseline"]["rmse"]


@pytest.mark.slow
def test_two_independent_models_agree_on_the_rest(gaps, shared_data):
    smiles = [row.smiles for row in gaps.rows]
    values = [row.value for row in gaps.rows]
    forest = QSARModel.fit(smiles, values, family="forest", seed=0)
    network = QSARModel.fit(
        smiles, values, family=Network(members=2, epochs=20), split="random", seed=1
    )
    others = read_assays(shared_data / "qm9_properties_sample.csv.gz", "gap").rows[:500]
    means = [model.predict([row.smiles for row in others]).mean for model in (forest, network)]
    assert np.corrcoef(means)[0, 1] > 0.8
