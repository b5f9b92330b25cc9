"""What steering wants drawn: scored molecules, reweighted until their mean score is the aim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from molgan.training.aim import Aim
from molgan.training.diversity import DiversityFilter
from molgan.training.phase import at_least_one
from molgan.training.scored_pool import FloatArray, ScoredPool, weighted_rows


class WantedMolecules:
    """Molecules of the data, and good ones found since, each as frequent as it is wanted.

    Args:
        aim: the mean score.
        size_distribution: ``(N + 1,)`` of the model; changed in place as the molecules wanted are
            larger or smaller than the data.
        least_effective: least effective number of molecules aimed at, whatever the aim: fewer give
            higher scores and more repeats.
        real_scored: molecules of the data that are scored, spread evenly; None: all. For scores
            that cost much.
        replay: generated molecules remembered, the best ones.
        novelty_bonus: added to the reward of molecules that are not in the training set.
        diversity: scaffold memory; None: none.

    Attributes:
        pool: the molecules, known from `begin` on; so is the next one.
        scores: ``(M,)`` theirs, on the device.

    Raises:
        ConfigError: for a `real_scored` or `replay` below 1.
    """

    pool: ScoredPool
    scores: Tensor

    def __init__(
        self,
        aim: Aim,
        size_distribution: npt.NDArray[np.float64],
        least_effective: float,
        real_scored: int | None,
        replay: int,
        novelty_bonus: float = 0.0,
        diversity: DiversityFilter | None = None,
    ) -> None:
        at_least_one(real_scored=1 if real_scored is None else real_scored, replay=replay)
        self.aim = aim
        self.size_distribution = size_distribution
        self.least_effective = least_effective
        self.real_scored, self.replay = real_scored, replay
        self.novelty_bonus, self.diversity = novelty_bonus, diversity
        self._real_scores: FloatArray | None = None
        self._resumed: dict[str, Any] | None = None

    def begin(
        self,
        latents: Tensor,
        atoms: Tensor,
        bonds: Tensor,
        smiles: list[str],
        scores_of: Callable[[list[str]], FloatArray],
    ) -> None:
        """Take the molecules of the data, and what was found before a resume.

        Args:
            latents: ``(M, D)``.
            atoms: ``(M, N)`` atom types.
            bonds: ``(M, P)`` packed bond types.
            smiles: ``M`` canonical ones.
            scores_of: scores them, where no earlier start of this run has.
        """
        count = len(smiles)
        scored = count if self.real_scored is None else min(self.real_scored, count)
        rows = np.linspace(0, count - 1, scored).round().astype(int)
        smiles = [smiles[row] for row in rows]
        places = torch.as_tensor(rows, device=latents.device)
        tensors = latents[places], atoms[places], bonds[places]
        if self._real_scores is None:
            self._real_scores = scores_of(smiles)
        self.aim.begin(self._real_scores)
        self.pool = ScoredPool(*tensors, self._real_scores, smiles, self.replay)
        if self._resumed is not None:
            self.pool.load_state_dict(self._resumed)

    def tilt(self, scale: float, mean: float | None = None, sizes: bool | None = None) -> None:
        """Work out how frequent every molecule should be, and every size.

        Args:
            scale: share of the way from the data's mean score to the one wanted.
            mean: wanted mean score; None: the aim's.
            sizes: whether molecules are drawn in the sizes of those wanted from now on; None: if
                the sampler learns to.
        """
        assert self.aim.value is not None
        mean = self.aim.value if mean is None else mean
        mean = self.aim.plain + scale * (mean - self.aim.plain)
        weights = self.pool.weights(mean, self.least_effective, self.novelty_bonus, self.diversity)
        device = self.pool.latents.device
        self._cumulative = torch.as_tensor(weights.cumsum(), device=device)
        self.scores = torch.as_tensor(self.pool.scores, dtype=torch.float32, device=device)
        if not (self.aim.sampler_share if sizes is None else sizes):
            return
        counts = np.bincount(
            self.pool.sizes.cpu().numpy(), weights, minlength=len(self.size_distribution)
        )
        np.copyto(self.size_distribution, counts / counts.sum())

    def rows(self, count: int, rng: torch.Generator) -> Tensor:
        """``(count,)`` rows of the pool, drawn with replacement as frequent as they are wanted."""
        return weighted_rows(self._cumulative, count, rng)

    def state_dict(self) -> dict[str, Any]:
        """Scores of the data, molecules found, aim and scaffold memory."""
        return {
            "real_scores": torch.as_tensor(self.pool.scores[: self.pool.num_real]),
            "pool": self.pool.state_dict(),
            "aim": self.aim.value,
            "measured": self.aim.measured,
            "diversity": None if self.diversity is None else self.diversity.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave; `begin` completes it."""
        self._real_scores = state["real_scores"].numpy()
        self._resumed = state["pool"]
        self.aim.value, self.aim.measured = state["aim"], state["measured"]
        if self.diversity is not None:
            self.diversity.load_state_dict(state["diversity"])
