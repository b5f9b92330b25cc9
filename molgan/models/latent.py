"""The latent side of the default generator: its sampler, critic and decoder put together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.errors import BundleError, ConfigError
from molgan.models.autoencoder import Decoder
from molgan.models.configured import rebuild, rebuildable
from molgan.models.denoising_sampler import DRAWN_WITH, DenoisingSampler
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
        num_conditions: ``C``, properties that molecules are asked for. The sampler does not heed
            them until it is trained to: see `with_conditions`.
        per_atom: every atom has a share of the latent for itself, see `SlotEncoder`. A
            `SlotDecoder` needs that; another decoder reads all shares as one point.
        sampler: a sampler of another kind, its class under ``network``, and its settings, such as
            ``{"network": "DenoisingSampler", "steps": 8}``; it decides ``noise_dim``.

    Attributes:
        latent_dim: width of the whole latent.

    Raises:
        ConfigError: when decoder or sampler do not go with the kind of latent.
    """

    FORMER: ClassVar[dict[str, Any]] = {"linear_start": False}

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
        num_conditions: int = 0,
        per_atom: bool = False,
        sampler: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        _check_latent(per_atom, decoder, sampler)
        self.num_conditions = num_conditions
        self.per_atom = per_atom
        self.latent_dim = latent_dim * max_atoms if per_atom else latent_dim
        self.max_atoms = max_atoms
        self.noise_dim = noise_dim if sampler is None else self.latent_dim
        self.sampler = self._sampler(sampler, sampler_width, sampler_blocks)
        if decoder is None:
            self.decoder = Decoder(
                num_atom_types,
                num_bond_types,
                max_atoms,
                self.latent_dim,
                decoder_width,
                decoder_blocks,
            )
        else:
            sizes = {
                "num_atom_types": num_atom_types,
                "num_bond_types": num_bond_types,
                "max_atoms": max_atoms,
                "latent_dim": self.latent_dim,
            }
            self.decoder = cast(Decoder, rebuild({**decoder, **sizes}))

    def _sampler(self, settings: Mapping[str, Any] | None, width: int, blocks: int) -> nn.Module:
        """The network from noise to latent; see the class."""
        if settings is not None:
            sizes = {
                "latent_dim": self.latent_dim,
                "max_atoms": self.max_atoms,
                "num_conditions": self.num_conditions,
            }
            return rebuild({**settings, **sizes})
        inputs = self.noise_dim + self.max_atoms + 1 + self.num_conditions
        return residual_mlp(inputs, width, blocks, self.latent_dim)

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

    def drawn_with(self, settings: Mapping[str, Any]) -> LatentGenerator:
        """The same weights in a sampler that takes other steps.

        Args:
            settings: of a `DenoisingSampler`, those in ``DRAWN_WITH``.

        Raises:
            ConfigError: for another sampler, a setting that weights hang on, or an impossible one.
        """
        config: dict[str, Any] = self.config  # type: ignore[assignment]  # as `rebuildable` sets it
        unknown = [name for name in settings if name not in DRAWN_WITH]
        if unknown or not isinstance(self.sampler, DenoisingSampler):
            said = "there is no " + unknown[0] if unknown else "this model draws in one pass"
            raise ConfigError(
                f"denoising: {said}; of a model whose sampler denoises there are: "
                + ", ".join(DRAWN_WITH)
            )
        try:
            other = rebuild({**config, "sampler": {**config["sampler"], **settings}})
        except (BundleError, TypeError, ValueError) as error:
            raise ConfigError(f"denoising={dict(settings)}: {error.__cause__ or error}") from error
        other.load_state_dict(self.state_dict())
        device = next(self.parameters()).device
        return cast(LatentGenerator, other.to(device).train(self.training))

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

    def again(
        self,
        points: Tensor,
        noise: Tensor,
        turn: int,
        sizes: Tensor,
        conditions: Tensor | None = None,
    ) -> Tensor:
        """Latent points of drawn molecules, looked at once more; others' are given back.

        Only a sampler that denoises can (`DenoisingSampler.again`). It takes the noise that the
        molecule was drawn from, each atom that of another: so noise goes on meaning one molecule.

        Args:
            points: ``(B, latent_dim)``, of the encoder.
            noise: ``(B, noise_dim)`` that the molecules were drawn from.
            turn: which look this is, from 1; each moves the noise on by another distance.
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None: their means.
        """
        if not isinstance(self.sampler, DenoisingSampler):
            return points
        # No factor in common with N, or some looks would share a noise, or have the first again.
        places = next(n for n in itertools.count(5) if math.gcd(n, self.max_atoms) == 1)
        moved = noise.unflatten(1, (self.max_atoms, -1)).roll(places * turn, 1).flatten(1)
        given = _LOUD * conditions_or_means(conditions, self.num_conditions, noise)
        return self.normalised(self.sampler.again(points, moved, sizes, given), sizes)

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
        return {
            "num_atom_types": self.decoder.num_atom_types,
            "num_bond_types": self.decoder.num_bond_types,
            "max_atoms": self.max_atoms,
            "latent_dim": self.latent_dim,
        }


def _check_latent(
    per_atom: bool, decoder: Mapping[str, Any] | None, sampler: Mapping[str, Any] | None
) -> None:
    """Refuse networks for another kind of latent; see `LatentGenerator`."""
    of_atoms = decoder is not None and decoder.get("network") == "SlotDecoder"
    if of_atoms and not per_atom:
        raise ConfigError(
            "a SlotDecoder reads a share of the latent for each atom: set "
            "model.generator.per_atom=true and model.generator.latent_dim to the width of a share, "
            "such as 8"
        )
    if sampler is not None and sampler.get("network") == "DenoisingSampler" and not per_atom:
        raise ConfigError(
            "a DenoisingSampler draws a share of the latent for each atom: set "
            "model.generator.per_atom=true and model.generator.decoder={network: SlotDecoder}"
        )
