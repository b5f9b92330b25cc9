"""The objective of a screen: that of training, for molecules that passed the filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rdkit import Chem

from molgan.chem import Decoded
from molgan.errors import ConfigError
from molgan.metrics.identity import HashedIdentities

if TYPE_CHECKING:
    from molgan.rewards import Objective

LONGEST = 3600.0
"""Seconds of work after which results should be safe, where components take long."""


class Rewarded(NamedTuple):
    """What an objective says of one molecule.

    Attributes:
        scores: Column -> raw score, score in [0, 1] or total; NaN where there is none.
        note: Why scores are missing; "" where none is.
    """

    scores: Mapping[str, float]
    note: str


def more_columns(objective: Objective | None, there: Iterable[str]) -> list[str]:
    """The columns of an objective that a table does not have yet.

    Raises:
        ConfigError: If a component has the name of a column that is another number.
    """
    if objective is None:
        return []
    taken = set(there)
    for name in objective.column_names():
        part = objective.components.get(name)
        if name in taken and getattr(part, "score_name", None) != name:
            raise ConfigError(f"there would be two columns {name!r}: rename the reward's component")
    return [name for name in objective.column_names() if name not in taken]


def check_reward(objective: Objective, known: bool) -> None:
    """Try the objective on a few molecules.

    Args:
        objective: Of the screen.
        known: Whether the screen has molecules that are not novel.

    Raises:
        ConfigError: If a component cannot work; it is named.
    """
    from molgan.rewards import check_objective

    if known:
        objective = objective.with_training_set(HashedIdentities.from_smiles([]))
    check_objective(objective.one_by_one())


def chunk_and_seconds(objective: Objective | None, chunk: int, seconds: float) -> tuple[int, float]:
    """Molecules that travel together, and their time, where components have limits of their own."""
    if objective is None or not (each := objective.limit(1)):
        return chunk, seconds
    chunk = max(1, min(chunk, int(LONGEST / each)))
    return chunk, seconds + objective.limit(chunk)


def rewards(objective: Objective, mols: Sequence[tuple[Chem.Mol, str]]) -> list[Rewarded]:
    """Score molecules, each as if it were alone.

    Args:
        objective: Of the screen.
        mols: Standardised molecules with their SMILES.
    """
    result = objective.one_by_one()([Decoded(mol, smiles, None) for mol, smiles in mols])
    columns = {name: values.tolist() for name, values in result.columns().items()}
    return [
        Rewarded({name: values[row] for name, values in columns.items()}, note)
        for row, note in enumerate(result.notes())
    ]
