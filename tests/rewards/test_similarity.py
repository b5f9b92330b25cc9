from __future__ import annotations

import logging
import pickle

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from rdkit.DataStructs import TanimotoSimilarity

from molgan.chem import Decoded
from molgan.errors import ConfigError, DataError
from molgan.metrics import HashedIdentities
from molgan.rewards import Dissimilarity, Novelty, Similarity

PHENOLS = ["Oc1ccccc1", "Cc1ccccc1O"]


def by_rdkit(smiles: str, references: list[str]) -> float:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    one, *others = (
        generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in [smiles, *references]
    )
    return max(TanimotoSimilarity(one, other) for other in others)


def test_similarity_to_the_nearest(valid) -> None:
    names = ["Oc1ccccc1", "Nc1ccccc1", "CCO"]
    raw = Similarity(smiles=PHENOLS)(valid(*names)).values
    np.testing.assert_allclose(raw, [by_rdkit(name, PHENOLS) for name in names], rtol=1e-6)
    assert raw[0] == 1
    low = Dissimilarity(smiles=PHENOLS)
    np.testing.assert_array_equal(low(valid(*names)).values, raw)
    np.testing.assert_allclose(low.transform(raw), 1 - raw)


def test_a_file_of_references(tmp_path, valid, caplog) -> None:
    path = tmp_path / "known.csv"
    path.write_text("id,smiles\na,Oc1ccccc1\nb,C1CC\nc,Cc1ccccc1O\n")
    with caplog.at_level(logging.WARNING, "molgan"):
        component = Similarity(path=str(path))
    assert "1 rows" in caplog.text
    expected = Similarity(smiles=PHENOLS)(valid("CCO", "Nc1ccccc1")).values
    np.testing.assert_array_equal(component(valid("CCO", "Nc1ccccc1")).values, expected)


def test_invalid_molecules_keep_their_place(valid) -> None:
    scores = Similarity(smiles="CCO")([Decoded(None, None, "valence"), *valid("CCO")])
    np.testing.assert_array_equal(scores.values, [np.nan, 1])
    assert scores.reasons == ("valence", None)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "either smiles="),
        ({"smiles": "C", "path": "x.smi"}, "either smiles="),
        ({"smiles": []}, "holds no molecule"),
        ({"smiles": ["C", "C1C"]}, "'C1C'"),
    ],
)
def test_references_that_are_none(settings, said) -> None:
    with pytest.raises(ConfigError, match=said):
        Similarity(**settings)


def test_a_file_without_molecules(tmp_path) -> None:
    path = tmp_path / "none.smi"
    path.write_text("C1CC a\n")
    with pytest.raises(DataError, match="holds no molecule that can be read"):
        Similarity(path=str(path))


def test_novelty_against_given_molecules(valid) -> None:
    component = Novelty(smiles=["OCC", "c1ccccc1"])
    np.testing.assert_array_equal(component(valid("CCO", "CCN")).values, [0, 1])
    bound = component.with_training_set(HashedIdentities.from_smiles(["CCN"]))
    assert bound is component  # what was given wins


def test_novelty_against_the_training_set(valid) -> None:
    component = Novelty()
    assert component.needs_training_set
    assert component(valid("CCO")).reasons[0] is not None
    bound = component.with_training_set(HashedIdentities.from_smiles(["CCO"]))
    np.testing.assert_array_equal(bound(valid("CCO", "CCN")).values, [0, 1])
    again = pickle.loads(pickle.dumps(bound))
    np.testing.assert_array_equal(again(valid("CCO", "CCN")).values, [0, 1])


def test_stereochemistry_is_no_novelty(valid) -> None:
    scores = Novelty(smiles="CC(N)C(=O)O")(valid("C[C@H](N)C(=O)O", "F/C=C/F"))
    np.testing.assert_array_equal(scores.values, [0, 1])
