"""Rules on properties: limits, own ranges, unwanted elements; each failure in words.

The published rule sets are in `molgan.chem.rule_sets`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rdkit import Chem

from molgan.chem.rdkit_log import quiet_rdkit
from molgan.errors import ConfigError


@dataclass(frozen=True)
class Limit:
    """The range in which one score must lie.

    Args:
        score: Name of the score, as `molgan.chem.describe` has it.
        low: Smallest value allowed, None for no limit.
        high: Largest value allowed, None for no limit.
        below: The value `high` itself is not allowed.
    """

    score: str
    low: float | None = None
    high: float | None = None
    below: bool = False

    def failure(self, scores: Mapping[str, float]) -> str | None:
        """Return ``weight 612.3 > 500``, or None if the score is in the range.

        A score that is NaN fails: what is unknown was not shown to be in the range.

        Args:
            scores: Name of a score -> value, in its unit.

        Raises:
            ConfigError: If there is no such score.
        """
        value = score_of(scores, self.score)
        if math.isnan(value):
            return f"{self.score} unknown"
        if self.low is not None and value < self.low:
            return f"{self.score} {_number(value)} < {self.low:g}"
        if self.high is not None and (value > self.high or (self.below and value == self.high)):
            return f"{self.score} {_number(value)} {'>=' if self.below else '>'} {self.high:g}"
        return None


@dataclass(frozen=True)
class RuleSet:
    """Limits that belong together.

    Args:
        name: As in `molgan.chem.RULES`.
        limits: All of them are checked.
        source: Publication.
        violations: How many limits may be broken.
        note: What a user should know.
    """

    name: str
    limits: tuple[Limit, ...]
    source: str
    violations: int = 0
    note: str = ""

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of the scores that are needed."""
        return tuple(limit.score for limit in self.limits)

    def failures(self, scores: Mapping[str, float]) -> list[str]:
        """Return what is broken in words; empty if the molecule passes.

        No more limits than `violations` broken is a pass and gives an empty list.

        Args:
            scores: Score name -> value; at least those that `scores` names.

        Raises:
            ConfigError: If a score that is needed is missing.
        """
        broken = [f for limit in self.limits if (f := limit.failure(scores)) is not None]
        return broken if len(broken) > self.violations else []


def score_of(scores: Mapping[str, float], name: str) -> float:
    """Return one of the scores.

    Raises:
        ConfigError: If there is none of that name; those there are, are listed.
    """
    if name not in scores:
        raise ConfigError(f"a rule needs the score {name!r}; there are: {', '.join(scores)}")
    return float(scores[name])


def property_ranges(ranges: Mapping[str, tuple[float | None, float | None]]) -> RuleSet:
    """Return a user's own ranges as a rule set: score -> (smallest, largest), None for no limit.

    Args:
        ranges: Name of a score -> limits, both counted in, in the score's unit.

    Raises:
        ConfigError: If a range is no pair, is empty, or has no limit at all.
    """
    limits = []
    for score, pair in ranges.items():
        values = list(pair) if isinstance(pair, Iterable) and not isinstance(pair, str) else []
        if len(values) != 2 or values == [None, None]:
            raise ConfigError(f"range of {score}: give [smallest, largest], null for no limit")
        if any(isinstance(v, bool) or not isinstance(v, int | float | None) for v in values):
            raise ConfigError(f"range of {score}: {pair!r} is no pair of numbers")
        low, high = values
        if low is not None and high is not None and low > high:
            raise ConfigError(f"range of {score}: {low:g} is larger than {high:g}; nothing fits")
        limits.append(Limit(score, low, high))
    return RuleSet("ranges", tuple(limits), "user")


@dataclass(frozen=True)
class Elements:
    """Elements that a molecule may consist of.

    Args:
        allowed: Symbols; hydrogen always is. The default is what docking programs and force fields
            have parameters for.

    Raises:
        ConfigError: If a symbol is none.
    """

    allowed: tuple[str, ...] = ("C", "N", "O", "F", "P", "S", "Cl", "Br", "I")
    _numbers: frozenset[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Look the symbols up."""
        object.__setattr__(self, "allowed", tuple(self.allowed))
        numbers = {_atomic_number(symbol) for symbol in self.allowed}
        object.__setattr__(self, "_numbers", frozenset(numbers | {1}))

    def failures(self, mol: Chem.Mol) -> list[str]:
        """Return ``element Se`` for every other element in the molecule, in order of occurrence.

        Args:
            mol: A molecule; hydrogen is always allowed.
        """
        others = {
            atom.GetSymbol(): None
            for atom in mol.GetAtoms()
            if atom.GetAtomicNum() not in self._numbers
        }
        return [f"element {symbol}" for symbol in others]


def _atomic_number(symbol: str) -> int:
    with quiet_rdkit():
        try:
            return int(Chem.GetPeriodicTable().GetAtomicNumber(symbol))
        except RuntimeError as error:
            raise ConfigError(f"{symbol!r} is no symbol of an element") from error


def _number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.4g}"
