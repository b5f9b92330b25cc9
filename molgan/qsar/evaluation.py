"""A model on molecules that it has not seen, beside what needs no model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from molgan.qsar.figures import figures_of, standard_errors
from molgan.qsar.model import QSARModel
from molgan.qsar.preparing import Prepared

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HeldOut:
    """Predictions of the validation or the test molecules.

    Attributes:
        places: (n,) of the molecules among those prepared.
        measured, mean, std, similarity: (n,) numbers.
        in_domain: (n,) whether near enough to the training molecules.
        neighbour: (n,) value of the most similar training molecule.
    """

    places: npt.NDArray[np.int64]
    measured: Array
    mean: Array
    std: Array
    similarity: Array
    in_domain: npt.NDArray[np.bool_]
    neighbour: Array


def hold_out(
    model: QSARModel, prepared: Prepared, places: npt.NDArray[np.int64], training: Array
) -> HeldOut:
    """Predict the molecules at `places`.

    Args:
        model: What predicts.
        prepared: All molecules.
        places: (n,) of those that were held out.
        training: Values of the training molecules, in their order.
    """
    mols = [prepared.mols[place] for place in places]
    mean, std, similarity = model.predict_mols(mols)
    _, nearest = model.domain.nearest(mols)
    return HeldOut(
        places,
        prepared.values[places],
        mean,
        std,
        similarity,
        model.domain.holds(similarity),
        training[nearest],
    )


def all_figures(
    held_out: Mapping[str, HeldOut], task: str, training: Array, seed: int
) -> dict[str, dict[str, Any]]:
    """Figures of the model, of what needs no model, inside and outside the domain.

    Args:
        held_out: "valid" and "test", where they have molecules.
        task: "regression" or "classification".
        training: Values of the training molecules.
        seed: Of the standard errors' bootstrap.

    Returns:
        "valid", "test" (with n), "valid_errors", "test_errors", "baseline" (a constant),
        "neighbour" (the nearest training molecule's value), "inside", "outside", and for
        regression "calibration"; None for what is not defined.
    """
    compute = figures_of(task)
    figures: dict[str, dict[str, Any]] = {}
    for name, part in held_out.items():
        figures[name] = {"n": len(part.measured), **compute(part.measured, part.mean)}
        figures[f"{name}_errors"] = standard_errors(task, part.measured, part.mean, seed)
    if "test" in held_out:
        figures |= _test_figures(held_out["test"], task, training)
    return {name: as_plain(values) for name, values in figures.items()}


def _test_figures(part: HeldOut, task: str, training: Array) -> dict[str, dict[str, Any]]:
    compute = figures_of(task)
    figures: dict[str, dict[str, Any]] = {}
    constant = np.full(len(part.measured), training.mean())
    figures["baseline"] = compute(part.measured, constant)
    figures["neighbour"] = compute(part.measured, part.neighbour)
    for name, chosen in {"inside": part.in_domain, "outside": ~part.in_domain}.items():
        figures[name] = {"n": int(chosen.sum())}
        if chosen.any():
            figures[name] |= compute(part.measured[chosen], part.mean[chosen])
    if task == "regression":
        scores = (part.mean - part.measured) / np.maximum(part.std, 1e-300)
        figures["calibration"] = {
            "rms_z": float(np.sqrt((scores**2).mean())),
            "within_1": float((np.abs(scores) <= 1).mean()),
            "within_2": float((np.abs(scores) <= 2).mean()),
        }
    return figures


def as_plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without NaN, which JSON does not know, and with lists for tuples."""
    return {
        name: None
        if isinstance(value, float) and not math.isfinite(value)
        else list(value)
        if isinstance(value, tuple)
        else value
        for name, value in values.items()
    }
