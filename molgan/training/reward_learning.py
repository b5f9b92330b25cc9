"""A reward network learns what molecules are worth, and with it what chooses in sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from molgan.guide import Guide
from molgan.models import RewardNetwork
from molgan.training.context import Context
from molgan.training.exploration import Judged
from molgan.training.phase import at_least_one
from molgan.training.reward_memory import RewardMemory, predictions
from molgan.training.wanted import WantedMolecules


class RewardLearning:
    """A network that learns the scores of wanted molecules and of generated graphs.

    Args:
        context: networks, data, randomness, devices.
        network: learns.
        guide: what chooses among candidates by it; None: nothing does.
        batch_size: graphs for each update: half molecules wanted, half generated ones.
        memory: generated graphs that it learns from, the latest ones.

    Raises:
        ConfigError: for a batch or a memory below 1.
    """

    def __init__(
        self,
        context: Context,
        network: RewardNetwork,
        guide: Guide | None,
        batch_size: int,
        memory: int,
    ) -> None:
        at_least_one(reward_batch_size=batch_size, reward_memory=memory)
        self.context, self.network, self.guide = context, network, guide
        self.batch_size = batch_size
        self.memory = RewardMemory(memory)

    def remember(self, judged: Judged) -> None:
        """Learn from these graphs from now on, valid or not."""
        scores = torch.as_tensor(judged.scores, device=judged.atoms.device)
        self.memory.add(judged.atoms, judged.bonds, scores)

    def loss(self, wanted: WantedMolecules) -> Tensor:
        """Mean squared error of a batch, with a gradient to the network."""
        rng = self.context.rng
        rows = wanted.rows(self.batch_size // 2, rng)
        real = wanted.pool.atoms[rows], wanted.pool.bonds[rows], wanted.scores[rows]
        fake = self.memory.draw(self.batch_size - len(rows), rng)
        atoms, bonds, scores = (torch.cat(each) for each in zip(real, fake, strict=True))
        return F.mse_loss(predictions(self.network, self.context, atoms, bonds), scores)

    @torch.no_grad()
    def fit_guide(self, drawn: list[Judged], wanted: WantedMolecules, scale: float) -> None:
        """Tell the guide what the sampler draws and what it should draw.

        Args:
            drawn: molecules of the sampler.
            wanted: tilted to one mean score after the other.
            scale: see `WantedMolecules.tilt`.
        """
        assert self.guide is not None
        network, context = self.network.eval(), self.context
        graphs = zip(*((each.atoms, each.bonds) for each in drawn), strict=True)
        given = predictions(network, context, *map(torch.cat, graphs))
        scores = torch.from_numpy(np.concatenate([each.scores for each in drawn]))

        def drawn_at(mean: float) -> Tensor:
            wanted.tilt(1.0, mean, sizes=False)
            rows = wanted.rows(len(given), context.rng)
            return predictions(network, context, wanted.pool.atoms[rows], wanted.pool.bonds[rows])

        # Scaled here and not in the tilt: the fit makes up for whatever its odds would miss.
        mean = wanted.aim.plain + scale * (wanted.aim.wanted - wanted.aim.plain)
        self.guide.fit_to_mean(mean, given, scores, drawn_at)

    def state_dict(self) -> dict[str, Any]:
        """Network and memory; the trainer keeps the guide, which outlives the phase."""
        return {"reward": self.network.state_dict(), "memory": self.memory.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.network.load_state_dict(state["reward"])
        self.memory.load_state_dict(state["memory"], self.context.fabric.device)
