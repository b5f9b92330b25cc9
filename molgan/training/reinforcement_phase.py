"""Goal-directed design: the sampler learns to draw molecules of high reward, and stays diverse."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from molgan.chem import Codec
from molgan.errors import ConfigError
from molgan.guide import Guide
from molgan.losses import reconstruction_loss
from molgan.models import RewardNetwork, discretize
from molgan.rewards import Scorer
from molgan.training.aim import Aim
from molgan.training.context import Context
from molgan.training.diversity import DiversityFilter
from molgan.training.exploration import Explorer, Judged
from molgan.training.latent_phase import (
    LatentPhase,
    adopt_decoder,
    encode_all,
    latent_generator_loss,
)
from molgan.training.phase import Stats, at_least_one, frozen
from molgan.training.reward_memory import RewardMemory, predictions
from molgan.training.scored_pool import FloatArray, ScoredPool, weighted_rows

#: explorations' worth of molecules from which a guide learns what the sampler draws
_GUIDE_BATCHES = 8


class ReinforcementPhase(LatentPhase):
    """A latent GAN on the data as they would be if every molecule were as frequent as it is good.

    The answer to "most reward for the least distance to the data" is known in closed form: the data
    reweighted by ``exp(reward / T)`` (Peters and Schaal 2007). The phase trains the sampler towards
    these latents adversarially, so diversity is what the critic demands, not what is left over. The
    temperature follows from the mean score that is wanted (`target`). Good molecules that were
    generated, or found near good ones in latent space, join the data: replay, or self-imitation (Oh
    et al. 2018), which takes the target where the data are thin. The encoder rests.

    A reward network learns the scores of real and generated graphs and chooses among candidates in
    sampling (`molgan.guide.Guide`): so what the sampler cannot match is put right, above all the
    poor molecules near good ones. Two gradients may be added, of that network and of the policy,
    both by weight.

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
        sampler_share: how much of the way from the data's mean to the target the sampler itself is
            taken; the guide goes the rest. 0: sampler and decoder rest, so nothing of the start
            model's diversity is lost, and only the guide learns. 1 where there is no guide.
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
        decoder_learning_rate: of the decoder, which goes on learning the molecules wanted; 0: it
            rests.
        latent_noise: largest standard deviation around a molecule's latent point that the decoder
            is to read as that molecule.
        novelty_bonus: added to the reward of molecules that are not in the training set.
        diversity: scaffold memory; None: none.
        guide: what chooses among candidates in sampling; the phase teaches it. None: nothing does.
        reward_weight: weight of the reward that the reward network predicts for the sampler's
            graphs, in the sampler's loss: MolGAN's own way (De Cao and Kipf 2018, section 3.2).
            Large weights cost diversity, as they did there.
        reward_learning_rate: of the reward network, which learns if there is a guide or a
            `reward_weight`.
        reward_batch_size: graphs for each of its updates: half good molecules of the data, half
            generated ones.
        reward_memory: generated graphs that it learns from, the latest ones.
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
        sampler_share: float = 1.0,
        least_effective: float = 1000,
        real_scored: int | None = None,
        replay: int = 50_000,
        explore_interval: int = 16,
        explore_batch: int = 512,
        exploration_noise: float = 0.5,
        critic_warmup: float = 0.1,
        feedback: float = 0.2,
        decoder_learning_rate: float = 1e-4,
        latent_noise: float = 0.8,
        novelty_bonus: float = 0.0,
        diversity: DiversityFilter | None = None,
        guide: Guide | None = None,
        reward_weight: float = 0.0,
        reward_learning_rate: float = 2e-3,
        reward_batch_size: int = 256,
        reward_memory: int = 30_000,
        policy_weight: float = 0.0,
        anchor_weight: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__(context, **settings)
        if scorer is None:
            raise ConfigError("there is no reward to follow: choose one with reward=...")
        at_least_one(
            explore_interval=explore_interval,
            explore_batch=explore_batch,
            replay=replay,
            reward_batch_size=reward_batch_size,
            reward_memory=reward_memory,
        )
        self.smiles = smiles
        self.size_distribution = size_distribution
        self.aim = Aim(target, 1.0 if guide is None else sampler_share, feedback)
        self.least_effective = least_effective
        self.real_scored, self.replay = real_scored, replay
        self.explore_interval, self.explore_batch = explore_interval, explore_batch
        self.exploration_noise, self.critic_warmup = exploration_noise, critic_warmup
        self.novelty_bonus, self.diversity = novelty_bonus, diversity
        self.decoder_learning_rate, self.latent_noise = decoder_learning_rate, latent_noise
        if decoder_learning_rate:
            self.add_optimizer("decoder", self.generator.decoder, decoder_learning_rate)
        self.guide, self.reward_weight = guide, reward_weight
        self.reward_batch_size = reward_batch_size
        self.memory = RewardMemory(reward_memory)
        self.reward = self._reward_network(reward_learning_rate)
        self.policy_weight = policy_weight
        self.anchor_weight = anchor_weight
        #: the collapse guard lowers this: the share of the way from the data's mean to the aim
        self.reward_scale = 1.0
        self.noise_scale = noise_scale
        self.explorer = Explorer(context, codec, scorer, refine_steps)
        #: the sampler as the phase found it
        self.prior = copy.deepcopy(self.generator).requires_grad_(False)
        self._real_scores: FloatArray | None = None
        self._resumed: dict[str, Any] | None = None

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
        self.aim.begin(self._real_scores)
        data = self.context.data
        graphs = data.atoms[places], data.bonds[places]
        self.pool = ScoredPool(latents, *graphs, self._real_scores, smiles, self.replay)
        if self._resumed is not None:
            self.pool.load_state_dict(self._resumed)
        self._tilt()

    def step(self) -> Stats:
        """Explore at its interval; one critic update and, after the warm-up, one of the sampler."""
        stats: Stats = {}
        if self.steps % self.explore_interval == 0:
            stats |= self._explore()
        if self.reward is not None:
            stats |= self._reward_step(self.reward)
        if not self.aim.sampler_share:
            return stats
        stats |= self._critic_step()
        if self._sampler_moves:
            stats |= self._sampler_step()
        if self.decoder_learning_rate:
            stats |= self._decoder_step()
        return stats

    @property
    def _sampler_moves(self) -> bool:
        return self.aim.sampler_share > 0 and self.progress >= self.critic_warmup

    @torch.no_grad()
    def finish(self) -> None:
        """Go on from the averages; tell the guide what they draw and what they should draw."""
        super().finish()
        if self.guide is None:
            return
        network = self.guide.network.eval()
        # Candidates of the sizes of the molecules wanted.
        self._tilt(self.aim.wanted, sizes=True)
        judged = [self._own() for _ in range(_GUIDE_BATCHES)]
        graphs = zip(*((each.atoms, each.bonds) for each in judged), strict=True)
        given = predictions(network, self.context, *map(torch.cat, graphs))
        scores = torch.from_numpy(np.concatenate([each.scores for each in judged]))

        def drawn_at(mean: float) -> Tensor:
            self._tilt(mean, sizes=False)
            rows = self._draw_rows(len(given))
            return predictions(network, self.context, self.pool.atoms[rows], self.pool.bonds[rows])

        self.guide.fit_to_mean(self.aim.wanted, given, scores, drawn_at)

    # ------------------------------------------------------------------ updates

    def _reward_network(self, learning_rate: float) -> RewardNetwork | None:
        network = self.context.networks.reward
        if self.guide is None and not self.reward_weight:
            return None
        if network is None:
            raise ConfigError(f"reward_weight={self.reward_weight} needs model.reward")
        self.add_optimizer("reward", network, learning_rate)
        return network

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
            if self.reward_weight:
                predicted = self._predicted(fake, sizes)
                stats["reward/predicted"] = predicted.detach()
                loss = loss - self.reward_weight * self.reward_scale * predicted
            if self.anchor_weight:
                with torch.no_grad():
                    before = self.prior.latent(noise, sizes)
                anchor = F.mse_loss(fake, before)
                stats["loss/anchor"] = anchor.detach()
                loss = loss + self.anchor_weight * anchor
        stats["gradient/sampler"] = self.update(loss, "sampler")
        return stats

    def _decoder_step(self) -> Stats:
        """The decoder learns the molecules wanted, from their latents and around them.

        The sampler never hits a latent point exactly. What is near a molecule wanted is to mean a
        molecule wanted, not one of all those that the decoder knows from the training set.
        """
        rows = self._draw_rows(self.batch_size)
        points, sizes = self.pool.latents[rows], self.pool.sizes[rows]
        blur = torch.rand(len(rows), 1, generator=self.context.rng, device=points.device)
        points = points + self.latent_noise * blur * self.context.randn_like(points)
        points = self.generator.normalised(points, sizes)  # where the sampler's points lie
        with self.context.fabric.autocast():
            logits = self.generator.decoder(points, sizes)
        loss = reconstruction_loss(
            logits.nodes, logits.pairs, self.pool.atoms[rows].long(), self.pool.bonds[rows].long()
        )
        self.update(loss, "decoder")
        return {"loss/reconstruction": loss.detach()}

    def _predicted(self, latents: Tensor, sizes: Tensor) -> Tensor:
        """Mean predicted reward of latent points, with a gradient to them."""
        assert self.reward is not None
        with frozen(self.reward), frozen(self.generator.decoder):
            graphs = discretize(self.generator.decoder(latents, sizes), "straight_through")
            predicted: Tensor = self.reward(graphs).float().mean()
        return predicted

    def _reward_step(self, network: RewardNetwork) -> Stats:
        """The reward network learns the scores of good molecules and of generated graphs."""
        rows = self._draw_rows(self.reward_batch_size // 2)
        real = self.pool.atoms[rows], self.pool.bonds[rows], self._pool_scores[rows]
        fake = self.memory.draw(self.reward_batch_size - len(rows), self.context.rng)
        atoms, bonds, scores = (torch.cat(each) for each in zip(real, fake, strict=True))
        loss = F.mse_loss(predictions(network, self.context, atoms, bonds), scores)
        self.update(loss, "reward")
        return {"loss/reward_network": loss.detach()}

    # -------------------------------------------------------------- exploration

    def _explore(self) -> Stats:
        """Molecules of the sampler and around good ones are scored; the good ones are kept."""
        context = self.context
        own = self._own()
        stats = self._account(own)
        rows = self._draw_rows(self.explore_batch // 2)
        points = context.blurred(self.pool.latents[rows], self.exploration_noise)
        near = self.explorer.judge(points, self.pool.sizes[rows])
        kept = sum(self.explorer.keep(each, self.pool, self.aim.plain) for each in (own, near))
        stats["reward/kept"] = torch.tensor(float(kept))
        if self.reward is not None:
            for each in (own, near):
                self.memory.add(each.atoms, each.bonds, self._on_device(each.scores))
        if self.policy_weight and self._sampler_moves:
            stats |= self._policy_step()
        self._tilt()
        return stats

    @torch.no_grad()
    def _own(self) -> Judged:
        """Molecules of the averaged sampler, as many as one exploration judges of them."""
        context = self.context
        weights = torch.as_tensor(self.size_distribution, device=context.fabric.device)
        count = max(self.explore_batch // 2, 1)
        sizes = torch.multinomial(weights, count, True, generator=context.rng)
        noise = self.noise_scale * context.noise(count)
        with context.fabric.autocast():
            latents = self.explorer.generator.latent(noise, sizes)
        return self.explorer.judge(latents, sizes)

    def _on_device(self, values: FloatArray) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=self.context.fabric.device)

    def _policy_step(self) -> Stats:
        """REINFORCE on the sampler's latent as the mean of a Gaussian."""
        context, deviation = self.context, self.exploration_noise
        sizes = self.pool.sizes[self._draw_rows(max(self.explore_batch // 2, 1))]
        with context.fabric.autocast():
            mean = self.generator.latent(context.noise(len(sizes)), sizes)
        action = context.blurred(mean.detach(), deviation)
        judged = self.explorer.judge(action, sizes)
        self.explorer.keep(judged, self.pool, self.aim.plain)
        reward = self._on_device(judged.scores)
        advantage = (reward - reward.mean()) / (reward.std() + 1e-6)
        log_probability = -(action - mean).square().mean(1) / (2 * deviation**2)
        loss = -(advantage * log_probability).mean() * self.reward_scale
        self.update(self.policy_weight * loss, "sampler")
        return {"reward/policy": reward.mean()}

    def _account(self, own: Judged) -> Stats:
        """Figures of the sampler's molecules; the aim follows them."""
        valid = np.array([item.valid for item in own.decoded])
        smiles = [item.smiles for item in own.decoded if item.smiles is not None]
        good = own.scores[valid]
        if self.diversity is not None:
            self.diversity.visit(smiles, good)
        mean = float(good.mean()) if len(good) else 0.0
        if self._sampler_moves:
            self.aim.follow(mean)
        figures = {
            "reward/generated": mean,
            "reward/valid": float(valid.mean()),
            "reward/unique": len(set(smiles)) / max(len(smiles), 1),
            "reward/aim": float(self.aim.value or 0.0),
        }
        return {key: torch.tensor(value) for key, value in figures.items()}

    # -------------------------------------------------------------- the target

    def _tilt(self, aim: float | None = None, sizes: bool | None = None) -> None:
        """Work out how frequent every molecule of the pool should be, and every size.

        Args:
            aim: wanted mean score; None: as things are.
            sizes: whether molecules are drawn in the sizes of those wanted from now on; None: if
                the sampler learns to.
        """
        assert self.aim.value is not None
        aim = self.aim.value if aim is None else aim
        aim = self.aim.plain + self.reward_scale * (aim - self.aim.plain)
        weights = self.pool.weights(aim, self.least_effective, self.novelty_bonus, self.diversity)
        device = self.context.fabric.device
        self._cumulative = torch.as_tensor(weights.cumsum(), device=device)
        self._pool_scores = torch.as_tensor(self.pool.scores, dtype=torch.float32, device=device)
        if not (self.aim.sampler_share if sizes is None else sizes):
            return
        counts = np.bincount(
            self.pool.sizes.cpu().numpy(), weights, minlength=len(self.size_distribution)
        )
        np.copyto(self.size_distribution, counts / counts.sum())

    def _draw_rows(self, count: int) -> Tensor:
        """``(count,)`` rows of the pool, by weight."""
        return weighted_rows(self._cumulative, count, self.context.rng)

    # ------------------------------------------------------------- checkpoints

    def state_dict(self) -> dict[str, Any]:
        """As in `Phase`, with the molecules found, the aim and the networks of this phase alone."""
        return {
            **super().state_dict(),
            "real_scores": torch.as_tensor(self.pool.scores[: self.pool.num_real]),
            "pool": self.pool.state_dict(),
            "aim": self.aim.value,
            "measured": self.aim.measured,
            "reward_scale": self.reward_scale,
            "prior": self.prior.sampler.state_dict(),
            "reward": None if self.reward is None else self.reward.state_dict(),
            "memory": self.memory.state_dict(),
            "guide": None if self.guide is None else self.guide.to_document(),
            "diversity": None if self.diversity is None else self.diversity.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        self._real_scores = state["real_scores"].numpy()
        self._resumed = state["pool"]
        self.aim.value, self.aim.measured = state["aim"], state["measured"]
        self.reward_scale = state["reward_scale"]
        self.prior.sampler.load_state_dict(state["prior"])
        if self.reward is not None:
            self.reward.load_state_dict(state["reward"])
        self.memory.load_state_dict(state["memory"], self.context.fabric.device)
        if self.guide is not None:
            self.guide.load_document(state["guide"])
        if self.diversity is not None:
            self.diversity.load_state_dict(state["diversity"])
