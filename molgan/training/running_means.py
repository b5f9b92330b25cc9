"""What the loop keeps of its steps until a row of figures is due: means, and the speed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from molgan.training.phase import Stats


class RunningMeans:
    """Means of the steps' statistics since they were last taken.

    Attributes:
        sums: of each, on the device.
        counts: steps that had it.
    """

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

    def add(self, stats: Stats) -> None:
        """Add up on the device: reading them at every step would stall a GPU."""
        known = [key for key in stats if key in self.sums]
        if known:
            torch._foreach_add_([self.sums[key] for key in known], [stats[key] for key in known])
        # Copies: a step that is replayed writes the same statistics again.
        self.sums |= {key: stats[key].clone() for key in stats if key not in self.sums}
        for key in stats:
            self.counts[key] = self.counts.get(key, 0) + 1

    def take(self) -> dict[str, float]:
        """The means; they begin anew."""
        means = {key: (total / self.counts[key]).item() for key, total in self.sums.items()}
        self.sums, self.counts = {}, {}
        return means

    def state_dict(self) -> dict[str, Any]:
        """Sums and counts."""
        return {"sums": self.sums, "counts": self.counts}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Take up what `state_dict` gave."""
        self.sums = {key: value.to(device) for key, value in state["sums"].items()}
        self.counts = dict(state["counts"])


class Rate:
    """Molecules per second since the last call.

    Args:
        seen: molecules seen before the first.
    """

    def __init__(self, seen: int = 0) -> None:
        self._time, self._seen = time.monotonic(), seen

    def __call__(self, seen: int) -> float:
        """The rate; ``seen`` are molecules seen in all."""
        now = time.monotonic()
        rate = (seen - self._seen) / max(now - self._time, 1e-9)
        self._time, self._seen = now, seen
        return float(np.round(rate, 1))
