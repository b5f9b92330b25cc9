"""What a teacher answered, to be learnt from more than once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Lessons:
    """Rows of several tensors, the latest ones; all memory is taken at the first of them.

    Args:
        capacity: rows kept; further ones take the places of the oldest.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._columns: dict[str, Tensor] = {}
        self._added = 0

    def __len__(self) -> int:
        """Rows kept."""
        return min(self._added, self.capacity)

    def add(self, columns: Mapping[str, Tensor]) -> None:
        """Keep further rows.

        Args:
            columns: name -> ``(B, ...)``, the same names, shapes and types at every call.
        """
        count = len(next(iter(columns.values())))
        for name, rows in columns.items():
            if name not in self._columns:
                self._columns[name] = rows.new_zeros(self.capacity, *rows.shape[1:])
            places = torch.arange(self._added, self._added + count, device=rows.device)
            kept = slice(max(count - self.capacity, 0), None)
            self._columns[name][places[kept] % self.capacity] = rows[kept]
        self._added += count

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """``count`` rows with replacement.

        Args:
            count: ``B``, how many.
            rng: on the device of the rows.
        """
        rows = torch.randint(len(self), (count,), generator=rng, device=rng.device)
        return {name: column[rows] for name, column in self._columns.items()}

    def state_dict(self) -> dict[str, Any]:
        """The rows kept, and how many there have been."""
        # Copies, or the whole capacity would go into the file.
        columns = {name: column[: len(self)].clone() for name, column in self._columns.items()}
        return {"added": self._added, "columns": columns}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Take up what `state_dict` gave.

        Args:
            state: of lessons of the same capacity.
            device: where the rows go.
        """
        self._columns, self._added = {}, 0
        if state["added"]:
            self.add({name: column.to(device) for name, column in state["columns"].items()})
        self._added = state["added"]
