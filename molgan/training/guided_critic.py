"""A critic that starts from what is known of the difference between data wanted and data given."""

from __future__ import annotations

from torch import Tensor, nn

from molgan.models import LatentCritic


class GuidedCritic(nn.Module):
    """A critic that starts from what is known: a multiple of the value, plus what it learns.

    Args:
        critic: learns the rest.
        value: predicted score of a latent point.
    """

    def __init__(self, critic: LatentCritic, value: LatentCritic) -> None:
        super().__init__()
        self.critic, self.value = critic, value
        #: critic's units per unit of score
        self.strength = 0.0

    def forward(self, latent: Tensor, sizes: Tensor) -> Tensor:
        """Scores ``(B,)`` of ``latent (B, D)`` and ``sizes (B,)``."""
        scores: Tensor = self.critic(latent, sizes) + self.strength * self.value(latent, sizes)
        return scores
