"""The graph GAN itself: generator against graph critic, with the reward network beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from molgan.chem import Codec
from molgan.errors import ConfigError
from molgan.graphs import MolGraphs
from molgan.losses import (
    AdversarialLoss,
    generator_loss,
    mixed_generator_loss,
    reconstruction_loss,
    reward_network_loss,
)
from molgan.models import MODES, Encoder, GraphLogits, LatentCritic, LatentGenerator, discretize
from molgan.rewards import Scorer
from molgan.training.context import Context
from molgan.training.latent_phase import encode_all, latent_critic_loss, latent_generator_loss
from molgan.training.phase import Phase, Stats, at_least_one, frozen
from molgan.training.repair_targets import repair_targets

# Critic steps from one penalty of the latent critic to the next, see `LatentPhase`.
_PENALTY_INTERVAL = 4


class AdversarialPhase(Phase):
    """Generator and critic on graphs; `reward_weight` lets the reward network steer too.

    Critic, reward network and RDKit all judge the same sampled graph. (MolGAN's code lets RDKit
    score one Gumbel draw while critic and reward network see the softmax of the same noise.)

    Args:
        context: see `Phase`.
        codec: turns graphs into molecules for RDKit's scores.
        scorer: the objective with its cache; None trains no reward network.
        loss: adversarial objective and penalty of the graph critic.
        discretization: one of `molgan.models.MODES`.
        temperature: of the softmax behind it.
        critic_steps: critic updates for each generator update.
        critic_learning_rate: of graph critic and latent critic; None takes `learning_rate`.
        reward_learning_rate: of the reward network; None takes `learning_rate`.
        reward_weight: ``1 - lambda``: 0 trains the reward network without letting the generator see
            it.
        reward_ramp: share of the phase over which `reward_weight` rises from 0.
        reward_rescale: scale the reward loss to the adversarial one, as MolGAN's code does.
        reward_interval: generator updates for each update of the reward network; RDKit's scores are
            the expensive part (about 1 ms a molecule).
        reward_batch_size: molecules, real and generated each, that RDKit scores at such an update.
        adversarial_weight: weight of the graph critic in the generator's loss.
        latent_weight: weight of the latent critic, which goes on learning; holds the sampler to the
            data.
        latent_penalty_weight: gamma of the latent critic's penalties, taken every fourth step.
        instance_noise: noise on what the latent critic sees, as in the latent phase.
        reconstruction_weight: weight of the autoencoder's loss; holds the decoder to the data.
        latent_noise: noise of that reconstruction, as in the autoencoder's phase.
        repair_weight: weight of self-distillation from the valence repair: where a generated graph
            is no molecule, the generator learns the nearest one that its own probabilities allow. A
            training loss only; samples are never repaired by it.
        settings: see `Phase`.
    """

    def __init__(
        self,
        context: Context,
        codec: Codec,
        scorer: Scorer | None,
        loss: AdversarialLoss,
        discretization: str = "straight_through",
        temperature: float = 1.0,
        critic_steps: int = 1,
        critic_learning_rate: float | None = None,
        reward_learning_rate: float | None = None,
        reward_weight: float = 0.0,
        reward_ramp: float = 0.1,
        reward_rescale: bool = False,
        reward_interval: int = 1,
        reward_batch_size: int = 64,
        adversarial_weight: float = 1.0,
        latent_weight: float = 0.0,
        latent_penalty_weight: float = 0.1,
        instance_noise: float = 0.0,
        reconstruction_weight: float = 0.0,
        latent_noise: float = 0.8,
        repair_weight: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__(context, **settings)
        networks = context.networks
        if networks.critic is None:
            raise ConfigError("an adversarial phase needs model.critic")
        if discretization not in MODES:
            raise ConfigError(f"discretization={discretization} is unknown: use {', '.join(MODES)}")
        at_least_one(
            critic_steps=critic_steps,
            reward_interval=reward_interval,
            reward_batch_size=reward_batch_size,
        )
        if not 0 <= reward_weight <= 1:
            raise ConfigError(
                f"reward_weight={reward_weight} must be from 0 to 1: it is 1 - lambda"
            )
        if temperature <= 0:
            raise ConfigError(f"temperature={temperature} must be above 0")
        self.generator, self.critic = networks.generator, networks.critic
        self.codec, self.scorer, self.loss = codec, scorer, loss
        self.discretization, self.temperature = discretization, temperature
        self.critic_steps = critic_steps
        self.reward_weight, self.reward_ramp = reward_weight, reward_ramp
        self.reward_rescale = reward_rescale
        self.reward_interval, self.reward_batch_size = reward_interval, reward_batch_size
        self.adversarial_weight = adversarial_weight
        self.latent_weight, self.latent_penalty_weight = latent_weight, latent_penalty_weight
        self.instance_noise = instance_noise
        self.reconstruction_weight, self.latent_noise = reconstruction_weight, latent_noise
        self.repair_weight = repair_weight
        #: the collapse guard lowers this to make the reward weaker
        self.reward_scale = 1.0

        self.reward = networks.reward if scorer is not None else None
        if reward_weight and self.reward is None:
            raise ConfigError(
                "reward_weight is above 0 but there is no reward: choose one with reward=... "
                "(reward=none means reward_weight=0) and a model.reward"
            )
        self.encoder: Encoder | None = None
        self.latent_critic: LatentCritic | None = None
        if latent_weight or reconstruction_weight:
            if networks.encoder is None or not isinstance(self.generator, LatentGenerator):
                raise ConfigError("latent_weight and reconstruction_weight need model=latent")
            self.encoder = networks.encoder
            self.latent_critic = networks.latent_critic
        self.add_optimizer("generator", self.generator)
        self.add_optimizer("critic", self.critic, critic_learning_rate)
        if self.reward is not None:
            self.add_optimizer("reward", self.reward, reward_learning_rate)
        if latent_weight:
            if self.latent_critic is None:
                raise ConfigError("latent_weight needs model.latent_critic")
            self.add_optimizer("latent_critic", self.latent_critic, critic_learning_rate)
        self._latents: Tensor | None = None

    @property
    def molecules_per_step(self) -> int:
        """Every critic update sees a new batch of real molecules."""
        return super().molecules_per_step * self.critic_steps

    def begin(self) -> None:
        """Encode the training set once: the encoder rests in this phase."""
        if self.encoder is not None:
            self._latents = encode_all(self.context)

    def step(self) -> Stats:
        """Critic updates, a generator update and, at its interval, one of the reward network."""
        stats: Stats = {}
        for _ in range(self.critic_steps):
            stats |= self.replayed(self._critic_step, self.loss.penalised(self.steps))
        if self.latent_weight:
            penalised = self.steps % _PENALTY_INTERVAL == 0
            stats |= self.replayed(self._latent_critic_step, penalised)
        if self.reward is not None and self.steps % self.reward_interval == 0:
            stats |= self._reward_step()
        weight = self._current_reward_weight()
        if self.repair_weight:  # decodes, which is the host's work
            return stats | self._generator_step(weight > 0, weight)
        return stats | self.replayed(self._generator_step, weight > 0, weight=weight)

    # ---------------------------------------------------------------- updates

    def _critic_step(self, penalised: bool) -> Stats:
        context = self.context
        rows = context.data.draw_indices(self.batch_size, context.rng)
        with torch.no_grad():
            fake = self._generate(context.data.sizes[rows])
        mix = torch.rand(self.batch_size, generator=context.rng, device=rows.device)
        real = context.data.graphs(rows)
        loss, stats = self.loss.for_critic(self.critic, real, fake, penalised, mix)
        return {**stats, "gradient/critic": self.update(loss, "critic")}

    def _latent_critic_step(self, penalised: bool) -> Stats:
        context, critic = self.context, self.latent_critic
        assert isinstance(self.generator, LatentGenerator)
        assert critic is not None
        assert self._latents is not None
        rows = context.data.draw_indices(self.batch_size, context.rng)
        sizes = context.data.sizes[rows]
        with torch.no_grad(), context.fabric.autocast():
            fake = self.generator.latent(context.noise(len(rows)), sizes)
        real = context.blurred(self._latents[rows], self.instance_noise).requires_grad_()
        fake = context.blurred(fake, self.instance_noise).requires_grad_()
        weight = self.latent_penalty_weight * _PENALTY_INTERVAL if penalised else None
        with context.fabric.autocast():
            loss, stats = latent_critic_loss(critic, real, fake, sizes, "relativistic", weight)
        self.update(loss, "latent_critic")
        return stats

    def _reward_step(self) -> Stats:
        context = self.context
        assert self.reward is not None
        rows = context.data.draw_indices(self.reward_batch_size, context.rng)
        real = context.data.graphs(rows)
        with torch.no_grad():
            fake = self._generate(context.data.sizes[rows])
        score_real, score_fake = self._scores(real), self._scores(fake)
        loss = reward_network_loss(
            self.reward(real), score_real, self.reward(fake.detach()), score_fake
        )
        self.update(loss, "reward")
        return {
            "loss/reward": loss.detach(),
            "reward/real": score_real.mean(),
            "reward/generated": score_fake.mean(),
        }

    def _generator_step(self, rewarded: bool, weight: float | Tensor) -> Stats:
        context = self.context
        rows = context.data.draw_indices(self.batch_size, context.rng)
        sizes = context.data.sizes[rows]
        noise = context.noise(self.batch_size)
        stats: Stats = {}
        with frozen(self.critic, self.reward, self.latent_critic):
            latent = None
            if isinstance(self.generator, LatentGenerator):
                with context.fabric.autocast():
                    latent = self.generator.latent(noise, sizes)
                    logits = self.generator.decoder(latent, sizes)
            else:
                logits = self.generator(noise, sizes)
            fake = discretize(logits, self.discretization, self.temperature, context.rng)
            on_fake = self.critic(fake)
            # Only relativistic pairing compares with real graphs here.
            on_real = on_fake.detach()
            if self.loss.objective == "relativistic":
                with torch.no_grad():
                    on_real = self.critic(context.data.graphs(rows))
            loss = self.adversarial_weight * generator_loss(self.loss.objective, on_real, on_fake)
            stats["loss/generator"] = loss.detach()
            if rewarded and self.reward is not None:
                predicted = self.reward(fake).mean()
                loss = mixed_generator_loss(loss, -predicted, weight, self.reward_rescale)
                stats["reward/predicted"] = predicted.detach()
            if self.latent_weight and latent is not None:
                loss = loss + self.latent_weight * self._latent_loss(latent, rows)
            if self.repair_weight:
                repair = self._repair_loss(self._decoded_again(latent, sizes, logits), fake)
                stats["loss/repair"] = repair.detach()
                loss = loss + self.repair_weight * repair
            if self.reconstruction_weight:
                loss = loss + self.reconstruction_weight * self._reconstruction(rows)
        stats["gradient/generator"] = self.update(loss, "generator")
        return stats

    # ----------------------------------------------------------------- pieces

    def _generate(self, sizes: Tensor) -> MolGraphs:
        with self.context.fabric.autocast():
            logits = self.generator(self.context.noise(len(sizes)), sizes)
        return discretize(logits, self.discretization, self.temperature, self.context.rng)

    def _scores(self, graphs: MolGraphs) -> Tensor:
        """RDKit's rewards ``(B,)`` of the molecules that the graphs are; 0 for invalid ones."""
        assert self.scorer is not None
        atoms, bonds = graphs.to_indices()
        decoded = self.codec.decode(atoms.cpu().numpy(), bonds.cpu().numpy())
        total = np.nan_to_num(self.scorer(decoded).total, nan=0.0)
        return torch.as_tensor(total, dtype=torch.float32, device=graphs.device)

    def _current_reward_weight(self) -> float:
        ramp = min(self.progress / self.reward_ramp, 1.0) if self.reward_ramp else 1.0
        return self.reward_weight * self.reward_scale * ramp

    def _latent_loss(self, latent: Tensor, rows: Tensor) -> Tensor:
        assert self.latent_critic is not None
        assert self._latents is not None
        context, sizes = self.context, self.context.data.sizes[rows]
        with context.fabric.autocast():
            return latent_generator_loss(
                self.latent_critic,
                context.blurred(self._latents[rows], self.instance_noise),
                context.blurred(latent, self.instance_noise),
                sizes,
                "relativistic",
            )

    def _reconstruction(self, rows: Tensor) -> Tensor:
        assert isinstance(self.generator, LatentGenerator)
        assert self._latents is not None
        context = self.context
        latent = self._latents[rows]
        latent = latent + self.latent_noise * context.randn_like(latent)
        with context.fabric.autocast():
            logits = self.generator.decoder(latent, context.data.sizes[rows])
        atoms, bonds = context.data.atoms[rows].long(), context.data.bonds[rows].long()
        return reconstruction_loss(logits.nodes, logits.pairs, atoms, bonds)

    def _decoded_again(
        self, latent: Tensor | None, sizes: Tensor, logits: GraphLogits
    ) -> GraphLogits:
        """Logits through which only the decoder learns.

        A sampler that felt this loss would flee to safe, simple molecules.
        """
        if latent is None or not isinstance(self.generator, LatentGenerator):
            return logits
        with self.context.fabric.autocast():
            decoded: GraphLogits = self.generator.decoder(latent.detach(), sizes)
        return decoded

    def _repair_loss(self, logits: GraphLogits, fake: MolGraphs) -> Tensor:
        """Negative log-likelihood of the repaired graphs, per generated molecule."""
        targets = repair_targets(self.codec, logits, fake)
        rows = targets.broken
        if not len(rows):
            return logits.pairs.sum() * 0
        loss = reconstruction_loss(
            logits.nodes[rows], logits.pairs[rows], targets.atoms, targets.bonds
        )
        return loss * (len(rows) / len(logits.nodes))

    # ------------------------------------------------------------ checkpoints

    def state_dict(self) -> dict[str, Any]:
        """As in `Phase`, with the guard's reduction of the reward."""
        return {**super().state_dict(), "reward_scale": self.reward_scale}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        self.reward_scale = state["reward_scale"]
