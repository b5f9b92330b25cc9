"""What a conditional model can be asked for: its properties, their range, examples from the data.

A molecule of logP 3 has other sizes, and another QED, than one of logP -1. What is not asked for is
therefore drawn from training molecules near what is, of which a model keeps a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from molgan.errors import BundleError, ConfigError

FloatArray = npt.NDArray[np.float64]
Targets = Mapping[str, float | Sequence[float] | FloatArray]
"""Property -> wanted value, or one for each molecule to draw."""

# In standard deviations: molecules this near are as good as the one asked for ...
_NEAR = 0.1
# ... and where there are fewer than one in so many, the nearest of them are.
_ONE_IN = 250


@dataclass(frozen=True)
class Conditions:
    """Properties by which the molecules of a model are chosen, and examples of them.

    Attributes:
        properties: name -> settings of its reward component, as `molgan.rewards.make_component`
            takes them.
        means: ``(C,)`` of the training molecules, in the unit of each property.
        deviations: ``(C,)`` their standard deviations.
        lowest: ``(C,)`` their range ...
        highest: ``(C,)`` ... and its upper end.
        sizes: ``(R,)`` atom counts of some training molecules.
        values: ``(R, C)`` their properties.
        candidates: for each molecule asked for so many are drawn, and the property network picks
            one, see `molgan.sampling.Sampler`.
    """

    properties: Mapping[str, Mapping[str, Any]]
    means: FloatArray
    deviations: FloatArray
    lowest: FloatArray
    highest: FloatArray
    sizes: npt.NDArray[np.int64]
    values: FloatArray
    candidates: int = 1

    @classmethod
    def of(
        cls,
        properties: Mapping[str, Mapping[str, Any]],
        values: FloatArray,
        sizes: npt.NDArray[np.int64],
        rows: int = 5000,
        candidates: int = 1,
        like: Conditions | None = None,
    ) -> Conditions:
        """From the training molecules.

        Args:
            properties: name -> settings of its component.
            values: ``(M, C)`` of all training molecules; NaN where there is none.
            sizes: ``(M,)`` their atom counts.
            rows: examples kept, spread evenly over the molecules.
            candidates: see `Conditions`.
            like: another model's, whose means and deviations are kept: its weights go by them.

        Raises:
            ConfigError: when a property is missing everywhere, or the same everywhere.
        """
        known = np.isfinite(values).all(1)
        if not known.any():
            raise ConfigError("condition.properties: no training molecule has all of them")
        values, sizes = values[known], sizes[known]
        deviations = values.std(0)
        for name, deviation in zip(properties, deviations, strict=True):
            if not deviation > 0:
                raise ConfigError(
                    f"condition.properties: all training molecules have the same {name}: there is "
                    "nothing to choose by"
                )
        places = np.linspace(0, len(values) - 1, min(rows, len(values))).round().astype(int)
        return cls(
            properties={name: dict(settings) for name, settings in properties.items()},
            means=values.mean(0) if like is None else like.means,
            deviations=deviations if like is None else like.deviations,
            lowest=values.min(0),
            highest=values.max(0),
            sizes=sizes[places],
            values=values[places],
            candidates=candidates,
        )

    def __len__(self) -> int:
        """Number of properties."""
        return len(self.properties)

    def standardised(self, values: FloatArray) -> FloatArray:
        """``(..., C)`` values as the networks see them: mean 0, deviation 1."""
        return (values - self.means) / self.deviations

    def wanted(self, targets: Targets, count: int, outside: bool = False) -> FloatArray:
        """Targets as an array.

        Args:
            targets: property -> value, or ``count`` values.
            count: molecules to draw.
            outside: allow values beyond those of the training molecules.

        Returns:
            ``(1 or count, C)``; NaN where nothing is asked for.

        Raises:
            ConfigError: for a property that the model does not know, something that is no number,
                or a value outside the data.
        """
        columns = {name: np.full(1, np.nan) for name in self.properties}
        for name, target in targets.items():
            if name not in columns:
                raise ConfigError(
                    f"condition.{name}: this model does not know it; it knows {self.describe()}"
                )
            columns[name] = _numbers(name, target, count)
            low, high = self._range(name)
            beyond = (columns[name] < low) | (columns[name] > high)
            if beyond.any() and not outside:
                raise ConfigError(
                    f"condition.{name}={columns[name][beyond][0]:g} is outside the data: the "
                    f"training molecules lie between {low:.3g} and {high:.3g}; "
                    "condition_outside=true asks for it all the same"
                )
        return np.stack(np.broadcast_arrays(*columns.values()), 1)

    def draw(
        self, count: int, wanted: FloatArray | None, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Atom counts and conditions of molecules to draw.

        Args:
            count: molecules.
            wanted: ``(1 or count, C)``, see `wanted`; None: nothing is asked for, and the
                conditions are distributed as in the data.
            rng: source of the choices, on the CPU.

        Returns:
            ``(count,)`` sizes and ``(count, C)`` standardised conditions. What is not asked for is
            that of a training molecule close to what is.
        """
        table = torch.from_numpy(self.standardised(self.values)).float()
        sizes = torch.from_numpy(self.sizes)
        if wanted is None or np.isnan(wanted).all():
            rows = torch.randint(len(table), (count,), generator=rng)
            return sizes[rows], table[rows]
        aim = torch.from_numpy(self.standardised(wanted)).float()
        asked = ~aim.isnan()
        aim = aim.nan_to_num()
        distance = torch.zeros(len(aim), len(table))
        for place in range(len(self)):
            gap = aim[:, place, None] - table[:, place]
            distance += gap.square() * asked[:, place, None]
        # Beyond the nearest, which may be far for a request that the data do not know.
        excess = distance.sqrt() - distance.sqrt().amin(1, keepdim=True)
        neighbours = max(len(table) // _ONE_IN, 1)
        width = excess.kthvalue(neighbours, 1, keepdim=True).values
        weights = torch.exp(-0.5 * (excess / width.clamp(min=_NEAR)).square())
        if len(aim) == 1:
            rows = torch.multinomial(weights[0], count, replacement=True, generator=rng)
        else:
            rows = torch.multinomial(weights, 1, generator=rng).squeeze(1)
        return sizes[rows], torch.where(asked, aim, table[rows])

    def describe(self) -> str:
        """Names and ranges: ``logp (-4.9 to 3.76), qed (0.08 to 0.67)``."""
        return ", ".join(
            f"{name} ({low:.3g} to {high:.3g})"
            for name, low, high in zip(self.properties, self.lowest, self.highest, strict=True)
        )

    def to_document(self) -> dict[str, Any]:
        """As plain data, without the table."""
        return {
            "properties": {name: dict(settings) for name, settings in self.properties.items()},
            **{key: getattr(self, key).tolist() for key in _STATISTICS},
            "candidates": self.candidates,
        }

    def table(self) -> Tensor:
        """``(R, 1 + C)`` sizes and properties of the examples."""
        return torch.from_numpy(np.column_stack([self.sizes, self.values])).float()

    @classmethod
    def from_document(cls, document: Mapping[str, Any], table: Tensor) -> Conditions:
        """What `to_document` and `table` gave.

        Raises:
            BundleError: when they do not fit each other.
        """
        properties = document["properties"]
        statistics = {key: np.array(document[key], dtype=np.float64) for key in _STATISTICS}
        shapes = {each.shape for each in statistics.values()}
        if shapes != {(len(properties),)} or table.shape[1:] != (1 + len(properties),):
            raise BundleError("its conditions do not fit their table")
        examples = table.numpy().astype(np.float64)
        return cls(
            properties=properties,
            **statistics,
            sizes=examples[:, 0].astype(np.int64),
            values=examples[:, 1:],
            candidates=int(document["candidates"]),
        )

    def _range(self, name: str) -> tuple[float, float]:
        place = list(self.properties).index(name)
        return float(self.lowest[place]), float(self.highest[place])


_STATISTICS = ("means", "deviations", "lowest", "highest")


def _numbers(name: str, target: Any, count: int) -> FloatArray:
    """``(1,)`` or ``(count,)`` finite numbers."""
    if isinstance(target, bool):
        raise ConfigError(f"condition.{name}={target}: a number is wanted")
    try:
        numbers = np.atleast_1d(np.asarray(target, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"condition.{name}={target!r:.60}: a number is wanted") from error
    if numbers.shape not in ((1,), (count,)):
        raise ConfigError(
            f"condition.{name} holds {numbers.size} values: give one, or one for each of the "
            f"{count} molecules to draw"
        )
    if not np.isfinite(numbers).all():
        raise ConfigError(f"condition.{name}={target!r:.60}: a number is wanted")
    return numbers
