"""A differentiable guess of properties, as the reward network is one of the reward."""

from __future__ import annotations

from torch import Tensor, nn

from molgan.graphs import MolGraphs
from molgan.models.configured import rebuildable
from molgan.models.graph_scorer import GraphScorer


@rebuildable
class PropertyNetwork(GraphScorer):
    """Predicted properties of each graph, any real numbers: the reward network for several scores.

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        num_properties: ``C``.
        width: of the graph convolutions.
    """

    def __init__(
        self, num_atom_types: int, num_bond_types: int, num_properties: int, width: int = 64
    ) -> None:
        super().__init__(
            num_atom_types, num_bond_types, (width, width), 2 * width, (2 * width,), "silu", 6
        )
        self.score = nn.Linear(2 * width, num_properties)

    def forward(self, graphs: MolGraphs) -> Tensor:
        """Properties ``(B, C)``."""
        return super().forward(graphs).reshape(len(graphs.nodes), -1)
