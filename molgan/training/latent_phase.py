"""Second phase of the default recipe: a sampler learns the latents, adversarially."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from molgan.errors import ConfigError
from molgan.losses import OBJECTIVES, critic_loss, generator_loss, zero_centred_point_penalty
from molgan.models import LatentGenerator, SlotDecoder, SlotLatentCritic
from molgan.training.autoencoder_phase import latent_networks
from molgan.training.context import Context
from molgan.training.phase import Phase, Stats, frozen

PointCritic = Callable[[Tensor, Tensor], Tensor]
"""Scores ``(B,)`` of points ``(B, D)`` and their atom counts ``(B,)``."""


class LatentBatch(NamedTuple):
    """A batch of what a sampler learns.

    Attributes:
        points: ``(B, latent_dim)`` of molecules.
        sizes: ``(B,)`` their atom counts.
        conditions: ``(B, C)`` their properties, standardised, where the sampler is given some.
    """

    points: Tensor
    sizes: Tensor
    conditions: Tensor | None = None


class LatentPhase(Phase):
    """GAN between noise and the encoder's latents, in the manner of R3GAN.

    Relativistic pairing with zero-centred penalties on both sides (Huang et al. 2025).

    Args:
        context: see `Phase`.
        objective: adversarial objective, see `molgan.losses.OBJECTIVES`.
        penalty_weight: gamma of R1 + R2 at the start. A small one lets the critic lead quickly.
        final_penalty_weight: gamma at the end, reached geometrically over the phase; None keeps it.
            A critic that has seen the same latents dozens of times begins to know them one by one,
            and the sampler leaves out what it cannot hit exactly; a larger gamma smooths that out
            and brings the diversity back (docs/experiments.md).
        penalty_interval: the penalty is taken every so many steps, with its weight scaled up to
            match (Karras et al. 2020, "lazy regularisation"); it costs as much as three plain
            steps.
        critic_learning_rate: learning rate of the latent critic.
        instance_noise: standard deviation of noise added to what the critic sees, real and
            generated.
        settings: see `Phase`.
    """

    def __init__(
        self,
        context: Context,
        objective: str = "relativistic",
        penalty_weight: float = 0.1,
        final_penalty_weight: float | None = None,
        penalty_interval: int = 4,
        critic_learning_rate: float = 8e-4,
        instance_noise: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__(context, **settings)
        self.encoder, self.generator = latent_networks(context)
        if context.networks.latent_critic is None:
            raise ConfigError("a latent phase needs model.latent_critic")
        if objective not in OBJECTIVES:
            raise ConfigError(f"objective={objective} is unknown: use {', '.join(OBJECTIVES)}")
        if penalty_interval < 1:
            raise ConfigError(f"penalty_interval={penalty_interval} must be at least 1")
        if final_penalty_weight is not None and not min(penalty_weight, final_penalty_weight) > 0:
            raise ConfigError(
                f"final_penalty_weight={final_penalty_weight} is reached from "
                f"penalty_weight={penalty_weight} by a constant factor: both must be above 0"
            )
        self.critic = context.networks.latent_critic
        self.objective = objective
        self.penalty_weight = penalty_weight
        self.final_penalty_weight = final_penalty_weight
        self.penalty_interval = penalty_interval
        self.instance_noise = instance_noise
        self.add_optimizer("sampler", self.generator.sampler)
        self.add_optimizer("latent_critic", self.critic, critic_learning_rate)
        self._latents: Tensor | None = None

    def begin(self) -> None:
        """Encode the whole training set once: encoder and decoder rest in this phase."""
        self._latents = encode_all(self.context)
        adopt_decoder(self.context, self.generator)

    def step(self) -> Stats:
        """One critic update and one sampler update."""
        stats = self.replayed(self._critic_step, self._penalised, gamma=self.gamma)
        return stats | self.replayed(self._sampler_step)

    def finish(self) -> None:
        """Go on from the averaged sampler: it is steadier than the last one."""
        self.context.averages.write_to(self.context.networks)

    @property
    def gamma(self) -> float:
        """Weight of the penalties at this moment of the phase."""
        if self.final_penalty_weight is None:
            return self.penalty_weight
        factor = self.final_penalty_weight / self.penalty_weight
        return float(self.penalty_weight * factor**self.progress)

    @property
    def _penalised(self) -> bool:
        return self.penalty_weight > 0 and self.steps % self.penalty_interval == 0

    # ---------------------------------------------- what other latent phases do otherwise

    def _draw(self) -> LatentBatch:
        """A batch of what the sampler is to learn."""
        assert self._latents is not None, "begin() encodes the training set"
        rows = self.context.data.draw_indices(self.batch_size, self.context.rng)
        return LatentBatch(self._latents[rows], self.context.data.sizes[rows])

    def _joined(
        self, loss: Tensor, fake: Tensor, noise: Tensor, batch: LatentBatch
    ) -> tuple[Tensor, Stats]:
        """The sampler's loss with what joins the critic's, and figures of that.

        Args:
            loss: the critic's, a scalar.
            fake: ``(B, latent_dim)`` points of the sampler.
            noise: ``(B, noise_dim)`` that they are made of.
            batch: what is learnt from, of the same sizes and conditions.
        """
        return loss, {}

    # ------------------------------------------------------------------ updates

    def _critic_step(self, penalised: bool, gamma: float | Tensor) -> Stats:
        """One update on real points and generated ones of the same sizes and conditions."""
        context = self.context
        real, sizes, conditions = self._draw()
        with torch.no_grad(), context.fabric.autocast():
            fake = self.generator.latent(context.noise(len(real)), sizes, conditions)
        real = context.blurred(real, self.instance_noise).requires_grad_()
        fake = context.blurred(fake, self.instance_noise).requires_grad_()
        twice = None if conditions is None else torch.cat([conditions, conditions])
        critic = functools.partial(self.critic, conditions=twice)
        weight = gamma * self.penalty_interval if penalised else None
        with context.fabric.autocast():
            loss, stats = latent_critic_loss(critic, real, fake, sizes, self.objective, weight)
        return {**stats, "gradient/latent_critic": self.update(loss, "latent_critic")}

    def _sampler_step(self) -> Stats:
        context = self.context
        batch = self._draw()
        real, sizes, conditions = batch
        noise = context.noise(len(real))
        critic = functools.partial(self.critic, conditions=conditions)
        with frozen(self.critic), context.fabric.autocast():
            fake = self.generator.latent(noise, sizes, conditions)
            adversarial = latent_generator_loss(
                critic,
                context.blurred(real, self.instance_noise),
                context.blurred(fake, self.instance_noise),
                sizes,
                self.objective,
            )
            loss, stats = self._joined(adversarial, fake, noise, batch)
        stats["loss/latent_generator"] = adversarial.detach()
        return {**stats, "gradient/sampler": self.update(loss, "sampler")}


def latent_critic_loss(
    critic: PointCritic,
    real: Tensor,
    fake: Tensor,
    sizes: Tensor,
    objective: str,
    penalty_weight: float | Tensor | None,
) -> tuple[Tensor, Stats]:
    """What a critic of points minimises, and figures of it.

    Args:
        critic: scores twice as many points as there are sizes.
        real: ``(B, D)``, with ``requires_grad`` for a penalty.
        fake: ``(B, D)``, likewise; no gradient goes beyond it.
        sizes: ``(B,)`` atom counts, of both.
        objective: one of `molgan.losses.OBJECTIVES`.
        penalty_weight: gamma of R1 + R2; None: an update without them.
    """
    on_real, on_fake = critic(torch.cat([real, fake]), torch.cat([sizes, sizes])).chunk(2)
    loss = critic_loss(objective, on_real, on_fake)
    stats = {
        "loss/latent_critic": loss.detach(),
        "critic/latent_gap": (on_real - on_fake).mean().detach(),
    }
    if penalty_weight is not None:
        penalty = zero_centred_point_penalty(on_real, real)
        penalty = penalty + zero_centred_point_penalty(on_fake, fake)
        loss = loss + 0.5 * penalty_weight * penalty
        stats["penalty/latent"] = penalty.detach()
    return loss, stats


def latent_generator_loss(
    critic: PointCritic, real: Tensor, fake: Tensor, sizes: Tensor, objective: str
) -> Tensor:
    """The sampler's loss; real points need no gradient, which saves a backward pass."""
    with torch.no_grad():
        on_real = critic(real, sizes)
    return generator_loss(objective, on_real, critic(fake, sizes))


def adopt_decoder(context: Context, generator: LatentGenerator) -> None:
    """Let a latent critic that sees through the decoder see through this one."""
    critic: nn.Module | None = context.networks.latent_critic
    if isinstance(critic, SlotLatentCritic) and isinstance(generator.decoder, SlotDecoder):
        critic.adopt(generator.decoder)


@torch.no_grad()
def encode_all(context: Context, chunk: int = 256) -> Tensor:
    """``(M, latent_dim)`` latents of all training molecules by the current encoder.

    Args:
        context: of the run.
        chunk: molecules at a time; a few hundred stay in a processor's cache.
    """
    encoder = context.networks.encoder
    assert encoder is not None
    rows = torch.arange(len(context.data), device=context.fabric.device)
    with context.fabric.autocast():
        parts = [encoder(context.data.graphs(part)).float() for part in rows.split(chunk)]
    return torch.cat(parts)
