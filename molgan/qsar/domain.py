"""Applicability domain: whether a molecule is near enough to those that a model was fitted on.

The distance is the Tanimoto similarity to the nearest training molecule (Sheridan et al., J. Chem.
Inf. Comput. Sci. 44, 1912, 2004): errors grow as it falls. The threshold comes from the training
set itself, from how similar its molecules are to the nearest other one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.errors import ConfigError
from molgan.metrics.similarity import Bits, Unpacked, morgan_bits, nearest

_SAMPLE = 4000
"""Training molecules of which the nearest other one is sought."""


class Domain:
    """Neighbourhood of the training molecules.

    Args:
        bits: (R, 128) packed Morgan fingerprints of the training molecules.
        threshold: Tanimoto similarity from which a molecule is inside, 0 to 1.
        quantile: Of the training molecules' own similarities, from which the threshold came.
    """

    def __init__(self, bits: Bits, threshold: float, quantile: float) -> None:
        self.bits = bits
        self.threshold = threshold
        self.quantile = quantile
        self._unpacked = Unpacked(bits)

    @classmethod
    def of(cls, mols: Sequence[Chem.Mol], quantile: float = 0.05, seed: int = 0) -> Domain:
        """The domain of training molecules.

        Args:
            mols: At least two.
            quantile: Share of the training molecules that would themselves be outside.
            seed: Of the sample of a large training set.

        Raises:
            ConfigError: If the quantile is no share.
        """
        if not 0 <= quantile < 1:
            raise ConfigError(f"domain_quantile={quantile}: a share from 0 to below 1 is wanted")
        bits = morgan_bits(mols)
        # Those of the sample first, so that each can leave itself out by its place.
        order = np.random.default_rng(seed).permutation(len(bits))
        shuffled = bits[order]
        own, _ = nearest(shuffled[:_SAMPLE], shuffled, exclude_self=True)
        return cls(bits, float(np.quantile(own, quantile)), quantile)

    def nearest(
        self, mols: Sequence[Chem.Mol]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """(n,) Tanimoto similarity to the nearest training molecule, 0 to 1, and its place."""
        return nearest(morgan_bits(mols), self._unpacked)

    def holds(self, similarity: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """(n,) whether molecules of that similarity are inside; NaN is outside."""
        return np.asarray(similarity >= self.threshold)
