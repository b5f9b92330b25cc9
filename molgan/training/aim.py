"""The mean score that steering aims at, which rises while the sampler stays below its share."""

from __future__ import annotations

import numpy as np

from molgan.errors import ConfigError
from molgan.training.scored_pool import FloatArray


class Aim:
    """From the mean score of the training molecules towards a quantile of their scores.

    Args:
        target: the quantile, above 0.5 and below 1.
        sampler_share: of the way from the mean to the quantile that the sampler itself goes, 0 to
            1. Where it rests, what is looked for and learnt from are the molecules wanted.
        feedback: how fast the aim is raised while the mean score stays below the sampler's share.

    Attributes:
        plain: mean score of the training molecules, known from `begin` on; so are the next two.
        wanted: the quantile of their scores.
        goal: the sampler's share of the way.
        value: what is aimed at now; None before `begin`.
        measured: running mean of what the sampler reaches; None before it moves.

    Raises:
        ConfigError: for a quantile or a share that cannot be.
    """

    def __init__(self, target: float, sampler_share: float, feedback: float) -> None:
        if not 0.5 < target < 1:
            raise ConfigError(f"target={target} must be a quantile above 0.5 and below 1")
        if not 0 <= sampler_share <= 1:
            raise ConfigError(f"sampler_share={sampler_share} must be from 0 to 1")
        self.target, self.sampler_share, self.feedback = target, sampler_share, feedback
        self.plain = self.wanted = self.goal = 0.0
        self.value: float | None = None
        self.measured: float | None = None

    def begin(self, scores: FloatArray) -> None:
        """Take the measures of the training molecules' ``(M,)`` scores; go on where it stood."""
        self.plain, self.wanted = float(scores.mean()), float(np.quantile(scores, self.target))
        self.goal = self.plain + (self.sampler_share or 1.0) * (self.wanted - self.plain)
        if self.value is None:
            self.value = self.goal

    def follow(self, mean: float) -> None:
        """The sampler, which moves, has drawn molecules of a mean score."""
        assert self.value is not None
        before = mean if self.measured is None else self.measured
        self.measured = 0.7 * before + 0.3 * mean
        reach = self.wanted - self.plain
        moved = self.value + self.feedback * (self.goal - self.measured)
        self.value = float(np.clip(moved, self.plain, self.wanted + reach))
