"""From latent points to scored molecules, and from good molecules back to latent points."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem
from torch import Tensor

from molgan.chem import Codec, Decoded, quiet_rdkit
from molgan.graphs import MolGraphs, pack_pairs
from molgan.models import LatentGenerator, discretize
from molgan.rewards import Scorer
from molgan.sampling import Sampler
from molgan.training.autoencoder_phase import latent_networks
from molgan.training.context import Context
from molgan.training.scored_pool import FloatArray, ScoredPool

_CHUNK = 8192


class Judged(NamedTuple):
    """Generated molecules and what they are worth.

    Attributes:
        decoded: ``B`` molecules, valid or with a reason.
        scores: ``(B,)``, 0 if invalid.
        atoms: ``(B, N)`` atom types.
        bonds: ``(B, P)`` packed bond types.
    """

    decoded: list[Decoded]
    scores: FloatArray
    atoms: Tensor
    bonds: Tensor

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """``(B,)``: which are molecules."""
        return np.array([item.valid for item in self.decoded])

    @property
    def smiles(self) -> list[str]:
        """Of the valid ones."""
        return [item.smiles for item in self.decoded if item.smiles is not None]

    @property
    def mean_score(self) -> float:
        """Of the valid ones; 0 without any."""
        return float(self.scores[self.valid].mean()) if self.valid.any() else 0.0

    def figures(self) -> dict[str, float]:
        """What is logged of them."""
        return {
            "reward/generated": self.mean_score,
            "reward/valid": float(self.valid.mean()),
            "reward/unique": len(set(self.smiles)) / max(len(self.smiles), 1),
        }


class Explorer:
    """Decodes as sampling does, by the averaged decoder, scores, and encodes what is good.

    Args:
        context: devices, precision and networks; there must be an encoder.
        codec: between graphs and molecules.
        scorer: the objective with its cache.
        refine_steps: of sampling.
    """

    def __init__(self, context: Context, codec: Codec, scorer: Scorer, refine_steps: int) -> None:
        self.encoder, _ = latent_networks(context)
        self.context, self.codec, self.scorer = context, codec, scorer
        self.generator = cast(LatentGenerator, context.averages.generator)
        self.sampler = Sampler(
            self.generator,
            codec,
            np.zeros(codec.max_atoms + 1),  # sizes are given with the points
            encoder=self.encoder if refine_steps else None,
            refine_steps=refine_steps,
        )

    def judge(self, latents: Tensor, sizes: Tensor, noise: Tensor | None = None) -> Judged:
        """Molecules of latent points, made as sampling makes them, and their scores.

        Args:
            latents: ``(B, D)``.
            sizes: ``(B,)`` atom counts.
            noise: ``(B, noise_dim)``, standard normal, of which the sampler has made the points;
                None for other points, which no sampler looks at again, see `Sampler.refine`.
        """
        atoms, bonds, decoded = self._made(latents, sizes, noise, None)
        scores = np.nan_to_num(self.scorer(decoded).total, nan=0.0)
        return Judged(decoded, scores, atoms, pack_pairs(bonds))

    @torch.no_grad()
    def draw(self, count: int, size_distribution: FloatArray, noise_scale: float) -> Judged:
        """Molecules of the averaged sampler, as sampling draws them.

        Args:
            count: how many.
            size_distribution: ``(N + 1,)`` probabilities of atom counts.
            noise_scale: of sampling.
        """
        context = self.context
        weights = torch.as_tensor(size_distribution, device=context.fabric.device)
        sizes = torch.multinomial(weights, count, True, generator=context.rng)
        noise = context.noise(count)
        with context.fabric.autocast():
            latents = self.generator.latent(noise_scale * noise, sizes)
        return self.judge(latents, sizes, noise)

    def molecules(
        self, latents: Tensor, sizes: Tensor, noise: Tensor, conditions: Tensor
    ) -> list[Decoded]:
        """Molecules of latent points, as sampling makes them; arguments as of `judge`.

        Args:
            latents: ``(B, D)``.
            sizes: ``(B,)``.
            noise: ``(B, noise_dim)``.
            conditions: ``(B, C)``, standardised.
        """
        return self._made(latents, sizes, noise, conditions)[2]

    @torch.no_grad()
    def _made(
        self, latents: Tensor, sizes: Tensor, noise: Tensor | None, conditions: Tensor | None
    ) -> tuple[Tensor, Tensor, list[Decoded]]:
        with self.context.fabric.autocast():
            logits = self.generator.decoder(latents, sizes)
            graphs = discretize(self.sampler.refine(logits, sizes, noise, conditions), "soft")
        atoms, bonds = graphs.to_indices()
        return atoms, bonds, self.codec.decode(atoms.cpu().numpy(), bonds.cpu().numpy())

    def scores_of(self, smiles: list[str]) -> FloatArray:
        """Scores of distinct molecules."""
        parts = []
        for start in range(0, len(smiles), _CHUNK):
            chunk = smiles[start : start + _CHUNK]
            with quiet_rdkit():
                decoded = [Decoded(Chem.MolFromSmiles(text), text, None) for text in chunk]
            parts.append(np.nan_to_num(self.scorer(decoded).total, nan=0.0))
        return np.concatenate(parts) if parts else np.zeros(0)

    @torch.no_grad()
    def keep(self, judged: Judged, pool: ScoredPool, least: float) -> int:
        """Add new molecules of at least a score to the pool; returns how many.

        Only those that the autoencoder gives back: the latent point has to mean the molecule.
        """
        new = {
            item.smiles
            for item, score in zip(judged.decoded, judged.scores, strict=True)
            if item.smiles is not None and score > least and item.smiles not in pool
        }
        encoded = self.codec.encode_smiles(sorted(new), verify=False)
        if not len(encoded):
            return 0
        device = self.context.fabric.device
        atoms = torch.as_tensor(encoded.atoms, device=device)
        bonds = torch.as_tensor(encoded.bonds, device=device)
        data = self.context.data
        graphs = MolGraphs.from_indices(atoms, bonds, data.num_atom_types, data.num_bond_types)
        with self.context.fabric.autocast():
            latents = self.encoder(graphs)
            again = discretize(self.generator.decoder(latents, graphs.num_atoms), "soft")
        their_atoms, their_bonds = again.to_indices()
        same = (their_atoms == atoms).all(1) & (pack_pairs(their_bonds) == bonds).all(1)
        rows = same.nonzero().squeeze(1)
        if len(rows):
            smiles = [encoded.smiles[row] for row in rows.tolist()]
            # Of copies in a batch the score may be lower: each molecule by itself.
            pool.add(latents[rows], atoms[rows], bonds[rows], self.scores_of(smiles), smiles)
        return len(rows)
