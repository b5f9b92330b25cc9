"""The critic (discriminator): is this graph one of the data's?"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from molgan.graphs import MolGraphs
from molgan.models.body import GraphBody
from molgan.models.configured import rebuildable


@rebuildable
class GraphCritic(nn.Module):
    """Unbounded realness score of each graph; invariant to the numbering of atoms.

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        conv_units: see `GraphBody`.
        aggregation_units: see `GraphBody`.
        head_units: see `GraphBody`.
        activation: see `GraphBody`.
        walk_steps: see `GraphBody`.
        minibatch: see `GraphBody`.
        dropout: see `GraphBody`.
        count_padding: see `GraphBody`.
        spectral_norm: bound every linear map's spectral norm by 1 (Miyato et al. 2018).
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
        spectral_norm: bool = False,
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
        if spectral_norm:
            normalize_linear_maps(self)

    def forward(self, graphs: MolGraphs) -> Tensor:
        """Scores ``(B,)``; higher means more like the data."""
        scores: Tensor = self.score(self.body(graphs))
        return scores.squeeze(-1)


def normalize_linear_maps(module: nn.Module) -> None:
    """Put spectral normalisation on every linear map inside ``module``, in place."""
    for child in list(module.modules()):
        if isinstance(child, nn.Linear):
            spectral_norm(child)
