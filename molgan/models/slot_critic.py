"""Critic of latent points that reads them as the decoder does."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.errors import ConfigError
from molgan.models.configured import rebuildable
from molgan.models.layers import conditions_or_means, size_mask
from molgan.models.slot_decoder import SlotDecoder, SlotTrunk
from molgan.models.slot_layers import SlotMixer


@rebuildable
class SlotLatentCritic(nn.Module):
    """Realness score of a latent point, seen through the eyes of the decoder.

    In a latent space of a hundred dimensions a plain critic takes long to find what matters. The
    decoder knows: its first half, copied and not trained any further, turns the point into atom
    states, and only what reads them learns (compare "projected GANs", Sauer et al. 2021).

    Args:
        latent_dim: width of the latent, ``N`` times that of an atom's share.
        max_atoms: ``N``.
        width: features of an atom, as in the decoder.
        trunk_blocks: ``blocks`` of the decoder.
        blocks: residual blocks of its own.
        hidden: width of the vector that is scored.
        num_conditions: ``C``, properties that the point is judged by as well.
    """

    def __init__(
        self,
        latent_dim: int,
        max_atoms: int,
        width: int = 96,
        trunk_blocks: int = 4,
        blocks: int = 1,
        hidden: int = 128,
        num_conditions: int = 0,
    ) -> None:
        super().__init__()
        self.num_conditions = num_conditions
        self.trunk = SlotTrunk(max_atoms, latent_dim, width, trunk_blocks)
        self.trunk.requires_grad_(False)
        self.norm = nn.LayerNorm(width)
        self.mixers = nn.ModuleList(SlotMixer(max_atoms, width) for _ in range(blocks))
        self.read = nn.Linear(width, hidden // 2)
        inputs = hidden + num_conditions
        self.score = nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, 1))

    def adopt(self, decoder: SlotDecoder) -> None:
        """Take over the first half of a decoder.

        Args:
            decoder: of the same width and depth; it is not changed.

        Raises:
            ConfigError: when it has other sizes.
        """
        try:
            self.trunk.load_state_dict(decoder.trunk.state_dict())
        except RuntimeError as error:
            raise ConfigError(
                "model.latent_critic must have the width and trunk_blocks of the decoder "
                f"({str(error).splitlines()[-1].strip()})"
            ) from error

    def forward(self, latent: Tensor, sizes: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``.

        Args:
            latent: ``(B, latent_dim)``.
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None: their means.
        """
        states = self.norm(self.trunk(latent, sizes))
        mask = size_mask(sizes, states.shape[1])
        for mixer in self.mixers:
            states = mixer(states, mask)
        read, share = F.silu(self.read(states)), (mask / mask.sum(1, keepdim=True))[..., None]
        given = conditions_or_means(conditions, self.num_conditions, latent)
        pooled = torch.cat([(read * share).sum(1), (read.square() * share).sum(1), given], -1)
        scores: Tensor = self.score(pooled)
        return scores.float().squeeze(-1)
