"""Goal-directed design: the sampler learns to draw molecules of high reward, and stays diverse."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from molgan.chem import Codec
from molgan.errors import ConfigError
from molgan.guide import Guide
from molgan.losses import reconstruction_loss
from molgan.rewards import Scorer
from molgan.training.aim import Aim
from molgan.training.context import Context
from molgan.training.diversity import DiversityFilter
from molgan.training.exploration import Explorer, Judged
from molgan.training.latent_phase import LatentBatch, LatentPhase, adopt_decoder, encode_all
from molgan.training.phase import Stats, at_least_one
from molgan.training.reward_learning import RewardLearning
from molgan.training.steering_terms import SteeringTerms
from molgan.training.wanted import WantedMolecules

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
        size_distribution: ``(N + 1,)`` of the model; changed in place, see `WantedMolecules`.
        refine_steps: of sampling.
        noise_scale: of sampling.
        target: quantile of the training molecules' scores that the mean score of generated ones is
            to reach, above 0.5 and below 1.
        sampler_share: how much of the way from the data's mean to the target the sampler itself is
            taken; the guide goes the rest. 0: sampler and decoder rest, so nothing of the start
            model's diversity is lost, and only the guide learns. 1 where there is no guide.
        least_effective: least effective number of molecules aimed at: a floor for diversity.
        real_scored: training molecules that are scored, evenly spread; None: all.
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
        reward_weight: of the predicted reward in the sampler's loss, see `SteeringTerms`.
        reward_learning_rate: of the reward network, which learns if there is a guide or a
            `reward_weight`.
        reward_batch_size: graphs for each of its updates, half of them of the data.
        reward_memory: generated graphs that it learns from, the latest ones.
        policy_weight: of the policy gradient in the sampler's loss, see `SteeringTerms`.
        anchor_weight: of the trust region in the sampler's loss, see `SteeringTerms`.
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
        at_least_one(explore_interval=explore_interval, explore_batch=explore_batch)
        self.smiles = smiles
        self.aim = Aim(target, 1.0 if guide is None else sampler_share, feedback)
        weighing = least_effective, real_scored, replay, novelty_bonus, diversity
        self.wanted = WantedMolecules(self.aim, size_distribution, *weighing)
        self.explorer = Explorer(context, codec, scorer, refine_steps)
        self.noise_scale = noise_scale
        self.explore_interval, self.explore_batch = explore_interval, explore_batch
        self.exploration_noise, self.critic_warmup = exploration_noise, critic_warmup
        self.decoder_learning_rate, self.latent_noise = decoder_learning_rate, latent_noise
        if decoder_learning_rate:
            self.add_optimizer("decoder", self.generator.decoder, decoder_learning_rate)
        self.learning: RewardLearning | None = None
        network = context.networks.reward
        if guide is not None or reward_weight:
            if network is None:
                raise ConfigError(f"reward_weight={reward_weight} needs model.reward")
            self.add_optimizer("reward", network, reward_learning_rate)
            self.learning = RewardLearning(
                context, network, guide, reward_batch_size, reward_memory
            )
        weights = reward_weight, policy_weight, anchor_weight
        self.terms = SteeringTerms(context, self.generator, network, *weights, exploration_noise)
        #: the collapse guard lowers this: the share of the way from the data's mean to the aim
        self.reward_scale = 1.0

    # ----------------------------------------------------------------- the loop

    def begin(self) -> None:
        """Encode and score the training set."""
        if not self.steps:
            self.terms.begin()
        adopt_decoder(self.context, self.generator)
        data = self.context.data
        tensors = encode_all(self.context), data.atoms, data.bonds
        self.wanted.begin(*tensors, self.smiles, self.explorer.scores_of)
        self.wanted.tilt(self.reward_scale)

    def step(self) -> Stats:
        """Explore at its interval; one critic update and, after the warm-up, one of the sampler."""
        stats: Stats = {}
        if self.steps % self.explore_interval == 0:
            stats |= self._explore()
        if self.learning is not None:
            loss = self.learning.loss(self.wanted)
            self.update(loss, "reward")
            stats["loss/reward_network"] = loss.detach()
        if not self.aim.sampler_share:
            return stats
        stats |= self._critic_step(self._penalised, self.gamma)
        if self._sampler_moves:
            stats |= self._sampler_step()
        if self.decoder_learning_rate:
            stats |= self._decoder_step()
        return stats

    @property
    def _sampler_moves(self) -> bool:
        return self.aim.sampler_share > 0 and self.progress >= self.critic_warmup

    def finish(self) -> None:
        """Go on from the averages; tell the guide what they draw and what they should draw."""
        super().finish()
        if self.learning is None or self.learning.guide is None:
            return
        # Candidates of the sizes of the molecules wanted.
        self.wanted.tilt(self.reward_scale, self.aim.wanted, sizes=True)
        drawn = [self._drawn() for _ in range(_GUIDE_BATCHES)]
        self.learning.fit_guide(drawn, self.wanted, self.reward_scale)

    # ------------------------------------------------------------------ updates

    def _draw(self) -> LatentBatch:
        rows = self.wanted.rows(self.batch_size, self.context.rng)
        return LatentBatch(self.wanted.pool.latents[rows], self.wanted.pool.sizes[rows])

    def _joined(
        self, loss: Tensor, fake: Tensor, noise: Tensor, batch: LatentBatch
    ) -> tuple[Tensor, Stats]:
        return self.terms.joined(loss, fake, noise, batch.sizes, self.reward_scale)

    def _decoder_step(self) -> Stats:
        """The decoder learns the molecules wanted, from their latents and around them.

        The sampler never hits a latent point exactly. What is near a molecule wanted is to mean a
        molecule wanted, not one of all those that the decoder knows from the training set.
        """
        pool = self.wanted.pool
        rows = self.wanted.rows(self.batch_size, self.context.rng)
        points, sizes = pool.latents[rows], pool.sizes[rows]
        blur = torch.rand(len(rows), 1, generator=self.context.rng, device=points.device)
        points = points + self.latent_noise * blur * self.context.randn_like(points)
        points = self.generator.normalised(points, sizes)  # where the sampler's points lie
        with self.context.fabric.autocast():
            logits = self.generator.decoder(points, sizes)
        loss = reconstruction_loss(
            logits.nodes, logits.pairs, pool.atoms[rows].long(), pool.bonds[rows].long()
        )
        self.update(loss, "decoder")
        return {"loss/reconstruction": loss.detach()}

    # -------------------------------------------------------------- exploration

    def _explore(self) -> Stats:
        """Molecules of the sampler and around good ones are scored; the good ones are kept."""
        context, pool = self.context, self.wanted.pool
        own = self._drawn()
        stats = self._account(own)
        rows = self.wanted.rows(self.explore_batch // 2, context.rng)
        points = context.blurred(pool.latents[rows], self.exploration_noise)
        near = self.explorer.judge(points, pool.sizes[rows])
        kept = sum(self.explorer.keep(each, pool, self.aim.plain) for each in (own, near))
        stats["reward/kept"] = torch.tensor(float(kept))
        if self.learning is not None:
            for each in (own, near):
                self.learning.remember(each)
        if self.terms.policy_weight and self._sampler_moves:
            stats |= self._policy_step()
        self.wanted.tilt(self.reward_scale)
        return stats

    def _drawn(self) -> Judged:
        """Molecules of the averaged sampler, as many as one exploration judges of them."""
        count = max(self.explore_batch // 2, 1)
        return self.explorer.draw(count, self.wanted.size_distribution, self.noise_scale)

    def _policy_step(self) -> Stats:
        """One update of the sampler by the policy gradient; what it found is kept."""
        pool = self.wanted.pool
        rows = self.wanted.rows(max(self.explore_batch // 2, 1), self.context.rng)
        loss, stats, judged = self.terms.policy(
            pool.sizes[rows], self.explorer.judge, self.reward_scale
        )
        self.explorer.keep(judged, pool, self.aim.plain)
        self.update(loss, "sampler")
        return stats

    def _account(self, own: Judged) -> Stats:
        """Figures of the sampler's molecules; the aim follows them."""
        if self.wanted.diversity is not None:
            self.wanted.diversity.visit(own.smiles, own.scores[own.valid])
        if self._sampler_moves:
            self.aim.follow(own.mean_score)
        figures = own.figures() | {"reward/aim": float(self.aim.value or 0.0)}
        return {key: torch.tensor(value) for key, value in figures.items()}

    # ------------------------------------------------------------- checkpoints

    def state_dict(self) -> dict[str, Any]:
        """As in `Phase`, with the molecules found, the aim and the networks of this phase alone."""
        return {
            **super().state_dict(),
            **self.wanted.state_dict(),
            **({} if self.learning is None else self.learning.state_dict()),
            "reward_scale": self.reward_scale,
            "prior": self.terms.prior.sampler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        self.wanted.load_state_dict(state)
        if self.learning is not None:
            self.learning.load_state_dict(state)
        self.reward_scale = state["reward_scale"]
        self.terms.prior.sampler.load_state_dict(state["prior"])
