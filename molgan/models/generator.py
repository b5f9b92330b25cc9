"""MolGAN's own generator: noise to the whole graph in one pass of an MLP."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from molgan.models.configured import rebuildable
from molgan.models.discretize import GraphLogits
from molgan.models.layers import mlp


@rebuildable
class MolGANGenerator(nn.Module):
    """MLP with a head for atoms and one for bonds (De Cao & Kipf 2018, section 3.1).

    The paper symmetrises a full ``(N, N, Y)`` output by averaging; here the head gives one row per
    unordered pair, which is the same family of functions with half the outputs.

    Args:
        num_atom_types: ``T``, "no atom" included: the generator itself decides on the number of
            atoms.
        num_bond_types: ``Y``.
        max_atoms: ``N``.
        noise_dim: width of the noise (32 in the paper).
        hidden_units: widths of the hidden layers (128, 256, 512 in the paper).
        dropout: probability, after each hidden layer.
    """

    def __init__(
        self,
        num_atom_types: int,
        num_bond_types: int,
        max_atoms: int,
        noise_dim: int = 32,
        hidden_units: Sequence[int] = (128, 256, 512),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.noise_dim = noise_dim
        self.max_atoms = max_atoms
        self.num_bond_types = num_bond_types
        self.pairs = max_atoms * (max_atoms - 1) // 2
        self.trunk = mlp([noise_dim, *hidden_units], nn.Tanh, dropout)
        self.node_head = nn.Linear(hidden_units[-1], max_atoms * num_atom_types)
        self.pair_head = nn.Linear(hidden_units[-1], self.pairs * num_bond_types)

    def forward(self, noise: Tensor, sizes: Tensor | None = None) -> GraphLogits:
        """Logits of a batch of graphs.

        Args:
            noise: ``(B, noise_dim)``, standard normal.
            sizes: ignored; present so that all generators are called alike.
        """
        hidden = self.trunk(noise)
        nodes = self.node_head(hidden).unflatten(1, (self.max_atoms, -1))
        # Both sizes are given, because a single atom has no pairs to infer one from.
        pairs = self.pair_head(hidden).unflatten(1, (self.pairs, self.num_bond_types))
        return GraphLogits(nodes, pairs)

    def draw_noise(
        self, count: int, generator: torch.Generator | None, device: torch.device
    ) -> Tensor:
        """``(count, noise_dim)`` standard normal noise.

        Args:
            count: ``B``, how many rows.
            generator: source of the randomness, on the device; None takes torch's own.
            device: where the noise lies.
        """
        return torch.randn(count, self.noise_dim, generator=generator, device=device)
