"""Components with a heavier judge behind them: a QSAR model, a docking program."""

from __future__ import annotations

import math
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from molgan.errors import ConfigError, DataError
from molgan.rewards import QSAR, DockingScore, Identity, check_objective, make_objective
from molgan.rewards.models import OUTSIDE


class Model:
    """Predicts the number of letters; unsure of long molecules; knows nothing of nitrogen."""

    @classmethod
    def load(cls, path: Path) -> Model:
        if path.read_text() != "a model":
            raise DataError(f"{path} is no QSAR model")
        return cls()

    def predict(self, smiles: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sizes = np.array([float(len(text)) for text in smiles])
        return sizes, sizes / 10, np.array(["N" not in text for text in smiles])


@pytest.fixture
def model(tmp_path, monkeypatch) -> str:
    monkeypatch.setitem(sys.modules, "molgan.qsar", SimpleNamespace(QSARModel=Model))
    path = tmp_path / "model.qsar"
    path.write_text("a model")
    return str(path)


def test_predictions_with_domain_and_uncertainty(model, valid) -> None:
    component = pickle.loads(pickle.dumps(QSAR(model, Identity(), max_std=0.45)))
    scores = component(valid("CCO", "CCN", "CCCCC"))
    np.testing.assert_array_equal(scores.values, [3, math.nan, math.nan])
    assert scores.reasons == (None, OUTSIDE, "uncertain: standard deviation 0.5 > 0.45")
    everything = QSAR(model, Identity(), domain=False)(valid("CCO", "CCN", "CCCCC"))
    np.testing.assert_array_equal(everything.values, [3, 3, 5])


def test_a_prediction_outside_the_domain_is_no_mistake_of_the_settings(model) -> None:
    objective = make_objective({"qsar": {"model": model, "transform": "identity"}})
    check_objective(objective, ["CN", "CCN", "NCCN"])


def test_models_that_cannot_be_read(model, tmp_path) -> None:
    with pytest.raises(DataError, match=r"model=nowhere\.qsar: there is no such file"):
        QSAR("nowhere.qsar", Identity())
    (tmp_path / "other").write_text("a table")
    with pytest.raises(DataError, match="is no QSAR model"):
        QSAR(str(tmp_path / "other"), Identity())
    with pytest.raises(ConfigError, match="max_std=0"):
        QSAR(model, Identity(), max_std=0)


def test_a_changed_model_is_another_objective(model) -> None:
    def digest() -> str:
        return make_objective({"qsar": {"model": model, "transform": "identity"}}).digest()

    before = digest()
    Path(model).with_name("copy.qsar").write_text("a model")
    assert digest() == before
    component = QSAR(model, Identity())
    Path(model).write_text("another model")
    from molgan.rewards.identity import digest_of

    assert digest_of(component) != before


def test_a_model_of_our_own_making(tmp_path, valid) -> None:
    pytest.importorskip("sklearn")
    from molgan.qsar import QSARModel

    smiles = ["C" * n + end for n in range(1, 16) for end in ("O", "N", "F")]
    values = [float(len(text)) for text in smiles]
    path = QSARModel.fit(smiles, values, split="random").save(tmp_path / "size.qsar")
    scores = QSAR(str(path), Identity(), domain=False)(valid("CCCO", "CCCCCCCCCCCCO"))
    assert scores.reasons == (None, None)
    assert scores.values[1] > scores.values[0] + 3


def test_docking_scores(receptor, valid) -> None:
    pytest.importorskip("vina")
    pytest.importorskip("meeko")
    component = DockingScore(str(receptor), center=[0, 0, 0], size=[6, 6, 6], exhaustiveness=1)
    scores = component(valid("CCO", "[Na]", "CO"))
    assert scores.reasons[0] is scores.reasons[2] is None
    assert scores.reasons[1]
    assert scores.values[0] < 0  # ethanol finds something to hold on to
    assert 0 <= component.transform(scores.values)[0] <= 1
    assert component.limit(3) == 2 * 600 * 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "needs the search box"),
        ({"center": [0, 0, 0]}, "needs the search box"),
        ({"center": [0, 0], "size": [1, 1, 1]}, r"center=\[0, 0\] must be three numbers"),
        ({"center": [0, 0, 0], "size": [1, 1, 1], "seconds": 0}, "seconds=0"),
        ({"center": [0, 0, 0], "size": [1, 1, 1], "scoring": "ad4"}, "'ad4'"),
    ],
)
def test_docking_that_cannot_work(receptor, settings, said) -> None:
    with pytest.raises(ConfigError, match=said):
        DockingScore(str(receptor), **settings)
