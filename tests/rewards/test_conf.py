from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rdkit import Chem

from molgan.chem import Decoded
from molgan.rewards import Objective, Scorer

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "reward"
BATCH = [
    Decoded(Chem.MolFromSmiles("CCO"), "CCO", None),
    Decoded(Chem.MolFromSmiles("CCO"), "CCO", None),
    Decoded(None, None, "valence"),
]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_reward_file_builds_an_objective_that_scores(path: Path) -> None:
    objective = instantiate(OmegaConf.load(path))
    assert isinstance(objective, Objective)
    assert bool(objective) == (path.stem != "none")
    total = Scorer(objective)(BATCH).total
    assert np.all(total[:2] > 0)
    assert total[2] == 0


def test_the_papers_uniqueness_ignores_a_pair_and_ours_halves_it() -> None:
    ours, paper = (
        instantiate(OmegaConf.load(FOLDER / f"{name}.yaml"))(BATCH)
        for name in ("druglike", "paper_all")
    )
    np.testing.assert_array_equal(ours.transformed["uniqueness"][:2], [0.5, 0.5])
    np.testing.assert_array_equal(paper.transformed["uniqueness"][:2], [1.0, 1.0])
