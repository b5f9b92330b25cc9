"""The reward network: a differentiable guess of the RDKit score."""

from __future__ import annotations

import torch
from torch import Tensor

from molgan.graphs import MolGraphs
from molgan.models.configured import rebuildable
from molgan.models.graph_scorer import GraphScorer


@rebuildable
class RewardNetwork(GraphScorer):
    """Predicted reward of each graph: the critic's architecture with its own weights.

    Arguments as in `GraphScorer` (MolGAN, section 3.3). A ``minibatch`` layer lets the network see
    a reward that falls when a batch repeats itself.
    """

    def forward(self, graphs: MolGraphs) -> Tensor:
        """Predicted rewards ``(B,)`` in (0, 1)."""
        return torch.sigmoid(super().forward(graphs))
