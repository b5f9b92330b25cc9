"""GuacaMol's distribution-learning scores (Brown et al., J. Chem. Inf. Model. 59, 1096, 2019).

Definitions follow BenevolentAI/guacamol: distribution_learning_benchmark.py, frechet_benchmark.py,
utils/chemistry.py and utils/data.py. What it compares:

* reference: 10,000 training molecules drawn with seed 42 (`reference_rows`), repeats removed
* KL score: *distinct* valid molecules of the sample, 10,000 asked for; stereo dropped
* FCD score: 10,000 *valid* molecules of the sample, repeats included
* uniqueness: distinct among 10,000 valid ones; novelty: 10,000 distinct ones, share not in the
  training set. Where a model does not yield as many, GuacaMol still divides by 10,000

In every divergence D(P || Q), P is the reference and Q the sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem, DataStructs
from rdkit.Chem import GraphDescriptors, rdFingerprintGenerator, rdMolDescriptors

from molgan.chem import logp, molecular_weight, num_rotatable_bonds, tpsa
from molgan.errors import DataError
from molgan.metrics.density import gaussian_kde

DESCRIPTORS = (
    "BertzCT",
    "MolLogP",
    "MolWt",
    "TPSA",
    "NumHAcceptors",
    "NumHDonors",
    "NumRotatableBonds",
    "NumAliphaticRings",
    "NumAromaticRings",
)
"""The nine columns of `descriptors`, by the names that RDKit and GuacaMol give them."""

KL_ENTRIES = (*DESCRIPTORS, "internal_similarity")
"""The ten columns of `kl_features` and entries of the KL score."""

_CONTINUOUS = {"BertzCT", "MolLogP", "MolWt", "TPSA", "internal_similarity"}
_GRID = 1000  # points at which two density estimates are compared
_BINS = 10
_EPSILON = 1e-10  # added to every density, so that no logarithm is infinite
_BITS = 4096
_DENSE = 128  # most frequent fingerprint bits, multiplied as a dense matrix
_CHUNK = 500  # fingerprints unpacked at once
_PAIRS = 5_000_000  # similarities held at once

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class KLScore:
    """GuacaMol's KL divergence score.

    Attributes:
        score: Mean of exp(-divergence) over the ten entries, 0 to 1 (alike); nan where an entry is
            nan, since a mean over fewer entries is another score.
        divergences: Entry of `KL_ENTRIES` -> divergence in nats, 0 (alike) and up.
        reasons: Entry -> why its divergence is nan; empty where all is well.
    """

    score: float
    divergences: dict[str, float]
    reasons: dict[str, str]


def descriptors(mol: Chem.Mol) -> tuple[float, ...]:
    """Return the nine values of `DESCRIPTORS` for one sanitised molecule.

    A value that is not finite becomes 0, as in GuacaMol. BertzCT takes most of the time, about
    0.3 ms for a molecule of QM9 and 1 ms for one of ZINC.
    """
    values = (
        GraphDescriptors.BertzCT(mol),
        logp(mol),
        molecular_weight(mol),
        tpsa(mol),
        rdMolDescriptors.CalcNumHBA(mol),
        rdMolDescriptors.CalcNumHBD(mol),
        num_rotatable_bonds(mol),
        rdMolDescriptors.CalcNumAliphaticRings(mol),
        rdMolDescriptors.CalcNumAromaticRings(mol),
    )
    # BertzCT leaves its distance matrix on the molecule, 10 kB each, for nobody.
    mol.__dict__.pop("_balabanMat", None)
    return tuple(float(value) if math.isfinite(value) else 0.0 for value in values)


def fingerprint(mol: Chem.Mol) -> npt.NDArray[np.uint8]:
    """Return GuacaMol's fingerprint, Morgan of radius 2 and 4,096 bits, as (512,) packed bytes."""
    return np.frombuffer(
        DataStructs.BitVectToBinaryText(_generator().GetFingerprint(mol)), dtype=np.uint8
    )


def internal_similarity(fingerprints: npt.NDArray[np.uint8]) -> Array:
    """Return for each molecule the Tanimoto similarity to its nearest other one in the same set.

    10,000 molecules take about 2 s and 200 MB; time grows with the square. The most frequent bits
    are multiplied as a dense matrix and the many rare ones as a sparse one, several times faster
    than either way for all.

    Args:
        fingerprints: (n, 512) uint8 packed fingerprints of n distinct molecules.

    Returns:
        (n,) similarities, 0 to 1; 0 for a molecule that is alone, as in GuacaMol.
    """
    from scipy import sparse

    n = len(fingerprints)
    nearest = np.zeros(n)
    if n < 2:
        return nearest
    frequency = sum(bits.sum(axis=0, dtype=np.int64) for bits in _unpacked(fingerprints))
    order = np.argsort(-np.asarray(frequency), kind="stable")
    frequent, rare_bits = order[:_DENSE], order[_DENSE:]
    # Counts up to 4,096 are exact in float32.
    dense = np.concatenate([b[:, frequent] for b in _unpacked(fingerprints)]).astype(np.float32)
    rare: Any = sparse.vstack(
        [sparse.csr_matrix(b[:, rare_bits], dtype=np.float32) for b in _unpacked(fingerprints)],
        format="csr",
    )
    sizes = np.bitwise_count(fingerprints).sum(axis=1, dtype=np.int64)
    step = max(1, _PAIRS // n)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        # The matrix is symmetric: what lies left of the diagonal was met before.
        common = (rare[rows] @ rare[start:].T).toarray()
        common += dense[rows] @ dense[start:].T
        union = sizes[rows, None] + sizes[None, start:] - common
        similarity = np.divide(common, union, out=np.zeros(union.shape), where=union > 0)
        np.fill_diagonal(similarity, 0.0)
        nearest[rows] = np.maximum(nearest[rows], similarity.max(axis=1))
        nearest[start:] = np.maximum(nearest[start:], similarity.max(axis=0))
    return nearest


def kl_features(descriptor_rows: npt.ArrayLike, fingerprints: npt.NDArray[np.uint8]) -> Array:
    """Return the (n, 10) array that `kl_score` takes; its rows can be cached and resampled.

    Args:
        descriptor_rows: (n, 9), rows from `descriptors`.
        fingerprints: (n, 512) uint8, rows from `fingerprint`, of the same distinct molecules.
    """
    values = np.asarray(descriptor_rows, dtype=np.float64).reshape(-1, len(DESCRIPTORS))
    return np.column_stack([values, internal_similarity(fingerprints)])


def kl_score(reference: Array, sample: Array) -> KLScore:
    """Return GuacaMol's KL divergence score of a sample.

    Args:
        reference: (n, 10) from `kl_features` of the reference molecules.
        sample: (m, 10) from `kl_features` of the distinct valid molecules of the sample.
    """
    divergences: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for column, name in enumerate(KL_ENTRIES):
        pair = reference[:, column], sample[:, column]
        continuous = name in _CONTINUOUS
        divergences[name] = kl_continuous(*pair) if continuous else kl_discrete(*pair)
        if math.isnan(divergences[name]):
            reasons[name] = _why_undefined(*pair, continuous=continuous)
    score = float(np.mean([math.exp(-value) for value in divergences.values()]))
    return KLScore(score, divergences, reasons)


def kl_continuous(reference: Array, sample: Array) -> float:
    """Return D(reference || sample) of two Gaussian kernel density estimates, in nats.

    Both are evaluated at 1,000 points from the smallest to the largest value of the two together,
    raised by 1e-10 and normalised to sum 1. nan where a set has fewer than two different values:
    there is no density then.

    Args:
        reference: (n,) values, P.
        sample: (m,) values, Q.
    """
    if not (_varies(reference) and _varies(sample)):
        return math.nan
    low = min(reference.min(), sample.min())
    high = max(reference.max(), sample.max())
    grid = np.linspace(low, high, _GRID)
    return _relative_entropy(
        gaussian_kde(reference, grid) + _EPSILON, gaussian_kde(sample, grid) + _EPSILON
    )


def kl_discrete(reference: Array, sample: Array) -> float:
    """Return D(reference || sample) of two histograms, in nats.

    Ten bins of equal width over the range of the reference; densities are raised by 1e-10. Values
    of the sample outside that range are left out, as in GuacaMol: the entry does not see them. nan
    where all of them lie outside, or a set is empty.

    Args:
        reference: (n,) values, P.
        sample: (m,) values, Q.
    """
    if not (_finite(reference) and _finite(sample)):
        return math.nan
    p, edges = np.histogram(reference, bins=_BINS)
    q, _ = np.histogram(sample, bins=edges)
    if not q.any():
        return math.nan
    width = np.diff(edges)
    return _relative_entropy(p / (p.sum() * width) + _EPSILON, q / (q.sum() * width) + _EPSILON)


def fcd_score(fcd: float) -> float:
    """Return GuacaMol's FCD score exp(-0.2 FCD), 0 to 1 (alike)."""
    return math.exp(-0.2 * fcd)


def reference_rows(n: int, size: int = 10_000, seed: int = 42) -> npt.NDArray[np.int64]:
    """Return which of n training molecules GuacaMol takes as reference, in its order.

    Args:
        n: Number of training molecules.
        size: Number to draw without replacement; 10,000 in GuacaMol.
        seed: 42 in GuacaMol, of numpy's old generator; the same molecules only for the same file.

    Raises:
        DataError: If there are fewer than `size` molecules; GuacaMol refuses as well.
    """
    if n < size:
        raise DataError(
            f"the GuacaMol reference needs {size:,} training molecules and there are {n:,}; "
            f"ask for a reference of {n:,} or fewer"
        )
    return np.random.RandomState(seed).choice(n, size, replace=False)


def _relative_entropy(p: Array, q: Array) -> float:
    p, q = p / p.sum(), q / q.sum()
    # Rounding can leave -1e-17 for two densities that are the same.
    return max(0.0, float(np.sum(p * np.log(p / q))))


def _finite(values: Array) -> bool:
    return len(values) > 0 and bool(np.isfinite(values).all())


def _varies(values: Array) -> bool:
    """Whether the values differ by more than rounding."""
    return _finite(values) and bool(np.ptp(values) > 1e-10 * np.abs(values).max())


def _why_undefined(reference: Array, sample: Array, *, continuous: bool) -> str:
    for name, values in (("reference", reference), ("sample", sample)):
        if len(values) < (needed := 2 if continuous else 1):
            return f"the {name} has {len(values)} distinct molecules and {needed} are needed"
        if not _finite(values):
            return f"the {name} has values that are not finite"
        if continuous and not _varies(values):
            return f"all {len(values):,} values of the {name} are {values[0]:.6g}"
    return "no value of the sample lies within the range of the reference"


def _unpacked(fingerprints: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the fingerprints as 0 and 1, a few rows at a time."""
    for start in range(0, len(fingerprints), _CHUNK):
        yield np.unpackbits(fingerprints[start : start + _CHUNK], axis=1, count=_BITS)


@cache
def _generator() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=_BITS)
