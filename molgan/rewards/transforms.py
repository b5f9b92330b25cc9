"""Transforms from a raw score to [0, 1], each with an explicit direction: 1 is what is wanted.

NaN stays NaN throughout: a failed score is not a low one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from molgan.errors import ConfigError

FloatArray = npt.NDArray[np.float64]

_EDGE = math.log(19.0)  # the logistic function is 0.05 at -log 19 and 0.95 at log 19
_SAME = 1e-9  # raw scores that differ by no more are the same entry of a value map


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
        if not _finite(self.worst, self.best) or self.worst == self.best:
            raise ConfigError(
                f"a linear transform needs two different finite numbers, not worst={self.worst} "
                f"and best={self.best}"
            )

    def __call__(self, values: FloatArray) -> FloatArray:
        """Transform raw scores of shape (B,) to [0, 1]."""
        return np.clip((values - self.worst) / (self.best - self.worst), 0.0, 1.0)


@dataclass(frozen=True)
class Sigmoid:
    """High values are wanted: rises smoothly from 0.05 at `low` to 0.95 at `high`.

    Unlike a clipped line it never gets flat, so there is always a way up.

    Attributes:
        low: Raw score that maps to 0.05, in the unit of the score.
        high: Raw score that maps to 0.95; above `low`.

    Raises:
        ConfigError: If `low` is not below `high`, or one of them is not finite.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        """Reject limits that contradict each other."""
        _check_order("sigmoid", self.low, self.high)

    def __call__(self, values: FloatArray) -> FloatArray:
        """Transform raw scores of shape (B,) to [0, 1]."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        return _logistic((values - middle) / half * _EDGE)


@dataclass(frozen=True)
class ReverseSigmoid:
    """Low values are wanted: falls smoothly from 0.95 at `low` to 0.05 at `high`.

    Attributes:
        low: Raw score that maps to 0.95, in the unit of the score.
        high: Raw score that maps to 0.05; above `low`.

    Raises:
        ConfigError: If `low` is not below `high`, or one of them is not finite.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        """Reject limits that contradict each other."""
        _check_order("reverse_sigmoid", self.low, self.high)

    def __call__(self, values: FloatArray) -> FloatArray:
        """Transform raw scores of shape (B,) to [0, 1]."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        return _logistic((middle - values) / half * _EDGE)


@dataclass(frozen=True)
class DoubleSigmoid:
    """A range is wanted: 1 in its middle, about one half at its ends, smoothly to 0 beyond.

    The product of a rising and a falling logistic function, divided by its value in the middle.

    Attributes:
        low: Lower end of the range, in the unit of the score.
        high: Upper end; above `low`.
        edge: Width of each flank: from `edge` / 2 before an end to as much behind it a flank goes
            from 0.05 to 0.95. None takes a fifth of the range.

    Raises:
        ConfigError: If `low` is not below `high`, `edge` is not above 0, or one is not finite.
    """

    low: float
    high: float
    edge: float | None = None

    def __post_init__(self) -> None:
        """Reject limits that contradict each other."""
        _check_order("double_sigmoid", self.low, self.high)
        if self.edge is not None and not (_finite(self.edge) and self.edge > 0):
            raise ConfigError(
                f"a double_sigmoid transform needs edge above 0, not edge={self.edge}"
            )

    def __call__(self, values: FloatArray) -> FloatArray:
        """Transform raw scores of shape (B,) to [0, 1]."""
        half = (self.high - self.low) / 2
        edge = half * 0.4 if self.edge is None else self.edge
        scale = 2 * _EDGE / edge
        flanks = _logistic((values - self.low) * scale) * _logistic((self.high - values) * scale)
        peak = _logistic(np.array([half * scale]))[0] ** 2
        found: FloatArray = np.clip(flanks / peak, 0.0, 1.0)
        return found


@dataclass(frozen=True)
class Step:
    """All or nothing: 1 from `low` to `high`, both included, else 0.

    Attributes:
        low: Smallest raw score that is good; None is open.
        high: Largest raw score that is good; None is open.

    Raises:
        ConfigError: If both are None, `low` is above `high`, or one is NaN.
    """

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """Reject a window that is no window."""
        if self.low is None and self.high is None:
            raise ConfigError("a step transform needs low, high or both")
        if math.isnan(self.low or 0.0) or math.isnan(self.high or 0.0):
            raise ConfigError("a step transform needs numbers as low and high, not NaN")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ConfigError(
                f"a step transform needs low up to high, not low={self.low} and high={self.high}"
            )

    def __call__(self, values: FloatArray) -> FloatArray:
        """Transform raw scores of shape (B,) to 0 or 1."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        inside = ((values >= low) & (values <= high)).astype(np.float64)
        return np.where(np.isnan(values), np.nan, inside)


@dataclass(frozen=True)
class Gaussian:
    """One value is wanted: 1 at `target`, falling like a bell: 0.61 at `width`, 0.14 at twice that.

    Attributes:
        target: Raw score that is best, in the unit of the score.
        width: Standard deviation of the bell, in the same unit, above 0.

    Raises:
        ConfigError: If `width` is not above 0, or one of them is not finite.
    """

    target: float
    width: float

    def __post_init__(self) -> None:
        """Reject a bell without a width."""
        if not _finite(self.target, self.width) or self.width <= 0:
            raise ConfigError(
                "a gaussian transform needs a finite target and a width above 0, not "
                f"target={self.target} and width={self.width}"
            )

    def __call__(self, values: FloatArray) -> FloatArray:
        """Transform raw scores of shape (B,) to [0, 1]."""
        # A raw score of 1e200 is legal; its square is not.
        distance = np.clip((values - self.target) / self.width, -1e3, 1e3)
        bell: FloatArray = np.exp(-0.5 * distance**2)
        return bell


@dataclass(frozen=True)
class ValueMap:
    """A table from raw scores, such as counts or classes, to [0, 1].

    Attributes:
        values: Raw score -> 0 to 1.
        other: For raw scores that are not in the table.

    Raises:
        ConfigError: If the table is empty, or holds something that is no number from 0 to 1.
    """

    values: Mapping[float, float]
    other: float = 0.0

    def __post_init__(self) -> None:
        """Reject entries that are no scores."""
        try:
            table = {float(key): float(value) for key, value in dict(self.values).items()}
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"a value_map transform needs numbers as values={{raw: score}}, not {self.values}"
            ) from error
        if not table:
            raise ConfigError("a value_map transform needs values={raw: score}; they are empty")
        for score in (*table.values(), self.other):
            if not 0 <= score <= 1:
                raise ConfigError(f"a value_map transform gives scores from 0 to 1, not {score}")
        object.__setattr__(self, "values", table)

    def __call__(self, values: FloatArray) -> FloatArray:
        """Transform raw scores of shape (B,) to [0, 1]."""
        found = np.where(np.isnan(values), np.nan, self.other)
        for raw, score in self.values.items():
            found[np.abs(values - raw) <= _SAME * max(1.0, abs(raw))] = score
        return found


TRANSFORMS: dict[str, type[Transform]] = {
    "identity": Identity,
    "linear": Linear,
    "sigmoid": Sigmoid,
    "reverse_sigmoid": ReverseSigmoid,
    "double_sigmoid": DoubleSigmoid,
    "step": Step,
    "gaussian": Gaussian,
    "value_map": ValueMap,
}
"""Short names of the transforms, for objectives written as data."""


def _logistic(values: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * values))


def _finite(*numbers: float) -> bool:
    return all(math.isfinite(number) for number in numbers)


def _check_order(name: str, low: float, high: float) -> None:
    if not _finite(low, high) or low >= high:
        raise ConfigError(
            f"a {name} transform needs low below high, not low={low} and high={high}; the "
            "direction is in the name: sigmoid wants high values, reverse_sigmoid low ones"
        )
