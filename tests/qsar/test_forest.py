from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from molgan.errors import BundleError, ConfigError
from molgan.qsar.families.base import Surroundings
from molgan.qsar.families.forest import Forest, RandomForest
from molgan.qsar.features import Fingerprint

SETTINGS = RandomForest(trees=15, size=256)


def damaged(arrays, name, place, value):
    changed = arrays[name].copy()
    changed[place] = value
    return {**arrays, name: changed}


def test_arrays_predict_what_scikit_learns_trees_do(parts):
    train, _, test = parts
    features = Fingerprint(size=256)
    tables = [features.matrix(part.mols) for part in (train, test)]
    theirs = RandomForestRegressor(15, random_state=3).fit(tables[0], train.values)
    ours = Forest.of_sklearn(theirs, features).follow(tables[1])
    expected = np.array([tree.predict(tables[1].astype(np.float32)) for tree in theirs.estimators_])
    assert ours.shape == (15, len(test.mols))
    assert np.allclose(ours, expected, rtol=1e-6)  # leaves are kept as float32


def test_arrays_predict_the_probabilities_of_a_classifier(class_parts):
    train, _, test = class_parts
    features = Fingerprint(size=256)
    tables = [features.matrix(part.mols) for part in (train, test)]
    theirs = RandomForestClassifier(15, min_samples_leaf=4, random_state=3)
    theirs.fit(tables[0], train.values.astype(int))
    ours = Forest.of_sklearn(theirs, features).follow(tables[1])
    assert np.allclose(ours.mean(axis=0), theirs.predict_proba(tables[1])[:, 1], atol=1e-6)


def test_it_learns_and_hangs_on_its_seed(parts):
    train, valid, test = parts
    first, again, other = (
        SETTINGS.fit(train, valid, Surroundings(seed=seed)).members(test.mols) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    error = np.abs(first.mean(axis=0) - test.values).mean()
    assert error < 0.6 * np.abs(train.values.mean() - test.values).mean()


def test_state_round_trips(parts):
    train, valid, test = parts
    forest = SETTINGS.fit(train, valid, Surroundings())
    again = Forest.restore(*forest.state())
    assert np.array_equal(again.members(test.mols), forest.members(test.mols))


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("child", 0, 10**6),
        ("child", 5, 1),
        ("feature", 0, 256),
        ("roots", 0, -1),
        ("value", 3, np.nan),
    ],
)
def test_damaged_trees_are_refused_instead_of_followed_for_ever(parts, name, place, value):
    train, valid, _ = parts
    settings, arrays = SETTINGS.fit(train, valid, Surroundings()).state()
    with pytest.raises(BundleError, match="trees are damaged"):
        Forest.restore(settings, damaged(arrays, name, place, value))


@pytest.mark.parametrize(("key", "value"), [("trees", 0), ("min_leaf", 0), ("max_features", 0.0)])
def test_settings_out_of_range(key, value):
    with pytest.raises(ConfigError, match=rf"family\.{key}="):
        RandomForest(**{key: value})
