"""What a conditional model can be asked for: targets, the draw near them, what is kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from molgan.conditions import Conditions
from molgan.errors import BundleError, ConfigError

LOGP_AND_SIZE = {"logp": {"type": "logp"}, "atoms": {"type": "heavy_atoms"}}


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    """Molecules of 1 to 10 atoms; logP is half the number of atoms, give or take a little."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 11, 4000)
    logp = sizes / 2 + rng.normal(0, 0.1, 4000)
    return Conditions.of(LOGP_AND_SIZE, np.column_stack([logp, sizes]), sizes)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_statistics_are_those_of_all_molecules_and_examples_are_spread_over_them():
    values = np.column_stack([np.arange(100.0), np.r_[np.nan, np.ones(98), 3]])
    found = Conditions.of(LOGP_AND_SIZE, values, np.arange(100), rows=10)
    np.testing.assert_allclose(found.means, values[1:].mean(0))
    np.testing.assert_allclose(found.deviations, values[1:].std(0))
    assert found.lowest.tolist() == [1, 1]  # the molecule without a value does not count
    assert found.highest.tolist() == [99, 3]
    assert found.sizes.tolist() == [1, 12, 23, 34, 45, 55, 66, 77, 88, 99]
    np.testing.assert_allclose(found.standardised(found.means), 0)


def test_another_models_scale_is_kept(conditions):
    values = np.column_stack([np.arange(10.0), np.arange(10.0)])
    found = Conditions.of(LOGP_AND_SIZE, values, np.arange(10), like=conditions)
    np.testing.assert_array_equal(found.means, conditions.means)
    np.testing.assert_array_equal(found.deviations, conditions.deviations)
    assert found.highest.tolist() == [9, 9]


@pytest.mark.parametrize(
    ("values", "said"), [([[1.0, 2], [1, 3]], "same logp"), ([[np.nan, 2]], "no training molecule")]
)
def test_nothing_to_choose_by_is_refused(values, said):
    with pytest.raises(ConfigError, match=said):
        Conditions.of(LOGP_AND_SIZE, np.array(values), np.ones(len(values), dtype=int))


def test_without_a_request_sizes_and_conditions_are_those_of_the_examples(conditions):
    sizes, given = conditions.draw(3000, None, rng())
    assert torch.equal(given[:, 1], conditions_of_sizes(conditions, sizes))
    np.testing.assert_allclose(given.mean(0), 0, atol=0.06)
    np.testing.assert_allclose(given.std(0), 1, atol=0.06)


def test_what_is_not_asked_for_follows_what_is(conditions):
    wanted = conditions.wanted({"logp": 3.0}, 500)
    sizes, given = conditions.draw(500, wanted, rng())
    place = torch.tensor(conditions.standardised(np.array([3.0, 0]))[0], dtype=torch.float32)
    assert (given[:, 0] == place).all()
    assert set(sizes.tolist()) <= {5, 6, 7}
    assert torch.equal(given[:, 1], conditions_of_sizes(conditions, sizes))


def test_a_request_for_each_molecule(conditions):
    targets = np.linspace(1, 4.5, 400)
    wanted = conditions.wanted({"logp": targets}, 400)
    sizes, given = conditions.draw(400, wanted, rng())
    np.testing.assert_allclose(
        given[:, 0], (targets - conditions.means[0]) / conditions.deviations[0], rtol=1e-5
    )
    assert np.corrcoef(sizes, targets)[0, 1] > 0.97


def test_where_there_is_nothing_near_the_nearest_do(conditions):
    wanted = conditions.wanted({"logp": 9.0}, 200, outside=True)
    sizes, given = conditions.draw(200, wanted, rng())
    assert set(sizes.tolist()) == {10}
    assert len(set(given[:, 0].tolist())) == 1


def test_the_same_seed_draws_the_same(conditions):
    wanted = conditions.wanted({"logp": 2.0}, 50)
    one, other = (conditions.draw(50, wanted, rng()) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ({"qed": 0.5}, r"condition\.qed.*logp \(.*atoms \(1 to 10\)"),
        ({"logp": "high"}, "condition.logp='high': a number"),
        ({"logp": True}, "a number"),
        ({"logp": float("nan")}, "a number"),
        ({"logp": [1.0, 2.0]}, "2 values.*each of the 7"),
        ({"atoms": 12}, r"condition\.atoms=12 is outside the data.* 1 and 10.*condition_outside"),
        ({"atoms": [5, 5, 5, 0, 5, 5, 5]}, r"atoms=0 is outside"),
    ],
)
def test_requests_that_cannot_be_met_are_refused(conditions, targets, said):
    with pytest.raises(ConfigError, match=said):
        conditions.wanted(targets, 7)


def test_what_is_kept_comes_back(conditions):
    again = Conditions.from_document(conditions.to_document(), conditions.table())
    assert again.properties == LOGP_AND_SIZE
    np.testing.assert_array_equal(again.means, conditions.means)
    np.testing.assert_array_equal(again.sizes, conditions.sizes)
    np.testing.assert_allclose(again.values, conditions.values, rtol=1e-6)
    with pytest.raises(BundleError, match="do not fit"):
        Conditions.from_document(conditions.to_document(), conditions.table()[:, 1:])


def conditions_of_sizes(conditions: Conditions, sizes: torch.Tensor) -> torch.Tensor:
    """Standardised number of atoms."""
    values = (sizes.numpy() - conditions.means[1]) / conditions.deviations[1]
    return torch.tensor(values).float()
