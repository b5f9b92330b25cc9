from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rdkit import Chem

from molgan.chem import Decoded
from molgan.metrics import HashedIdentities
from molgan.rewards import DockingScore, Objective, Scorer

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "reward"
BATCH = [
    Decoded(Chem.MolFromSmiles("CCO"), "CCO", None),
    Decoded(Chem.MolFromSmiles("CCO"), "CCO", None),
    Decoded(None, None, "valence"),
]
RECEPTOR = "ATOM      1  C   ALA A   1       0.000   0.000   0.000  1.00  0.00    +0.000 C\n"


class Model:
    """Stands in for a fitted QSAR model: the number of letters."""

    @classmethod
    def load(cls, path: Path) -> Model:
        assert path.read_text() == "a model"
        return cls()

    def predict(self, smiles: list[str]) -> tuple[list[float], list[float], list[bool]]:
        return [2.0 * len(text) for text in smiles], [0.1] * len(smiles), [True] * len(smiles)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What a user would give for the settings that must be given."""
    files = {
        "my.yaml": "aggregation: min\ncomponents:\n  qed: {weight: 2}\n",
        "known.smi": "CCN a\nCCOC b\n",
        "model.qsar": "a model",
        "receptor.pdbqt": RECEPTOR,
        "mine.py": "def half(smiles):\n    return [0.5] * len(smiles)\n",
        "answer.py": "import sys\nfor line in sys.stdin: print('{\"score\": 0.5}')\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setitem(sys.modules, "molgan.qsar", SimpleNamespace(QSARModel=Model))
    at = {name: str(tmp_path / name) for name in files}
    docking = {
        "components.docking.receptor": at["receptor.pdbqt"],
        "components.docking.center": [0, 0, 0],
        "components.docking.size": [8, 8, 8],
    }
    return {
        "file": {"path": at["my.yaml"]},
        "similar": {"components.similarity.path": at["known.smi"]},
        "qsar": {"model": at["model.qsar"]},
        "docking": docking,
        "python": {"components.python.function": at["mine.py"] + ":half"},
        "command": {"components.command.command": [sys.executable, at["answer.py"]]},
    }


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_reward_file_builds_an_objective_that_scores(
    path: Path, own: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = OmegaConf.load(path)
    for key, value in own.get(path.stem, {}).items():
        OmegaConf.update(cfg, key, value)
    assert not OmegaConf.missing_keys(cfg)
    if path.stem == "docking":
        pytest.importorskip("vina")
        pytest.importorskip("meeko")
        docked = (-8.0, None)
        monkeypatch.setattr(DockingScore, "score_all", lambda self, mols: [docked] * len(mols))
    objective = instantiate(cfg).with_training_set(HashedIdentities.from_smiles(["C"]))
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
