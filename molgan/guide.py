"""Guided sampling: a reward network chooses among the candidates of each molecule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from molgan.errors import ConfigError
from molgan.models import RewardNetwork
from molgan.repeats import RepeatMemory, checked_repeats

_BINS = 32
_LESSONS = 6
#: share that no bin is thought to have less of: an empty one says little about the next sample
_LEAST = 1e-4


@dataclass
class Guide:
    """Importance resampling of graphs by their predicted reward.

    Every molecule is drawn as several candidates, and one is taken with the odds ``wanted share /
    given share`` of its bin of predicted reward (Rubin 1988; for GANs, with a critic in the
    reward's place, Azadi et al. 2019, arXiv:1810.06758). So the predicted rewards of what is drawn
    follow those wanted, and the best ones are no more frequent than that: taking the best candidate
    each time would draw the same few molecules again and again. No oracle is asked, and nothing is
    decoded but what was chosen.

    Args:
        network: predicts the reward of a graph, 0 to 1.
        candidates: drawn for each molecule, unless a sampler is told otherwise.
        repeats: share of its odds that a graph keeps each time the library has it already, unless a
            sampler is told otherwise. 1: all, so draws are independent of each other. 0: it comes
            again only where all candidates were given before.

    Attributes:
        edges: ``(bins - 1,)`` rising borders of predicted reward.
        log_odds: ``(bins,)``; zeros until `fit`, which take any candidate.

    Raises:
        ConfigError: for fewer than one candidate, or a share that is none.
    """

    network: RewardNetwork
    candidates: int = 8
    repeats: float = 1.0

    def __post_init__(self) -> None:
        """Begin with a guide that has no preference."""
        if self.candidates < 1:
            raise ConfigError(f"candidates={self.candidates} must be 1 or more")
        checked_repeats(self.repeats)
        self.edges = torch.linspace(0, 1, _BINS + 1)[1:-1]
        self.log_odds = torch.zeros(_BINS)

    @property
    def fitted(self) -> bool:
        """Whether it prefers anything; until `fit`, models with it draw as those without."""
        return bool(self.log_odds.any())

    def fit(self, given: Tensor, wanted: Tensor) -> None:
        """Take the odds from two samples of predicted rewards.

        Args:
            given: ``(A,)`` of what the generator draws.
            wanted: ``(B,)`` of what it should draw.
        """
        given, wanted = given.detach().float().cpu(), wanted.detach().float().cpu()
        # Borders that both samples fill: neither share is then guessed from a handful.
        levels = torch.linspace(0, 1, _BINS + 1)[1:-1]
        both = torch.cat([_thinned(given, 10_000), _thinned(wanted, 10_000)])
        self.edges = torch.quantile(both, levels)
        shares = [
            torch.bincount(torch.bucketize(each, self.edges), minlength=_BINS) / len(each)
            for each in (wanted, given)
        ]
        wanted_share, given_share = (share.clamp(min=_LEAST) for share in shares)
        self.log_odds = wanted_share.log() - given_share.log()

    def fit_to_mean(
        self, mean: float, given: Tensor, scores: Tensor, drawn_at: Callable[[float], Tensor]
    ) -> None:
        """Take the odds by which what is chosen has a mean score.

        Args:
            mean: score wanted of what is chosen.
            given: ``(A,)`` predicted rewards of what the generator draws.
            scores: ``(A,)`` what it scored.
            drawn_at: gives the predicted rewards ``(B,)`` of molecules of a mean score.
        """
        rng, aim = torch.Generator().manual_seed(0), mean
        # Predictions err and candidates are few: the aim moves by what these odds would miss.
        for _ in range(_LESSONS):
            self.fit(given, drawn_at(aim))
            aim += mean - self.expected(given, scores, rng)

    def choose(
        self,
        predicted: Tensor,
        rng: torch.Generator,
        memory: RepeatMemory | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        """Which candidate of each molecule is taken.

        Args:
            predicted: ``(B, K)`` predicted rewards of the candidates.
            rng: on the CPU, so that every device chooses alike.
            memory: of the library that the molecules are for; None: draws are independent.
            keys: ``(B, K)`` of the candidates, see `molgan.repeats.graph_keys`, for the memory.

        Returns:
            ``(B,)`` places from 0 to ``K - 1``, on the device of ``predicted``.
        """
        odds = self.log_odds[torch.bucketize(predicted.float().cpu(), self.edges)]
        uniform = torch.rand(odds.shape, generator=rng, dtype=torch.float64)
        # The largest of log-odds plus Gumbel noise is a draw by those odds (Gumbel 1954).
        gumbel = -(-uniform.clamp(min=1e-12).log()).log()
        if memory is None or keys is None:
            return (odds + gumbel).argmax(1).to(predicted.device)
        return memory.choose(odds + gumbel, keys.cpu()).to(predicted.device)

    def expected(self, given: Tensor, scores: Tensor, rng: torch.Generator) -> float:
        """Mean score of what it would choose.

        Args:
            given: ``(A,)`` predicted rewards of graphs as the generator draws them.
            scores: ``(A,)`` what they scored.
            rng: on the CPU.
        """
        groups = torch.randint(len(given), (len(given), self.candidates), generator=rng)
        places = self.choose(given.float().cpu()[groups], rng)
        chosen = groups[torch.arange(len(groups)), places]
        return float(scores.double().cpu()[chosen].mean())

    def to_document(self) -> dict[str, Any]:
        """What a file keeps beside the network, as plain values."""
        return {
            "candidates": self.candidates,
            "repeats": self.repeats,
            "edges": self.edges.tolist(),
            "log_odds": self.log_odds.tolist(),
        }

    def load_document(self, document: dict[str, Any]) -> None:
        """Take up what `to_document` gave.

        Raises:
            ValueError: when borders and odds do not fit together.
        """
        edges, odds = (
            torch.from_numpy(np.asarray(document[key], dtype=np.float32))
            for key in ("edges", "log_odds")
        )
        if len(edges) + 1 != len(odds):
            raise ValueError("the guide's borders and odds do not fit together")
        self.candidates, self.edges, self.log_odds = int(document["candidates"]), edges, odds
        self.repeats = float(document.get("repeats", 1.0))  # models from before there was a memory


def _thinned(values: Tensor, count: int) -> Tensor:
    """``count`` values of the same distribution, so that each sample counts alike."""
    levels = (torch.arange(count) + 0.5) / count
    rows = (levels * len(values)).long().clamp(max=len(values) - 1)
    return values.sort().values[rows]
