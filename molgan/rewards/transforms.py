"""Transforms from a raw score to [0, 1], each with an explicit direction: 1 is what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from molgan.errors import ConfigError

FloatArray = npt.NDArray[np.float64]


class Transform(Protocol):
    """Maps raw scores to [0, 1]; NaN stays NaN, since a failed score is not a low one."""

    def __call__(self, values: FloatArray) -> FloatArray:
        """Transform raw scores of shape (B,) to [0, 1]."""
        ...


@dataclass(frozen=True)
class Identity:
    """For scores that already lie in [0, 1] with 1 as the best value, such as QED."""

    def __call__(self, values: FloatArray) -> FloatArray:
        """Clip raw scores of shape (B,) to [0, 1], which only removes rounding."""
        return np.clip(values, 0.0, 1.0)


@dataclass(frozen=True)
class Linear:
    """Straight line from `worst` (0) to `best` (1), clipped outside.

    The formula is clip((x - worst) / (best - worst), 0, 1), and the direction is in the order of
    the two: `Linear(worst=5.0, best=1.5)` wants low values.

    Attributes:
        worst: Raw score that maps to 0, in the unit of the score.
        best: Raw score that maps to 1, in the unit of the score.

    Raises:
        ConfigError: If the two are equal or not finite.
    """

    worst: float
    best: float

    def __post_init__(self) -> None:
        """Reject a line without a direction."""
        if not (np.isfinite(self.worst) and np.isfinite(self.best)) or self.worst == self.best:
            raise ConfigError(
                f"a linear transform needs two different finite numbers, not worst={self.worst} "
                f"and best={self.best}"
            )

    def __call__(self, values: FloatArray) -> FloatArray:
        """Transform raw scores of shape (B,) to [0, 1]."""
        return np.clip((values - self.worst) / (self.best - self.worst), 0.0, 1.0)
