"""What a family of models is: settings that can be fitted, and the ensemble that comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from rdkit import Chem

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Part:
    """Molecules with their measured values.

    Attributes:
        mols: sanitised molecules.
        values: (n,) numbers; for classification 0 or 1.
    """

    mols: Sequence[Chem.Mol]
    values: Array


@dataclass(frozen=True)
class Surroundings:
    """What a fit needs besides its molecules.

    Attributes:
        classify: whether the values are classes.
        seed: of every random choice.
        n_jobs: threads of a forest; -1 for one per core.
        device: of a network: ``auto``, ``cpu`` or ``cuda``.
        progress: show a progress bar.
    """

    classify: bool = False
    seed: int = 0
    n_jobs: int = 1
    device: str = "auto"
    progress: bool = False


class Ensemble(ABC):
    """Fitted members whose mean is the prediction and whose spread tells how sure it is."""

    family: ClassVar[str]

    @abstractmethod
    def members(self, mols: Sequence[Chem.Mol]) -> Array:
        """(members, n) predictions; for classification the probability of class 1."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Plain settings and arrays from which `restore` makes the same ensemble."""

    @classmethod
    @abstractmethod
    def restore(cls, settings: dict[str, Any], arrays: Arrays) -> Ensemble:
        """The ensemble of a model file.

        Raises:
            BundleError: If the features are others, or a package is missing.
            LookupError, TypeError, ValueError: If the file is damaged.
        """


class Family(Protocol):
    """Settings of a family of models, a dataclass; what conf/family/ describes."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def fit(self, train: Part, valid: Part, around: Surroundings) -> Ensemble:
        """Fit on `train`; `valid` may end a training early and is never fitted on.

        Args:
            train: What is fitted.
            valid: What decides when a training ends; a forest does not look at it.
            around: Classes or numbers, seed, threads, device.
        """
        ...
