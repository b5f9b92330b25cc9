"""The latent side of the default generator: its sampler, critic and decoder put together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.models.autoencoder import Decoder
from molgan.models.configured import rebuildable
from molgan.models.discretize import GraphLogits
from molgan.models.layers import residual_mlp, size_one_hot


@rebuildable
class LatentCritic(nn.Module):
    """Realness score of a latent point, given the number of atoms.

    Args:
        latent_dim: width of the latent.
        max_atoms: ``N``.
        width: hidden width.
        blocks: residual blocks.
    """

    def __init__(self, latent_dim: int, max_atoms: int, width: int = 768, blocks: int = 3) -> None:
        super().__init__()
        self.max_atoms = max_atoms
        self.network = residual_mlp(latent_dim + max_atoms + 1, width, blocks, 1)

    def forward(self, latent: Tensor, sizes: Tensor) -> Tensor:
        """Scores ``(B,)`` of ``latent (B, latent_dim)`` and ``sizes (B,)``."""
        scores: Tensor = self.network(torch.cat([latent, size_one_hot(sizes, self.max_atoms)], 1))
        return scores.float().squeeze(-1)


@rebuildable
class LatentGenerator(nn.Module):
    """Noise and number of atoms to a molecule, through a learnt latent space: one forward pass.

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        max_atoms: ``N``.
        noise_dim: width of the noise.
        latent_dim: width of the latent.
        sampler_width: hidden width of the noise -> latent network.
        sampler_blocks: its residual blocks.
        decoder_width: hidden width of the decoder.
        decoder_blocks: its residual blocks.
    """

    def __init__(
        self,
        num_atom_types: int,
        num_bond_types: int,
        max_atoms: int,
        noise_dim: int = 64,
        latent_dim: int = 32,
        sampler_width: int = 768,
        sampler_blocks: int = 3,
        decoder_width: int = 1024,
        decoder_blocks: int = 1,
    ) -> None:
        super().__init__()
        self.noise_dim = noise_dim
        self.latent_dim = latent_dim
        self.max_atoms = max_atoms
        self.sampler = residual_mlp(
            noise_dim + max_atoms + 1, sampler_width, sampler_blocks, latent_dim
        )
        self.decoder = Decoder(
            num_atom_types, num_bond_types, max_atoms, latent_dim, decoder_width, decoder_blocks
        )

    def latent(self, noise: Tensor, sizes: Tensor) -> Tensor:
        """Latent points ``(B, latent_dim)`` from ``noise (B, noise_dim)`` and ``sizes (B,)``."""
        points = self.sampler(torch.cat([noise, size_one_hot(sizes, self.max_atoms)], 1)).float()
        # The encoder's latents lie on this sphere; off it, the critic would tell samples by their
        # norm alone.
        return F.layer_norm(points, (self.latent_dim,))

    def forward(self, noise: Tensor, sizes: Tensor) -> GraphLogits:
        """Logits of a batch of molecules of the given ``sizes (B,)``."""
        logits: GraphLogits = self.decoder(self.latent(noise, sizes), sizes)
        return logits

    def draw_noise(
        self, count: int, generator: torch.Generator | None, device: torch.device
    ) -> Tensor:
        """``(count, noise_dim)`` standard normal noise."""
        return torch.randn(count, self.noise_dim, generator=generator, device=device)

    def encoder_config(self) -> dict[str, Any]:
        """Arguments of the `Encoder` that belongs to this generator's decoder."""
        return {
            "num_atom_types": self.decoder.num_atom_types,
            "num_bond_types": self.decoder.num_bond_types,
            "max_atoms": self.max_atoms,
            "latent_dim": self.latent_dim,
        }
