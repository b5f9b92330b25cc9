from __future__ import annotations

import pickle

import numpy as np
import pytest

from molgan.errors import ConfigError, DataError
from molgan.rewards import AlertPenalty, Scaffold, Substructure

ACID, PHENYL = "C(=O)[OX2H1]", "c1ccccc1"
MOLECULES = ("OC(=O)c1ccccc1", "Cc1ccccc1", "CC(=O)O", "CCO")


@pytest.mark.parametrize(
    ("settings", "raw", "transformed"),
    [
        ({"smarts": ACID, "wanted": True}, [1, 0, 1, 0], [1, 0, 1, 0]),
        ({"smarts": ACID, "wanted": False}, [1, 0, 1, 0], [0, 1, 0, 1]),
        ({"smarts": [ACID, PHENYL], "wanted": True}, [2, 1, 1, 0], [1, 1, 1, 0]),
        ({"smarts": [ACID, PHENYL], "wanted": True, "every": True}, [2, 1, 1, 0], [1, 0, 0, 0]),
        ({"smarts": [ACID, PHENYL], "wanted": False}, [2, 1, 1, 0], [0, 0, 0, 1]),
    ],
)
def test_substructures_wanted_and_unwanted(settings, raw, transformed, valid) -> None:
    component = pickle.loads(pickle.dumps(Substructure(**settings)))
    values = component(valid(*MOLECULES)).values
    np.testing.assert_array_equal(values, raw)
    np.testing.assert_array_equal(component.transform(values), transformed)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"smarts": "[C", "wanted": True}, r"smarts='\[C' is no SMARTS"),
        ({"smarts": [], "wanted": True}, "no pattern"),
        ({"smarts": "C", "wanted": None}, "wanted=None"),
        ({"smarts": "C", "wanted": False, "every": True}, "every=true"),
    ],
)
def test_patterns_that_cannot_work(settings, said) -> None:
    with pytest.raises(ConfigError, match=said):
        Substructure(**settings)


def test_alerts_are_counted_and_few_are_good(valid, tmp_path) -> None:
    own = tmp_path / "own.smarts"
    own.write_text("[F] fluorine\n[Cl] chlorine\n")
    component = pickle.loads(pickle.dumps(AlertPenalty((), [str(own)])))
    values = component(valid("C", "CF", "FCCl")).values
    np.testing.assert_array_equal(values, [0, 1, 2])
    np.testing.assert_array_equal(component.transform(values), [1, 0.5, 0])
    assert AlertPenalty(["pains"])(valid("c1ccccc1N=Nc1ccccc1O")).values[0] >= 1


def test_alerts_that_are_none(tmp_path) -> None:
    with pytest.raises(ConfigError, match="'PIANS'"):
        AlertPenalty(["PIANS"])
    with pytest.raises(ConfigError, match="lists"):
        AlertPenalty("PAINS")
    with pytest.raises(ConfigError, match="needs catalogues"):
        AlertPenalty([])
    with pytest.raises(DataError, match="no file of alerts"):
        AlertPenalty(["PAINS"], [str(tmp_path / "none")])


BIPHENYL, TOLUENE, CYCLOHEXANE, ETHANOL = "c1ccc(-c2ccccc2)cc1", "Cc1ccccc1", "C1CCCCC1", "CCO"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"relation": "equal"}, [0, 1, 0, 0]),
        ({"relation": "contains"}, [1, 1, 0, 0]),
        ({"relation": "different"}, [1, 0, 1, 1]),
        ({"relation": "equal", "generic": True}, [0, 1, 1, 0]),
    ],
)
def test_scaffolds(settings, expected, valid) -> None:
    component = pickle.loads(pickle.dumps(Scaffold(smiles="CCc1ccccc1", **settings)))
    molecules = valid(BIPHENYL, TOLUENE, CYCLOHEXANE, ETHANOL)
    np.testing.assert_array_equal(component(molecules).values, expected)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"relation": "near", "smiles": "C1CC1"}, "relation=near is unknown"),
        ({"relation": "equal"}, "either smiles="),
        ({"relation": "equal", "smiles": ["C1CC1", "CCO"]}, "has no scaffold"),
        ({"relation": "contains", "smiles": "C1CC1", "generic": True}, "generic=true"),
    ],
)
def test_scaffolds_that_cannot_work(settings, said) -> None:
    with pytest.raises(ConfigError, match=said):
        Scaffold(**settings)
