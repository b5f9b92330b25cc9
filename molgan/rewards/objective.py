"""The objective: named components, their weights, and how they become one total per molecule."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from rdkit import Chem

from molgan.chem import Decoded, quiet_rdkit, read_smiles
from molgan.errors import ConfigError
from molgan.rewards.components import INVALID, Alone, Component, ComponentScores
from molgan.rewards.identity import digest_of, settings_of
from molgan.rewards.transforms import FloatArray

if TYPE_CHECKING:
    from molgan.metrics.identity import HashedIdentities

Aggregation = Literal["product", "arithmetic", "geometric", "min"]
"""How the shares of a goal become one total, see `Objective`."""

REWARD, NOTE, SUFFIX = "reward", "reward_note", "_score"
"""Columns of the total and of the failures; what follows a component's name for its share."""

# Columns that the tables of molgan have already.
_TAKEN = frozenset({"name", "smiles", "reason", "novel", "drawn", "repaired", REWARD, NOTE})


@dataclass(frozen=True)
class ObjectiveResult:
    """Scores of a batch of B molecules.

    Attributes:
        total: (B,) in [0, 1]; 0 for an invalid molecule, never NaN.
        raw: Component name -> (B,) raw scores in the component's unit, NaN where there is none.
        transformed: Component name -> (B,) scores in [0, 1], NaN where there is none.
        reasons: B entries; None, the decoding failure (`valence`), or `name: why` for each failed
            score, joined by `; `.
    """

    total: FloatArray
    raw: dict[str, FloatArray]
    transformed: dict[str, FloatArray]
    reasons: tuple[str | None, ...]

    def columns(self) -> dict[str, FloatArray]:
        """Return the columns of a table, each (B,): `x` raw, `x_score` in [0, 1], then `reward`."""
        columns = {}
        for name in self.raw:
            columns[name], columns[name + SUFFIX] = self.raw[name], self.transformed[name]
        return {**columns, REWARD: self.total}

    def notes(self) -> list[str]:
        """Return the column `reward_note`: why scores are missing, "" where none is."""
        return [reason or "" for reason in self.reasons]


class Objective:
    """Weighted aggregate of components in [0, 1].

    Aggregations, with transformed scores x_i and weights w_i: `product` of x_i^w_i (MolGAN
    multiplies, all weights 1), `arithmetic` mean, `geometric` mean, and `min` (weights are not
    used, beyond 0). A component of weight 0 is scored and reported but is no part of the total.
    Without any component every valid molecule has total 1 and the objective is false (`if
    objective:`): there is nothing to optimise.

    A failure can never raise a total. An invalid molecule, and one on which a required component
    fails, has total 0. A component that is not required enters as its worst value, 0, with its full
    weight; it is not left out with the other weights renormalised, since a molecule whose score
    crashed could then outrank one that scored badly. (In all but the arithmetic mean a 0 makes the
    total 0 in any case.)

    Args:
        components: Name -> component; the names become columns and log keys.
        weights: Name -> weight >= 0; 1 for names left out.
        aggregation: `product`, `arithmetic`, `geometric` or `min`.
        required: Names whose failure makes the total 0; None means all of weight > 0.

    Raises:
        ConfigError: For an unknown aggregation, a weight or a required name without a component, a
            negative or infinite weight, weights that are all 0, something that is no component, or
            a component named like a column that tables have already.
    """

    def __init__(
        self,
        components: Mapping[str, Component],
        weights: Mapping[str, float] | None = None,
        aggregation: Aggregation = "product",
        required: Collection[str] | None = None,
    ) -> None:
        if aggregation not in get_args(Aggregation):
            raise ConfigError(
                f"aggregation {aggregation!r} is unknown; use one of "
                + ", ".join(get_args(Aggregation))
            )
        self.components = dict(components)
        self.weights = {
            name: float(weight)
            for name, weight in (dict.fromkeys(components, 1.0) | dict(weights or {})).items()
        }
        self.aggregation: Aggregation = aggregation
        active = frozenset(name for name, weight in self.weights.items() if weight > 0)
        self.required = active if required is None else frozenset(required)
        self._check()

    def _check(self) -> None:
        for name, part in self.components.items():
            transform = getattr(part, "transform", None)
            if not callable(part) or not callable(transform) or not hasattr(part, "batch_level"):
                raise ConfigError(
                    f"reward component {name} is no component but {part!r:.80}; as plain data it "
                    "goes through molgan.rewards.make_objective"
                )
            if name in _TAKEN or name.removesuffix(SUFFIX) in set(self.components) - {name}:
                raise ConfigError(f"a reward component cannot be called {name}: rename it")
        for what, names in (("weights", self.weights), ("required", self.required)):
            unknown = sorted(set(names) - set(self.components))
            if unknown:
                raise ConfigError(
                    f"reward {what} name {', '.join(unknown)}, but the components are "
                    + (", ".join(self.components) or "none")
                )
        for name, weight in self.weights.items():
            if not (math.isfinite(weight) and weight >= 0):
                raise ConfigError(
                    f"the weight of reward component {name} must be a number >= 0, not {weight}"
                )
        if self.components and not any(self.weights.values()):
            raise ConfigError("all weights of the reward components are 0; give one a weight > 0")

    def __bool__(self) -> bool:
        """False if there is no component, so nothing to optimise."""
        return bool(self.components)

    def __call__(self, decoded: Sequence[Decoded]) -> ObjectiveResult:
        """Score a batch of decoded molecules; `Scorer` does it with a cache and a pool."""
        return self.combine(
            decoded, {name: part(decoded) for name, part in self.components.items()}
        )

    def score(self, smiles: Sequence[str]) -> ObjectiveResult:
        """Score molecules written as SMILES, read without stereochemistry.

        Args:
            smiles: B texts; one that cannot be read counts as an invalid molecule.
        """
        with quiet_rdkit():
            read = [read_smiles(text) for text in smiles]
            decoded = [
                Decoded(None, None, reason or INVALID)
                if mol is None
                else Decoded(mol, Chem.MolToSmiles(mol), None)
                for mol, reason in read
            ]
            return self(decoded)

    def column_names(self) -> tuple[str, ...]:
        """Names of all columns that an objective adds to a table, in their order."""
        pairs = (column for name in self.components for column in (name, name + SUFFIX))
        return (*pairs, REWARD, NOTE) if self.components else ()

    def describe(self) -> dict[str, Any]:
        """The objective as plain data, for manifests: what was asked for, with which weights."""
        return {
            "aggregation": self.aggregation,
            "components": {
                name: {
                    "weight": self.weights[name],
                    "required": name in self.required,
                    **settings_of(part),
                }
                for name, part in self.components.items()
            },
        }

    def digest(self) -> str:
        """64 hexadecimal digits that change with anything that decides a score or a total."""
        return digest_of(
            {
                "components": self.components,
                "weights": self.weights,
                "aggregation": self.aggregation,
                "required": self.required,
            }
        )

    def with_training_set(self, identities: HashedIdentities) -> Objective:
        """The same objective, its components knowing the training set where they ask for it.

        Args:
            identities: Of the training molecules.
        """
        components = {
            name: part.with_training_set(identities) if hasattr(part, "with_training_set") else part
            for name, part in self.components.items()
        }
        return Objective(components, self.weights, self.aggregation, self.required)

    def one_by_one(self) -> Objective:
        """The same objective for molecules of a table, none of which depends on the others.

        Components that look at the batch see each molecule alone: uniqueness is 1.
        """
        components: dict[str, Component] = {
            name: Alone(part) if part.batch_level else part
            for name, part in self.components.items()
        }
        return Objective(components, self.weights, self.aggregation, self.required)

    def limit(self, count: int) -> float:
        """Seconds that the components' own time limits allow for `count` molecules; 0 without.

        Args:
            count: Of molecules.
        """
        own = [part.limit(count) for part in self.components.values() if hasattr(part, "limit")]
        return float(sum(own))

    def combine(
        self, decoded: Sequence[Decoded], scores: Mapping[str, ComponentScores]
    ) -> ObjectiveResult:
        """Aggregate raw scores that are already there.

        Args:
            decoded: The B molecules.
            scores: Component name -> its scores for those molecules, one entry for each component.
        """
        valid = np.array([item.mol is not None for item in decoded], dtype=bool)
        raw = {name: scores[name].values for name in self.components}
        transformed = {name: part.transform(raw[name]) for name, part in self.components.items()}
        # A failed score enters as 0, the worst there is, whatever the transform did with its NaN.
        active = [name for name in self.components if self.weights[name] > 0]
        table = np.array([np.nan_to_num(transformed[name], nan=0.0) for name in active])
        table = table.reshape(len(active), len(decoded))
        total = self._aggregate(table, np.array([self.weights[name] for name in active]))
        for name in self.required:
            total[np.isnan(transformed[name])] = 0.0
        total[~valid] = 0.0
        return ObjectiveResult(total, raw, transformed, self._reasons(decoded, scores))

    def _aggregate(self, table: FloatArray, weights: FloatArray) -> FloatArray:
        """Aggregate `table` (components, B) in [0, 1] with `weights` (components,) to (B,)."""
        if len(table) == 0:
            return np.ones(table.shape[1])
        total: FloatArray
        if self.aggregation == "min":
            total = table.min(axis=0)
        elif self.aggregation == "arithmetic":
            total = weights @ table / weights.sum()
        else:
            exponents = weights if self.aggregation == "product" else weights / weights.sum()
            total = np.prod(table ** exponents[:, None], axis=0)
        return total

    def _reasons(
        self, decoded: Sequence[Decoded], scores: Mapping[str, ComponentScores]
    ) -> tuple[str | None, ...]:
        reasons: list[str | None] = []
        for row, item in enumerate(decoded):
            if item.mol is None:
                reasons.append(item.reason or INVALID)
                continue
            failed = [
                f"{name}: {reason}"
                for name in self.components
                if (reason := scores[name].reasons[row]) is not None
            ]
            reasons.append("; ".join(failed) or None)
        return tuple(reasons)
