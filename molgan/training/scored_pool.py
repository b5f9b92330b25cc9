"""The molecules that a generator is steered by: the training set and good ones it has made."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from molgan.training.diversity import DiversityFilter

FloatArray = npt.NDArray[np.float64]


class ScoredPool:
    """Distinct molecules with latent point, graph and score; the best generated ones are kept.

    Args:
        latents: ``(M, D)`` of training molecules.
        atoms: ``(M, N)`` uint8, their atom types.
        bonds: ``(M, P)`` uint8, their packed bond types.
        scores: ``(M,)`` their scores, 0 to 1.
        smiles: ``M`` canonical SMILES.
        capacity: generated molecules kept; when there are more, the lowest scores go.
    """

    def __init__(
        self,
        latents: Tensor,
        atoms: Tensor,
        bonds: Tensor,
        scores: FloatArray,
        smiles: list[str],
        capacity: int,
    ) -> None:
        self.latents, self.atoms, self.bonds = latents, atoms, bonds
        self.sizes = (atoms > 0).sum(1)
        self.scores = scores
        self.smiles = list(smiles)
        self.capacity = capacity
        self.num_real = len(smiles)
        self._known = set(smiles)

    def __len__(self) -> int:
        """Molecules held."""
        return len(self.smiles)

    def __contains__(self, smiles: str) -> bool:
        """Whether the molecule is held."""
        return smiles in self._known

    def add(
        self, latents: Tensor, atoms: Tensor, bonds: Tensor, scores: FloatArray, smiles: list[str]
    ) -> None:
        """Add generated molecules that are not held yet; keep the `capacity` best of those."""
        self.latents = torch.cat([self.latents, latents])
        self.atoms = torch.cat([self.atoms, atoms])
        self.bonds = torch.cat([self.bonds, bonds])
        self.scores = np.concatenate([self.scores, scores])
        self.smiles += smiles
        self._known.update(smiles)
        made = len(self) - self.num_real
        if made > self.capacity:
            best = np.argsort(-self.scores[self.num_real :], kind="stable")[: self.capacity]
            rows = np.concatenate([np.arange(self.num_real), self.num_real + np.sort(best)])
            places = torch.as_tensor(rows, device=self.latents.device)
            self.latents = self.latents[places]
            self.atoms, self.bonds = self.atoms[places], self.bonds[places]
            self.scores = self.scores[rows]
            self.smiles = [self.smiles[row] for row in rows]
            self._known = set(self.smiles)
        self.sizes = (self.atoms > 0).sum(1)

    def weights(
        self,
        aim: float,
        least_effective: float,
        novelty_bonus: float = 0.0,
        diversity: DiversityFilter | None = None,
    ) -> FloatArray:
        """How frequent every molecule should be, as ``(M,)`` shares that sum to 1.

        Args:
            aim: wanted mean score.
            least_effective: see `tilted`.
            novelty_bonus: added to the score of generated molecules.
            diversity: scaffold memory, which lowers scores.
        """
        rewards = self.scores + 0.0
        rewards[self.num_real :] += novelty_bonus
        weights, _ = tilted(rewards, aim, least_effective)
        if diversity is not None and diversity.counts:
            # Only where it matters: scaffolds cost a tenth of a millisecond each.
            rows = np.flatnonzero(weights > 1e-3 * weights.max())
            rewards[rows] *= diversity.factors([self.smiles[row] for row in rows])
            weights, _ = tilted(rewards, aim, least_effective)
        return weights

    def state_dict(self) -> dict[str, Any]:
        """The generated molecules; the training set is at hand when a run goes on."""
        start = self.num_real
        return {
            "latents": self.latents[start:].clone(),
            "atoms": self.atoms[start:].clone(),
            "bonds": self.bonds[start:].clone(),
            "scores": torch.as_tensor(self.scores[start:]),
            "smiles": self.smiles[start:],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        latents, atoms, bonds = (
            state[name].to(self.latents.device) for name in ("latents", "atoms", "bonds")
        )
        self.add(latents, atoms, bonds, state["scores"].numpy(), list(state["smiles"]))


def tilted(rewards: FloatArray, aim: float, least_effective: float) -> tuple[FloatArray, float]:
    r"""Weights whose mean reward is ``aim``, as near to equal ones as that allows.

    :math:`w_i \propto \exp(\beta r_i)`: of all distributions with that mean, the one of largest
    entropy, and the closed-form answer to "maximise reward minus a KL penalty" (Peters and Schaal
    2007, reward-weighted regression). The coefficient is found, not set.

    Args:
        rewards: ``(M,)``.
        aim: wanted mean; nothing is done for one below the plain mean.
        least_effective: least effective number of molecules, :math:`(\sum w)^2 / \sum w^2`; it
            bounds how far the weights may concentrate, whatever the aim.

    Returns:
        ``(M,)`` weights, summing to 1; and :math:`\beta`.
    """
    span = float(rewards.max() - rewards.min())
    if span <= 0 or rewards.mean() >= aim:
        return np.full(len(rewards), 1 / len(rewards)), 0.0
    centred = (rewards - rewards.max()) / span
    least = min(least_effective, 0.9 * len(rewards))
    low, high = 0.0, 1e3
    for _ in range(50):
        middle = 0.5 * (low + high)
        weights = np.exp(middle * centred)
        mean = float(weights @ rewards / weights.sum())
        effective = float(weights.sum() ** 2 / (weights @ weights))
        if mean < aim and effective > least:
            low = middle
        else:
            high = middle
    weights = np.exp(low * centred)
    return weights / weights.sum(), low / span


def weighted_rows(cumulative: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """``(count,)`` rows drawn with replacement, by cumulative weights ``(M,)`` that end at 1."""
    uniform = torch.rand(count, generator=rng, device=cumulative.device, dtype=torch.float64)
    return torch.searchsorted(cumulative, uniform).clamp(max=len(cumulative) - 1)
