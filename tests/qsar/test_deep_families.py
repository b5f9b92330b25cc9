"""The families that DeepChem trains: the network on fingerprints and the D-MPNN."""

from __future__ import annotations

import logging
import math
from typing import ClassVar

import numpy as np
import pytest
import torch

from molgan.errors import BundleError, ConfigError, DataError, TrainingError
from molgan.qsar.families.base import Surroundings
from molgan.qsar.families.deep import Scaling
from molgan.qsar.families.dmpnn import DMPNN, DMPNNEnsemble
from molgan.qsar.families.network import Network, NetworkEnsemble

NETWORK = Network(members=2, layers=[32, 16], epochs=25, batch_size=16, size=256)
GRAPHS = DMPNN(members=2, epochs=8, batch_size=16, hidden=32, head_units=16, learning_rate=3e-3)


def better_than_the_mean(members, train, test):
    error = np.abs(members.mean(axis=0) - test.values).mean()
    return error < 0.6 * np.abs(train.values.mean() - test.values).mean()


def tells_apart(members, test):
    mean, positive = members.mean(axis=0), test.values > 0.5
    return mean[positive].mean() - mean[~positive].mean() > 0.2


def test_network_learns_and_keeps_the_global_generators(parts):
    train, valid, test = parts
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    threshold = logging.root.manager.disable
    first = NETWORK.fit(train, valid, Surroundings(seed=1)).members(test.mols)
    again = NETWORK.fit(train, valid, Surroundings(seed=1)).members(test.mols)
    assert first.shape == (2, len(test.mols))
    assert np.array_equal(first, again)
    assert better_than_the_mean(first, train, test)
    assert np.array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])
    assert logging.root.manager.disable == threshold


def test_numpy_predicts_what_deepchems_network_does(parts, monkeypatch):
    from deepchem.data import NumpyDataset
    from deepchem.models import MultitaskRegressor

    built = []
    original = MultitaskRegressor.__init__

    def remembering(self, *args, **kwargs):
        original(self, *args, **kwargs)
        built.append(self)

    monkeypatch.setattr(MultitaskRegressor, "__init__", remembering)
    train, _, test = parts
    settings = Network(members=1, layers=[16, 8], epochs=2, size=256)
    # Without validation molecules the last weights count, which the model still has.
    ours = settings.fit(train, type(train)([], np.empty(0)), Surroundings())
    table = settings.features().matrix(test.mols)
    theirs = built[0].predict(NumpyDataset(table.astype(np.float32))).ravel()
    assert np.allclose(ours.forward(table)[0], ours.scaling.back(theirs), atol=1e-5)


def test_network_gives_probabilities(class_parts):
    train, valid, test = class_parts
    members = NETWORK.fit(train, valid, Surroundings(classify=True)).members(test.mols)
    assert members.min() >= 0
    assert members.max() <= 1
    assert tells_apart(members, test)


def test_network_state_round_trips_and_is_checked(parts):
    train, valid, test = parts
    network = Network(members=2, layers=[8], epochs=1, size=64).fit(train, valid, Surroundings())
    settings, arrays = network.state()
    again = NetworkEnsemble.restore(settings, arrays)
    assert np.array_equal(again.members(test.mols), network.members(test.mols))
    with pytest.raises(BundleError, match="do not fit"):
        NetworkEnsemble.restore(settings, {**arrays, "0.weight": arrays["0.weight"][:, :, 1:]})


@pytest.mark.parametrize("classify", [False, True])
def test_dmpnn_learns_and_round_trips(parts, class_parts, classify):
    train, valid, test = class_parts if classify else parts
    model = GRAPHS.fit(train, valid, Surroundings(classify=classify))
    members = model.members(test.mols)
    assert members.shape == (2, len(test.mols))
    if classify:
        assert tells_apart(members, test)
    else:
        assert better_than_the_mean(members, train, test)
    again = DMPNNEnsemble.restore(*model.state())
    assert np.allclose(again.members(test.mols), members)


def test_dmpnn_predicts_alike_alone_and_in_company(parts):
    from rdkit import Chem

    train, valid, test = parts
    model = DMPNN(members=1, epochs=1, hidden=16, head_units=8).fit(train, valid, Surroundings())
    mols = [Chem.MolFromSmiles("C"), *test.mols[:3]]  # methane has no bond
    together = model.members(mols)[0]
    alone = [model.members([mol])[0, 0] for mol in mols]
    assert np.allclose(together, alone, atol=1e-5)


def test_dmpnn_refuses_other_features_and_weights(parts):
    train, valid, _ = parts
    model = DMPNN(members=1, epochs=1, hidden=16, head_units=8).fit(train, valid, Surroundings())
    settings, arrays = model.state()
    with pytest.raises(BundleError, match="which this molgan does not know"):
        DMPNNEnsemble.restore({**settings, "features": {"kind": "morgan"}}, arrays)
    with pytest.raises(BundleError, match="do not fit its network"):
        DMPNNEnsemble.restore(settings, dict(list(arrays.items())[1:]))


class _Diverging:
    """A model whose loss is no number."""

    model: ClassVar[torch.nn.Module] = torch.nn.Linear(1, 1)

    def fit(self, dataset, nb_epoch, checkpoint_interval):
        return math.nan


def test_a_loss_that_is_no_number_stops_the_fit(parts, monkeypatch):
    train, _, _ = parts
    monkeypatch.setattr("deepchem.models.MultitaskRegressor", lambda **_: _Diverging())
    with pytest.raises(TrainingError, match=r"family\.learning_rate"):
        NETWORK.fit(train, type(train)([], np.empty(0)), Surroundings())


def test_without_deepchem_the_message_says_what_to_do(parts, monkeypatch):
    train, valid, _ = parts
    monkeypatch.setitem(__import__("sys").modules, "deepchem", None)
    for family, name in ((NETWORK, "network"), (GRAPHS, "dmpnn")):
        with pytest.raises(DataError, match=rf"family={name} needs deepchem 2\.8.*Python 3\.11"):
            family.fit(train, valid, Surroundings())


def test_scaling_there_and_back():
    values = np.array([1.0, 2.0, 4.0])
    scaling = Scaling.of(values, classify=False)
    assert np.allclose(scaling.back(scaling.there(values)), values)
    assert Scaling.of(values, classify=True) == Scaling(0.0, 1.0)


@pytest.mark.parametrize(
    ("family", "key", "value"),
    [
        (Network, "members", 0),
        (Network, "layers", []),
        (Network, "dropout", 1.0),
        (Network, "learning_rate", 0.0),
        (DMPNN, "depth", 0),
    ],
)
def test_settings_out_of_range(family, key, value):
    with pytest.raises(ConfigError, match=rf"family\.{key}="):
        family(**{key: value})


def test_a_device_that_is_not_there(parts):
    train, valid, _ = parts
    with pytest.raises(ConfigError, match="device=magic cannot be used"):
        NETWORK.fit(train, valid, Surroundings(device="magic"))
