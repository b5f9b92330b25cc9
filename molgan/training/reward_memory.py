"""What a reward network learns from: good molecules, and the latest graphs of the generator."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from molgan.graphs import MolGraphs
from molgan.models import RewardNetwork
from molgan.training.context import Context

_CHUNK = 4096


class RewardMemory:
    """Generated graphs, valid or not, and what they scored; when it is full, the oldest go.

    Args:
        capacity: graphs kept.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._kept: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        """Graphs held."""
        return len(self._kept[0]) if self._kept else 0

    def add(self, atoms: Tensor, bonds: Tensor, scores: Tensor) -> None:
        """Keep graphs ``(B, N)`` and ``(B, P)`` and their scores ``(B,)``, 0 if invalid."""
        new = atoms.to(torch.uint8), bonds.to(torch.uint8), scores.float()
        before = self._kept or tuple(each[:0] for each in new)
        joined = (torch.cat([old, more]) for old, more in zip(before, new, strict=True))
        self._kept = tuple(each[-self.capacity :] for each in joined)

    def draw(self, count: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """``count`` graphs and scores, uniform with replacement; there must be one."""
        atoms, bonds, scores = self._kept
        rows = torch.randint(len(atoms), (count,), generator=rng, device=atoms.device)
        return atoms[rows], bonds[rows], scores[rows]

    def state_dict(self) -> dict[str, Any]:
        """What is held."""
        return {"kept": self._kept}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Take up what `state_dict` gave."""
        self._kept = tuple(each.to(device) for each in state["kept"])


def predictions(network: RewardNetwork, context: Context, atoms: Tensor, bonds: Tensor) -> Tensor:
    """Predicted rewards ``(B,)`` of graphs of types ``(B, N)`` and packed ``(B, P)``.

    With a gradient where it is asked for; many graphs go through the network in parts.
    """
    data = context.data
    parts = []
    for start in range(0, len(atoms), _CHUNK):
        some = slice(start, start + _CHUNK)
        graphs = MolGraphs.from_indices(
            atoms[some], bonds[some], data.num_atom_types, data.num_bond_types
        )
        with context.fabric.autocast():
            parts.append(network(graphs).float())
    return torch.cat(parts)
