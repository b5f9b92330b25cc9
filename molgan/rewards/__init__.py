"""Scores of molecules and their aggregate, for training, generation and screening alike.

from molgan.rewards import make_objective
good = make_objective({"qed": {}, "sa": {"weight": 0.5}})
print(good.score(["CCO"]).columns())
"""

from __future__ import annotations

from molgan.rewards.command import Command
from molgan.rewards.components import (
    MOLGAN_LOGP,
    MOLGAN_SA,
    QED,
    BatchComponent,
    Component,
    ComponentScores,
    LogP,
    MoleculeComponent,
    SAScore,
    Uniqueness,
    Validity,
)
from molgan.rewards.from_data import make_objective, qsar_objective, read_objective
from molgan.rewards.models import QSAR, DockingScore
from molgan.rewards.objective import Aggregation, Objective, ObjectiveResult
from molgan.rewards.python_function import PythonFunction
from molgan.rewards.registry import COMPONENTS, make_component, make_transform
from molgan.rewards.scorer import Scorer
from molgan.rewards.scores import Score
from molgan.rewards.similarity import Dissimilarity, Novelty, Similarity
from molgan.rewards.structures import AlertPenalty, Scaffold, Substructure
from molgan.rewards.transforms import (
    TRANSFORMS,
    DoubleSigmoid,
    Gaussian,
    Identity,
    Linear,
    ReverseSigmoid,
    Sigmoid,
    Step,
    Transform,
    ValueMap,
)
from molgan.rewards.trial import check_objective

__all__ = [
    "COMPONENTS",
    "MOLGAN_LOGP",
    "MOLGAN_SA",
    "QED",
    "QSAR",
    "TRANSFORMS",
    "Aggregation",
    "AlertPenalty",
    "BatchComponent",
    "Command",
    "Component",
    "ComponentScores",
    "Dissimilarity",
    "DockingScore",
    "DoubleSigmoid",
    "Gaussian",
    "Identity",
    "Linear",
    "LogP",
    "MoleculeComponent",
    "Novelty",
    "Objective",
    "ObjectiveResult",
    "PythonFunction",
    "ReverseSigmoid",
    "SAScore",
    "Scaffold",
    "Score",
    "Scorer",
    "Sigmoid",
    "Similarity",
    "Step",
    "Substructure",
    "Transform",
    "Uniqueness",
    "Validity",
    "ValueMap",
    "check_objective",
    "make_component",
    "make_objective",
    "make_transform",
    "qsar_objective",
    "read_objective",
]
