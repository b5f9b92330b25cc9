from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from molgan.errors import BundleError, ConfigError, DataError, MolganError
from molgan.qsar import Network, QSARModel, RandomForest

FOREST = RandomForest(trees=10, size=256)


@pytest.fixture(scope="module")
def model(smiles, values) -> QSARModel:
    return QSARModel.fit(
        smiles, values, target="logP", family=FOREST, split="random", unit="log units"
    )


def rewritten(path, change):
    """The model file with its document changed."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        document = json.loads(file.metadata()["molgan_qsar"])
    change(document)
    save_file(load_file(path), path, metadata={"molgan_qsar": json.dumps(document)})


def test_predictions_have_the_shape_that_was_agreed(model):
    found = model.predict(["c1ccccc1CC", "nonsense", "CC(=O)[O-].[Na+]", ""])
    assert found.mean.shape == found.std.shape == found.in_domain.shape == (4,)
    assert np.isnan(found.mean).tolist() == [False, True, False, True]
    assert np.isnan(found.std).tolist() == [False, True, False, True]
    assert found.in_domain.dtype == bool
    assert found.in_domain.tolist()[:2] == [True, False]
    assert found.reasons == (None, "parse", None, "empty")
    mean, std, in_domain = found
    assert mean is found.mean
    assert std is found.std
    assert in_domain is found.in_domain


def test_nothing_to_predict(model):
    assert model.predict([]).mean.shape == (0,)


def test_a_prediction_does_not_depend_on_its_company(model, smiles):
    together = model.predict(smiles)
    alone = [model.predict([text]).mean[0] for text in smiles[:10]]
    assert np.array_equal(together.mean[:10], alone)


def test_training_values_are_kept(model, values):
    assert model.training["count"] == 128
    assert model.training["mean"] == pytest.approx(values.mean(), abs=0.2)
    assert model.training["std"] == pytest.approx(values.std(), abs=0.2)
    assert str(model) == "forest for logP (log units), fitted on 128 molecules"


def test_a_file_gives_the_same_model(model, smiles, tmp_path):
    path = model.save(tmp_path / "folder" / "logp.qsar")
    for place in (path, path.parent):
        again = QSARModel.load(place)
        first, second = model.predict(smiles), again.predict(smiles)
        assert np.array_equal(first.mean, second.mean)
        assert np.array_equal(first.std, second.std)
        assert np.array_equal(first.in_domain, second.in_domain)
        assert again.record == json.loads(json.dumps(model.record))
        assert again.target == model.target


def test_loading_and_predicting_need_neither_torch_nor_deepchem_nor_sklearn(model, tmp_path):
    path = model.save(tmp_path / "m.qsar")
    code = (
        "import sys; from molgan.qsar import QSARModel; "
        f"QSARModel.load({str(path)!r}).predict(['CCO']); "
        "print([name for name in ('torch', 'deepchem', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_no_model(model, tmp_path):
    path = model.save(tmp_path / "m.qsar")
    whole = path.read_bytes()
    cases = {
        "text.qsar": b"CCO ethanol\n",
        "empty.qsar": b"",
        "cut.qsar": whole[:-100],
        "head.qsar": whole[:40],
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BundleError, match="is not a QSAR model of molgan, or it is truncated"):
            QSARModel.load(tmp_path / name)
    with pytest.raises(BundleError, match="there is no QSAR model"):
        QSARModel.load(tmp_path / "nowhere.qsar")
    with pytest.raises(BundleError, match="holds several QSAR models"):
        QSARModel.load(tmp_path)
    (tmp_path / "bare").mkdir()
    with pytest.raises(BundleError, match="holds no QSAR models"):
        QSARModel.load(tmp_path / "bare")


def test_a_generator_is_told_from_a_model(tmp_path):
    path = tmp_path / "last.molgan"
    save_file({"a": np.zeros(1)}, path, metadata={"molgan": "{}"})
    with pytest.raises(BundleError, match=r"is a generator, for molgan\.generate"):
        QSARModel.load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(format=99), "has format 99 .* reads format 1"),
        (lambda d: d.update(family="svm"), "of the family 'svm', which this molgan does not know"),
        (lambda d: d["settings"]["features"].update(kind="maccs"), "on the features 'maccs'"),
        (lambda d: d["settings"]["features"].update(probe=[]), "RDKit computes differently"),
        (lambda d: d["settings"]["features"].update(size=512), "computes differently"),
        (lambda d: d.update(target={}), "is damaged"),
        (lambda d: d["target"].update(task="magic"), "is damaged"),
        (lambda d: d.pop("calibration"), "is damaged"),
        (lambda d: d.update(settings=[]), "is damaged"),
    ],
)
def test_files_of_another_kind(model, tmp_path, change, words):
    path = model.save(tmp_path / "m.qsar")
    rewritten(path, change)
    with pytest.raises(BundleError, match=words):
        QSARModel.load(path)


def test_a_place_that_cannot_be_written(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MolganError, match="cannot write"):
        model.save(tmp_path / "file" / "m.qsar")


def test_classes_from_python(smiles, values):
    labels = ["high" if value >= 1 else "low" for value in values]
    model = QSARModel.fit(smiles, labels, family=FOREST, split="random", positive="high")
    found = model.predict(smiles)
    assert found.mean.min() >= 0
    assert found.mean.max() <= 1
    high = np.array(labels) == "high"
    assert found.mean[high].mean() > found.mean[~high].mean() + 0.5
    assert model.record["figures"]["test"]["roc_auc"] > 0.7
    assert model.target.label == "probability of target = high"


def test_the_network_has_the_same_face(smiles, values, tmp_path):
    family = Network(members=2, layers=[8], epochs=1, size=64)
    model = QSARModel.fit(smiles, values, family=family, split="random")
    again = QSARModel.load(model.save(tmp_path / "n.qsar"))
    assert np.array_equal(model.predict(smiles).mean, again.predict(smiles).mean)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"family": "svm"}, ConfigError, "family=svm: forest, network, dmpnn is wanted"),
        ({"split": "time"}, ConfigError, "split=time: scaffold or random is wanted"),
        ({"fractions": [0.5, 0.6, 0.1]}, ConfigError, r"^fractions=\[0\.5, 0\.6, 0\.1\]"),
        ({"seed": -1}, ConfigError, "seed=-1"),
        ({"fractions": [0.98, 0.01, 0.01]}, DataError, "leaves no molecules for valid and test"),
    ],
)
def test_settings_that_cannot_work(settings, error, words, smiles, values):
    arguments = {"family": FOREST, "split": "random", **settings}
    with pytest.raises(error, match=words):
        QSARModel.fit(smiles[:40], values[:40], **arguments)
