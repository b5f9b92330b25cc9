"""Has a model learnt its training molecules by heart?

Exact copies alone do not tell: a set as complete as QM9 makes copies unavoidable, and a model that
changes one atom of each training molecule makes none. So generated molecules are also compared with
molecules of the same kind that the model never saw, a held-out test set: if generated ones lie
nearer to the training set than those do, they were made from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from molgan.metrics.basic import Figures
from molgan.metrics.identity import HashedIdentities

Array = npt.NDArray[np.float64]


def exact_copies(smiles: Sequence[str], training: HashedIdentities) -> Figures:
    """Count molecules that are in the training set, exactly.

    Figures: `memorisation/copies` among the molecules drawn, `memorisation/distinct_copies` among
    the distinct ones, and the shares `memorisation/copied`, `memorisation/distinct_copied` (1 -
    novelty), left out where there are no molecules.

    Args:
        smiles: Canonical SMILES of the valid molecules, repeats included.
        training: Identities of the training molecules.
    """
    distinct = list(dict.fromkeys(smiles))
    known = {
        text for text, inside in zip(distinct, training.contains(distinct), strict=True) if inside
    }
    copies = sum(text in known for text in smiles)
    figures: Figures = {
        "memorisation/copies": copies,
        "memorisation/distinct_copies": len(known),
    }
    if smiles:
        figures["memorisation/copied"] = copies / len(smiles)
        figures["memorisation/distinct_copied"] = len(known) / len(distinct)
    return figures


def memorisation_figures(generated: npt.ArrayLike, test: npt.ArrayLike) -> Figures:
    """Compare how near generated and held-out molecules are to the training set.

    Figures (left out where a set is empty):

    * `memorisation/auc`: chance that a generated molecule is nearer to the training set than a
      test molecule, ties counted half. 0.5: like molecules never seen. Towards 1: memorised.
      Towards 0: farther away than real molecules of this kind are
    * `memorisation/auc_error`: its standard error, see `auc_error`
    * `memorisation/nearer`: share of generated molecules nearer than the median test molecule, ties
      counted half; near 0.5 for molecules like the test set
    * `memorisation/nearest_generated`, `memorisation/nearest_test`: mean similarities

    The test molecules must not be training molecules, and both sets are best free of repeats. Give
    the novel generated molecules alone to see whether the rest are near copies.

    Args:
        generated: (n,) Tanimoto similarity of each generated molecule to its nearest training
            molecule, 0 to 1.
        test: (m,) the same for molecules held out of training.
    """
    own, other = _finite(generated), _finite(test)
    if not (len(own) and len(other)):
        return {}
    median = float(np.median(other))
    return {
        "memorisation/auc": auc(own, other),
        "memorisation/auc_error": auc_error(own, other),
        "memorisation/nearer": float(np.mean(own > median) + 0.5 * np.mean(own == median)),
        "memorisation/nearest_generated": float(own.mean()),
        "memorisation/nearest_test": float(other.mean()),
    }


def auc(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return the chance that a value of the first set exceeds one of the second, ties half.

    It is the Mann-Whitney U statistic over n m, the area under the ROC curve. nan for an empty set.

    Args:
        first: (n,) values.
        second: (m,) values.
    """
    a, b = _finite(first), _finite(second)
    return float(_placements(a, b).mean()) if len(a) and len(b) else math.nan


def auc_error(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return the standard error of `auc` after DeLong et al. (Biometrics 44, 837, 1988).

    Both sets count as samples. nan where one has fewer than 2 values.

    Args:
        first: (n,) values.
        second: (m,) values.
    """
    a, b = _finite(first), _finite(second)
    if min(len(a), len(b)) < 2:
        return math.nan
    variance = np.var(_placements(a, b), ddof=1) / len(a)
    variance += np.var(_placements(b, a), ddof=1) / len(b)
    return math.sqrt(float(variance))


def _placements(a: Array, b: Array) -> Array:
    """Return (n,) for each value of a the share of b that lies below, ties half."""
    ordered = np.sort(b)
    below = np.searchsorted(ordered, a, side="left") + np.searchsorted(ordered, a, side="right")
    return np.asarray(below / (2 * len(b)))


def _finite(values: npt.ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]
