from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from molgan.chem import Decoded
from molgan.errors import ConfigError
from molgan.rewards import (
    QED,
    Identity,
    LogP,
    MoleculeComponent,
    Objective,
    SAScore,
    Scorer,
    Uniqueness,
    Validity,
)

INVALID = Decoded(None, None, "kekulize")


def valid(*smiles: str) -> list[Decoded]:
    return [Decoded(Chem.MolFromSmiles(text), text, None) for text in smiles]


def druglike() -> Objective:
    return Objective(
        {"validity": Validity(), "qed": QED(), "sa": SAScore(), "uniqueness": Uniqueness()}
    )


class Counting(MoleculeComponent):
    transform = Identity()

    def __init__(self) -> None:
        self.scored: list[str] = []

    def score(self, mol: Chem.Mol) -> float:
        self.scored.append(Chem.MolToSmiles(mol))
        return 0.5


def test_equals_the_objective() -> None:
    batch = [*valid("CCO", "CCN", "CCO"), INVALID, *valid("c1ccccc1")]
    expected, scored = druglike()(batch), Scorer(druglike())(batch)
    np.testing.assert_allclose(scored.total, expected.total, rtol=1e-12)
    for name, values in expected.raw.items():
        np.testing.assert_allclose(scored.raw[name], values, rtol=1e-12)
    assert scored.reasons == expected.reasons


def test_each_distinct_molecule_is_scored_once() -> None:
    component = Counting()
    scorer = Scorer(Objective({"count": component}))
    scorer([*valid("CCO", "CCO", "C"), INVALID])
    scorer(valid("C", "N", "CCO"))
    assert component.scored == ["CCO", "C", "N"]
    assert (scorer.calls, scorer.hits) == (6, 3)
    stats = scorer.stats()
    assert stats.pop("per_second") > 0
    assert stats == {"calls": 6.0, "hits": 3.0, "hit_rate": 0.5}


def test_uniqueness_is_never_taken_from_the_cache() -> None:
    scorer = Scorer(druglike())
    np.testing.assert_allclose(scorer(valid("CCO")).raw["uniqueness"], [1.0])
    np.testing.assert_allclose(scorer(valid(*["CCO"] * 4)).raw["uniqueness"], [0.25] * 4)
    np.testing.assert_allclose(scorer(valid("CCO", "C")).raw["uniqueness"], [1.0, 1.0])


def test_scores_do_not_depend_on_atom_order() -> None:
    smiles = "CC1CC(C#N)OC(=O)C1N"
    mol = Chem.MolFromSmiles(smiles)
    backwards = Chem.RenumberAtoms(mol, list(range(mol.GetNumAtoms()))[::-1])
    canonical = Chem.MolToSmiles(mol)
    results = [
        Scorer(Objective({"logp": LogP(), "qed": QED(), "sa": SAScore()}))(
            [Decoded(order, canonical, None)]
        ).total
        for order in (mol, backwards)
    ]
    np.testing.assert_array_equal(results[0], results[1])  # to the last bit


def test_the_cache_is_bounded_and_keeps_what_is_still_drawn() -> None:
    component = Counting()
    scorer = Scorer(Objective({"count": component}), cache_size=20)
    for length in range(1, 200):
        scorer(valid("C" * length, "N"))
        assert len(scorer._young) + len(scorer._old) <= 20
    assert component.scored.count("N") == 1
    assert len(component.scored) == 200


def test_without_a_cache_copies_within_a_batch_are_still_scored_once() -> None:
    component = Counting()
    scorer = Scorer(Objective({"count": component}), cache_size=0)
    scorer(valid("C", "C"))
    scorer(valid("C"))
    assert component.scored == ["C", "C"]


def test_worker_processes_give_the_same_scores() -> None:
    batch = [*valid(*("C" * n + "O" * (n % 2) for n in range(1, 81))), INVALID]
    alone, pooled = Scorer(druglike())(batch), Scorer(druglike(), n_jobs=2)(batch)
    np.testing.assert_array_equal(pooled.total, alone.total)
    np.testing.assert_array_equal(pooled.raw["sa"], alone.raw["sa"])
    assert pooled.reasons == alone.reasons


def test_an_empty_batch() -> None:
    assert Scorer(druglike())([]).total.shape == (0,)


@pytest.mark.parametrize("settings", [{"n_jobs": 0}, {"n_jobs": -2}, {"cache_size": -1}])
def test_settings_that_cannot_work_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        Scorer(druglike(), **settings)


def test_laps_tell_rates_since_the_last_one() -> None:
    scorer = Scorer(Objective({"count": Counting()}))
    assert scorer.lap() == {}
    scorer(valid("CCO", "C"))
    first = scorer.lap()
    assert (first["calls"], first["hit_rate"]) == (2, 0)
    assert first["per_second"] > 0
    scorer(valid("CCO", "C"))
    assert scorer.lap() == {"calls": 4.0, "hit_rate": 1.0}  # nothing was new: no speed to tell
    assert scorer.lap() == {}


def test_a_resumed_run_goes_on_counting() -> None:
    before = Scorer(Objective({"count": Counting()}))
    before(valid("CCO", "C", "C"))
    after = Scorer(Objective({"count": Counting()}))
    after.load_state_dict(before.state_dict())
    after(valid("CCO", "CCO"))
    assert after.stats()["calls"] == 5
    assert after.lap()["hit_rate"] == after.stats()["hit_rate"] == 0.5


class Own(Counting):
    own_workers = True


def test_components_with_workers_of_their_own_stay_in_this_process_and_see_all() -> None:
    part = Own()
    batch = valid(*("C" * n for n in range(1, 81)))
    objective = Objective({"qed": QED(), "own": part, "sa": SAScore()})
    result = Scorer(objective, n_jobs=2)(batch)
    assert len(part.scored) == 80
    alone = Objective({"qed": QED(), "sa": SAScore()})(batch)
    np.testing.assert_allclose(result.raw["sa"], alone.raw["sa"], rtol=1e-12)
    np.testing.assert_array_equal(result.raw["own"], np.full(80, 0.5))
