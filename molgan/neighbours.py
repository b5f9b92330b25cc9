"""Lead exploration: molecules around a molecule, by sampling the latent space near its point."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from molgan.chem import Decoded, Fragment
from molgan.errors import ChemistryError, ConfigError
from molgan.metrics.similarity import morgan_bits, nearest
from molgan.models import GraphLogits, LatentGenerator, discretize

if TYPE_CHECKING:
    from molgan.sampling import Sampler

RADII = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""The ladder climbed where no radius is given; with 0.8 the default model was trained to return."""

_BATCH = 256
_MOST_DRAWS = 50  # for each molecule wanted
_BARREN = 2000  # draws in a row without a new molecule, after which a rung is given up
_CERTAIN = 50.0  # a logit by which something is fixed: e^-50 of a chance for anything else


@dataclass
class Neighbours:
    """What was found around a lead.

    Attributes:
        decoded: distinct valid molecules, in the order found, the lead not among them.
        radii: of the noise that each came from.
        similarities: Tanimoto similarity of each to the lead (Morgan, radius 2, 1,024 bits).
        counts: ``drawn``, and why the others were left out.
    """

    decoded: list[Decoded] = field(default_factory=list)
    radii: list[float] = field(default_factory=list)
    similarities: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> dict[str, int]:
        """Reason -> molecules drawn that were left out."""
        return {key: count for key, count in self.counts.items() if key != "drawn"}


@dataclass
class Lead:
    """A molecule to look around, as a model has it.

    Args:
        sampler: of a latent model with an encoder.
        smiles: canonical.
        latent: ``(latent_dim,)``.
        atoms: ``(N,)`` atom types.
        bonds: ``(P,)`` packed bond types.
        fragment: what every molecule has to contain; in the lead it has a place.

    Raises:
        ChemistryError: when the lead lacks the fragment.
        ConfigError: for a generator without a latent space.
    """

    sampler: Sampler
    smiles: str
    latent: Tensor
    atoms: Tensor
    bonds: Tensor
    fragment: Fragment | None = None

    def __post_init__(self) -> None:
        """Find the fragment."""
        arrays = self.atoms[None].cpu().numpy(), self.bonds[None].cpu().numpy()
        (decoded,) = self.sampler.codec.decode(*arrays)
        assert decoded.mol is not None, "encoding has checked it"
        self.mol = decoded.mol
        if not isinstance(self.sampler.generator, LatentGenerator):
            raise ConfigError("this model has no latent space; train one with model=latent")
        self._generator = self.sampler.generator
        self.size = int((self.atoms > 0).sum())
        # The codec decodes slots in their order: an atom's number is its slot.
        places = self.fragment.places(self.mol) if self.fragment else [()]
        if not places:
            assert self.fragment is not None
            raise ChemistryError(
                f"the lead {self.smiles} does not contain {self.fragment.text}: choose a fragment "
                "of it, or a lead that has this one"
            )
        self._fixed = [self._held(place) for place in places]

    def around(self, n: int, radius: float | None, seed: int, resize: int = 1) -> Neighbours:
        """Up to ``n`` distinct molecules near the lead; fewer where there are no more.

        Args:
            n: wanted.
            radius: standard deviation of the noise on the lead's latent point, where a coordinate
                has unit variance; None climbs `RADII`, with as many molecules from each rung.
            seed: of the noise.
            resize: atoms by which a molecule may be smaller or larger than the lead.

        Raises:
            ConfigError: for a count or a radius that cannot work.
        """
        if n < 1:
            raise ConfigError(f"n={n} must be at least 1")
        if radius is not None and not radius > 0:
            raise ConfigError(f"radius={radius} must be above 0, in latent standard deviations")
        if resize < 0:
            raise ConfigError(f"resize={resize} must be 0 or more atoms")
        found, seen = Neighbours(), {self.smiles}
        rng = torch.Generator().manual_seed(seed)
        rungs = RADII if radius is None else (float(radius),)
        for number, rung in enumerate(rungs):
            wanted = math.ceil((n - len(found.decoded)) / (len(rungs) - number))
            self._climb(found, seen, wanted, rung, resize, rng)
        if found.decoded:
            mols = [item.mol for item in found.decoded if item.mol is not None]
            similarities, _ = nearest(morgan_bits(mols), morgan_bits([self.mol]))
            found.similarities = similarities.tolist()
        return found

    def _climb(
        self,
        found: Neighbours,
        seen: set[str],
        wanted: int,
        radius: float,
        resize: int,
        rng: torch.Generator,
    ) -> None:
        """Add up to so many molecules of one radius to what was found."""
        end, last = len(found.decoded) + wanted, found.counts["drawn"] + _MOST_DRAWS * wanted
        barren = 0
        for item in self._stream(radius, resize, rng):
            if len(found.decoded) >= end or found.counts["drawn"] >= last or barren >= _BARREN:
                return
            found.counts["drawn"] += 1
            barren += 1
            if item.smiles is None:
                found.counts[item.reason or "invalid"] += 1
            elif self.fragment is not None and not self.fragment.is_in(item.mol):
                found.counts["without the fragment"] += 1
            elif item.smiles in seen:
                found.counts["the lead" if item.smiles == self.smiles else "repeat"] += 1
            else:
                seen.add(item.smiles)
                found.decoded.append(item)
                found.radii.append(radius)
                barren = 0

    def _stream(self, radius: float, resize: int, rng: torch.Generator) -> Iterator[Decoded]:
        """Molecules at points around the lead's, without end.

        The fragment is fixed at its place in what the decoder puts out, before the refining pass:
        encoder and decoder then see it, and fit the rest to it.
        """
        sampler, device = self.sampler, self.sampler.device
        # The fragment's atoms must be among those that are drawn.
        least = [max((1, *(place + 1 for place in held[0].tolist()))) for held in self._fixed]
        while True:
            noise = torch.randn(_BATCH, len(self.latent), generator=rng)
            change = torch.randint(-resize, resize + 1, (_BATCH,), generator=rng)
            which = torch.randint(len(self._fixed), (_BATCH,), generator=rng)
            low = torch.tensor(least)[which]
            sizes = (self.size + change).clamp(max=len(self.atoms)).maximum(low).to(device)
            points = self.latent + radius * noise.to(device)
            if self._generator.per_atom:
                # An atom that the lead lacks has a share of faint noise, which means no atom.
                points = self._generator.normalised(points, sizes)
            with torch.no_grad():
                logits = self._holding(self._generator.decoder(points, sizes), which)
                logits = self._holding(sampler.refine(logits, sizes), which)
                atoms, bonds = discretize(logits, "soft").to_indices()
            yield from sampler.codec.decode(atoms.cpu().numpy(), bonds.cpu().numpy())

    def _held(self, place: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Slots, and numbers of the packed pairs among them, that stay as they are in the lead."""
        slots = torch.tensor(sorted(place), dtype=torch.long)
        first, second = torch.triu_indices(len(self.atoms), len(self.atoms), 1)
        pairs = (torch.isin(first, slots) & torch.isin(second, slots)).nonzero().squeeze(1)
        return slots, pairs

    def _holding(self, logits: GraphLogits, which: Tensor) -> GraphLogits:
        """Logits with the fragment fixed: in row ``b`` at its place number ``which[b]``."""
        if self.fragment is None:
            return logits
        nodes, bonds = logits.nodes.clone(), logits.pairs.clone()
        for number, (slots, pairs) in enumerate(self._fixed):
            rows = (which == number).nonzero()
            if len(rows):
                nodes[rows, slots] = _certain(self.atoms[slots], nodes.shape[-1])
                bonds[rows, pairs] = _certain(self.bonds[pairs], bonds.shape[-1])
        return GraphLogits(nodes, bonds, logits.mask)


def _certain(types: Tensor, count: int) -> Tensor:
    return _CERTAIN * torch.nn.functional.one_hot(types.long(), count).float()
