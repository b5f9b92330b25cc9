"""A sampler learns the latents by denoising them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from molgan.errors import ConfigError
from molgan.models import DenoisingSampler
from molgan.models.denoising_sampler import noisy_point
from molgan.models.velocity_network import VelocityNetwork
from molgan.training.autoencoder_phase import latent_networks
from molgan.training.capture import set_learning_rate
from molgan.training.context import Context
from molgan.training.latent_phase import encode_all
from molgan.training.like_sized import LikeSizedBatches
from molgan.training.phase import Phase, Stats, learning_rate_factor, unfrozen


class DenoisingPhase(Phase):
    """The sampler learns to tell noise from latent point, at every level of noise.

    A regression: it cannot collapse, and every molecule of the data takes part. What it cannot do
    is be sharp in few steps, which a critic may teach afterwards (`LatentPhase`). The sampler's
    weaker network, where it has one, learns the same beside it until it knows enough to be wrong in
    the same way (`DenoisingSampler`).

    Args:
        context: see `Phase`.
        noise_level: median of the noise's standard deviation, where a latent coordinate has unit
            variance; log-normal (Karras et al. 2022, "EDM").
        noise_spread: standard deviation of its logarithm.
        like_sized: batches that are drawn together and sorted by size, see `LikeSizedBatches`.
        weaker_molecules: budget of the weaker network, the first molecules of the phase.
        settings: see `Phase`.

    Raises:
        ConfigError: for a model whose sampler does not denoise, or a level that is not above 0.
    """

    def __init__(
        self,
        context: Context,
        noise_level: float = 1.3,
        noise_spread: float = 0.8,
        like_sized: int = 1,
        weaker_molecules: float = 5e4,
        **settings: Any,
    ) -> None:
        super().__init__(context, **settings)
        _, self.generator = latent_networks(context)
        sampler = self.generator.sampler
        if not isinstance(sampler, DenoisingSampler):
            raise ConfigError(
                "a denoising phase needs model.generator.sampler.network=DenoisingSampler"
            )
        if not min(noise_level, noise_spread) > 0:
            raise ConfigError(
                f"noise_level={noise_level} and noise_spread={noise_spread} must be above 0"
            )
        self.sampler = sampler
        self.noise_level = noise_level
        self.noise_spread = noise_spread
        self.weaker_molecules = int(weaker_molecules)
        if sampler.weaker is not None:
            sampler.weaker.requires_grad_(False)  # of a finished model all of it learns
        self.add_optimizer("sampler", sampler)
        if sampler.weaker is not None and self.trains:
            with unfrozen(sampler.weaker):
                self.add_optimizer("weaker", sampler.weaker)
        self.batches = LikeSizedBatches(context, self.batch_size, like_sized)
        self._latents: Tensor | None = None

    def begin(self) -> None:
        """Encode the whole training set once: encoder and decoder rest in this phase."""
        self._latents = encode_all(self.context)

    def step(self) -> Stats:
        """One update on noised latents of real molecules; of the weaker network too, at first."""
        self.batches.draw()
        both = "weaker" in self._optimizers and self.seen < self.weaker_molecules
        if both:
            _, optimizer, peak = self._optimizers["weaker"]
            progress = self.seen / self.weaker_molecules
            factor = learning_rate_factor(progress, self.warmup, self.final_learning_rate)
            set_learning_rate(optimizer, peak * factor)
        return self.replayed(self._denoise, both)

    def _denoise(self, both: bool) -> Stats:
        assert self._latents is not None, "begin() encodes the training set"
        context = self.context
        rows = self.batches.rows
        sizes, points = context.data.sizes[rows], self._latents[rows]
        present = self.sampler.present(sizes)
        logarithm = self.noise_spread * context.randn_like(sizes)
        angles = (self.noise_level * logarithm.exp()).atan()
        noised, wanted = noisy_point(points, context.randn_like(points) * present, angles)

        def loss_of(network: VelocityNetwork) -> Tensor:
            with context.fabric.autocast():
                velocity = network.velocity(noised, angles, sizes)
            # For each atom alike, whether its molecule is large or small.
            return ((velocity - wanted).square().sum(1) / present.sum(1)).mean()

        loss = loss_of(self.sampler)
        norm = self.update(loss, "sampler")
        stats = {"loss/denoising": loss.detach(), "gradient/sampler": norm}
        if both and self.sampler.weaker is not None:
            with unfrozen(self.sampler.weaker):
                loss = loss_of(self.sampler.weaker)
                self.update(loss, "weaker")
            stats["loss/weaker"] = loss.detach()
        return stats

    def finish(self) -> None:
        """Go on from the averaged sampler: it is steadier than the last one."""
        self.context.averages.write_to(self.context.networks)

    def state_dict(self) -> dict[str, Any]:
        """As in `Phase`, with the batches drawn ahead."""
        return {**super().state_dict(), "batches": self.batches.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        self.batches.load_state_dict(state["batches"])
