"""MOSES: how near a sample is to a reference set in fragments, scaffolds, neighbours, properties.

Definitions: Polykovskiy et al., "Molecular Sets (MOSES)", Front. Pharmacol. 11, 565644 (2020), and
the program that computed the published tables, molecularsets/moses, `moses/metrics/metrics.py` and
`utils.py` (version 0.3.1). Where the two differ, the program is followed:

* IntDiv2 is the mean over molecules of a root, not the root of a mean; see `internal_diversity`.
* Frag and Scaf compare counts over all valid molecules, repeats included; so do SNN, IntDiv,
  Filters and the property distances. Only novelty is a share of the distinct molecules.
* A molecule without BRICS bonds is one fragment: itself.
* unique@k looks at the first k valid molecules. For fewer than k the program warns and takes what
  is there; here the figure is left out.

One thing is not followed: the program looks generated SMILES up among the training strings as they
were written in 2018. RDKit writes some molecules differently now, which would pass for novelty;
here both sides are written by the same RDKit.

Fragment and scaffold SMILES are RDKit's canonical ones: stored counts are for the RDKit version
that made them. Whatever cannot be computed (one side empty, or no scaffold with two rings on one
side, where the program gives NaN too) is NaN; the caller leaves the figure out and says why.

Each figure comes in two steps: features of the molecules, once, then a cheap function of them
that can be called again for resampled rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgan.metrics.identity import HashedIdentities

Rows = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]

MIN_SCAFFOLD_RINGS = 2


def brics_fragments(mol: Chem.Mol) -> tuple[str, ...]:
    """Return the SMILES of the pieces left when all BRICS bonds are cut, repeats included.

    BRICS: Degen et al., ChemMedChem 3, 1503 (2008), as in RDKit; cut ends carry the numbers of
    their BRICS environments (`[3*]`).
    """
    smiles: str = Chem.MolToSmiles(Chem.FragmentOnBRICSBonds(mol))
    return tuple(smiles.split(".")) if smiles else ()


def ring_scaffold(mol: Chem.Mol) -> str:
    """Return the SMILES of the Bemis-Murcko scaffold if it has two rings or more, else ``""``.

    Bemis and Murcko, J. Med. Chem. 39, 2887 (1996), as in RDKit: atoms bound to the scaffold by a
    double bond are kept.
    """
    if mol.GetRingInfo().NumRings() < MIN_SCAFFOLD_RINGS:
        return ""  # a scaffold has the rings of its molecule; this saves finding it
    smiles: str = Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol))
    return smiles


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """How often each name (a fragment or scaffold SMILES) occurs in a set of molecules.

    Attributes:
        names: (K,) distinct strings, ascending.
        counts: (K,) int64, at least 1.
    """

    names: npt.NDArray[np.str_]
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, lists: Iterable[Iterable[str]]) -> Counts:
        """Count the names of all molecules; ``""`` is no name."""
        counter = Counter(name for names in lists for name in names if name)
        names = sorted(counter)
        return cls(
            np.array(names, dtype=np.str_), np.array([counter[x] for x in names], dtype=np.int64)
        )

    def __len__(self) -> int:
        return len(self.names)


def cosine_similarity(first: Counts, second: Counts) -> float:
    """Return the cosine between two count vectors, 0 (nothing shared) to 1; NaN if one is empty."""
    if not len(first) or not len(second):
        return float("nan")
    _, i, j = np.intersect1d(first.names, second.names, assume_unique=True, return_indices=True)
    a, b = first.counts.astype(np.float64), second.counts.astype(np.float64)
    return float(a[i] @ b[j] / (np.linalg.norm(a) * np.linalg.norm(b)))


class CountFeatures:
    """Names of each molecule of a sample beside the counts of a reference: Frag or Scaf.

    Args:
        lists: For each molecule its names, ``""`` being none: `brics_fragments`, or a tuple of one
            `ring_scaffold`.
        reference: Counts of the reference set.
    """

    def __init__(self, lists: Sequence[Sequence[str]], reference: Counts) -> None:
        column: dict[str, int] = {}
        molecules: list[int] = []
        columns: list[int] = []
        for row, names in enumerate(lists):
            for name in names:
                if name:
                    molecules.append(row)
                    columns.append(column.setdefault(name, len(column)))
        self._size = len(lists)
        self._molecules = np.array(molecules, dtype=np.int64)  # one entry for each occurrence
        self._columns = np.array(columns, dtype=np.int64)
        own = np.array(list(column), dtype=np.str_)
        _, i, j = np.intersect1d(own, reference.names, assume_unique=True, return_indices=True)
        self._reference = np.zeros(len(own))  # the reference's counts of the sample's names
        self._reference[i] = reference.counts[j]
        self._norm = float(np.linalg.norm(reference.counts.astype(np.float64)))

    def value(self, rows: Rows | None = None) -> float:
        """Return the cosine similarity to the reference, 0 to 1; NaN if one side has no names.

        Args:
            rows: Molecules of the sample to take, repeats allowed; all of them if None.
        """
        if rows is None:
            weights = None
        else:
            weights = np.bincount(rows, minlength=self._size).astype(np.float64)[self._molecules]
        counts = np.bincount(self._columns, weights, minlength=len(self._reference))
        norm = float(np.linalg.norm(counts.astype(np.float64))) * self._norm
        return float(counts @ self._reference) / norm if norm else float("nan")


def wasserstein(values: Floats, reference: Floats) -> float:
    """Return the 1-Wasserstein distance between two samples of a number, in its own unit.

    The area between the two cumulative distributions; the same as
    `scipy.stats.wasserstein_distance`, which MOSES calls for logP, SA, QED and molecular weight.

    Args:
        values: (n,) finite numbers.
        reference: (m,) finite numbers; sorting them beforehand makes repeated calls faster.

    Returns:
        0 or more; NaN if one side is empty.
    """
    if not len(values) or not len(reference):
        return float("nan")
    first = np.sort(np.asarray(values, dtype=np.float64))
    second = np.sort(np.asarray(reference, dtype=np.float64), kind="stable")
    both = np.sort(np.concatenate([first, second]), kind="stable")  # merges two sorted runs
    shares = np.searchsorted(first, both[:-1], side="right") / len(first)
    shares -= np.searchsorted(second, both[:-1], side="right") / len(second)
    return float(np.abs(shares) @ np.diff(both))


def internal_diversity(row_means: Floats, power: int = 1) -> float:
    """Return IntDiv_p, 0 (all alike) to 1, as the MOSES program computes it; NaN for no molecule.

    The paper's formula is 1 - (mean_ij T_ij^p)^(1/p) over all pairs. The program takes the root for
    each molecule first: 1 - mean_i (mean_j T_ij^p)^(1/p). For p = 1 it is the same; for p = 2 the
    program's figure, which the published tables hold, is never smaller.

    Both indices run over the same sample, so a bootstrap over rows of `row_means` shows half of
    the standard error of IntDiv1: double it (the row means are half of its influence function).

    Args:
        row_means: (M,) of `molgan.metrics.similarity.mean_similarities` with the same power.
        power: p, 1 or 2.
    """
    if not len(row_means):
        return float("nan")
    return 1.0 - float(np.mean(row_means ** (1.0 / power)))


def snn(nearest_similarities: Floats) -> float:
    """Return SNN: the mean similarity to the nearest reference molecule, 0 to 1; NaN for none.

    Args:
        nearest_similarities: (M,) of `molgan.metrics.similarity.nearest`.
    """
    return float(np.mean(nearest_similarities)) if len(nearest_similarities) else float("nan")


def unique_at(smiles: Sequence[str], k: int) -> float:
    """Return unique@k: the share of distinct ones among the first k valid molecules, 0 to 1.

    Args:
        smiles: Canonical SMILES of the valid molecules, in the order drawn.
        k: 1,000 or 10,000 in MOSES.

    Returns:
        The share; NaN where there are fewer than k.
    """
    return len(set(smiles[:k])) / k if len(smiles) >= k else float("nan")


def novelty(smiles: Sequence[str], training: HashedIdentities) -> float:
    """Return the share of the distinct valid molecules that are not in the training set.

    Args:
        smiles: Canonical SMILES of the valid molecules.
        training: Identities of the training molecules.

    Returns:
        0 to 1; NaN where there is no valid molecule.
    """
    distinct = list(dict.fromkeys(smiles))
    if not distinct:
        return float("nan")
    return 1.0 - float(np.mean(training.contains(distinct)))
