"""The relational graph network shared by critic and reward network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

from molgan.graphs import MolGraphs
from molgan.models.layers import (
    GatedAggregation,
    RelationalGraphConv,
    make_minibatch_layer,
    mlp,
    neighbour_shares,
    random_walk_features,
)

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "leaky_relu": nn.LeakyReLU,
}


class GraphScorer(nn.Module):
    """Relational graph convolutions, gated aggregation and an MLP: one score for each graph.

    The defaults are the sizes of the MolGAN paper (section 3.2 and appendix).

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        conv_units: widths of the graph convolutions.
        aggregation_units: width of the graph vector.
        head_units: widths of the MLP behind it.
        activation: ``tanh`` (paper), ``silu`` or ``leaky_relu``.
        walk_steps: length of the random-walk features beside the atom types; 0 leaves them out
            (paper).
        minibatch: batch statistics after the aggregation: ``none``, ``discrimination`` or
            ``deviation``.
        dropout: probability, after each MLP layer.
        count_padding: treat "no atom" slots as nodes, as MolGAN's code does. Otherwise padding is
            invisible.
        spectral_norm: bound every linear map's spectral norm by 1 (Miyato et al. 2018).

    Raises:
        ValueError: for an unknown activation or minibatch layer.
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
        if activation not in _ACTIVATIONS:
            raise ValueError(
                f"unknown activation {activation!r}: use one of {', '.join(_ACTIVATIONS)}"
            )
        act = _ACTIVATIONS[activation]
        self.walk_steps = walk_steps
        self.count_padding = count_padding
        inputs = num_atom_types + (walk_steps + 3 if walk_steps else 0)
        widths = [inputs, *conv_units]
        self.convs = nn.ModuleList(
            RelationalGraphConv(before, after, num_bond_types) for before, after in pairwise(widths)
        )
        self.activation = act()
        self.aggregate = GatedAggregation(widths[-1] + inputs, aggregation_units)
        self.minibatch = make_minibatch_layer(minibatch, aggregation_units)
        summary = aggregation_units
        if self.minibatch is not None:
            summary = self.minibatch.out_features
        self.head = mlp([summary, *head_units], act, dropout)
        self.score = nn.Linear([summary, *head_units][-1], 1)
        if spectral_norm:
            normalize_linear_maps(self)

    def forward(self, graphs: MolGraphs) -> Tensor:
        """Scores ``(B,)``, any real number; the same for every numbering of the atoms.

        Args:
            graphs: ``B`` graphs, one-hot or soft.
        """
        mask: Tensor | None = None
        if self.count_padding:
            graphs = replace(graphs, mask=torch.ones_like(graphs.mask))
        else:
            # A generator that chooses its own empty slots also puts bonds there.
            pairs = graphs.mask[:, :, None] * graphs.mask[:, None, :]
            graphs = replace(graphs, edges=graphs.edges * pairs[..., None])
            mask = graphs.mask
        inputs = graphs.nodes
        if self.walk_steps:
            inputs = torch.cat([inputs, random_walk_features(graphs, self.walk_steps)], -1)
        shares = neighbour_shares(graphs.edges, mask)
        states = inputs
        for conv in self.convs:
            assert isinstance(conv, RelationalGraphConv)
            states = self.activation(conv.gather(states, shares, mask))
        vectors = self.aggregate(torch.cat([states, inputs], -1), mask)
        if self.minibatch is not None:
            vectors = self.minibatch(vectors)
        scores: Tensor = self.score(self.head(vectors))
        return scores.squeeze(-1)


def normalize_linear_maps(module: nn.Module) -> None:
    """Put spectral normalisation on every linear map inside ``module``, in place."""
    for child in list(module.modules()):
        if isinstance(child, nn.Linear):
            add_spectral_norm(child)
