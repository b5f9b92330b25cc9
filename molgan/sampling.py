"""Noise to molecules, for evaluation, `MolGAN.sample` and `molgan.generate` alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from molgan.chem import POLICIES, Codec, Decoded, repair
from molgan.conditions import Conditions, FloatArray
from molgan.errors import ConfigError
from molgan.graphs import MolGraphs
from molgan.guide import Guide
from molgan.inputs import BLOCK, Inputs, blocks, choice_rng, regrouped
from molgan.models import (
    Encoder,
    GraphLogits,
    LatentGenerator,
    MolGANGenerator,
    PropertyNetwork,
    discretize,
    most_probable,
)
from molgan.models.products import FastProducts
from molgan.models.slot_layers import TRIMMED_ON
from molgan.repeats import RepeatMemory, checked_repeats, graph_keys

Generator = LatentGenerator | MolGANGenerator
PRECISIONS = ("32-true", "bf16-mixed")
# Molecules that go through the networks together, where those of like size do.
_LIKE_SIZED = 128


@dataclass(frozen=True)
class Draw:
    """A batch of ``B`` molecules as drawn.

    Attributes:
        decoded: ``B`` strictly decoded molecules, valid or with a reason.
        repaired: the same after the repair policy, in which valid molecules are the very same
            objects; the very same list without a policy.
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
        noise_scale: standard deviation of the noise. Above 1 rarer molecules, below 1 typical ones
            (the "truncation trick" of image GANs).
        encoder: of the same latent space as the generator; needed to refine.
        refine_steps: times that each molecule drawn is encoded and decoded once more, valid or not;
            in between, a sampler that denoises takes part, but for the last time.
            The autoencoder was trained to give back molecules from blurred latents, so a graph
            between two molecules moves to one of them. No chemistry is consulted, nothing is
            rejected: it is a longer forward pass.
        precision: of the networks: ``32-true``, or ``bf16-mixed``, which a processor that computes
            in bfloat16 runs three times as fast; of 10,000 draws of `qm9` 2.6 % became others.
        repair: name of a repair policy of `molgan.chem`, or None.
        n_jobs: worker processes for decoding large batches.
        conditions: what a conditional generator can be asked for; decides the sizes too.
        wanted: what it is asked for, as `Conditions.wanted` gives it, with one row or with one for
            each molecule drawn; None: molecules as in the data.
        properties: guesses the properties of a graph.
        candidates: ``K``; of so many graphs for each molecule that one is decoded which the guide
            takes, or which `properties` takes to be nearest to what is asked. It is part of the
            network: RDKit is not consulted, and what is decoded counts, valid or not.
        guide: chooses among candidates by their predicted reward.
        repeats: share of its odds that a graph keeps each time that it was given in this `stream`;
            below 1 draws are not independent of each other, see `molgan.repeats`.

    Raises:
        ConfigError: for an unknown discretisation or repair policy.
    """

    generator: Generator
    codec: Codec
    size_distribution: npt.NDArray[np.float64]
    discretization: str = "argmax"
    temperature: float = 1.0
    noise_scale: float = 1.0
    encoder: Encoder | None = None
    refine_steps: int = 0
    precision: str = "32-true"
    repair: str | None = None
    n_jobs: int = 1
    conditions: Conditions | None = None
    wanted: FloatArray | None = None
    properties: PropertyNetwork | None = None
    candidates: int = 1
    guide: Guide | None = None
    repeats: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings before anything is drawn."""
        if not self.temperature > 0:
            raise ConfigError(f"temperature={self.temperature} must be above 0")
        if not self.noise_scale > 0:
            raise ConfigError(f"noise_scale={self.noise_scale} must be above 0")
        if self.precision not in PRECISIONS:
            raise ConfigError(
                f"precision={self.precision} is unknown: use {' or '.join(PRECISIONS)}"
            )
        if self.candidates < 1:
            raise ConfigError(f"candidates={self.candidates} must be at least 1")
        checked_repeats(self.repeats)
        if self.repeats < 1 and self.guide is None:
            raise ConfigError(
                f"repeats={self.repeats} needs a model with a guide (experiment=optimize) and "
                "candidates for it to choose among"
            )
        if self.refine_steps < 0:
            raise ConfigError(f"refine_steps={self.refine_steps} must be 0 or more")
        if self.refine_steps and not (
            isinstance(self.generator, LatentGenerator) and self.encoder is not None
        ):
            raise ConfigError(
                f"refine_steps={self.refine_steps} needs a model with an encoder (model=latent)"
            )
        if self.discretization not in ("argmax", "gumbel"):
            raise ConfigError(
                f"discretization={self.discretization} is unknown: use argmax or gumbel"
            )
        if self.guide is not None and self.discretization != "argmax":
            raise ConfigError(f"a guide needs discretization=argmax, not {self.discretization}")
        if self.repair is not None and self.repair not in POLICIES:
            raise ConfigError(
                f"repair={self.repair} is unknown: use one of {', '.join(sorted(POLICIES))} or null"
            )

    @property
    def device(self) -> torch.device:
        """Where the generator lives."""
        return next(self.generator.parameters()).device

    def draw(
        self, noise: Tensor, sizes: Tensor, rng: torch.Generator, conditions: Tensor | None = None
    ) -> Draw:
        """Molecules from given noise.

        Args:
            noise: ``(B, noise_dim)``, standard normal.
            sizes: ``(B,)`` atom counts.
            rng: used by ``discretization=gumbel``; one on the CPU makes the same choices for every
                device.
            conditions: ``(B, C)``, standardised, of a conditional generator.
        """
        with torch.no_grad(), FastProducts(), self._autocast():
            return self._decoded(self._logits(noise, sizes, conditions), rng)

    def _autocast(self) -> torch.autocast:
        """The networks' precision."""
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.precision == "bf16-mixed"
        )

    def decode_latents(self, latents: Tensor, sizes: Tensor) -> Draw:
        """Molecules at given points of the latent space, refined as those drawn are.

        The points are moved to where the generator puts its own, see `LatentGenerator.normalised`.
        They come from no noise, so that a sampler that denoises takes no part (see `refine`).

        Args:
            latents: ``(B, latent_dim)``.
            sizes: ``(B,)`` atom counts.

        Raises:
            ConfigError: for a generator without a latent space.
        """
        if not isinstance(self.generator, LatentGenerator):
            raise ConfigError("this model has no latent space; train one with model=latent")
        with torch.no_grad(), FastProducts():
            sizes = sizes.to(self.device)
            points = self.generator.normalised(latents.to(self.device), sizes)
            logits = self.refine(self.generator.decoder(points, sizes), sizes)
            return self._decoded(logits, choice_rng(0))

    def _decoded(self, logits: GraphLogits, rng: torch.Generator) -> Draw:
        """Logits to molecules, strictly and under the repair policy."""
        if self.discretization == "argmax" and self.repair is None:
            types, raw_bonds = (each.cpu().numpy() for each in most_probable(logits))
            decoded = self.codec.decode(types, raw_bonds, n_jobs=self.n_jobs)
            return Draw(decoded, decoded, types, raw_bonds)
        # Soft, because repair policies want probabilities; the argmax is the same.
        mode = "soft" if self.discretization == "argmax" else "gumbel"
        graphs = discretize(logits, mode, self.temperature, rng)
        atoms, bonds = graphs.to_indices()
        # Everything the generator said, for the counting that MolGAN's code did.
        raw_bonds = graphs.edges.argmax(-1).to(torch.uint8).cpu().numpy()
        types, adjacency = atoms.cpu().numpy(), bonds.cpu().numpy()
        decoded = self.codec.decode(types, adjacency, n_jobs=self.n_jobs)
        repaired = decoded
        if self.repair is not None:
            repaired = self._repaired(self.repair, decoded, types, adjacency, graphs)
        return Draw(decoded, repaired, types, raw_bonds)

    def refine(
        self,
        logits: GraphLogits,
        sizes: Tensor,
        noise: Tensor | None = None,
        conditions: Tensor | None = None,
    ) -> GraphLogits:
        """Logits of a batch of graphs after `refine_steps` more passes.

        Args:
            logits: of the graphs.
            sizes: ``(B,)`` atom counts.
            noise: ``(B, noise_dim)`` that they were drawn from. With it, a sampler that denoises
                takes part in all passes but the last, see `DenoisingSampler.again`.
            conditions: as for the draw.
        """
        if self.encoder is None or not isinstance(self.generator, LatentGenerator):
            return logits
        for left in range(self.refine_steps - 1, -1, -1):
            atoms, bonds = most_probable(logits)
            # One-hot as the training molecules are: what the encoder knows.
            graphs = MolGraphs.from_indices(
                atoms, bonds, logits.nodes.shape[-1], logits.pairs.shape[-1]
            )
            points = self.encoder(graphs)
            if left and noise is not None:
                points = self.generator.again(points, noise, left, sizes, conditions)
            logits = self.generator.decoder(points, sizes)
        return logits

    def _repaired(
        self,
        policy: str,
        decoded: list[Decoded],
        atoms: npt.NDArray[np.uint8],
        bonds: npt.NDArray[np.uint8],
        graphs: MolGraphs,
    ) -> list[Decoded]:
        """``decoded`` with the invalid ones repaired; the valid ones are the same objects."""
        broken = [row for row, item in enumerate(decoded) if not item.valid]
        if not broken:
            return decoded
        fixed = repair(
            policy,
            atoms[broken],
            bonds[broken],
            self.codec,
            atom_scores=graphs.nodes[broken].cpu().numpy(),
            bond_scores=graphs.edges[broken].cpu().numpy(),
        )
        repaired = list(decoded)
        for row, item in zip(broken, fixed, strict=True):
            repaired[row] = item
        return repaired

    def stream(self, n: int, seed: int, batch_size: int = 1024) -> Iterator[Draw]:
        """``n`` molecules in batches.

        All noise is drawn on the CPU, so a seed means the same molecules on every device up to
        rounding. The first molecules of a longer stream are those of a shorter one.

        Args:
            n: molecules to draw in all.
            seed: of all randomness.
            batch_size: graphs at a time; changes the memory used, not the molecules drawn.

        Raises:
            ConfigError: for a negative ``n`` or a ``batch_size`` below 1.
        """
        if n < 0 or batch_size < 1:
            raise ConfigError(f"cannot draw n={n} molecules in batches of batch_size={batch_size}")
        choices = choice_rng(seed)
        memory = RepeatMemory(self.repeats) if self.repeats < 1 else None
        rows = max(batch_size // self._candidates(self.wanted), 1)
        for inputs in regrouped(blocks(n, seed, self._block), rows):
            yield self.draw_from(inputs, choices, memory)

    def draw_from(
        self, inputs: Inputs, rng: torch.Generator, memory: RepeatMemory | None = None
    ) -> Draw:
        """Molecules from `draw_inputs`; ``rng`` as for `draw`, ``memory`` of the same library."""
        noise, sizes, conditions = (each.to(self.device) for each in inputs)
        given = conditions if conditions.shape[1] else None
        if noise.shape[1] == 1:
            return self.draw(noise[:, 0], sizes, rng, given)
        # Candidates are many graphs: a part of the molecules at a time.
        parts = torch.arange(len(noise)).split(max(BLOCK // noise.shape[1], 1))
        with torch.no_grad(), FastProducts(), self._autocast():
            chosen = [
                self._chosen(noise[rows], sizes[rows], conditions[rows], rng, memory)
                for rows in parts
            ]
            return self._decoded(GraphLogits.cat(chosen), rng)

    def _chosen(
        self,
        noise: Tensor,
        sizes: Tensor,
        conditions: Tensor,
        rng: torch.Generator,
        memory: RepeatMemory | None,
    ) -> GraphLogits:
        """Logits of that candidate of each molecule which is taken; arguments as in `Inputs`."""
        count, candidates = noise.shape[:2]
        sizes = sizes.repeat_interleave(candidates, 0)
        given = conditions.repeat_interleave(candidates, 0) if conditions.shape[1] else None
        logits = self._logits(noise.flatten(0, 1), sizes, given)
        graphs = discretize(logits, "straight_through")
        if self.guide is not None:
            predicted = self.guide.network(graphs).unflatten(0, (count, candidates))
            keys = None if memory is None else graph_keys(graphs).view_as(predicted)
            best = self.guide.choose(predicted, rng, memory, keys)
        else:
            best = self._nearest(graphs, conditions)
        return logits.rows(torch.arange(count, device=self.device) * candidates + best)

    def _nearest(self, graphs: MolGraphs, conditions: Tensor) -> Tensor:
        """Which candidate of each molecule is nearest to what is asked, as the network guesses."""
        assert self.properties is not None
        assert self.wanted is not None
        asked = torch.as_tensor(~np.isnan(self.wanted).all(0), device=self.device)
        guessed: Tensor = self.properties(graphs).unflatten(0, (len(conditions), -1))
        missed = (guessed - conditions[:, None]).square()
        nearest: Tensor = (missed * asked).sum(-1).argmin(1)
        return nearest

    def _candidates(self, wanted: FloatArray | None) -> int:
        """Candidates of each molecule, if there is something to choose by."""
        nearest = wanted is not None and self.properties is not None
        return self.candidates if self.guide is not None or nearest else 1

    def _logits(self, noise: Tensor, sizes: Tensor, conditions: Tensor | None) -> GraphLogits:
        """Logits from noise as it is drawn, refined."""
        if not self._trims:
            return self._logits_of(noise, sizes, conditions)
        # Molecules of like size together: what is empty in all of them is not worked out.
        order = sizes.argsort()
        parts = [
            self._logits_of(
                noise[rows], sizes[rows], None if conditions is None else conditions[rows]
            )
            for rows in order.split(_LIKE_SIZED)
        ]
        return GraphLogits.cat(parts).rows(order.argsort())

    @property
    def _trims(self) -> bool:
        """Whether the networks work out no more slots than the largest molecule has."""
        return getattr(self.generator, "per_atom", False) and self.device.type in TRIMMED_ON

    def _logits_of(self, noise: Tensor, sizes: Tensor, conditions: Tensor | None) -> GraphLogits:
        given = () if conditions is None else (conditions,)
        logits = self.generator(self.noise_scale * noise, sizes, *given)
        return self.refine(logits, sizes, noise, conditions)

    def draw_inputs(
        self, count: int, rng: torch.Generator, wanted: FloatArray | None = None
    ) -> Inputs:
        """Noise, sizes and conditions of ``count`` molecules, on the CPU.

        Args:
            count: molecules.
            rng: on the CPU.
            wanted: ``(1 or count, C)``, what is asked for.
        """
        device = torch.device("cpu")
        if self.conditions is None:
            weights = torch.as_tensor(self.size_distribution)
            sizes = torch.multinomial(weights, count, replacement=True, generator=rng)
            conditions = torch.zeros(count, 0)
        else:
            sizes, conditions = self.conditions.draw(count, wanted, rng)
        candidates = self._candidates(wanted)
        noise = self.generator.draw_noise(count * candidates, rng, device)
        return Inputs(noise.unflatten(0, (count, candidates)), sizes, conditions)

    def _block(self, count: int, rng: torch.Generator, start: int) -> Inputs:
        """Inputs of ``count`` molecules of a stream, from that number on."""
        wanted = self.wanted
        if wanted is not None and len(wanted) > 1:  # the last row may repeat, in the last block
            wanted = wanted[np.minimum(np.arange(start, start + count), len(wanted) - 1)]
        return self.draw_inputs(count, rng, wanted)
