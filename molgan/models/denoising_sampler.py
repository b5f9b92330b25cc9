"""A sampler that turns noise into a latent point in a few denoising steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from molgan.errors import ConfigError
from molgan.models.configured import rebuildable
from molgan.models.layers import size_mask
from molgan.models.velocity_network import VelocityNetwork

#: settings that weights do not hang on: a finished model may be drawn from with others
DRAWN_WITH = ("steps", "noise_levels", "noise_power", "look_levels", "autoguidance")


@rebuildable
class DenoisingSampler(VelocityNetwork):
    r"""Noise to latent points of which every atom has a share, in ``steps`` passes of one network.

    On the circle :math:`x_t = \cos(t)\, x + \sin(t)\, z` between a latent point ``x`` and noise
    ``z`` the network predicts the velocity :math:`\cos(t)\, z - \sin(t)\, x` (Salimans & Ho
    2022; Lu & Song 2025, "TrigFlow"). A step goes along the circle to the next, smaller noise; the
    same noise always ends at the same molecule (DDIM, Song et al. 2021). Where the estimates of the
    end are moving, a step leads them on (Lu et al. 2022, "DPM-Solver++", 2M): as good as twice the
    steps. Molecules need no step of their own: all of this happens before the decoder's one pass.

    With a ``weaker`` network, a smaller one that has learnt the same for a shorter time, a step
    goes on beyond what the network says, away from what the weaker one does (Karras et al. 2024,
    "Guiding a diffusion model with a bad version of itself"). Both err in the same places, the
    weaker one more: what they differ by points away from molecules that there are not.

    Args:
        latent_dim: see `VelocityNetwork`.
        max_atoms: see `VelocityNetwork`.
        width: see `VelocityNetwork`.
        blocks: see `VelocityNetwork`.
        attention: see `VelocityNetwork`.
        attention_heads: see `VelocityNetwork`.
        steps: passes of the network for each molecule.
        noise_levels: standard deviations of the noise before the first and before the last step,
            where a latent coordinate has unit variance. From the first on there is something to
            see; through the last the decoder reads by itself.
        noise_power: the levels between are even in this root of theirs (Karras et al. 2022, "EDM"):
            a larger one takes more steps at little noise.
        look_levels: standard deviations of the noise from which a drawn molecule is denoised once
            more, and of its steps from there (`again`): enough to undo what does not fit together,
            too little to forget the molecule.
        trained_steps: of the steps, the last ones that a gradient goes through when a critic
            teaches; those before only place the point.
        num_conditions: see `VelocityNetwork`. The weaker network has none: what it leads away from
            is then also what nobody asked for.
        weaker: ``width``, ``blocks`` and ``attention`` of the weaker network; None: there is none.
        autoguidance: how far steps go from the weaker network's velocity, where 1 is this network's
            own. Above it quality rises at the cost of diversity.

    Attributes:
        weaker: the weaker `VelocityNetwork`, or None. No gradient reaches it while sampling, and
            only `molgan.training.DenoisingPhase` trains it.

    Raises:
        ConfigError: for fewer than two steps, more trained ones than steps, noise that does not
            fall from the first step or look to the last, or an autoguidance below 1.
    """

    def __init__(
        self,
        latent_dim: int,
        max_atoms: int,
        width: int = 96,
        blocks: int = 6,
        attention: int = 0,
        attention_heads: int = 4,
        steps: int = 8,
        noise_levels: Sequence[float] = (20.0, 0.3),
        noise_power: float = 3.0,
        trained_steps: int = 1,
        num_conditions: int = 0,
        weaker: Mapping[str, Any] | None = None,
        autoguidance: float = 2.0,
        look_levels: Sequence[float] = (1.0, 0.7, 0.45),
    ) -> None:
        super().__init__(
            latent_dim, max_atoms, width, blocks, attention, attention_heads, num_conditions
        )
        if steps < 2 or not 1 <= trained_steps <= steps:
            raise ConfigError(
                f"a sampler needs at least 2 steps and trains 1 to all of them, not steps={steps} "
                f"and trained_steps={trained_steps}"
            )
        if len(noise_levels) != 2 or not noise_levels[0] > noise_levels[1] > 0 < noise_power:
            raise ConfigError(
                f"noise_levels={list(noise_levels)} must be two, of which the first is larger and "
                f"both are above 0, as must be noise_power={noise_power}"
            )
        looks = [*map(float, look_levels), 0.0]
        if len(looks) == 1 or any(later >= earlier for earlier, later in pairwise(looks)):
            raise ConfigError(f"look_levels={looks[:-1]} must fall, and all be above 0")
        if autoguidance < 1:
            raise ConfigError(f"autoguidance={autoguidance} must be at least 1 (none)")
        self.steps = steps
        self.noise_levels = float(noise_levels[0]), float(noise_levels[1])
        self.noise_power = noise_power
        self.look_levels = looks[:-1]
        self.trained_steps = trained_steps
        self.autoguidance = autoguidance
        self.weaker: VelocityNetwork | None = None
        if weaker is not None:
            self.weaker = VelocityNetwork(latent_dim, max_atoms, **weaker).requires_grad_(False)

    def forward(self, noise: Tensor, sizes: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Latent points ``(B, latent_dim)``, not normalised.

        Args:
            noise: ``(B, latent_dim)``, standard normal.
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None for a sampler without.
        """
        return self._denoised(noise, self.angles, sizes, conditions)

    @property
    def angles(self) -> list[float]:
        """Places of the steps on the circle, and its end without noise: ``steps + 1``, falling."""
        first, last = (level ** (1 / self.noise_power) for level in self.noise_levels)
        spread = [first + (last - first) * step / (self.steps - 1) for step in range(self.steps)]
        return [math.atan(root**self.noise_power) for root in spread] + [0.0]

    def again(
        self,
        points: Tensor,
        noise: Tensor,
        sizes: Tensor,
        conditions: Tensor | None = None,
    ) -> Tensor:
        """Latent points ``(B, latent_dim)`` near given ones, not normalised: noised and denoised.

        A second look at what came out: errors of the first steps meet a network that has seen such
        noise on real molecules only (Xu et al. 2023, "Restart sampling").

        Args:
            points: ``(B, latent_dim)``.
            noise: ``(B, latent_dim)``, standard normal.
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None for a sampler without.
        """
        angles = [math.atan(level) for level in (*self.look_levels, 0.0)]
        noised = math.cos(angles[0]) * points + math.sin(angles[0]) * noise
        return self._denoised(noised, angles, sizes, conditions)

    def _denoised(
        self, points: Tensor, angles: list[float], sizes: Tensor, conditions: Tensor | None
    ) -> Tensor:
        """Points on the circle at the first angle, at the last."""
        end, steps = points, len(angles) - 1
        for index, (angle, following) in enumerate(pairwise(angles)):
            trained = index >= steps - self.trained_steps
            with torch.set_grad_enabled(trained and torch.is_grad_enabled()):
                here = points.new_full((len(points),), angle)
                velocity = self.guided_velocity(points, here, sizes, conditions)
                before, end = end, math.cos(angle) * points - math.sin(angle) * velocity
                lead = _lead(angles[index - 1], angle, following) if index else 0.0
                kept = math.tan(following) / math.tan(angle)
                ahead = (1 - kept) * (end + lead * (end - before))
                points = math.cos(following) * (kept / math.cos(angle) * points + ahead)
        return points

    def guided_velocity(
        self, points: Tensor, angles: Tensor, sizes: Tensor, conditions: Tensor | None = None
    ) -> Tensor:
        """What a step takes ``(B, latent_dim)``: `velocity`, led away from the weaker network's.

        Args:
            points: ``(B, latent_dim)``, on the circle at ``angles``.
            angles: ``(B,)``, from 0 (no noise) to pi / 2 (nothing else).
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None for a sampler without.
        """
        velocity = self.velocity(points, angles, sizes, conditions)
        if self.weaker is None or self.autoguidance == 1:
            return velocity
        with torch.no_grad():
            away = self.weaker.velocity(points, angles, sizes)
        return velocity + (self.autoguidance - 1) * (velocity - away)

    def present(self, sizes: Tensor) -> Tensor:
        """``(B, latent_dim)``: 1 in the shares of atoms that are there, 0 in the others.

        Args:
            sizes: ``(B,)`` atom counts.
        """
        mask = size_mask(sizes, self.max_atoms)
        return mask[..., None].expand(-1, -1, self.read.in_features).flatten(1)


def noisy_point(points: Tensor, noise: Tensor, angles: Tensor) -> tuple[Tensor, Tensor]:
    """Points on the circle, and their velocities, both ``(B, latent_dim)``.

    Args:
        points: ``(B, latent_dim)``, at angle 0.
        noise: ``(B, latent_dim)``, at angle pi / 2.
        angles: ``(B,)``.
    """
    cosine, sine = angles.cos()[:, None], angles.sin()[:, None]
    return cosine * points + sine * noise, cosine * noise - sine * points


def _lead(before: float, angle: float, following: float) -> float:
    """By how much of its last change an estimate is led on, in the middle of the coming step.

    Second order in the logarithm of the noise; the last step, to no noise at all, is of first
    order.
    """
    if not following:
        return 0.0
    past, coming = (
        math.log(math.tan(a) / math.tan(b)) for a, b in ((before, angle), (angle, following))
    )
    return 0.5 * coming / past
