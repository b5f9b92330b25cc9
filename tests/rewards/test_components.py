from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from rdkit import Chem

from molgan.chem import Decoded
from molgan.errors import ConfigError
from molgan.rewards import QED, LogP, MoleculeComponent, SAScore, Uniqueness, Validity

INVALID = Decoded(None, None, "valence")


def valid(*smiles: str) -> list[Decoded]:
    return [Decoded(Chem.MolFromSmiles(text), text, None) for text in smiles]


@pytest.mark.parametrize(
    ("component", "smiles", "expected"),
    [
        # Crippen's atom contributions: ethanol C1 0.1441 + C3 -0.2035 + O2 -0.2893 and its
        # hydrogens 5 x 0.1230 - 0.2677; benzene 6 x (0.1581 + 0.1230).
        (LogP(), "CCO", 0.1441 - 0.2035 - 0.2893 + 5 * 0.1230 - 0.2677),
        (LogP(), "c1ccccc1", 6 * (0.1581 + 0.1230)),
        # Aspirin's QED in Bickerton et al. is 0.55, its SA score in RDKit's Contrib 1.58.
        (QED(), "CC(=O)Oc1ccccc1C(=O)O", 0.550),
        (SAScore(), "CC(=O)Oc1ccccc1C(=O)O", 1.580),
    ],
)
def test_scores_of_known_molecules(
    component: MoleculeComponent, smiles: str, expected: float
) -> None:
    scores = component([*valid(smiles), INVALID])
    assert scores.values[0] == pytest.approx(expected, abs=1e-3)
    assert math.isnan(scores.values[1])
    assert scores.reasons == (None, "valence")


def test_validity_scores_invalid_molecules_0_not_nan() -> None:
    scores = Validity()([*valid("CCO"), INVALID])
    np.testing.assert_array_equal(scores.values, [1.0, 0.0])
    assert scores.reasons == (None, None)


def test_uniqueness_is_one_over_the_count() -> None:
    scores = Uniqueness()([*valid("CCO", "C", "CCO", "CCO", "N"), INVALID])
    np.testing.assert_allclose(scores.values, [1 / 3, 1, 1 / 3, 1 / 3, 1, np.nan])
    assert scores.reasons[-1] == "valence"


def test_uniqueness_of_a_batch_adds_up_to_its_distinct_molecules() -> None:
    batch = valid(*["CCO"] * 7, *["C"] * 2, "N")
    assert Uniqueness()(batch).values.sum() == pytest.approx(3.0)


def test_uniqueness_falls_with_collapse_and_the_papers_form_saturates() -> None:
    collapsed = valid(*["CCO"] * 1000)
    assert Uniqueness()(collapsed).values == pytest.approx(np.full(1000, 0.001))
    assert Uniqueness(form="paper")(collapsed).values == pytest.approx(np.full(1000, 0.751))


@pytest.mark.parametrize(("count", "expected"), [(1, 1.0), (4, 1.0), (5, 0.95), (20, 0.80)])
def test_the_papers_uniqueness_by_hand(count: int, expected: float) -> None:
    scores = Uniqueness(form="paper")(valid(*["CCO"] * count))
    assert scores.values == pytest.approx([expected] * count)


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ConfigError, match="'paper'"):
        Uniqueness(form="linear")  # type: ignore[arg-type]


class Fails(MoleculeComponent):
    transform = Validity().transform

    def score(self, mol: Chem.Mol) -> float:
        if mol.GetNumAtoms() == 1:
            raise RuntimeError("cannot dock an atom\nwith a long log")
        return math.inf if mol.GetNumAtoms() == 2 else 0.5


def test_a_failed_score_is_nan_with_a_reason_of_one_line() -> None:
    scores = Fails()(valid("C", "CC", "CCC"))
    np.testing.assert_array_equal(scores.values, [np.nan, np.nan, 0.5])
    assert scores.reasons == ("RuntimeError: cannot dock an atom", "score is inf", None)


@pytest.mark.parametrize("component", [QED(), LogP(), SAScore(), Validity(), Uniqueness("paper")])
def test_components_travel_to_worker_processes(component: object) -> None:
    assert pickle.loads(pickle.dumps(component)) == component


@pytest.mark.parametrize("component", [QED(), LogP(), SAScore(), Validity(), Uniqueness()])
def test_an_empty_batch_has_no_scores(component: MoleculeComponent) -> None:
    scores = component([])
    assert scores.values.shape == (0,)
    assert scores.reasons == ()
