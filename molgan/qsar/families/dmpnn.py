"""Ensemble of directed message passing networks on molecular graphs: DeepChem's DMPNNModel.

Yang et al., J. Chem. Inf. Model. 59, 3370 (2019). More accurate than fingerprints where there are
some thousand molecules, and slower by far: its graphs are built in Python.
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

_BATCH = 128  # molecules of a step in predicting
_FEATURES = {"kind": "dmpnn", "atoms": 133, "bonds": 14}
_WHAT = "family=dmpnn"


@dataclass(frozen=True)
class DMPNN(Training):
    """Settings of an ensemble of D-MPNNs; see also `Training`.

    Args:
        hidden: Units of the messages.
        depth: Steps of message passing.
        head_units: Units of the layers behind them.
        head_layers: Number of these, the output included.
        dropout: Share of the units left out in training, 0 to below 1.
    """

    members: int = 3
    epochs: int = 30
    batch_size: int = 64
    hidden: int = 200
    depth: int = 3
    head_units: int = 200
    head_layers: int = 2
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        for key in ("hidden", "depth", "head_units", "head_layers"):
            if getattr(self, key) < 1:
                raise ConfigError(f"family.{key}={getattr(self, key)}: 1 or more is wanted")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"family.dropout={self.dropout}: a share below 1 is wanted")

    def fit(self, train: Part, valid: Part, around: Surroundings) -> DMPNNEnsemble:
        """Train the members.

        Raises:
            DataError: If DeepChem is missing.
            TrainingError: If a loss is not finite.
        """
        graphs = _graphs(train.mols), _graphs(valid.mols)
        scaling = Scaling.of(train.values, around.classify)
        layout = {
            "mode": "classification" if around.classify else "regression",
            "n_classes": 2,
            "enc_hidden": self.hidden,
            "depth": self.depth,
            "enc_dropout_p": self.dropout,
            "ffn_hidden": self.head_units,
            "ffn_layers": self.head_layers,
            "ffn_dropout_p": self.dropout,
        }

        def build(common: dict[str, Any]) -> Any:
            from deepchem.models.torch_models import DMPNNModel

            return DMPNNModel(n_tasks=1, **layout, **common)

        values = scaling.there(train.values), scaling.there(valid.values)
        states = train_members(build, graphs, values, self, around, _WHAT)
        weights = [{name: t.numpy() for name, t in state.items()} for state in states]
        return DMPNNEnsemble(layout, weights, scaling)


class DMPNNEnsemble(Ensemble):
    """Fitted D-MPNNs; graphs are built once for all members.

    Args:
        layout: Arguments of DeepChem's DMPNNModel.
        weights: For each member name -> array.
        scaling: Of the output.

    Raises:
        DataError: If DeepChem is missing.
        RuntimeError: If the weights do not fit the layout.
    """

    family: ClassVar[str] = "dmpnn"

    def __init__(
        self,
        layout: dict[str, Any],
        weights: Sequence[dict[str, npt.NDArray[Any]]],
        scaling: Scaling,
    ) -> None:
        import torch

        from molgan.data.molnet import import_deepchem, quiet_logging

        import_deepchem(_WHAT)
        with quiet_logging():
            from deepchem.models.torch_models import DMPNNModel

            # Molecules that are only predicted run on the CPU, like the rest of a reward.
            device = torch.device("cpu")
            self._model = DMPNNModel(n_tasks=1, batch_size=_BATCH, device=device, **layout)
        self.layout = layout
        self.weights = list(weights)
        self.scaling = scaling

    def members(self, mols: Sequence[Chem.Mol]) -> Array:
        """(members, n) predictions."""
        import deepchem
        import torch
        from torch_geometric.data import Batch

        dataset = deepchem.data.NumpyDataset(_graphs(mols))
        batches = [
            Batch.from_data_list(graphs)
            for graphs, _, _ in self._model.default_generator(dataset, mode="predict")
        ]
        network = self._model.model.eval()
        rows = []
        for state in self.weights:
            network.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
            with torch.no_grad():
                outputs = [network(batch) for batch in batches]
            # A classifier gives probabilities and logits.
            outputs = [out[0] if isinstance(out, tuple) else out for out in outputs]
            rows.append(torch.cat(outputs)[:, -1].numpy())
        return self.scaling.back(np.stack(rows))

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Plain settings and arrays."""
        settings = {"features": _FEATURES, "layout": self.layout, "scaling": asdict(self.scaling)}
        arrays = {f"{i}.{k}": v for i, state in enumerate(self.weights) for k, v in state.items()}
        return settings, arrays

    @classmethod
    def restore(cls, settings: dict[str, Any], arrays: Arrays) -> DMPNNEnsemble:
        """The ensemble of a model file."""
        if settings["features"] != _FEATURES:
            raise BundleError(
                f"it was fitted on the features {settings['features'].get('kind')!r}, which this "
                "molgan does not know: use the version that wrote it, or fit again"
            )
        weights: dict[int, dict[str, npt.NDArray[Any]]] = {}
        for key, array in arrays.items():
            member, _, name = key.partition(".")
            weights.setdefault(int(member), {})[name] = array
        ensemble = cls(
            settings["layout"],
            [weights[i] for i in sorted(weights)],
            Scaling(**settings["scaling"]),
        )
        expected = {k: tuple(v.shape) for k, v in ensemble._model.model.state_dict().items()}
        for state in ensemble.weights:
            if {name: array.shape for name, array in state.items()} != expected:
                raise BundleError("its weights do not fit its network")
        return ensemble


def _graphs(mols: Sequence[Chem.Mol]) -> npt.NDArray[np.object_]:
    """(n,) DeepChem graphs of molecules.

    Raises:
        DataError: If DeepChem is missing.
    """
    from molgan.data.molnet import import_deepchem, quiet_logging

    deepchem = import_deepchem(_WHAT)
    graphs = np.empty(len(mols), dtype=object)
    with quiet_logging():
        # SMILES and not molecules: DeepChem numbers atoms anew either way, and copies these.
        smiles = [Chem.MolToSmiles(mol) for mol in mols]
        graphs[:] = list(deepchem.feat.DMPNNFeaturizer().featurize(smiles)) if smiles else []
    return graphs
