"""Names of devices, checked before anything is put there."""

from __future__ import annotations

import torch

from molgan.errors import ConfigError


def usable_device(name: torch.device | str) -> torch.device:
    """The device of that name.

    Args:
        name: as torch has it, such as ``cpu`` or ``cuda:1``; ``auto`` is a GPU where there is one.

    Raises:
        ConfigError: when there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if str(name).startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"device={name}, but torch sees no GPU: use device=cpu or device=auto")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device={name} cannot be used: {error}") from error
    return device
