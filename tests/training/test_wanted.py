"""Molecules as frequent as they are wanted: their mean score, their sizes, and a resume."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from molgan.errors import ConfigError
from molgan.training.aim import Aim
from molgan.training.wanted import WantedMolecules

SIZES = np.array([1, 2, 3, 4, 5] * 40)
SCORES = SIZES / 5 - 0.1  # the larger the better
SMILES = [f"molecule {number}" for number in range(len(SIZES))]


def wanted(target: float = 0.9, share: float = 1.0, **settings) -> WantedMolecules:
    settings = {"least_effective": 5, "real_scored": None, "replay": 10} | settings
    made = WantedMolecules(Aim(target, share, 0.0), np.full(6, 1 / 6), **settings)
    return begun(made)


def begun(made: WantedMolecules) -> WantedMolecules:
    atoms = (torch.arange(5) < torch.from_numpy(SIZES)[:, None]).to(torch.uint8)
    scores = dict(zip(SMILES, SCORES, strict=True))
    made.begin(
        torch.randn(len(SIZES), 3),
        atoms,
        torch.zeros(len(SIZES), 10, dtype=torch.uint8),
        SMILES,
        lambda smiles: np.array([scores[each] for each in smiles]),
    )
    return made


def test_what_is_drawn_has_the_mean_score_aimed_at_and_the_sizes_follow():
    made = wanted()
    made.tilt(1.0, mean=0.7)
    rows = made.rows(20_000, torch.Generator().manual_seed(0))
    assert float(made.scores[rows].mean()) == pytest.approx(0.7, abs=0.01)
    shares = torch.bincount(made.pool.sizes[rows], minlength=6) / len(rows)
    np.testing.assert_allclose(made.size_distribution, shares, atol=0.02)
    made.tilt(0.5, mean=0.7)  # half of the way from 0.5
    rows = made.rows(20_000, torch.Generator().manual_seed(0))
    assert float(made.scores[rows].mean()) == pytest.approx(0.6, abs=0.01)


def test_sizes_stay_where_the_sampler_rests():
    made = wanted(share=0.0)
    made.tilt(1.0)
    np.testing.assert_allclose(made.size_distribution, 1 / 6)
    made.tilt(1.0, sizes=True)
    assert made.size_distribution[5] > made.size_distribution[1]


def test_molecules_to_score_are_spread_over_the_data():
    made = wanted(real_scored=5)
    assert made.pool.smiles == [SMILES[row] for row in (0, 50, 100, 149, 199)]
    assert made.pool.sizes.tolist() == SIZES[[0, 50, 100, 149, 199]].tolist()


def test_what_was_found_and_scored_survives_a_resume():
    made = wanted()
    graph = torch.ones(1, 5, dtype=torch.uint8), torch.zeros(1, 10, dtype=torch.uint8)
    made.pool.add(torch.zeros(1, 3), *graph, np.array([0.95]), ["found"])
    made.aim.value = 0.6
    again = WantedMolecules(Aim(0.9, 1.0, 0.0), np.full(6, 1 / 6), 5, None, 10)
    again.load_state_dict(made.state_dict())
    again = begun(again)
    assert "found" in again.pool
    assert again.aim.value == 0.6
    np.testing.assert_array_equal(again.pool.scores, made.pool.scores)


@pytest.mark.parametrize("setting", [{"replay": 0}, {"real_scored": 0}])
def test_counts_of_nothing_are_refused(setting):
    with pytest.raises(ConfigError, match=next(iter(setting))):
        wanted(**setting)
