"""What is predicted: numbers or two classes, in which unit, after which transformation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from molgan.errors import ConfigError, DataError

TASKS = ("regression", "classification")

#: Transformations of positive values: name -> (function, what comes out).
TRANSFORMS: dict[str, tuple[Callable[[float], float], str]] = {
    "log10": (math.log10, "log10 of {}"),
    "p_molar": (lambda value: -math.log10(value), "-log10 of {} in M"),
    "p_micromolar": (lambda value: 6 - math.log10(value), "-log10 of {} in M, given in uM"),
    "p_nanomolar": (lambda value: 9 - math.log10(value), "-log10 of {} in M, given in nM"),
}

_POSITIVE = ("1", "true", "yes", "y", "active", "positive", "pos", "toxic")
_NEGATIVE = ("0", "false", "no", "n", "inactive", "negative", "neg", "nontoxic", "non-toxic")
_SHOWN = 5  # values of a column quoted in a message
_LONG = 40  # characters of one


@dataclass(frozen=True)
class Target:
    """What a model predicts.

    Attributes:
        name: header of its column.
        task: "regression" or "classification".
        unit: of the values as measured; "" if the user said none.
        transform: one of `TRANSFORMS`, or "none".
        labels: of class 0 and class 1, for classes that are written in the table.
        threshold: from which value on a molecule is in class 1, for classes made of numbers.
    """

    name: str
    task: str
    unit: str = ""
    transform: str = "none"
    labels: tuple[str, str] | None = None
    threshold: float | None = None

    @property
    def classify(self) -> bool:
        """Whether it is a class."""
        return self.task == "classification"

    @property
    def label(self) -> str:
        """What a prediction is, for axes and headings."""
        name = self.name
        if self.classify:
            if self.threshold is not None:
                return f"probability of {name} >= {self.threshold:g}"
            return f"probability of {name} = {self.labels[1] if self.labels else 1}"
        if self.transform != "none":
            name = TRANSFORMS[self.transform][1].format(name)
        in_molar = self.transform.startswith("p_")
        return f"{name} ({self.unit})" if self.unit and not in_molar else name

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Target:
        """The target that a model file describes."""
        labels = plain["labels"]
        return cls(**{**plain, "labels": None if labels is None else (labels[0], labels[1])})


@dataclass(frozen=True)
class TargetSettings:
    """How a column is to be read.

    Attributes:
        name: its header.
        task: "auto", "regression" or "classification".
        unit: recorded as given.
        transform: one of `TRANSFORMS`, or "none".
        threshold: makes two classes of numbers.
        positive: the text that means class 1.

    Raises:
        ConfigError: for settings that contradict each other.
    """

    name: str
    task: str = "auto"
    unit: str = ""
    transform: str = "none"
    threshold: float | None = None
    positive: str | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.task not in ("auto", *TASKS):
            raise ConfigError(f"task={self.task}: auto, regression or classification is wanted")
        if self.transform != "none" and self.transform not in TRANSFORMS:
            raise ConfigError(
                f"transform={self.transform}: none, {', '.join(TRANSFORMS)} is wanted"
            )
        if self.threshold is not None and self.positive is not None:
            raise ConfigError("threshold= and positive= both say which class is 1: give one")
        if self.task == "regression" and (self.threshold is not None or self.positive is not None):
            key = "threshold" if self.threshold is not None else "positive"
            raise ConfigError(f"task=regression has no classes: leave {key}= out")

    def read(
        self, cells: Sequence[str | float], where: str
    ) -> tuple[Target, npt.NDArray[np.float64], list[str | None]]:
        """Values of cells.

        Args:
            cells: As the table has them.
            where: The table, for messages.

        Returns:
            The target; (n,) values, NaN where there is none; for each cell a reason or None.

        Raises:
            DataError: If the column as a whole cannot be what the task says.
        """
        texts = [_text(cell) for cell in cells]
        filled = [text for text in texts if text]
        if not filled:
            raise DataError(f"{where}: the column {self.name!r} is empty")
        numbers, reasons = self._numbers(texts)
        labels = self._labels(filled, numbers)
        if labels is not None:
            return self._classes(texts, labels)
        known = np.isfinite(numbers)
        if not known.any():
            raise DataError(
                f"{where}: the column {self.name!r} holds no numbers but {_sample(filled)}; "
                "a regression needs numbers, a classification two classes"
            )
        if self.task == "classification" or self.threshold is not None:
            if self.threshold is None:
                raise DataError(
                    f"{where}: the column {self.name!r} holds numbers, not two classes; say from "
                    "which on a molecule is positive: threshold=..."
                )
            classes = np.where(known, numbers >= self.threshold, np.nan)
            target = Target(
                self.name, "classification", self.unit, self.transform, None, self.threshold
            )
            return target, classes, reasons
        if self.task == "auto" and self.transform == "none" and set(numbers[known]) == {0.0, 1.0}:
            return Target(self.name, "classification", labels=("0", "1")), numbers, reasons
        return Target(self.name, "regression", self.unit, self.transform), numbers, reasons

    def _numbers(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.float64], list[str | None]]:
        numbers = np.full(len(texts), np.nan)
        reasons: list[str | None] = []
        for place, text in enumerate(texts):
            number, reason = _number(text)
            if reason is None and self.transform != "none":
                if number <= 0:
                    reason = f"not positive, so transform={self.transform} does not apply: {text}"
                else:
                    number = TRANSFORMS[self.transform][0](number)
            reasons.append(reason)
            if reason is None:
                numbers[place] = number
        return numbers, reasons

    def _labels(
        self, filled: Sequence[str], numbers: npt.NDArray[np.float64]
    ) -> tuple[str, str] | None:
        """Texts of class 0 and class 1, or None if the cells are to be read as numbers."""
        if self.task == "regression" or self.threshold is not None:
            return None
        found = sorted({text.casefold() for text in filled})
        if self.positive is not None:
            one = self.positive.casefold()
            if len(found) != 2 or one not in found:
                raise DataError(
                    f"positive={self.positive}: the column {self.name!r} holds {_sample(filled)} "
                    "and not this and one other value"
                )
            return (found[1 - found.index(one)], one)
        if np.isfinite(numbers).any():
            two = self.task == "classification" and len(found) == 2
            return (found[0], found[1]) if two else None
        ones, zeros = (
            [text for text in found if text in known] for known in (_POSITIVE, _NEGATIVE)
        )
        if len(ones) == len(zeros) == 1:
            return zeros[0], ones[0]  # others, such as "inconclusive", are neither
        if len(found) != 2:
            return None
        for one in found:
            other = found[1 - found.index(one)]
            if one in ones or other in zeros:
                return other, one
        raise DataError(
            f"the column {self.name!r} holds {_sample(filled)}: say which of the two is the "
            f"positive class, such as positive={filled[0]}"
        )

    def _classes(
        self, texts: Sequence[str], labels: tuple[str, str]
    ) -> tuple[Target, npt.NDArray[np.float64], list[str | None]]:
        values = np.full(len(texts), np.nan)
        reasons: list[str | None] = []
        for place, text in enumerate(texts):
            if text.casefold() in labels:
                values[place] = labels.index(text.casefold())
                reasons.append(None)
            else:
                reasons.append(f"neither of the classes: {text[:_LONG]}" if text else "no value")
        return Target(self.name, "classification", self.unit, "none", labels), values, reasons


def _text(cell: str | float) -> str:
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, bool | np.bool_):
        return str(int(cell))
    return str(cell).strip()


def _number(text: str) -> tuple[float, str | None]:
    """The number in a cell, or the reason why there is none."""
    if not text:
        return math.nan, "no value"
    try:
        # float() would take 1_000 and "nan".
        number = float("x" if "_" in text else text)
    except ValueError:
        shown = text if len(text) <= _LONG else text[:_LONG] + "..."
        if text[0] in "<>~=≤≥":
            return math.nan, f"a bound, not a number: {shown}"
        return math.nan, f"not a number: {shown}"
    if not math.isfinite(number):
        return math.nan, f"not finite: {text}"
    return number, None


def _sample(filled: Sequence[str]) -> str:
    """A few of the different values of a column, quoted."""
    found = list(dict.fromkeys(filled))
    shown = ", ".join(repr(text[:_LONG]) for text in found[:_SHOWN])
    return f"{shown}, ... ({len(found)} different values)" if len(found) > _SHOWN else shown
