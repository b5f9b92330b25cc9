"""Batches of molecules of about the same size: nothing is worked out for slots that are empty."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from molgan.errors import ConfigError
from molgan.training.context import Context


class LikeSizedBatches:
    """Rows of the training set, a batch at a time; several are drawn together and sorted by size.

    Networks with a state for each atom work out as many slots as the largest molecule of a batch
    has (`molgan.models.slot_layers.occupied`). ZINC250k's molecules of 6 to 38 atoms have 23 on
    average; batches of like size save a third of the work of a sampler and half of a decoder's. The
    batches come in random order, and every molecule is as probable as in plain batches.

    Args:
        context: data and randomness.
        batch_size: rows of a batch.
        together: batches that are drawn together; 1: plain batches.

    Attributes:
        rows: ``(batch_size,)`` rows drawn last, in one place: a recorded step reads them there.

    Raises:
        ConfigError: for less than one.
    """

    def __init__(self, context: Context, batch_size: int, together: int = 1) -> None:
        if together < 1:
            raise ConfigError(f"like_sized={together} must be at least 1 (plain batches)")
        self.context = context
        self.batch_size = batch_size
        self.together = together
        self.rows = context.data.sizes.new_zeros(batch_size, dtype=torch.long)
        self._drawn: list[Tensor] = []

    def draw(self) -> Tensor:
        """``(batch_size,)`` rows with replacement; `rows` then holds them too."""
        if not self._drawn:
            data, rng = self.context.data, self.context.rng
            rows = data.draw_indices(self.together * self.batch_size, rng)
            batches = rows.view(self.together, -1)
            if self.together > 1:
                batches = rows[data.sizes[rows].argsort()].view_as(batches)
                batches = batches[torch.randperm(self.together, generator=rng, device=rows.device)]
            self._drawn = list(batches)
        drawn = self._drawn.pop()
        self.rows.copy_(drawn)
        return drawn

    def state_dict(self) -> dict[str, Any]:
        """What has been drawn and not been used."""
        return {"drawn": [rows.clone() for rows in self._drawn]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave.

        Args:
            state: of the same data set.
        """
        device = self.context.data.sizes.device
        self._drawn = [rows.to(device) for rows in state["drawn"]]
