"""Resume state on disk: written in one piece or not at all, read without running code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from molgan.errors import BundleError, TrainingError

FORMAT = 1


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors and plain values) whole or not at all.

    Raises:
        TrainingError: when the disk refuses; the previous checkpoint is untouched.
    """
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            torch.save({"format": FORMAT, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, RuntimeError) and not _is_write_failure(error):
            raise
        reason = getattr(error, "strerror", None) or "the disk takes no more"
        raise TrainingError(
            f"cannot write the checkpoint {path}: {reason}. Make room and run the same command "
            f"again with run_dir={path.parent}: it goes on from the last checkpoint there is"
        ) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `write_checkpoint` wrote.

    Raises:
        BundleError: for a file that is truncated, foreign or of another format.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise BundleError(f"there is no checkpoint {path}") from error
    except Exception as error:
        raise BundleError(
            f"cannot read the checkpoint {path}: it is truncated or not one of molgan's "
            f"({type(error).__name__}). Delete it to start again, or resume from another run"
        ) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format") if isinstance(state, dict) else None
        raise BundleError(
            f"the checkpoint {path} has format {found}, this molgan reads format {FORMAT}: "
            "resume it "
            "with the version that wrote it"
        )
    return state


def _is_write_failure(error: RuntimeError) -> bool:
    """Whether torch's zip writer reports a short write (a full disk) in its own words."""
    text = str(error)
    return "PytorchStreamWriter" in text or "unexpected pos" in text or "write" in text.lower()
