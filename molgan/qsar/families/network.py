"""Ensemble of networks on fingerprints: DeepChem's MultitaskRegressor and MultitaskClassifier.

Trained by DeepChem and followed with numpy: a fingerprint is nearly empty, so its product with the
first layer is a sparse one, and a model in use needs neither torch nor DeepChem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.errors import BundleError, ConfigError
from molgan.qsar.families.base import Array, Arrays, Ensemble, Part, Surroundings
from molgan.qsar.families.deep import Scaling, Training, train_members
from molgan.qsar.features import Counts, Fingerprint

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Network(Training):
    """Settings of an ensemble of networks; see also `Training`.

    Args:
        layers: Units of each hidden layer.
        dropout: Share of the units left out in training, 0 to below 1.
        radius: Of the fingerprint, in bonds.
        size: Of the fingerprint.
        counts: Whether the fingerprint counts.
    """

    layers: Sequence[int] = (256, 128)
    dropout: float = 0.1
    radius: int = 2
    size: int = 1024
    counts: bool = True

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        object.__setattr__(self, "layers", tuple(self.layers))  # whatever kind of list it was
        if not self.layers or any(units < 1 for units in self.layers):
            raise ConfigError(f"family.layers={list(self.layers)}: numbers from 1 up are wanted")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"family.dropout={self.dropout}: a share below 1 is wanted")
        self.features()

    def features(self) -> Fingerprint:
        """The fingerprint."""
        return Fingerprint(self.radius, self.size, self.counts)

    def fit(self, train: Part, valid: Part, around: Surroundings) -> NetworkEnsemble:
        """Train the members.

        Raises:
            DataError: If DeepChem is missing.
            TrainingError: If a loss is not finite.
        """
        features = self.features()
        tables = [features.matrix(part.mols).astype(np.float32) for part in (train, valid)]
        scaling = Scaling.of(train.values, around.classify)
        # Units start with values near 1, whatever the number of bits that a molecule has.
        norm = float(np.sqrt((tables[0] ** 2).sum(axis=1).mean())) or 1.0
        fans = [float(units) for units in self.layers]
        deviations = [1 / norm, *[float(np.sqrt(2 / fan)) for fan in fans]]

        def build(common: dict[str, Any]) -> Any:
            from deepchem.models import MultitaskClassifier, MultitaskRegressor

            # The regressor has one deviation more, that of its output.
            kind = MultitaskClassifier if around.classify else MultitaskRegressor
            count = len(self.layers) + (not around.classify)
            return kind(
                n_tasks=1,
                n_features=self.size,
                layer_sizes=list(self.layers),
                weight_init_stddevs=deviations[:count],
                bias_init_consts=[0.0] * count,
                dropouts=self.dropout,
                **common,
            )

        values = scaling.there(train.values), scaling.there(valid.values)
        states = train_members(
            build, (tables[0], tables[1]), values, self, around, "family=network"
        )
        names = [*(f"layers.{i}" for i in range(len(self.layers))), "output_layer"]
        weights = [_stacked(states, f"{name}.weight") for name in names]
        biases = [_stacked(states, f"{name}.bias") for name in names]
        return NetworkEnsemble(features, weights, biases, scaling)


class NetworkEnsemble(Ensemble):
    """Networks of rectified linear units, all members in one pass.

    Args:
        features: The fingerprint.
        weights: For each layer (members, out, in) float32.
        biases: For each layer (members, out) float32.
        scaling: Of the output.
    """

    family: ClassVar[str] = "network"

    def __init__(
        self,
        features: Fingerprint,
        weights: Sequence[Floats],
        biases: Sequence[Floats],
        scaling: Scaling,
    ) -> None:
        self.features = features
        self.weights = list(weights)
        self.biases = list(biases)
        self.scaling = scaling
        first = self.weights[0]
        self._first = np.ascontiguousarray(first.reshape(-1, first.shape[2]).T)

    def members(self, mols: Sequence[Chem.Mol]) -> Array:
        """(members, n) predictions."""
        return self.forward(self.features.matrix(mols))

    def forward(self, table: Counts) -> Array:
        """(members, n) outputs for (n, size) fingerprints."""
        from scipy.sparse import csr_array

        count = len(table)
        members, units, _ = self.weights[0].shape
        # (n, members * units) -> (members, n, units)
        hidden = csr_array(table, dtype=np.float32) @ self._first
        hidden = hidden.reshape(count, members, units).transpose(1, 0, 2)
        hidden = hidden + self.biases[0][:, None]
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            hidden = np.maximum(hidden, 0) @ weight.transpose(0, 2, 1) + bias[:, None]
        if hidden.shape[2] == 2:
            # Softmax of two classes; the clip keeps exp from overflowing, float64 holds the rest.
            difference = np.clip(hidden[..., 0] - hidden[..., 1], -500, 500).astype(np.float64)
            return np.asarray(1 / (1 + np.exp(difference)))
        return self.scaling.back(hidden[..., 0])

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Plain settings and arrays."""
        settings = {"features": self.features.to_dict(), "scaling": asdict(self.scaling)}
        arrays: dict[str, npt.NDArray[Any]] = {}
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            arrays[f"{i}.weight"], arrays[f"{i}.bias"] = weight, bias
        return settings, arrays

    @classmethod
    def restore(cls, settings: dict[str, Any], arrays: Arrays) -> NetworkEnsemble:
        """The ensemble of a model file."""
        features = Fingerprint.from_dict(settings["features"])
        depth = len(arrays) // 2
        weights = [arrays[f"{i}.weight"] for i in range(depth)]
        biases = [arrays[f"{i}.bias"] for i in range(depth)]
        incoming = features.size
        for weight, bias in zip(weights, biases, strict=True):
            members = weights[0].shape[0]
            if weight.shape != (members, bias.shape[1], incoming) or len(bias) != members:
                raise BundleError("the sizes of its layers do not fit each other")
            incoming = weight.shape[1]
        if not depth or incoming not in (1, 2):
            raise BundleError("the sizes of its layers do not fit each other")
        return cls(features, weights, biases, Scaling(**settings["scaling"]))


def _stacked(states: Sequence[dict[str, Any]], name: str) -> Floats:
    """One tensor of all members, (members, ...)."""
    return np.stack([state[name].numpy() for state in states])
