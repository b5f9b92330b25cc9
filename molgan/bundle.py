"""A trained model with all that it needs to draw molecules, kept in one file.

What the file looks like is said in `molgan.bundle_file`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from molgan.bundle_file import FORMAT, halved, locate, read, write
from molgan.chem import Codec, Vocabulary
from molgan.conditions import Conditions, FloatArray, Targets
from molgan.devices import usable_device
from molgan.errors import BundleError, ConfigError, MolganError
from molgan.guide import Guide
from molgan.metrics import HashedIdentities
from molgan.models import Encoder, LatentGenerator, PropertyNetwork, RewardNetwork, rebuild
from molgan.sampling import Generator, Sampler

PRECISIONS = ("full", "half")
_IDENTITIES = "training_identities"
_CONDITIONS = "conditions"
_NETWORKS = ("generator", "encoder", "properties")  # only the first is always there


@dataclass
class Bundle:
    """A trained model with everything needed to use it.

    Attributes:
        generator: noise to molecules, in evaluation mode.
        vocabulary: atom and bond types.
        max_atoms: ``N``.
        size_distribution: ``(N + 1,)`` probabilities of atom counts in the training set.
        identities: hashed identities of the training molecules, for novelty.
        encoder: molecules to latent points, where the model has one.
        discretization: how the generator is sampled; see `Sampler`.
        noise_scale: likewise.
        refine_steps: likewise.
        config: the configuration of the run, as plain data.
        metrics: figures of the model when it was saved.
        versions: of molgan and the libraries that matter.
        precision: ``full`` for weights as trained, ``half`` for those read from a file that keeps
            them in 16 bits.
        conditions: what molecules can be asked for; None for a model without.
        properties: guess of these properties.
        guide: chooses among candidates by predicted reward; None for a model without.
    """

    generator: Generator
    vocabulary: Vocabulary
    max_atoms: int
    size_distribution: npt.NDArray[np.float64]
    identities: HashedIdentities
    encoder: Encoder | None = None
    discretization: str = "argmax"
    noise_scale: float = 1.0
    refine_steps: int = 0
    config: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    precision: str = "full"
    conditions: Conditions | None = None
    properties: PropertyNetwork | None = None
    guide: Guide | None = None

    @property
    def codec(self) -> Codec:
        """Between molecules and this model's arrays."""
        return Codec(self.vocabulary, self.max_atoms)

    def drawn_with(self, settings: Mapping[str, Any]) -> Bundle:
        """This model with other steps of its denoising sampler; without settings itself.

        Args:
            settings: see `LatentGenerator.drawn_with`.

        Raises:
            ConfigError: for a model that does not denoise, or settings that cannot be.
        """
        if not settings:
            return self
        if not isinstance(self.generator, LatentGenerator):
            raise ConfigError("denoising: this model draws in one pass and has no such settings")
        return replace(self, generator=self.generator.drawn_with(settings))

    def sampler(
        self,
        repair: str | None = None,
        n_jobs: int = 1,
        noise_scale: float | None = None,
        refine_steps: int | None = None,
        precision: str = "32-true",
        wanted: FloatArray | None = None,
        candidates: int | None = None,
        repeats: float | None = None,
    ) -> Sampler:
        """A `Sampler` of this model; what is None is the model's own.

        Args:
            repair: see `Sampler`, as the others.
            n_jobs: worker processes.
            noise_scale: of the noise.
            refine_steps: extra passes.
            precision: of the networks.
            wanted: what is asked for, of `wanted`.
            candidates: graphs drawn for each molecule by a guided model, or by a conditional one
                that is asked for something; 1: no choice.
            repeats: share of its odds that a graph keeps each time it was given, by a guided model;
                1: independent draws, as figures need them.

        Raises:
            ConfigError: for settings that do not go together; see `Sampler`.
        """
        chooser = self.guide or self.conditions
        if candidates is None:
            candidates = 1 if chooser is None else chooser.candidates
        elif candidates > 1 and chooser is None:
            raise ConfigError(
                f"candidates={candidates}: this model has no network that could choose among them; "
                "train one with experiment=optimize or experiment=conditional"
            )
        guide = self.guide if candidates > 1 else None
        if repeats is None:
            repeats = 1.0 if guide is None else guide.repeats
        return Sampler(
            self.generator,
            self.codec,
            self.size_distribution,
            self.discretization,
            noise_scale=self.noise_scale if noise_scale is None else noise_scale,
            encoder=self.encoder,
            refine_steps=self.refine_steps if refine_steps is None else refine_steps,
            precision=precision,
            repair=repair,
            n_jobs=n_jobs,
            conditions=self.conditions,
            wanted=wanted,
            properties=self.properties,
            candidates=candidates,
            guide=guide,
            repeats=repeats,
        )

    def wanted(self, condition: Targets | None, count: int, outside: bool = False) -> Any:
        """What a `sampler` is asked for: ``(1 or count, C)``, or None for nothing.

        Args:
            condition: property -> value, or ``count`` values; None or empty: nothing.
            count: molecules to draw.
            outside: allow values beyond those of the training molecules.

        Raises:
            ConfigError: for a model without conditions, and see `Conditions.wanted`.
        """
        if not condition:
            return None
        if self.conditions is None:
            names = ", ".join(condition)
            raise ConfigError(
                f"condition: this model was trained without conditions; train one that can be "
                f"asked: python -m molgan.train experiment=conditional init_from=MODEL "
                f"condition.properties=[{names}] data=..."
            )
        return self.conditions.wanted(condition, count, outside)

    def save(self, path: str | Path, precision: str | None = None) -> Path:
        """Write the bundle in one piece.

        Args:
            path: the file.
            precision: ``full`` writes the weights as they are, ``half`` as float16 in half the
                space; None as the bundle was read, in full for one just trained.

        Raises:
            ConfigError: for an unknown precision.
            MolganError: when the disk refuses, or a weight is too large for float16; a file that
                was there before is untouched.
        """
        precision = self.precision if precision is None else precision
        if precision not in PRECISIONS:
            raise ConfigError(f"precision={precision} is unknown: use {' or '.join(PRECISIONS)}")
        path = Path(path)
        tensors = {f"generator.{k}": v for k, v in self.generator.state_dict().items()}
        networks: dict[str, Any] = {"generator": self.generator.config}
        if self.encoder is not None:
            tensors |= {f"encoder.{k}": v for k, v in self.encoder.state_dict().items()}
            networks["encoder"] = self.encoder.config
        if self.properties is not None:
            tensors |= {f"properties.{k}": v for k, v in self.properties.state_dict().items()}
            networks["properties"] = self.properties.config
        if self.guide is not None:
            tensors |= {f"reward.{k}": v for k, v in self.guide.network.state_dict().items()}
            networks["reward"] = self.guide.network.config
        if precision == "half":
            tensors = {k: halved(k, v) for k, v in tensors.items()}
        # safetensors knows no unsigned 64-bit in older versions: the bits travel as signed ones.
        if self.conditions is not None:
            tensors[_CONDITIONS] = self.conditions.table()
        tensors[_IDENTITIES] = torch.from_numpy(self.identities.array.view(np.int64).copy())
        document = {
            "format": FORMAT,
            "precision": precision,
            "vocabulary": self.vocabulary.to_dict(),
            "max_atoms": self.max_atoms,
            "size_distribution": [float(p) for p in self.size_distribution],
            "networks": networks,
            "discretization": self.discretization,
            "noise_scale": self.noise_scale,
            "refine_steps": self.refine_steps,
            "config": self.config,
            "metrics": self.metrics,
            "versions": self.versions,
        }
        if self.conditions is not None:
            document["conditions"] = self.conditions.to_document()
        if self.guide is not None:
            document["guide"] = self.guide.to_document()
        return write(path, document, tensors)

    @classmethod
    def load(cls, path: str | Path, device: torch.device | str = "cpu") -> Bundle:
        """Read a bundle, the last one of a run folder, or a ready model.

        Args:
            path: a bundle, a run folder, or the name of a ready model; see `locate`.
            device: where its networks go.

        Raises:
            BundleError: for a missing, truncated, foreign or incompatible file.
            ConfigError: for a device that this machine does not have.
        """
        device = usable_device(device)
        path = locate(path)
        document, tensors = read(path)
        try:
            networks = document["networks"]
            loaded = {
                name: _load_network(networks[name], tensors, f"{name}.").to(device)
                for name in _NETWORKS
                if name == _NETWORKS[0] or name in networks
            }
            bundle = cls(
                generator=cast(Generator, loaded["generator"]),
                vocabulary=Vocabulary.from_dict(document["vocabulary"]),
                max_atoms=int(document["max_atoms"]),
                size_distribution=np.array(document["size_distribution"], dtype=np.float64),
                identities=HashedIdentities(tensors[_IDENTITIES].numpy().view(np.uint64)),
                encoder=cast(Encoder | None, loaded.get("encoder")),
                discretization=document["discretization"],
                # The first bundles have neither: they were sampled so.
                noise_scale=float(document.get("noise_scale", 1.0)),
                refine_steps=int(document.get("refine_steps", 0)),
                config=document["config"],
                metrics=document["metrics"],
                versions=document["versions"],
                precision=document.get("precision", "full"),
                conditions=_load_conditions(document, tensors),
                properties=cast(PropertyNetwork | None, loaded.get("properties")),
                guide=_load_guide(document, tensors, device),
            )
        except BundleError as error:
            raise BundleError(f"the model {path} cannot be used: {error}") from error
        except KeyError as error:
            raise BundleError(f"the model {path} is damaged: it lacks {error}") from error
        except (MolganError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise BundleError(f"the model {path} is damaged: {error}") from error
        sizes = bundle.size_distribution
        if sizes.shape != (bundle.generator.max_atoms + 1,) or not np.isclose(sizes.sum(), 1):
            raise BundleError(f"the model {path} is damaged: its size distribution does not fit")
        return bundle


def _load_network(config: dict[str, Any], tensors: dict[str, Tensor], prefix: str) -> nn.Module:
    network = rebuild(config)
    weights = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
    network.load_state_dict(weights)  # into float32, whatever the file holds
    return network.eval()


def _load_guide(
    document: dict[str, Any], tensors: dict[str, Tensor], device: torch.device
) -> Guide | None:
    if "guide" not in document:
        return None
    network = _load_network(document["networks"]["reward"], tensors, "reward.")
    guide = Guide(cast(RewardNetwork, network.to(device)))
    guide.load_document(document["guide"])
    return guide


def _load_conditions(document: dict[str, Any], tensors: dict[str, Tensor]) -> Conditions | None:
    if "conditions" not in document:
        return None
    return Conditions.from_document(document["conditions"], tensors[_CONDITIONS])
