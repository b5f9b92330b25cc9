"""Noise to molecules, for evaluation, `MolGAN.sample` and `molgan.generate` alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from molgan.chem import POLICIES, Codec, Decoded, repair
from molgan.errors import ConfigError
from molgan.models import LatentGenerator, MolGANGenerator, discretize

Generator = LatentGenerator | MolGANGenerator


@dataclass(frozen=True)
class Draw:
    """A batch of ``B`` molecules as drawn.

    Attributes:
        decoded: ``B`` strictly decoded molecules, valid or with a reason.
        repaired: the same after the repair policy; the very same list without one.
        atoms: ``(B, N)`` uint8, most probable atom types.
        bonds: ``(B, N, N)`` uint8, most probable bond types, also between slots without an atom.
    """

    decoded: list[Decoded]
    repaired: list[Decoded]
    atoms: npt.NDArray[np.uint8]
    bonds: npt.NDArray[np.uint8]


@dataclass
class Sampler:
    """Draws molecules from a generator; every molecule drawn is reported, none is dropped.

    Args:
        generator: in evaluation mode.
        codec: of the same vocabulary and size.
        size_distribution: ``(N + 1,)`` probabilities of atom counts.
        discretization: ``argmax`` takes the most probable graph; ``gumbel`` draws atoms and bonds,
            which is what the paper's generator needs for any diversity.
        temperature: of that draw.
        repair: name of a repair policy of `molgan.chem`, or None.
        n_jobs: worker processes for decoding large batches.

    Raises:
        ConfigError: for an unknown discretisation or repair policy.
    """

    generator: Generator
    codec: Codec
    size_distribution: npt.NDArray[np.float64]
    discretization: str = "argmax"
    temperature: float = 1.0
    repair: str | None = None
    n_jobs: int = 1

    def __post_init__(self) -> None:
        """Check the names before anything is drawn."""
        if self.discretization not in ("argmax", "gumbel"):
            raise ConfigError(
                f"discretization={self.discretization} is unknown: use argmax or gumbel"
            )
        if self.repair is not None and self.repair not in POLICIES:
            raise ConfigError(
                f"repair={self.repair} is unknown: use one of {', '.join(sorted(POLICIES))} or null"
            )

    @property
    def device(self) -> torch.device:
        """Where the generator lives."""
        return next(self.generator.parameters()).device

    def draw(self, noise: Tensor, sizes: Tensor, rng: torch.Generator) -> Draw:
        """Molecules from given noise.

        Args:
            noise: ``(B, noise_dim)``.
            sizes: ``(B,)`` atom counts.
            rng: used by ``discretization=gumbel``.
        """
        with torch.no_grad():
            logits = self.generator(noise, sizes)
            mode = "straight_through" if self.discretization == "argmax" else "gumbel"
            graphs = discretize(logits, mode, self.temperature, rng)
            atoms, bonds = graphs.to_indices()
            # Everything the generator said, for the counting that MolGAN's code did.
            raw_bonds = graphs.edges.argmax(-1).to(torch.uint8).cpu().numpy()
        types, adjacency = atoms.cpu().numpy(), bonds.cpu().numpy()
        decoded = self.codec.decode(types, adjacency, n_jobs=self.n_jobs)
        repaired = decoded
        if self.repair is not None:
            repaired = repair(
                self.repair,
                types,
                adjacency,
                self.codec,
                atom_scores=graphs.nodes.cpu().numpy(),
                bond_scores=graphs.edges.cpu().numpy(),
            )
        return Draw(decoded, repaired, types, raw_bonds)

    def stream(self, n: int, seed: int, batch_size: int = 1024) -> Iterator[Draw]:
        """``n`` molecules in batches.

        Noise is drawn on the CPU, so a seed means the same molecules on every device up to
        rounding.

        Args:
            n: molecules to draw in all.
            seed: of all randomness.
            batch_size: molecules at a time; changes the memory used, not the molecules drawn.
        """
        rng = torch.Generator().manual_seed(seed)
        weights = torch.as_tensor(self.size_distribution)
        device_rng = torch.Generator(device=self.device).manual_seed(seed)
        # Whole blocks of noise are drawn whatever the batch size, so that it does not change the
        # molecules.
        for start in range(0, n, _BLOCK):
            count = min(_BLOCK, n - start)
            sizes = torch.multinomial(weights, _BLOCK, replacement=True, generator=rng)[:count]
            noise = self.generator.draw_noise(_BLOCK, rng, torch.device("cpu"))[:count]
            for part_noise, part_sizes in zip(
                noise.split(batch_size), sizes.split(batch_size), strict=True
            ):
                yield self.draw(part_noise.to(self.device), part_sizes.to(self.device), device_rng)


_BLOCK = 1024
