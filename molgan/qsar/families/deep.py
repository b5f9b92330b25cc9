"""DeepChem's torch models as members of an ensemble: bootstrap, early stop, no noise, one seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from molgan.errors import ConfigError, TrainingError
from molgan.qsar.families.base import Array, Family, Surroundings


@dataclass(frozen=True)
class Training(Family):
    """How the members of an ensemble are trained.

    Args:
        members: Models, each on its own bootstrap sample (Breiman, Mach. Learn. 24, 123, 1996).
        epochs: Passes over the sample at most.
        patience: Passes without a better result on the validation molecules before the end.
        batch_size: Molecules of a step.
        learning_rate: Of Adam.

    Raises:
        ConfigError: If a number is out of range.
    """

    members: int = 5
    epochs: int = 40
    patience: int = 8
    batch_size: int = 128
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        """Check the settings."""
        for key in ("members", "epochs", "patience", "batch_size"):
            if getattr(self, key) < 1:
                raise ConfigError(f"family.{key}={getattr(self, key)}: 1 or more is wanted")
        if not 0 < self.learning_rate < 1:
            raise ConfigError(
                f"family.learning_rate={self.learning_rate}: a number between 0 and 1 is wanted"
            )


@dataclass(frozen=True)
class Scaling:
    """Values around 0 with spread 1, as networks learn best: DeepChem's NormalizationTransformer.

    Args:
        center: Mean of the training values; 0 for classes.
        scale: Their standard deviation; 1 for classes.
    """

    center: float = 0.0
    scale: float = 1.0

    @classmethod
    def of(cls, values: Array, classify: bool) -> Scaling:
        """The scaling of training values."""
        if classify:
            return cls()
        return cls(float(values.mean()), float(values.std()) or 1.0)

    def there(self, values: Array) -> Array:
        """Values as the network sees them."""
        return (values - self.center) / self.scale

    def back(self, values: npt.NDArray[Any]) -> Array:
        """Values as the user sees them."""
        return values.astype(np.float64) * self.scale + self.center


def train_members(
    build: Callable[[dict[str, Any]], Any],
    inputs: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    values: tuple[Array, Array],
    training: Training,
    around: Surroundings,
    what: str,
) -> list[dict[str, Any]]:
    """Train the members one after the other.

    Args:
        build: Makes an untrained DeepChem TorchModel of the keyword arguments it gets.
        inputs: Features of the training and of the validation molecules, one row each.
        values: Their scaled values.
        training: Settings.
        around: Task, seed, device, progress.
        what: The setting that asks for it, for messages and the progress bar.

    Returns:
        The weights of each member, name -> tensor, on the CPU.

    Raises:
        DataError: If DeepChem is missing.
        TrainingError: If a loss is not finite.
    """
    from molgan.data.molnet import import_deepchem, quiet_logging
    from molgan.devices import usable_device
    from molgan.progress import tqdm

    deepchem = import_deepchem(what)
    rng = np.random.default_rng(around.seed)
    states = []
    total = training.members * training.epochs
    with tqdm(
        total=total, desc=what, unit="epoch", disable=not around.progress, leave=False
    ) as bar:
        for member in range(training.members):
            rows = rng.integers(0, len(values[0]), len(values[0]))
            with quiet_logging(), _seeded(int(rng.integers(2**31))):
                dataset = deepchem.data.NumpyDataset(inputs[0][rows], values[0][rows, None])
                model = build(
                    {
                        "batch_size": min(training.batch_size, len(rows)),
                        "learning_rate": training.learning_rate,
                        "device": usable_device(around.device),
                    }
                )
                # DeepChem has no dataset without rows.
                watch = deepchem.data.NumpyDataset(inputs[1]) if len(values[1]) else None
                judge = partial(_loss, watch, values[1], around.classify)
                states.append(_train(model, dataset, judge, training, bar.update))
            bar.update((member + 1) * training.epochs - bar.n)
    return states


def _train(
    model: Any,
    dataset: Any,
    judge: Callable[[Any], float | None],
    training: Training,
    tick: Callable[[int], object],
) -> dict[str, Any]:
    """Train one model until `judge` finds it no better; the best weights, or the last."""
    best, best_loss, since = None, np.inf, 0
    for _ in range(training.epochs):
        trained = float(model.fit(dataset, nb_epoch=1, checkpoint_interval=0))
        judged = judge(model)
        loss = trained if judged is None else judged
        tick(1)
        if not np.isfinite(loss):
            raise TrainingError(
                "the loss of the network is not a finite number; a smaller family.learning_rate "
                "may help"
            )
        since += 1
        if loss < best_loss or judged is None:
            best_loss, since = loss, 0
            weights = model.model.state_dict()
            best = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
        elif since >= training.patience:
            break
    assert best is not None
    return best


def _loss(dataset: Any, values: Array, classify: bool, model: Any) -> float | None:
    """Mean squared error, or cross-entropy of class 1; None without molecules to judge by."""
    if dataset is None:
        return None
    # One number a molecule: the value, or of two probabilities that of class 1.
    predicted = model.predict(dataset).reshape(len(values), -1)[:, -1].astype(np.float64)
    if not classify:
        return float(((predicted - values) ** 2).mean())
    chance = np.where(values > 0.5, predicted, 1 - predicted)
    return float(-np.log(np.clip(chance, 1e-7, 1)).mean())


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """DeepChem draws from the global generators of torch and numpy; put both back afterwards."""
    import torch

    before = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002
