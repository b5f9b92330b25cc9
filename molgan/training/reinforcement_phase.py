"""Goal-directed design: the sampler learns to draw molecules of high reward, and stays diverse."""

from __future__ import annotations

import copy
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from molgan.chem import Codec, Decoded
from molgan.errors import ConfigError
from molgan.models import LatentCritic
from molgan.rewards import Scorer
from molgan.sampling import Sampler
from molgan.training.context import Context
from molgan.training.diversity import DiversityFilter
from molgan.training.exploration import Explorer
from molgan.training.guided_critic import GuidedCritic
from molgan.training.latent_phase import (
    LatentPhase,
    adopt_decoder,
    encode_all,
    latent_generator_loss,
)
from molgan.training.phase import Stats, at_least_one, frozen
from molgan.training.scored_pool import FloatArray, ScoredPool, tilted


class ReinforcementPhase(LatentPhase):
    """A latent GAN on the data as they would be if every molecule were as frequent as it is good.

    The answer to "most reward for the least distance to the data" is known in closed form: the data
    reweighted by ``exp(reward / T)`` (Peters and Schaal 2007). The phase trains the sampler towards
    these latents adversarially, so diversity is what the critic demands, not what is left over. The
    temperature follows from the mean score that is wanted (`target`). Good molecules that were
    generated, or found near good ones in latent space, join the data: replay, or self-imitation (Oh
    et al. 2018), which takes the target where the data are thin. Encoder and decoder rest.

    Two gradients may be added, of a value network and of the policy, both by weight.

    Args:
        context: see `Phase`.
        codec: between graphs and molecules.
        scorer: the objective with its cache; None is refused.
        smiles: of the training molecules, in the order of the data.
        size_distribution: ``(N + 1,)`` of the model; changed in place as the molecules wanted are
            larger or smaller than the data.
        refine_steps: of sampling.
        noise_scale: of sampling.
        target: quantile of the training molecules' scores that the mean score of generated ones is
            to reach, above 0.5 and below 1.
        least_effective: least effective number of molecules aimed at, whatever the target: fewer
            give higher scores and more repeats.
        real_scored: training molecules that are scored, spread evenly; None: all. For scores that
            cost much.
        replay: generated molecules remembered, the best ones.
        explore_interval: steps from one exploration to the next.
        explore_batch: molecules generated, decoded and scored at each; half of them from the
            sampler as it is, half around good ones.
        exploration_noise: standard deviation in latent space around good molecules and, for the
            policy gradient, around the sampler's points.
        critic_warmup: share of the phase in which only the critic learns.
        feedback: how fast the aim is raised while the mean score stays below the target.
        novelty_bonus: added to the reward of molecules that are not in the training set.
        diversity: scaffold memory; None: none.
        value_weight: how much of the critic's verdict comes from a value network, the reward
            network of MolGAN on latent points: the log-ratio of data wanted and data given is a
            multiple of the reward, so the critic need only learn what is different from that. 1: as
            much as the target asks for; 0: no value network.
        value_learning_rate: of the value network.
        value_warmup: its updates before the phase begins.
        policy_weight: weight of the policy gradient (REINFORCE, Williams 1992): the sampler's
            latent is the mean of a Gaussian policy, the whole rest of sampling its environment;
            advantages are normalised over the batch.
        anchor_weight: weight of the mean squared distance between the sampler's points and those
            that it made at the start of the phase from the same noise: a trust region.
        settings: see `LatentPhase`.
    """

    def __init__(
        self,
        context: Context,
        codec: Codec,
        scorer: Scorer | None,
        smiles: list[str],
        size_distribution: npt.NDArray[np.float64],
        refine_steps: int = 0,
        noise_scale: float = 1.0,
        target: float = 0.95,
        least_effective: float = 1000,
        real_scored: int | None = None,
        replay: int = 50_000,
        explore_interval: int = 16,
        explore_batch: int = 512,
        exploration_noise: float = 0.5,
        critic_warmup: float = 0.1,
        feedback: float = 0.2,
        novelty_bonus: float = 0.0,
        diversity: DiversityFilter | None = None,
        value_weight: float = 0.0,
        value_learning_rate: float = 1e-3,
        value_warmup: int = 200,
        policy_weight: float = 0.0,
        anchor_weight: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__(context, **settings)
        if scorer is None:
            raise ConfigError("there is no reward to follow: choose one with reward=...")
        if not 0.5 < target < 1:
            raise ConfigError(f"target={target} must be a quantile above 0.5 and below 1")
        at_least_one(explore_interval=explore_interval, explore_batch=explore_batch, replay=replay)
        self.smiles = smiles
        self.size_distribution = size_distribution
        self.target, self.least_effective = target, least_effective
        self.real_scored, self.replay = real_scored, replay
        self.explore_interval, self.explore_batch = explore_interval, explore_batch
        self.exploration_noise, self.critic_warmup = exploration_noise, critic_warmup
        self.feedback, self.novelty_bonus = feedback, novelty_bonus
        self.diversity = diversity
        self.value_weight, self.value_warmup = value_weight, value_warmup
        self.policy_weight = policy_weight
        self.anchor_weight = anchor_weight
        #: the collapse guard lowers this: the share of the way from the data's mean to the aim
        self.reward_scale = 1.0
        self.sampler = Sampler(
            context.averages.generator,
            codec,
            size_distribution,
            noise_scale=noise_scale,
            encoder=self.encoder if refine_steps else None,
            refine_steps=refine_steps,
        )
        self.explorer = Explorer(context, self.generator, self.encoder, self.sampler, codec, scorer)
        #: the sampler as the phase found it
        self.prior = copy.deepcopy(self.generator).requires_grad_(False)
        self.value: LatentCritic | None = None
        if value_weight:
            sizes = self.generator.latent_dim, self.generator.max_atoms
            self.value = LatentCritic(*sizes, width=256, blocks=2).to(context.fabric.device)
            self.add_optimizer("value", self.value, value_learning_rate)
            self.guided = GuidedCritic(self.critic, self.value)
            self.critic = cast(LatentCritic, self.guided)
        self._aim: float | None = None
        self._measured: float | None = None
        self._real_scores: FloatArray | None = None
        self._resumed: dict[str, Any] | None = None
        self._recent: tuple[Tensor, Tensor, Tensor] | None = None

    # ----------------------------------------------------------------- the loop

    def begin(self) -> None:
        """Encode and score the training set."""
        if not self.steps:
            self.prior.load_state_dict(self.generator.state_dict())
        adopt_decoder(self.context, self.generator)
        count = len(self.smiles)
        scored = count if self.real_scored is None else min(self.real_scored, count)
        rows = np.linspace(0, count - 1, scored).round().astype(int)
        smiles = [self.smiles[row] for row in rows]
        places = torch.as_tensor(rows, device=self.context.fabric.device)
        latents = encode_all(self.context)[places]
        if self._real_scores is None:
            self._real_scores = self.explorer.scores_of(smiles)
        scores = self._real_scores
        self._wanted = float(np.quantile(scores, self.target))
        self._plain = float(scores.mean())
        if self._aim is None:
            self._aim = self._wanted
        sizes = self.context.data.sizes[places]
        self.pool = ScoredPool(latents, sizes, scores, smiles, self.replay)
        if self._resumed is not None:
            self.pool.load_state_dict(self._resumed)
        self._tilt()
        if self.value is not None and not self.steps:
            for _ in range(self.value_warmup):
                self._value_step()

    def step(self) -> Stats:
        """Explore at its interval; one critic update and, after the warm-up, one of the sampler."""
        stats: Stats = {}
        if self.steps % self.explore_interval == 0:
            stats |= self._explore()
        stats |= self._critic_step()
        if self.value is not None:
            stats |= self._value_step()
        if self.progress >= self.critic_warmup:
            stats |= self._sampler_step()
        return stats

    # ------------------------------------------------------------------ updates

    def _draw(self) -> tuple[Tensor, Tensor]:
        rows = self._draw_rows(self.batch_size)
        return self.pool.latents[rows], self.pool.sizes[rows]

    def _sampler_step(self) -> Stats:
        context = self.context
        real, sizes = self._draw()
        noise = context.noise(len(real))
        with frozen(self.critic), context.fabric.autocast():
            fake = self.generator.latent(noise, sizes)
            loss = latent_generator_loss(
                self.critic,
                context.blurred(real, self.instance_noise),
                context.blurred(fake, self.instance_noise),
                sizes,
                self.objective,
            )
            stats = {"loss/latent_generator": loss.detach()}
            if self.anchor_weight:
                with torch.no_grad():
                    before = self.prior.latent(noise, sizes)
                anchor = F.mse_loss(fake, before)
                stats["loss/anchor"] = anchor.detach()
                loss = loss + self.anchor_weight * anchor
        stats["gradient/sampler"] = self.update(loss, "sampler")
        return stats

    def _value_step(self) -> Stats:
        """The value network learns scores at blurred latents, of good molecules and of others."""
        assert self.value is not None
        half = self.batch_size // 2
        anywhere = torch.randint(
            len(self.pool), (half,), generator=self.context.rng, device=self.context.fabric.device
        )
        rows = torch.cat([anywhere, self._draw_rows(half)])
        points = self.context.blurred(self.pool.latents[rows], 0.3)
        scores = self._pool_scores[rows]
        sizes = self.pool.sizes[rows]
        if self._recent is not None:
            latents, recent_sizes, recent_scores = self._recent
            points = torch.cat([points, latents])
            sizes = torch.cat([sizes, recent_sizes])
            scores = torch.cat([scores, recent_scores])
        loss = F.mse_loss(self.value(points, sizes), scores)
        self.update(loss, "value")
        return {"loss/value": loss.detach()}

    # -------------------------------------------------------------- exploration

    def _explore(self) -> Stats:
        """Molecules of the sampler and around good ones are scored; the good ones are kept."""
        context = self.context
        half = self.explore_batch // 2
        sizes = self.pool.sizes[self._draw_rows(half)]
        noise = context.noise(half)
        with torch.no_grad(), context.fabric.autocast():
            own = context.averages.generator.latent(self.sampler.noise_scale * noise, sizes)
        scores, drawn = self.explorer.judge(own, sizes)
        valid = np.array([item.valid for item in drawn])
        stats = self._account(drawn, scores, valid)
        rows = self._draw_rows(half)
        near = context.blurred(self.pool.latents[rows], self.exploration_noise)
        near_sizes = self.pool.sizes[rows]
        near_scores, near_drawn = self.explorer.judge(near, near_sizes)
        decoded = [*drawn, *near_drawn]
        kept = self.explorer.keep(
            decoded, np.concatenate([scores, near_scores]), self.pool, self._plain
        )
        stats["reward/kept"] = torch.tensor(float(kept))
        if self.policy_weight and self.progress >= self.critic_warmup:
            stats |= self._policy_step(sizes, noise)
        self._recent = (
            torch.cat([own, near]),
            torch.cat([sizes, near_sizes]),
            torch.as_tensor(
                np.concatenate([scores, near_scores]), dtype=torch.float32, device=own.device
            ),
        )
        self._tilt()
        return stats

    def _policy_step(self, sizes: Tensor, noise: Tensor) -> Stats:
        """REINFORCE on the sampler's latent as the mean of a Gaussian."""
        context, deviation = self.context, self.exploration_noise
        with context.fabric.autocast():
            mean = self.generator.latent(noise, sizes)
        action = context.blurred(mean.detach(), deviation)
        scores, drawn = self.explorer.judge(action, sizes)
        self.explorer.keep(drawn, scores, self.pool, self._plain)
        reward = torch.as_tensor(scores, dtype=torch.float32, device=mean.device)
        advantage = (reward - reward.mean()) / (reward.std() + 1e-6)
        log_probability = -(action - mean).square().mean(1) / (2 * deviation**2)
        loss = -(advantage * log_probability).mean() * self.reward_scale
        self.update(self.policy_weight * loss, "sampler")
        return {"reward/policy": reward.mean()}

    def _account(
        self, decoded: list[Decoded], scores: FloatArray, valid: npt.NDArray[np.bool_]
    ) -> Stats:
        """Figures of the sampler's molecules; the aim follows them."""
        smiles = [item.smiles for item in decoded if item.smiles is not None]
        good = scores[valid]
        if self.diversity is not None:
            self.diversity.visit(smiles, good)
        mean = float(good.mean()) if len(good) else 0.0
        if self.progress >= self.critic_warmup:
            assert self._aim is not None
            before = mean if self._measured is None else self._measured
            self._measured = 0.7 * before + 0.3 * mean
            reach = self._wanted - self._plain
            moved = self._aim + self.feedback * (self._wanted - self._measured)
            self._aim = float(np.clip(moved, self._plain, self._wanted + reach))
        figures = {
            "reward/generated": mean,
            "reward/valid": float(valid.mean()),
            "reward/unique": len(set(smiles)) / max(len(smiles), 1),
            "reward/aim": float(self._aim or 0.0),
        }
        return {key: torch.tensor(value) for key, value in figures.items()}

    # -------------------------------------------------------------- the target

    def _tilt(self) -> None:
        """Work out how frequent every molecule of the pool should be."""
        assert self._aim is not None
        rewards = self.pool.scores + 0.0
        rewards[self.pool.num_real :] += self.novelty_bonus
        aim = self._plain + self.reward_scale * (self._aim - self._plain)
        weights, strength = tilted(rewards, aim, self.least_effective)
        if self.diversity is not None and self.diversity.counts:
            # Only where it matters: scaffolds cost a tenth of a millisecond each.
            rows = np.flatnonzero(weights > 1e-3 * weights.max())
            rewards[rows] *= self.diversity.factors([self.pool.smiles[row] for row in rows])
            weights, strength = tilted(rewards, aim, self.least_effective)
        if self.value is not None:
            self.guided.strength = self.value_weight * strength
        device = self.context.fabric.device
        self._cumulative = torch.as_tensor(weights.cumsum(), device=device)
        self._pool_scores = torch.as_tensor(self.pool.scores, dtype=torch.float32, device=device)
        sizes = self.pool.sizes.cpu().numpy()
        counts = np.bincount(sizes, weights, minlength=len(self.size_distribution))
        np.copyto(self.size_distribution, counts / counts.sum())

    def _draw_rows(self, count: int) -> Tensor:
        """``(count,)`` rows of the pool, by weight."""
        uniform = torch.rand(
            count, generator=self.context.rng, device=self._cumulative.device, dtype=torch.float64
        )
        return torch.searchsorted(self._cumulative, uniform).clamp(max=len(self.pool) - 1)

    # ------------------------------------------------------------- checkpoints

    def state_dict(self) -> dict[str, Any]:
        """As in `Phase`, with the molecules found, the aim and the networks of this phase alone."""
        return {
            **super().state_dict(),
            "real_scores": torch.as_tensor(self.pool.scores[: self.pool.num_real]),
            "pool": self.pool.state_dict(),
            "aim": self._aim,
            "measured": self._measured,
            "reward_scale": self.reward_scale,
            "prior": self.prior.sampler.state_dict(),
            "value": None if self.value is None else self.value.state_dict(),
            "recent": self._recent,
            "diversity": None if self.diversity is None else self.diversity.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        self._real_scores = state["real_scores"].numpy()
        self._resumed = state["pool"]
        self._aim, self._measured = state["aim"], state["measured"]
        self.reward_scale = state["reward_scale"]
        self.prior.sampler.load_state_dict(state["prior"])
        if self.value is not None:
            self.value.load_state_dict(state["value"])
        if state["recent"] is not None:
            device = self.context.fabric.device
            latents, sizes, scores = (each.to(device) for each in state["recent"])
            self._recent = latents, sizes, scores
        if self.diversity is not None:
            self.diversity.load_state_dict(state["diversity"])
