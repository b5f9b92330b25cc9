"""Transfer: the sampler of a finished model learns to draw molecules like a few given ones."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from molgan.chem import Codec, Decoded, quiet_rdkit, read_smiles
from molgan.errors import ConfigError
from molgan.metrics.similarity import morgan_bits, nearest
from molgan.rewards import Objective, Scorer, Similarity
from molgan.training.context import Context
from molgan.training.exploration import Explorer
from molgan.training.latent_phase import LatentBatch, LatentPhase, adopt_decoder, encode_all
from molgan.training.phase import Stats, at_least_one
from molgan.training.scored_pool import ScoredPool, weighted_rows


class FocusPhase(LatentPhase):
    """A latent GAN on the neighbourhood of a focused set, not on the set itself.

    A critic that sees two hundred points knows each of them after a minute, and the sampler can
    only recite. So the set is first made larger by what the model can already draw: around the
    latent points of its molecules, and of what was found before, points are decoded, and a molecule
    is a *relative* if it is about as similar to the set as the members of the set are to each
    other. The sampler learns relatives for the most part, the set itself by a small share
    (`own_share`), and goes on with what it drew at the start (`start_share`, from the molecules of
    `trainer.replay`), an anchor that keeps the rest of chemistry within reach. The search goes on
    during the phase. Encoder and decoder rest.

    Args:
        context: see `Phase`.
        codec: between graphs and molecules.
        smiles: the focused set, in the order of the data.
        refine_steps: of sampling.
        noise_scale: of sampling.
        own_share: share of the set itself in what the sampler learns, 0 to 1: the more, the more
            it recites.
        start_share: share of molecules of the start model, 0 to 1; the rest are relatives.
        likeness: how similar a relative is to the set, as a quantile of the similarities of the
            set's molecules to their nearest neighbours in it (Tanimoto, Morgan fingerprints of
            radius 2). Higher: nearer to the set, and fewer.
        latent_noise: standard deviation of the noise that the autoencoder learnt to read.
        radius: largest noise on latent points in the search, in multiples of that one.
        first_search: points decoded before the phase begins.
        search_interval: steps from one search to the next.
        search_batch: points decoded at each.
        relatives: relatives kept at most, the most similar ones.
        critic_warmup: share of the phase in which only the critic, which starts anew, learns.
        settings: see `LatentPhase`.
    """

    #: what the collapse guard halves, in its words
    pull: ClassVar[str] = "the focused set's share of the training"

    def __init__(
        self,
        context: Context,
        codec: Codec,
        smiles: list[str],
        refine_steps: int = 0,
        noise_scale: float = 1.0,
        own_share: float = 0.2,
        start_share: float = 0.1,
        likeness: float = 0.25,
        latent_noise: float = 0.8,
        radius: float = 1.5,
        first_search: int = 20_000,
        search_interval: int = 16,
        search_batch: int = 512,
        relatives: int = 20_000,
        critic_warmup: float = 0.1,
        **settings: Any,
    ) -> None:
        super().__init__(context, **settings)
        at_least_one(
            search_interval=search_interval, search_batch=search_batch, relatives=relatives
        )
        for key, share in {"own_share": own_share, "start_share": start_share}.items():
            if not 0 <= share <= 1 or own_share + start_share > 1:
                raise ConfigError(f"{key}={share} must be from 0 to 1, and both together too")
        if not 0 <= likeness <= 1:
            raise ConfigError(f"likeness={likeness} must be a quantile from 0 to 1")
        if len(smiles) < 2:
            raise ConfigError("a focused set has two molecules or more")
        self.smiles = smiles
        self.own_share, self.start_share = own_share, start_share
        self.radius, self.first_search = radius * latent_noise, first_search
        self.search_interval, self.search_batch = search_interval, search_batch
        self.relatives, self.critic_warmup = relatives, critic_warmup
        #: the guard lowers this: the share of the focused set and its relatives, of what was asked
        self.reward_scale = 1.0
        self._own_scores, self.least = _similarities_within(smiles, likeness)
        self.noise_scale = noise_scale
        likeness_to_set = Objective({"similarity": Similarity(smiles=smiles)})
        self.explorer = Explorer(context, codec, Scorer(likeness_to_set), refine_steps)
        self._resumed: dict[str, Any] | None = None

    # ----------------------------------------------------------------- the loop

    def begin(self) -> None:
        """Encode the set and what the start model drew; look for relatives."""
        adopt_decoder(self.context, self.generator)
        latents, data, own = encode_all(self.context), self.context.data, len(self.smiles)
        self._start = latents[own:], data.sizes[own:]
        graphs = data.atoms[:own], data.bonds[:own]
        self.pool = ScoredPool(
            latents[:own], *graphs, self._own_scores, self.smiles, self.relatives
        )
        if self._resumed is not None:
            self.pool.load_state_dict(self._resumed)
        elif not self.steps:
            for _ in range(-(-self.first_search // self.search_batch)):
                self._search_around(self.search_batch)
        self._aim()

    def step(self) -> Stats:
        """Search at its interval; one critic update and, after the warm-up, one of the sampler."""
        stats: Stats = {}
        if self.steps % self.search_interval == 0:
            stats |= self._search()
        elif self._aimed_at != self.reward_scale:  # the guard has acted
            self._aim()
        stats |= self._critic_step(self._penalised, self.gamma)
        if self.progress >= self.critic_warmup:
            stats |= self._sampler_step()
        return stats

    def _draw(self) -> LatentBatch:
        rows = weighted_rows(self._cumulative, self.batch_size, self.context.rng)
        return LatentBatch(self._points[rows], self._sizes[rows])

    # ------------------------------------------------------------------- search

    def _search(self) -> Stats:
        """Relatives among the sampler's own molecules and around those that are known."""
        half = self.search_batch // 2
        rows = self._random_rows(half)
        sizes = self.pool.sizes[rows]
        context = self.context
        with torch.no_grad(), context.fabric.autocast():
            noise = context.noise(half)
            own = context.averages.generator.latent(self.noise_scale * noise, sizes)
        drawn, scores = self._judge(own, sizes, noise)
        self._search_around(self.search_batch - half)
        self._aim()
        smiles = [item.smiles for item in drawn if item.smiles is not None]
        known = set(self.smiles)
        valid = np.array([item.valid for item in drawn])
        figures = {
            "focus/relatives": float(len(self.pool) - len(self.smiles)),
            "focus/valid": float(valid.mean()),
            "focus/similarity": float(scores[valid].mean()) if valid.any() else 0.0,
            "focus/copied": sum(text in known for text in smiles) / max(len(smiles), 1),
        }
        return {key: torch.tensor(value) for key, value in figures.items()}

    def _search_around(self, count: int) -> None:
        """Decode points near molecules of the set and near relatives, half of each."""
        rows = self._random_rows(count)
        rows[: count // 2] %= len(self.smiles)
        points = self.pool.latents[rows]
        radii = torch.rand(count, 1, generator=self.context.rng, device=points.device)
        noise = self.context.randn_like(points)
        self._judge(points + self.radius * radii * noise, self.pool.sizes[rows])

    def _judge(
        self, latents: Tensor, sizes: Tensor, noise: Tensor | None = None
    ) -> tuple[list[Decoded], np.ndarray]:
        """Molecules at latent points and their similarity to the set; relatives are kept."""
        judged = self.explorer.judge(latents, sizes, noise)
        self.explorer.keep(judged, self.pool, self.least)
        return judged.decoded, judged.scores

    def _random_rows(self, count: int) -> Tensor:
        return torch.randint(
            len(self.pool), (count,), generator=self.context.rng, device=self.context.fabric.device
        )

    def _aim(self) -> None:
        """What the sampler learns from now on, and how often each point of it is drawn.

        Relatives fewer than the set's molecules count the less: a handful would be learnt by heart
        in their place. What is missing comes from the start model.
        """
        self._aimed_at = self.reward_scale
        own, found, old = len(self.smiles), len(self.pool) - len(self.smiles), len(self._start[0])
        each = self.reward_scale * self.own_share / own
        share = self.reward_scale * (1 - self.own_share - self.start_share)
        of_relative = min(share / max(found, 1), 1 / own)
        rest = max(1 - own * each - found * of_relative, 0.0)
        counts = torch.tensor([own, found, old])
        weights = torch.tensor([each, of_relative, rest / max(old, 1)], dtype=torch.float64)
        if not old:
            weights[0] += rest / own
        cumulative = weights.repeat_interleave(counts).cumsum(0)
        self._cumulative = (cumulative / cumulative[-1]).to(self.context.fabric.device)
        self._points = torch.cat([self.pool.latents, self._start[0]])
        self._sizes = torch.cat([self.pool.sizes, self._start[1]])

    # ------------------------------------------------------------- checkpoints

    def state_dict(self) -> dict[str, Any]:
        """As in `Phase`, with the relatives found and how much they count."""
        return {
            **super().state_dict(),
            "pool": self.pool.state_dict(),
            "reward_scale": self.reward_scale,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        self._resumed = state["pool"]
        self.reward_scale = state["reward_scale"]


def _similarities_within(smiles: list[str], quantile: float) -> tuple[np.ndarray, float]:
    """Similarity of each molecule to the nearest other one, and a quantile of these."""
    with quiet_rdkit():
        mols = [read_smiles(text)[0] for text in smiles]
    bits = morgan_bits([mol for mol in mols if mol is not None])
    nearest_other, _ = nearest(bits, bits, exclude_self=True)
    return nearest_other, float(np.quantile(nearest_other, quantile))
