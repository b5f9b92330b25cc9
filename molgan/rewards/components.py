"""Components: what one score of a molecule is, its range and direction, and how it maps to [0, 1].

A component sees decoded molecules and gives one number for each, or NaN with a reason. Most are
functions of one molecule alone; uniqueness depends on the batch and says so through `batch_level`,
so that the `Scorer` never takes it from its cache.

Own components subclass `MoleculeComponent` (one molecule at a time) or `BatchComponent` (several).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from rdkit import Chem

from molgan.chem import Decoded, logp, qed, sa_score
from molgan.errors import ConfigError
from molgan.rewards.transforms import FloatArray, Identity, Linear, Transform

# Normalisation of logP and of the SA score in MolGAN's code (nicola-decao/MolGAN,
# utils/molecular_metrics.py): clip((x - worst) / (best - worst), 0, 1).
MOLGAN_LOGP = Linear(worst=-2.12178879609, best=6.0429063424)
"""MolGAN's transform of logP to [0, 1]."""

MOLGAN_SA = Linear(worst=5.0, best=1.5)
"""MolGAN's transform of the SA score to [0, 1]."""

INVALID = "invalid"


class ComponentScores(NamedTuple):
    """Raw scores of one component for a batch.

    Attributes:
        values: (B,) float64 in the unit of the component; NaN where there is no score.
        reasons: B entries, None where there is a score, else why there is none.
    """

    values: FloatArray
    reasons: tuple[str | None, ...]


Scored = tuple[float, str | None]
"""Raw score of one molecule and None, or NaN and the reason."""


class Component(Protocol):
    """One score: callable on decoded molecules, picklable, with a transform to [0, 1].

    Three more attributes are looked at where a component has them: `own_workers` (true: it starts
    workers or programs itself, so the `Scorer` keeps it out of its pool), `limit(count)` (seconds
    after which it has given up on `count` molecules, for those who set time limits around it) and
    `with_training_set(identities)` (a copy that knows the training set).
    """

    @property
    def batch_level(self) -> bool:
        """True if the score of a molecule depends on the others in the batch."""
        ...

    @property
    def transform(self) -> Transform:
        """Maps the raw scores to [0, 1], 1 being what is wanted."""
        ...

    def __call__(self, decoded: Sequence[Decoded]) -> ComponentScores:
        """Score a batch; an invalid molecule scores NaN with its reason (validity: 0)."""
        ...


class MoleculeComponent(ABC):
    """Base of components computed one molecule at a time: subclasses write `score` only.

    Attributes:
        transform: Maps raw scores to [0, 1], 1 being what is wanted; a field of each subclass.
    """

    batch_level: ClassVar[bool] = False

    @abstractmethod
    def score(self, mol: Chem.Mol) -> float:
        """Return the raw score of one sanitised molecule; an exception or NaN is a failure.

        Args:
            mol: Sanitised and of one fragment.
        """

    def _score_one(self, mol: Chem.Mol) -> Scored:
        """Return (raw score, None), or (NaN, reason) if the calculation fails on this molecule."""
        # Broad on purpose: descriptors of users and of RDKit raise what they like, and one odd
        # molecule must not end a training run. The reason is kept beside the NaN.
        try:
            return scored(self.score(mol))
        except Exception as error:
            return math.nan, reason_of(error)

    def __call__(self, decoded: Sequence[Decoded]) -> ComponentScores:
        """Score a batch of B molecules, one after the other."""
        return gathered(
            decoded, [self._score_one(item.mol) for item in decoded if item.mol is not None]
        )


class BatchComponent(ABC):
    """Base of components that score several molecules at once: subclasses write `score_all`."""

    batch_level: ClassVar[bool] = False

    @abstractmethod
    def score_all(self, valid: Sequence[Decoded]) -> Sequence[Scored]:
        """Return one `Scored` for each molecule; an exception is a failure of all of them.

        Args:
            valid: At least one valid molecule.
        """

    def __call__(self, decoded: Sequence[Decoded]) -> ComponentScores:
        """Score a batch of B molecules, the valid ones together."""
        valid = [item for item in decoded if item.mol is not None]
        if not valid:
            return gathered(decoded, [])
        try:
            results = self.score_all(valid)
        except Exception as error:  # as in `MoleculeComponent`
            results = [(math.nan, reason_of(error))] * len(valid)
        return gathered(decoded, results)


@dataclass(frozen=True)
class Alone:
    """A component that looks at the batch, shown one molecule at a time."""

    part: Component
    batch_level: ClassVar[bool] = False

    @property
    def transform(self) -> Transform:
        """As of the component."""
        return self.part.transform

    def __call__(self, decoded: Sequence[Decoded]) -> ComponentScores:
        """Score each molecule as a batch of its own."""
        results = [self.part([item]) for item in decoded]
        values = np.array([result.values[0] for result in results], dtype=np.float64)
        return ComponentScores(values, tuple(result.reasons[0] for result in results))


def scored(value: object) -> Scored:
    """A raw score as a component gave it, or NaN and why it is none."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan, f"score is no number: {str(value)[:60]!r}"
    if not math.isfinite(number):
        return math.nan, f"score is {number}"
    return number, None


def reason_of(error: Exception) -> str:
    """What an exception says, in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def gathered(decoded: Sequence[Decoded], valid: Sequence[Scored]) -> ComponentScores:
    """Scores of the valid molecules of a batch, in their places among the invalid ones.

    Args:
        decoded: B molecules.
        valid: One entry for each valid one of them.
    """
    rest = iter(valid)
    rows = [
        next(rest) if item.mol is not None else (math.nan, item.reason or INVALID)
        for item in decoded
    ]
    values = np.array([value for value, _ in rows], dtype=np.float64)
    return ComponentScores(values, tuple(reason for _, reason in rows))


@dataclass(frozen=True)
class QED(MoleculeComponent):
    """Quantitative estimate of drug-likeness (Bickerton et al. 2012): 0 to 1, higher is better."""

    transform: Transform = field(default_factory=Identity)
    score_name: ClassVar[str] = "qed"

    def score(self, mol: Chem.Mol) -> float:
        """Return QED of one molecule, 0 to 1."""
        return qed(mol)


@dataclass(frozen=True)
class LogP(MoleculeComponent):
    """Crippen logP (Wildman & Crippen 1999), about -3 to 8; higher is better, as in MolGAN."""

    transform: Transform = MOLGAN_LOGP
    score_name: ClassVar[str] = "logp"

    def score(self, mol: Chem.Mol) -> float:
        """Return Crippen's logP of one molecule (log10 of the octanol-water partition)."""
        return logp(mol)


@dataclass(frozen=True)
class SAScore(MoleculeComponent):
    """Synthetic accessibility (Ertl & Schuffenhauer 2009): 1 easy to 10 hard, lower is better."""

    transform: Transform = MOLGAN_SA
    score_name: ClassVar[str] = "sa"

    def score(self, mol: Chem.Mol) -> float:
        """Return the SA score of one molecule, 1 (easy) to 10 (hard)."""
        return sa_score(mol)


@dataclass(frozen=True)
class Validity:
    """1 for a strictly valid molecule (sanitised, one fragment, no dummy atoms), else 0.

    Attributes:
        transform: Of the 1 or 0.
    """

    transform: Transform = field(default_factory=Identity)
    batch_level: ClassVar[bool] = False

    def __call__(self, decoded: Sequence[Decoded]) -> ComponentScores:
        """Score a batch; unlike other components an invalid molecule has a score here: 0."""
        values = np.array([item.mol is not None for item in decoded], dtype=np.float64)
        return ComponentScores(values, (None,) * len(decoded))


@dataclass(frozen=True)
class Uniqueness:
    """How rare a molecule is within its batch, by canonical SMILES: 0 to 1, higher is better.

    `inverse` scores 1/count, so the scores of a batch add up to its number of distinct molecules,
    and a batch of B copies scores 1/B each: the reward really falls with collapse. `paper` is
    clip(0.75 + 1/count, 0, 1) of MolGAN's code; it is 1 up to 4 copies and saturates at 0.75, so
    that a fully collapsed batch loses no more than a quarter of its reward. Use it to reproduce the
    paper only.

    Attributes:
        form: `inverse` or `paper`.
        transform: Identity unless replaced.

    Raises:
        ConfigError: If `form` is neither.
    """

    form: Literal["inverse", "paper"] = "inverse"
    transform: Transform = field(default_factory=Identity)
    batch_level: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Reject an unknown form."""
        if self.form not in ("inverse", "paper"):
            raise ConfigError(f"uniqueness form {self.form!r} is unknown; use 'inverse' or 'paper'")

    def __call__(self, decoded: Sequence[Decoded]) -> ComponentScores:
        """Score a batch; invalid molecules are NaN and are not counted."""
        counts = Counter(item.smiles for item in decoded if item.smiles is not None)
        values = np.array(
            [1.0 / counts[item.smiles] if item.smiles is not None else np.nan for item in decoded],
            dtype=np.float64,
        )
        if self.form == "paper":
            values = np.clip(0.75 + values, 0.0, 1.0)
        reasons = tuple(
            None if item.smiles is not None else item.reason or INVALID for item in decoded
        )
        return ComponentScores(values, reasons)
