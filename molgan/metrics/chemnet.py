"""Fréchet ChemNet distance (Preuer et al. 2018) through the `fcd` package.

ChemNet costs about 10 s per 1,000 SMILES on one CPU core, whatever their length. Mean and
covariance of a reference set are therefore computed once and cached under the hash of its SMILES.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from molgan.errors import DataError, MolganError

_FORMAT = 1  # of the cached statistics; raise it when their meaning changes
_CHUNK = 1_000  # about as many SMILES between two steps of the progress bar


@dataclass(frozen=True)
class FCDStatistics:
    """What the distance needs to know of a set of molecules.

    Attributes:
        mean: (512,) mean ChemNet activation.
        covariance: (512, 512) covariance of the activations.
        n: Number of molecules.
    """

    mean: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]
    n: int


def fcd(
    smiles: Sequence[str],
    reference: Sequence[str] | FCDStatistics,
    *,
    cache_dir: str | Path | None = None,
    batch_size: int = 128,
    device: str | None = None,
    progress: bool = False,
) -> float:
    """Return the Fréchet ChemNet distance between two sets of molecules, 0 (alike) and up.

    It falls with the number of molecules; compare figures of equal size only.

    Args:
        smiles: Valid molecules as canonical SMILES, repeats included; at least 2.
        reference: Reference molecules, or their statistics from `fcd_statistics`.
        cache_dir: Folder in which the statistics of the reference are kept; None keeps nothing.
        batch_size: SMILES per ChemNet batch; changes nothing beyond rounding.
        device: For ChemNet, such as `cpu` or `cuda`; None takes the GPU if there is one.
        progress: Whether to show a progress bar.

    Raises:
        MolganError: If the `fcd` package is missing.
        DataError: If a set has fewer than 2 molecules.
    """
    package = _package()
    if not isinstance(reference, FCDStatistics):
        reference = fcd_statistics(
            reference, cache_dir=cache_dir, batch_size=batch_size, device=device, progress=progress
        )
    own = fcd_statistics(smiles, batch_size=batch_size, device=device, progress=progress)
    with warnings.catch_warnings():
        # fcd calls scipy's sqrtm with an argument that scipy has deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        distance = package.calculate_frechet_distance(
            mu1=own.mean, sigma1=own.covariance, mu2=reference.mean, sigma2=reference.covariance
        )
    return float(distance)


def fcd_statistics(
    smiles: Sequence[str],
    *,
    cache_dir: str | Path | None = None,
    batch_size: int = 128,
    device: str | None = None,
    progress: bool = False,
) -> FCDStatistics:
    """Return mean and covariance of the ChemNet activations of a set, cached if asked for.

    Args:
        smiles: At least 2 molecules as canonical SMILES.
        cache_dir: Folder for `fcd-<hash>.npz`; a file that cannot be read is computed again.
        batch_size: SMILES per ChemNet batch.
        device: For ChemNet; None takes the GPU if there is one.
        progress: Whether to show a progress bar.

    Raises:
        MolganError: If the `fcd` package is missing, or the cache cannot be written.
        DataError: If there are fewer than 2 molecules.
    """
    if len(smiles) < 2:
        raise DataError(f"FCD needs at least 2 molecules in each set, and one has {len(smiles)}")
    path = None if cache_dir is None else Path(cache_dir) / f"fcd-{_content_hash(smiles)}.npz"
    if path is not None and (known := _load(path)) is not None:
        return known
    activations = _activations(smiles, batch_size, device, progress)
    # float32 mean and covariance of the float32 activations, as the fcd package takes them.
    statistics = FCDStatistics(
        activations.mean(axis=0), np.cov(activations.T).astype(np.float64), len(smiles)
    )
    if path is not None:
        _save(path, statistics)
    return statistics


def _package() -> Any:
    try:
        import fcd as package
    except ImportError as error:
        raise MolganError(
            'FCD needs the fcd package; install it with: pip install "molgan[metrics]"'
        ) from error
    return package


def _activations(
    smiles: Sequence[str], batch_size: int, device: str | None, progress: bool
) -> npt.NDArray[np.float32]:
    """Return the (M, 512) ChemNet activations of M SMILES."""
    from tqdm.auto import tqdm

    package = _package()
    model = package.load_ref_model()
    parts = []
    with tqdm(total=len(smiles), desc="ChemNet", unit="mol", disable=not progress) as bar:
        step = max(1, _CHUNK // batch_size) * batch_size
        for start in range(0, len(smiles), step):
            chunk = list(smiles[start : start + step])
            with warnings.catch_warnings():
                # fcd stacks with an alias that numpy has deprecated.
                warnings.simplefilter("ignore", DeprecationWarning)
                parts.append(
                    package.get_predictions(
                        model, chunk, batch_size=batch_size, n_jobs=0, device=device
                    )
                )
            bar.update(len(chunk))
    return np.concatenate(parts)


def _content_hash(smiles: Sequence[str]) -> str:
    """Hash of the set; the order does not matter, repeats do."""
    digest = hashlib.blake2b(f"molgan-fcd-{_FORMAT}\n".encode(), digest_size=16)
    for text in sorted(smiles):
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()


def _load(path: Path) -> FCDStatistics | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return FCDStatistics(stored["mean"], stored["covariance"], int(stored["n"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _save(path: Path, statistics: FCDStatistics) -> None:
    """Write through a temporary file, so that a reader never meets half of it."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
            np.savez(file, mean=statistics.mean, covariance=statistics.covariance, n=statistics.n)
        os.replace(temporary, path)
    except OSError as error:
        raise MolganError(f"cannot write the FCD statistics to {path}: {error.strerror}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
