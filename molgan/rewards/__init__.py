"""Scores of molecules and their aggregate, for training and for screening alike."""

from __future__ import annotations

from molgan.rewards.components import (
    MOLGAN_LOGP,
    MOLGAN_SA,
    QED,
    Component,
    ComponentScores,
    LogP,
    MoleculeComponent,
    SAScore,
    Uniqueness,
    Validity,
)
from molgan.rewards.objective import Aggregation, Objective, ObjectiveResult
from molgan.rewards.scorer import Scorer
from molgan.rewards.transforms import Identity, Linear, Transform

__all__ = [
    "MOLGAN_LOGP",
    "MOLGAN_SA",
    "QED",
    "Aggregation",
    "Component",
    "ComponentScores",
    "Identity",
    "Linear",
    "LogP",
    "MoleculeComponent",
    "Objective",
    "ObjectiveResult",
    "SAScore",
    "Scorer",
    "Transform",
    "Uniqueness",
    "Validity",
]
