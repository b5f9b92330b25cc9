"""Gradients that may join the critic's where a sampler is steered to a reward, each by weight."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from molgan.models import LatentGenerator, RewardNetwork, discretize
from molgan.training.context import Context
from molgan.training.exploration import Judged
from molgan.training.phase import Stats, frozen


class SteeringTerms:
    """Predicted reward, policy gradient and trust region of a sampler.

    Args:
        context: networks, data, randomness, devices.
        generator: its sampler learns.
        network: predicts rewards; needed for a `reward_weight`.
        reward_weight: weight of the reward that the reward network predicts for the sampler's
            graphs: MolGAN's own way (De Cao and Kipf 2018, section 3.2). Large weights cost
            diversity, as they did there.
        policy_weight: weight of the policy gradient (REINFORCE, Williams 1992): the sampler's
            latent is the mean of a Gaussian policy, the whole rest of sampling its environment;
            advantages are normalised over the batch.
        anchor_weight: weight of the mean squared distance between the sampler's points and those
            that it made at the start of the phase from the same noise: a trust region.
        deviation: standard deviation of the Gaussian policy.
    """

    def __init__(
        self,
        context: Context,
        generator: LatentGenerator,
        network: RewardNetwork | None,
        reward_weight: float,
        policy_weight: float,
        anchor_weight: float,
        deviation: float,
    ) -> None:
        self.context, self.generator, self.network = context, generator, network
        self.reward_weight, self.policy_weight = reward_weight, policy_weight
        self.anchor_weight, self.deviation = anchor_weight, deviation
        #: the generator as the phase found it
        self.prior = copy.deepcopy(generator).requires_grad_(False)

    def begin(self) -> None:
        """The sampler is as it is to be remembered."""
        self.prior.load_state_dict(self.generator.state_dict())

    def joined(
        self, loss: Tensor, fake: Tensor, noise: Tensor, sizes: Tensor, scale: float
    ) -> tuple[Tensor, Stats]:
        """The sampler's loss with predicted reward and anchor.

        Args:
            loss: the critic's, a scalar.
            fake: ``(B, latent_dim)`` points of the sampler.
            noise: ``(B, noise_dim)`` that they are made of.
            sizes: ``(B,)`` atom counts.
            scale: factor of the reward.
        """
        stats: Stats = {}
        if self.reward_weight:
            predicted = self._predicted(fake, sizes)
            stats["reward/predicted"] = predicted.detach()
            loss = loss - self.reward_weight * scale * predicted
        if self.anchor_weight:
            with torch.no_grad():
                before = self.prior.latent(noise, sizes)
            anchor = F.mse_loss(fake, before)
            stats["loss/anchor"] = anchor.detach()
            loss = loss + self.anchor_weight * anchor
        return loss, stats

    def policy(
        self, sizes: Tensor, judge: Callable[[Tensor, Tensor, Tensor], Judged], scale: float
    ) -> tuple[Tensor, Stats, Judged]:
        """The policy gradient's loss, and the molecules that it was taken on.

        Args:
            sizes: ``(B,)`` atom counts.
            judge: scores points ``(B, latent_dim)`` of these sizes, made of ``(B, noise_dim)``.
            scale: factor of the reward.
        """
        context = self.context
        noise = context.noise(len(sizes))
        with context.fabric.autocast():
            mean = self.generator.latent(noise, sizes)
        action = context.blurred(mean.detach(), self.deviation)
        judged = judge(action, sizes, noise)
        reward = torch.as_tensor(judged.scores, dtype=torch.float32, device=mean.device)
        # Of all, not of a sample: a single molecule is no better than the mean, and moves nothing.
        advantage = (reward - reward.mean()) / (reward.std(correction=0) + 1e-6)
        log_probability = -(action - mean).square().mean(1) / (2 * self.deviation**2)
        loss = -(advantage * log_probability).mean() * scale
        return self.policy_weight * loss, {"reward/policy": reward.mean()}, judged

    def _predicted(self, latents: Tensor, sizes: Tensor) -> Tensor:
        """Mean predicted reward of latent points, with a gradient to them."""
        assert self.network is not None
        with frozen(self.network), frozen(self.generator.decoder):
            graphs = discretize(self.generator.decoder(latents, sizes), "straight_through")
            predicted: Tensor = self.network(graphs).float().mean()
        return predicted
