"""Scores of the training set are worked out once, and never wrong."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molgan.rewards import Identity, Linear, MoleculeComponent, Objective, Scorer, Uniqueness
from molgan.rewards.store import Store, open_store

TRAINING = ["CCO", "CCN", "C"]


class Counting(MoleculeComponent):
    """Scores the number of atoms and remembers what it was asked for."""

    def __init__(self, best: float = 1.0) -> None:
        self.transform = Linear(0.0, best)

    def score(self, mol: Chem.Mol) -> float:
        ASKED.append(Chem.MolToSmiles(mol))
        if mol.GetNumAtoms() == 1:
            raise ValueError("too small")
        return float(mol.GetNumAtoms()) / 3

    def identity(self) -> dict[str, object]:
        return {"transform": self.transform}


ASKED: list[str] = []


@pytest.fixture(autouse=True)
def forget() -> None:
    ASKED.clear()


def scorer(root: Path, best: float = 1.0, content: str = "abc") -> Scorer:
    objective = Objective({"count": Counting(best), "uniqueness": Uniqueness()})
    return Scorer(objective, store=open_store(objective, content, TRAINING, root))


def test_another_run_asks_for_nothing_that_is_known(tmp_path, valid) -> None:
    first = scorer(tmp_path)
    expected = first(valid("CCO", "CCN", "CCCC"))
    first.save()
    second = scorer(tmp_path)
    assert len(second.store) == 2
    result = second(valid("CCO", "CCN", "CCCC"))
    np.testing.assert_array_equal(result.total, expected.total)  # to the last bit
    assert ASKED == ["CCO", "CCN", "CCCC", "CCCC"]
    assert (second.calls, second.hits) == (3, 2)


def test_an_objective_of_the_batch_alone_has_nothing_to_keep(tmp_path, valid) -> None:
    objective = Objective({"uniqueness": Uniqueness()})
    store = open_store(objective, "abc", TRAINING, tmp_path)
    scores = Scorer(objective, store=store)
    scores(valid("CCO", "CCN"))
    scores.save()


def test_failures_are_tried_again_in_another_run(tmp_path, valid) -> None:
    first = scorer(tmp_path)
    assert first(valid("C")).reasons == ("count: ValueError: too small",)
    first(valid("C"))
    assert ASKED == ["C"]
    first.save()
    scorer(tmp_path)(valid("C"))
    assert ASKED == ["C", "C"]


def test_a_transform_does_not_matter_and_the_data_do(tmp_path) -> None:
    path = scorer(tmp_path).store.path
    assert scorer(tmp_path, best=2.0).store.path == path
    assert scorer(tmp_path, content="other").store.path != path


def test_two_runs_add_up(tmp_path, valid) -> None:
    one, other = scorer(tmp_path), scorer(tmp_path)
    one(valid("CCO"))
    other(valid("CCN"))
    one.save()
    other.save()
    assert len(scorer(tmp_path).store) == 2


def test_a_damaged_file_is_made_anew(tmp_path, valid) -> None:
    first = scorer(tmp_path)
    first(valid("CCO"))
    first.save()
    path = first.store.path
    whole = path.read_bytes()
    for damaged in (b"", whole[:-3], whole[:40] + b"x" + whole[41:]):
        path.write_bytes(damaged)
        assert len(scorer(tmp_path).store) == 0
    path.write_bytes(whole)
    assert len(scorer(tmp_path).store) == 1


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path, valid, caplog) -> None:
    (tmp_path / "scores").write_text("a file in the way")
    first = scorer(tmp_path)
    first(valid("CCO"))
    first.save()
    assert "not kept" in caplog.text


def test_numbers_are_kept_exactly(tmp_path) -> None:
    values = [math.pi, -1e-300, 2.0 / 3.0]
    store = Store(tmp_path / "x.scores", TRAINING, 1)
    for smiles, value in zip(TRAINING, values, strict=True):
        assert store.put(smiles, ((value, None),))
    assert not store.put("CCC", ((1.0, None),))
    store.save()
    again = Store(tmp_path / "x.scores", TRAINING, 1)
    assert [again.get(smiles)[0][0] for smiles in TRAINING] == values
    assert Identity()(np.array([again.get("C")[0][0]]))[0] == values[2]
