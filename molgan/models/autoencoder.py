"""Encoder and decoder: between molecules in canonical atom order and points of a latent space.

The latent is layer-normalised, so each coordinate has about unit variance, and Gaussian noise of
standard deviation `latent_noise` is added in training. Noise of that size makes neighbouring points
decode to the same or to a similar molecule: it is what keeps every region of the latent space
meaningful, and the generator diverse.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.graphs import MolGraphs, pack_pairs
from molgan.models.configured import rebuildable
from molgan.models.discretize import GraphLogits
from molgan.models.layers import residual_mlp, size_mask, size_one_hot


@rebuildable
class Encoder(nn.Module):
    """Molecule in canonical atom order to a normalised latent point.

    It reads slots, not sets: the data come in one canonical order, and a slot-wise MLP is far
    cheaper on CPU than message passing. The critic, which must judge any order, is the graph
    network.

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        max_atoms: ``N``.
        latent_dim: width of the latent.
        width: hidden width.
        blocks: residual blocks.
    """

    def __init__(
        self,
        num_atom_types: int,
        num_bond_types: int,
        max_atoms: int,
        latent_dim: int = 32,
        width: int = 1024,
        blocks: int = 1,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        pairs = max_atoms * (max_atoms - 1) // 2
        self.network = residual_mlp(
            max_atoms * num_atom_types + pairs * num_bond_types, width, blocks, latent_dim
        )

    def forward(self, graphs: MolGraphs) -> Tensor:
        """Latent points ``(B, latent_dim)``, each of zero mean and unit variance.

        Args:
            graphs: ``B`` one-hot graphs in canonical atom order.
        """
        flat = torch.cat([graphs.nodes.flatten(1), pack_pairs(graphs.edges).flatten(1)], 1)
        latent = self.network(flat).float()
        return F.layer_norm(latent, (self.latent_dim,))


@rebuildable
class Decoder(nn.Module):
    """Latent point and number of atoms to the logits of a molecule.

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        max_atoms: ``N``.
        latent_dim: width of the latent.
        width: hidden width.
        blocks: residual blocks.
    """

    def __init__(
        self,
        num_atom_types: int,
        num_bond_types: int,
        max_atoms: int,
        latent_dim: int = 32,
        width: int = 1024,
        blocks: int = 1,
    ) -> None:
        super().__init__()
        self.max_atoms = max_atoms
        self.num_atom_types = num_atom_types
        self.num_bond_types = num_bond_types
        self.pairs = max_atoms * (max_atoms - 1) // 2
        outputs = max_atoms * num_atom_types + self.pairs * num_bond_types
        self.network = residual_mlp(latent_dim + max_atoms + 1, width, blocks, outputs)

    def forward(self, latent: Tensor, sizes: Tensor) -> GraphLogits:
        """Logits of atoms and bonds.

        Args:
            latent: ``(B, latent_dim)``.
            sizes: ``(B,)`` integers, number of atoms of each molecule.
        """
        out = self.network(torch.cat([latent, size_one_hot(sizes, self.max_atoms)], 1)).float()
        split = self.max_atoms * self.num_atom_types
        nodes = out[:, :split].unflatten(1, (self.max_atoms, self.num_atom_types))
        pairs = out[:, split:].unflatten(1, (self.pairs, self.num_bond_types))
        return GraphLogits(nodes, pairs, size_mask(sizes, self.max_atoms))
