"""Fréchet ChemNet distance (Preuer et al. 2018) with the ChemNet weights of the `fcd` package.

ChemNet costs about 1 ms per distinct SMILES on one CPU core, whatever their length. Mean and
covariance of a reference set are therefore computed once and cached under the hash of its SMILES.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from molgan.data.storage import read_arrays, write_arrays
from molgan.errors import DataError, MolganError

_FORMAT = 2  # of the cached statistics; raise it when their meaning changes
_ARRAYS = {"mean", "covariance", "n"}
_UNITS = 512  # of the layer whose state is the activation
_CHUNK = 8_192  # molecules whose activations are in float64 at a time


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

    @cached_property
    def root(self) -> npt.NDArray[np.float64]:
        """(512, 512) symmetric square root of the covariance; kept, as it costs the most."""
        values, vectors = np.linalg.eigh(self.covariance)
        # What is below rounding error is 0: of fewer than 513 molecules most directions, and the
        # root would make 1e-8 of 1e-16.
        floor = max(values[-1], 0.0) * len(values) * np.finfo(np.float64).eps
        scales = np.sqrt(np.where(values > floor, values, 0.0))
        root: npt.NDArray[np.float64] = (vectors * scales) @ vectors.T
        return root


def fcd(
    smiles: Sequence[str],
    reference: Sequence[str] | FCDStatistics,
    *,
    cache_dir: str | Path | None = None,
    batch_size: int | None = None,
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
    _package()
    if not isinstance(reference, FCDStatistics):
        reference = fcd_statistics(
            reference, cache_dir=cache_dir, batch_size=batch_size, device=device, progress=progress
        )
    own = fcd_statistics(smiles, batch_size=batch_size, device=device, progress=progress)
    return frechet_distance(own, reference)


def frechet_distance(one: FCDStatistics, other: FCDStatistics) -> float:
    """Return |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), never below 0.

    Dowson and Landau (1982); Heusel et al. (2017), equation 6; Preuer et al. (2018). The trace of
    the root is the sum of the singular values of C1^(1/2) C2^(1/2), which exists and is accurate
    for covariances of any rank, unlike the root of the product itself.
    """
    gap = np.asarray(one.mean, np.float64) - other.mean
    shared = np.linalg.svd(one.root @ other.root, compute_uv=False).sum()
    return max(
        0.0, float(gap @ gap + np.trace(one.covariance) + np.trace(other.covariance) - 2 * shared)
    )


def fcd_statistics(
    smiles: Sequence[str],
    *,
    cache_dir: str | Path | None = None,
    batch_size: int | None = None,
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
    _require_two(len(smiles))
    path = None if cache_dir is None else Path(cache_dir) / f"fcd-{_content_hash(smiles)}.npz"
    if path is not None and (known := read_arrays(path)) is not None and _ARRAYS <= known.keys():
        return FCDStatistics(known["mean"], known["covariance"], int(known["n"]))
    statistics = statistics_of(
        chemnet_activations(smiles, batch_size=batch_size, device=device, progress=progress)
    )
    if path is not None:
        arrays = {"mean": statistics.mean, "covariance": statistics.covariance}
        write_arrays(path, {**arrays, "n": np.array(statistics.n)})
    return statistics


def statistics_of(
    activations: npt.NDArray[np.float32], rows: npt.NDArray[np.intp] | None = None
) -> FCDStatistics:
    """Return mean and covariance of activations, summed in float64.

    Args:
        activations: (M, 512) from `chemnet_activations`.
        rows: Rows to take, repeats allowed, as in a bootstrap; None takes all.

    Raises:
        DataError: If there are fewer than 2 rows.
    """
    # How often each row counts: then a repeated molecule costs nothing.
    size = len(activations)
    counts = np.ones(size) if rows is None else np.bincount(rows, minlength=size).astype(float)
    n = int(counts.sum())
    _require_two(n)
    mean = np.zeros(activations.shape[1])
    for start in range(0, size, _CHUNK):
        mean += counts[start : start + _CHUNK] @ activations[start : start + _CHUNK]
    mean /= n
    scatter = np.zeros((len(mean), len(mean)))
    for start in range(0, size, _CHUNK):
        weights = counts[start : start + _CHUNK]
        used = weights > 0
        chunk = activations[start : start + _CHUNK][used] - mean
        chunk *= np.sqrt(weights[used])[:, None]
        scatter += chunk.T @ chunk
    return FCDStatistics(mean, scatter / (n - 1), n)


def chemnet_activations(
    smiles: Sequence[str],
    *,
    batch_size: int | None = None,
    device: str | None = None,
    progress: bool = False,
) -> npt.NDArray[np.float32]:
    """Return the (M, 512) ChemNet activations of M SMILES, those of `fcd.get_predictions`.

    Equal strings go through the network once. As in the package, a SMILES of more than 351
    characters makes it pad all of the set further, which changes all of its activations; a
    `UserWarning` says so.

    Args:
        smiles: SMILES, canonical or not; the text counts, not the molecule.
        batch_size: SMILES per batch; changes nothing beyond rounding. None: what suits the device.
        device: Such as `cpu` or `cuda`; None takes the GPU if there is one.
        progress: Whether to show a progress bar.

    Raises:
        MolganError: If the `fcd` package is missing.
    """
    model = _package().load_ref_model()
    from molgan.metrics.chemnet_network import activation_batches
    from molgan.progress import tqdm

    places: dict[str, int] = {}
    inverse = np.array([places.setdefault(text, len(places)) for text in smiles], dtype=np.intp)
    distinct = np.empty((len(places), _UNITS), dtype=np.float32)
    with tqdm(total=len(places), desc="ChemNet", unit="mol", disable=not progress) as bar:
        for rows, values in activation_batches(model, list(places), batch_size, device):
            distinct[rows] = values
            bar.update(len(rows))
    return distinct if len(places) == len(smiles) else distinct[inverse]


def _require_two(n: int) -> None:
    if n < 2:
        raise DataError(f"FCD needs at least 2 molecules in each set, and one has {n}")


def _package() -> Any:
    try:
        import fcd as package
    except ImportError as error:
        raise MolganError(
            'FCD needs the fcd package; install it with: pip install "molgan[metrics]"'
        ) from error
    return package


def _content_hash(smiles: Sequence[str]) -> str:
    """Hash of the set; the order does not matter, repeats do."""
    digest = hashlib.blake2b(f"molgan-fcd-{_FORMAT}\n".encode(), digest_size=16)
    for text in sorted(smiles):
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()
