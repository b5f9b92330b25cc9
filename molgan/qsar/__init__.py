"""QSAR: models of a measured property, fitted on a user's own table, as oracles for design.

    from molgan.qsar import QSARModel
    model = QSARModel.fit(smiles, values, target="pIC50")
    model.predict(["CCO", "c1ccccc1O"]).mean

From the shell `python -m molgan.qsar fit data=assays.csv target=pIC50`, then `predict`. Predicting
with forests and fingerprint networks takes RDKit and numpy alone; fitting networks takes DeepChem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from molgan.lazy import lazy_names

if TYPE_CHECKING:
    from molgan.qsar.assays import assays_of as assays_of
    from molgan.qsar.assays import read_assays as read_assays
    from molgan.qsar.families.dmpnn import DMPNN as DMPNN
    from molgan.qsar.families.forest import RandomForest as RandomForest
    from molgan.qsar.families.network import Network as Network
    from molgan.qsar.model import Predictions as Predictions
    from molgan.qsar.model import QSARModel as QSARModel
    from molgan.qsar.report import write_study as write_study
    from molgan.qsar.study import Study as Study
    from molgan.qsar.study import run_study as run_study

_HOMES = {
    "DMPNN": "families.dmpnn",
    "Network": "families.network",
    "Predictions": "model",
    "QSARModel": "model",
    "RandomForest": "families.forest",
    "Study": "study",
    "assays_of": "assays",
    "read_assays": "assays",
    "run_study": "study",
    "write_study": "report",
}

__all__ = [
    "DMPNN",
    "Network",
    "Predictions",
    "QSARModel",
    "RandomForest",
    "Study",
    "assays_of",
    "read_assays",
    "run_study",
    "write_study",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
