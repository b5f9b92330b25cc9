"""A sampler that turns noise into a latent point in a few denoising steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.errors import ConfigError
from molgan.models.configured import rebuildable
from molgan.models.layers import size_mask
from molgan.models.slot_layers import SlotMixer, occupied, share_of

# Noise from which a drawn molecule is denoised once more, and its steps from there: enough to undo
# what does not fit together, too little to forget the molecule.
_AGAIN = (1.0, 0.7, 0.45, 0.0)
_FREQUENCIES = 32


@rebuildable
class DenoisingSampler(nn.Module):
    r"""Noise to latent points of which every atom has a share, in ``steps`` passes of one network.

    On the circle :math:`x_t = \cos(t)\, x + \sin(t)\, z` between a latent point ``x`` and noise
    ``z`` the network predicts the velocity :math:`\cos(t)\, z - \sin(t)\, x` (Salimans & Ho
    2022; Lu & Song 2025, "TrigFlow"). A step goes along the circle to the next, smaller noise; the
    same noise always ends at the same molecule (DDIM, Song et al. 2021). Where the estimates of the
    end are moving, a step leads them on (Lu et al. 2022, "DPM-Solver++", 2M): as good as twice the
    steps. Molecules need no step of their own: all of this happens before the decoder's one pass.

    Args:
        latent_dim: width of a latent point, ``N`` times that of an atom's share.
        max_atoms: ``N``.
        width: features of an atom.
        blocks: residual blocks that mix all atoms.
        attention: every so many blocks, one whose atoms also attend to each other; 0: none.
        attention_heads: of these.
        steps: passes of the network for each molecule.
        noise_levels: standard deviations of the noise before the first and before the last step,
            where a latent coordinate has unit variance. From the first on there is something to
            see; through the last the decoder reads by itself.
        noise_power: the levels between are even in this root of theirs (Karras et al. 2022, "EDM"):
            a larger one takes more steps at little noise.
        trained_steps: of these, the last ones that a gradient goes through when a critic teaches;
            those before only place the point.
        num_conditions: ``C``, properties that molecules are asked for.

    Raises:
        ConfigError: for fewer than two steps, more trained ones than steps, or noise that does not
            fall from the first step to the last.
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
    ) -> None:
        super().__init__()
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
        self.max_atoms = max_atoms
        self.steps = steps
        self.noise_levels = float(noise_levels[0]), float(noise_levels[1])
        self.noise_power = noise_power
        self.trained_steps = trained_steps
        self.share = share = share_of(latent_dim, max_atoms)
        self.register_buffer("frequencies", _frequencies(), persistent=False)
        self.time = nn.Sequential(nn.Linear(2 * _FREQUENCIES, width), nn.SiLU())
        # A constant beside the conditions, so that there is a layer that conditions can join.
        self.conditions = nn.Linear(1 + num_conditions, width, bias=False)
        self.scales = nn.Linear(width, 2 * width * blocks)
        self.read = nn.Linear(share, width)
        self.slots = nn.Parameter(0.3 * torch.randn(max_atoms, width))
        self.sizes = nn.Embedding(max_atoms + 1, width)
        self.mixers = nn.ModuleList(
            SlotMixer(
                max_atoms,
                width,
                attention=attention_heads if attention and block % attention == 0 else 0,
            )
            for block in range(1, blocks + 1)
        )
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, share)
        self.skip = nn.Linear(width, 1)
        for layer in (self.conditions, self.scales, self.out):
            nn.init.zeros_(layer.weight)

    frequencies: Tensor

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
        angles = [math.atan(level) for level in _AGAIN]
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
                velocity = self.velocity(points, here, sizes, conditions)
                before, end = end, math.cos(angle) * points - math.sin(angle) * velocity
                lead = _lead(angles[index - 1], angle, following) if index else 0.0
                kept = math.tan(following) / math.tan(angle)
                ahead = (1 - kept) * (end + lead * (end - before))
                points = math.cos(following) * (kept / math.cos(angle) * points + ahead)
        return points

    def velocity(
        self, points: Tensor, angles: Tensor, sizes: Tensor, conditions: Tensor | None = None
    ) -> Tensor:
        """Predicted velocity ``(B, latent_dim)``, 0 where there is no atom.

        Args:
            points: ``(B, latent_dim)``, on the circle at ``angles``.
            angles: ``(B,)``, from 0 (no noise) to pi / 2 (nothing else).
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None for a sampler without.
        """
        slots = occupied(sizes, self.max_atoms)
        mask = size_mask(sizes, slots)
        shares = points.unflatten(1, (self.max_atoms, -1))[:, :slots] * mask[..., None]
        waves = angles[:, None] * self.frequencies
        one = torch.ones_like(angles)[:, None]
        given = one if conditions is None else torch.cat([one, conditions], 1)
        moment = self.time(torch.cat([waves.sin(), waves.cos()], 1)) + self.conditions(given)
        states = self.read(shares) + self.slots[:slots] + self.sizes(sizes)[:, None]
        scales = self.scales(moment).unflatten(1, (len(self.mixers), 1, 2, -1)).unbind(1)
        for mixer, scale in zip(self.mixers, scales, strict=True):
            factor, shift = scale.unbind(2)
            states = mixer(states * (1 + factor) + shift, mask)
        skipped = self.skip(moment)[:, None].float() * shares
        predicted = (self.out(self.norm(states)).float() + skipped) * mask[..., None]
        return F.pad(predicted, (0, 0, 0, self.max_atoms - slots)).flatten(1)

    def present(self, sizes: Tensor) -> Tensor:
        """``(B, latent_dim)``: 1 in the shares of atoms that are there, 0 in the others.

        Args:
            sizes: ``(B,)`` atom counts.
        """
        mask = size_mask(sizes, self.max_atoms)
        return mask[..., None].expand(-1, -1, self.share).flatten(1)


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


def _frequencies() -> Tensor:
    """Frequencies at which an angle is shown to the network, from coarse to fine."""
    return torch.exp(torch.linspace(math.log(0.5), math.log(50.0), _FREQUENCIES))
