"""The network of a denoising sampler: which way a noised latent point came."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.models.layers import size_mask
from molgan.models.slot_layers import SlotMixer, occupied, share_of

_FREQUENCIES = 32


class VelocityNetwork(nn.Module):
    """Predicts the velocity of a latent point on the circle between data and noise.

    Args:
        latent_dim: width of a latent point, ``N`` times that of an atom's share.
        max_atoms: ``N``.
        width: features of an atom.
        blocks: residual blocks that mix all atoms.
        attention: every so many blocks, one whose atoms also attend to each other; 0: none.
        attention_heads: of these.
        num_conditions: ``C``, properties that molecules are asked for.
    """

    def __init__(
        self,
        latent_dim: int,
        max_atoms: int,
        width: int = 96,
        blocks: int = 6,
        attention: int = 0,
        attention_heads: int = 4,
        num_conditions: int = 0,
    ) -> None:
        super().__init__()
        self.max_atoms = max_atoms
        share = share_of(latent_dim, max_atoms)
        self.register_buffer("frequencies", _frequencies(), persistent=False)
        self.time = nn.Sequential(nn.Linear(2 * _FREQUENCIES, width), nn.SiLU())
        # A constant beside the conditions, so that there is a layer that conditions can join.
        self.conditions = nn.Linear(1 + num_conditions, width, bias=False)
        self.scales = nn.Linear(width, 2 * width * blocks)
        self.read = nn.Linear(share, width)
        self.slots = nn.Parameter(0.3 * torch.randn(max_atoms, width))
        self.sizes = nn.Embedding(max_atoms + 1, width)
        self.mixers = nn.ModuleList(
            SlotMixer(
                max_atoms,
                width,
                attention=attention_heads if attention and block % attention == 0 else 0,
            )
            for block in range(1, blocks + 1)
        )
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, share)
        self.skip = nn.Linear(width, 1)
        for layer in (self.conditions, self.scales, self.out):
            nn.init.zeros_(layer.weight)

    frequencies: Tensor

    def velocity(
        self, points: Tensor, angles: Tensor, sizes: Tensor, conditions: Tensor | None = None
    ) -> Tensor:
        """Predicted velocity ``(B, latent_dim)``, 0 where there is no atom.

        Args:
            points: ``(B, latent_dim)``, on the circle at ``angles``.
            angles: ``(B,)``, from 0 (no noise) to pi / 2 (nothing else).
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None for a network without.
        """
        slots = occupied(sizes, self.max_atoms)
        mask = size_mask(sizes, slots)
        shares = points.unflatten(1, (self.max_atoms, -1))[:, :slots] * mask[..., None]
        waves = angles[:, None] * self.frequencies
        one = torch.ones_like(angles)[:, None]
        given = one if conditions is None else torch.cat([one, conditions], 1)
        moment = self.time(torch.cat([waves.sin(), waves.cos()], 1)) + self.conditions(given)
        states = self.read(shares) + self.slots[:slots] + self.sizes(sizes)[:, None]
        scales = self.scales(moment).unflatten(1, (len(self.mixers), 1, 2, -1)).unbind(1)
        for mixer, scale in zip(self.mixers, scales, strict=True):
            factor, shift = scale.unbind(2)
            states = mixer(states * (1 + factor) + shift, mask)
        skipped = self.skip(moment)[:, None].float() * shares
        predicted = (self.out(self.norm(states)).float() + skipped) * mask[..., None]
        return F.pad(predicted, (0, 0, 0, self.max_atoms - slots)).flatten(1)


def _frequencies() -> Tensor:
    """Frequencies at which an angle is shown to the network, from coarse to fine."""
    return torch.exp(torch.linspace(math.log(0.5), math.log(50.0), _FREQUENCIES))
