"""The latent side of the default generator: its sampler, critic and decoder put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.models.autoencoder import Decoder
from molgan.models.configured import rebuild, rebuildable
from molgan.models.denoising_sampler import DenoisingSampler
from molgan.models.discretize import GraphLogits
from molgan.models.layers import conditions_or_means, residual_mlp, size_mask, size_one_hot
from molgan.models.slot_layers import normalised_shares

# A condition is one number among the many of the noise, and its weights begin at 0. Optimisers move
# each weight about equally fast, so at this volume the sampler learns to hear it as soon.
_LOUD = 8.0


@rebuildable
class LatentCritic(nn.Module):
    """Realness score of a latent point, given the number of atoms and, maybe, properties.

    Args:
        latent_dim: width of the latent.
        max_atoms: ``N``.
        width: hidden width.
        blocks: residual blocks.
        num_conditions: ``C``, properties that the point is judged by as well.
    """

    def __init__(
        self,
        latent_dim: int,
        max_atoms: int,
        width: int = 768,
        blocks: int = 3,
        num_conditions: int = 0,
    ) -> None:
        super().__init__()
        self.max_atoms = max_atoms
        self.num_conditions = num_conditions
        inputs = latent_dim + max_atoms + 1 + num_conditions
        self.network = residual_mlp(inputs, width, blocks, 1)

    def forward(self, latent: Tensor, sizes: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``.

        Args:
            latent: ``(B, latent_dim)``.
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None: their means.
        """
        given = conditions_or_means(conditions, self.num_conditions, latent)
        rows = torch.cat([latent, size_one_hot(sizes, self.max_atoms), given], 1)
        scores: Tensor = self.network(rows)
        return scores.float().squeeze(-1)


class LinearStart(nn.Module):
    """A sampler that begins as a linear map of the noise, which `fit` sets from data.

    An untrained sampler has everything to learn from the critic, means and covariances first. A
    Gaussian of the latents' own mean and covariance decodes to molecules in a third of all cases
    (ZINC250k), and the network only has to learn what is not Gaussian.

    Args:
        network: from noise, one-hot size and conditions to latent; its output is scaled down at the
            start.
        noise_dim: width of the noise.
        latent_dim: width of the latent.
    """

    def __init__(self, network: nn.Sequential, noise_dim: int, latent_dim: int) -> None:
        super().__init__()
        self.network = network
        self.linear = nn.Linear(noise_dim, latent_dim)
        last = network[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.zero_()

    def forward(self, noise_and_size: Tensor) -> Tensor:
        """``(B, noise_dim + N + 1 + C)`` to ``(B, latent_dim)``."""
        noise = noise_and_size[:, : self.linear.in_features]
        points: Tensor = self.network(noise_and_size).float() + self.linear(noise).float()
        return points

    @torch.no_grad()
    def fit(self, latents: Tensor) -> None:
        """Take mean and covariance of ``latents (M, latent_dim)``; their largest directions."""
        mean = latents.mean(0)
        variances, directions = torch.linalg.eigh(torch.cov((latents - mean).T))
        scaled = directions * variances.clamp(min=1e-6).sqrt()
        kept = min(self.linear.in_features, len(mean))
        self.linear.weight.zero_()
        self.linear.weight[:, :kept] = scaled[:, -kept:]
        self.linear.bias.copy_(mean)


@rebuildable
class LatentGenerator(nn.Module):
    """Noise and number of atoms to a molecule, through a learnt latent space: one forward pass.

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        max_atoms: ``N``.
        noise_dim: width of the noise.
        latent_dim: width of the latent; with ``per_atom``, of each atom's share of it.
        sampler_width: hidden width of the noise -> latent network.
        sampler_blocks: its residual blocks.
        decoder_width: hidden width of the decoder.
        decoder_blocks: its residual blocks.
        decoder: a decoder of another kind instead: its class under ``network``, and its settings,
            such as ``{"network": "SlotDecoder", "width": 96}``.
        linear_start: begin as the Gaussian of the latents' mean and covariance; see `LinearStart`.
        num_conditions: ``C``, properties that molecules are asked for. The sampler does not heed
            them until it is trained to: see `with_conditions`.
        per_atom: every atom has a share of the latent for itself, see `SlotEncoder`.
        sampler: a sampler of another kind, its class under ``network``, and its settings, such as
            ``{"network": "DenoisingSampler", "steps": 8}``; it decides ``noise_dim``.

    Attributes:
        latent_dim: width of the whole latent.
    """

    def __init__(
        self,
        num_atom_types: int,
        num_bond_types: int,
        max_atoms: int,
        noise_dim: int = 64,
        latent_dim: int = 32,
        sampler_width: int = 768,
        sampler_blocks: int = 3,
        decoder_width: int = 1024,
        decoder_blocks: int = 1,
        decoder: Mapping[str, Any] | None = None,
        linear_start: bool = False,
        num_conditions: int = 0,
        per_atom: bool = False,
        sampler: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.num_conditions = num_conditions
        self.per_atom = per_atom
        self.latent_dim = latent_dim * max_atoms if per_atom else latent_dim
        self.max_atoms = max_atoms
        self.noise_dim = noise_dim if sampler is None else self.latent_dim
        self.sampler = self._sampler(sampler, sampler_width, sampler_blocks, linear_start)
        if decoder is None:
            self.decoder = Decoder(
                num_atom_types, num_bond_types, max_atoms, latent_dim, decoder_width, decoder_blocks
            )
        else:
            sizes = {
                "num_atom_types": num_atom_types,
                "num_bond_types": num_bond_types,
                "max_atoms": max_atoms,
                "latent_dim": self.latent_dim,
            }
            if per_atom:
                sizes["per_atom"] = True
            self.decoder = cast(Decoder, rebuild({**decoder, **sizes}))

    def _sampler(
        self, settings: Mapping[str, Any] | None, width: int, blocks: int, linear_start: bool
    ) -> nn.Module:
        """The network from noise to latent; see the class."""
        if settings is not None:
            sizes = {
                "latent_dim": self.latent_dim,
                "max_atoms": self.max_atoms,
                "num_conditions": self.num_conditions,
            }
            return rebuild({**settings, **sizes})
        inputs = self.noise_dim + self.max_atoms + 1 + self.num_conditions
        network = residual_mlp(inputs, width, blocks, self.latent_dim)
        return LinearStart(network, self.noise_dim, self.latent_dim) if linear_start else network

    def with_conditions(self, count: int) -> LatentGenerator:
        """The same generator, whose sampler also reads conditions, by weights that begin at 0.

        So a finished model is a valid start: until it learns more, it draws what it has drawn.

        Args:
            count: ``C``.
        """
        config: dict[str, Any] = {**self.config, "num_conditions": count}  # type: ignore[dict-item]
        wider = cast(LatentGenerator, rebuild(config))
        weights = self.state_dict()
        for name, fresh in wider.state_dict().items():
            if fresh.shape != weights[name].shape:  # the first layer, where conditions come in last
                more = fresh.shape[1] - weights[name].shape[1]
                weights[name] = F.pad(weights[name], (0, more))
        wider.load_state_dict(weights)
        return wider.train(self.training)

    def latent(self, noise: Tensor, sizes: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Latent points ``(B, latent_dim)``.

        Args:
            noise: ``(B, noise_dim)``.
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None: their means.
        """
        given = _LOUD * conditions_or_means(conditions, self.num_conditions, noise)
        if isinstance(self.sampler, DenoisingSampler):
            points = self.sampler(noise, sizes, given)
        else:
            points = self.sampler(
                torch.cat([noise, size_one_hot(sizes, self.max_atoms), given], 1)
            ).float()
        return self.normalised(points, sizes)

    def normalised(self, points: Tensor, sizes: Tensor) -> Tensor:
        """Points moved to where the encoder's latents lie: zero mean, unit variance.

        Off that sphere, a critic would tell samples by their norm alone.

        Args:
            points: ``(B, latent_dim)``.
            sizes: ``(B,)`` atom counts.
        """
        if self.per_atom:
            return normalised_shares(points, size_mask(sizes, self.max_atoms))
        return F.layer_norm(points, (self.latent_dim,))

    def forward(
        self, noise: Tensor, sizes: Tensor, conditions: Tensor | None = None
    ) -> GraphLogits:
        """Logits of a batch of molecules; arguments as of `latent`.

        Args:
            noise: ``(B, noise_dim)``.
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None: their means.
        """
        logits: GraphLogits = self.decoder(self.latent(noise, sizes, conditions), sizes)
        return logits

    def draw_noise(
        self, count: int, generator: torch.Generator | None, device: torch.device
    ) -> Tensor:
        """``(count, noise_dim)`` standard normal noise.

        Args:
            count: ``B``, how many rows.
            generator: source of the randomness, on the device; None takes torch's own.
            device: where the noise lies.
        """
        return torch.randn(count, self.noise_dim, generator=generator, device=device)

    def encoder_config(self) -> dict[str, Any]:
        """Arguments of the encoder that belongs to this generator's decoder."""
        config = {
            "num_atom_types": self.decoder.num_atom_types,
            "num_bond_types": self.decoder.num_bond_types,
            "max_atoms": self.max_atoms,
            "latent_dim": self.latent_dim,
        }
        return {**config, "per_atom": True} if self.per_atom else config
