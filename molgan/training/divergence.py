"""Training that has come apart is stopped before it overwrites what was good."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from molgan.errors import TrainingError
from molgan.training.context import Networks

_ADVICE = (
    "The last good checkpoint is kept; a smaller learning rate or a stronger penalty "
    "(loss.penalty_weight) usually helps"
)


def check_figures(means: Mapping[str, float], phase: str, seen: int) -> None:
    """Refuse losses and gradients that are no numbers.

    Args:
        means: by name.
        phase: the running one.
        seen: molecules, in all.

    Raises:
        TrainingError: naming those that are not finite.
    """
    broken = [key for key, value in means.items() if not math.isfinite(value)]
    if broken:
        raise TrainingError(
            f"training diverged in phase {phase} after {seen:,} molecules: {', '.join(broken)} is "
            f"not a finite number any more. {_ADVICE}"
        )


def check_weights(networks: Networks, phase: str, seen: int) -> None:
    """Refuse weights that are no numbers; other arguments as of `check_figures`.

    Raises:
        TrainingError: naming the network.
    """
    for key, network in networks.items():
        if not all(bool(torch.isfinite(p).all()) for p in network.parameters()):
            raise TrainingError(
                f"training diverged in phase {phase} after {seen:,} molecules: the {key} has "
                f"weights that are not finite. {_ADVICE}"
            )
