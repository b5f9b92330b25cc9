"""The reward network: a differentiable guess of the RDKit score."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from molgan.graphs import MolGraphs
from molgan.models.body import GraphBody
from molgan.models.configured import rebuildable


@rebuildable
class RewardNetwork(nn.Module):
    """Predicted reward of each graph, by the critic's architecture with its own weights.

    MolGAN, section 3.3.

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        conv_units: see `GraphBody`.
        aggregation_units: see `GraphBody`.
        head_units: see `GraphBody`.
        activation: see `GraphBody`.
        walk_steps: see `GraphBody`.
        minibatch: see `GraphBody`; what lets the network see a reward that falls when a batch
            repeats itself.
        dropout: see `GraphBody`.
        count_padding: see `GraphBody`.
    """

    def __init__(
        self,
        num_atom_types: int,
        num_bond_types: int,
        conv_units: Sequence[int] = (64, 32),
        aggregation_units: int = 128,
        head_units: Sequence[int] = (128,),
        activation: str = "tanh",
        walk_steps: int = 0,
        minibatch: str = "none",
        dropout: float = 0.0,
        count_padding: bool = False,
    ) -> None:
        super().__init__()
        self.body = GraphBody(
            num_atom_types,
            num_bond_types,
            conv_units,
            aggregation_units,
            head_units,
            activation,
            walk_steps,
            minibatch,
            dropout,
            count_padding,
        )
        self.score = nn.Linear(self.body.out_features, 1)

    def forward(self, graphs: MolGraphs) -> Tensor:
        """Predicted rewards ``(B,)`` in (0, 1)."""
        scores: Tensor = self.score(self.body(graphs))
        return torch.sigmoid(scores.squeeze(-1))
