"""The basic figures of a sample, counted strictly.

Every molecule drawn is in the denominator of validity; valid means sanitised by RDKit, one
fragment, no dummy atoms, as `Codec.decode` checks. What `Codec.decode` rejects is counted by
reason. Nothing is repaired here: to compare before and after a repair policy, evaluate both lists.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from rdkit import Chem

from molgan.chem import Decoded, logp, murcko_scaffold, qed, sa_score
from molgan.metrics.identity import HashedIdentities
from molgan.metrics.similarity import mean_similarities, morgan_bits

Figures = dict[str, float]  # flat and JSON-ready: counts are ints, shares 0 to 1

_UNIQUE_AT = {"1k": 1_000, "10k": 10_000}
_PROPERTIES: dict[str, Callable[[Chem.Mol], float]] = {"qed": qed, "logp": logp, "sa": sa_score}


def evaluate(
    decoded: Sequence[Decoded],
    training: HashedIdentities | None = None,
    *,
    training_size: int | None = None,
    properties: bool = False,
    diversity: bool = True,
    diversity_subset: int = 1_000,
    seed: int = 0,
) -> Figures:
    """Count a sample of n molecules.

    Figures returned (shares are 0 to 1; one that is not defined for this sample is left out, except
    that `unique`, `novel` and `vun` of a sample without a valid molecule are 0, so that nothing
    valid never looks perfect):

    * `n` drawn, `n_valid`, `n_unique` (distinct valid), `rejected/<reason>` counts
    * `valid` = n_valid / n; `unique` = n_unique / n_valid
    * `unique_at_1k`, `unique_at_10k`: share of distinct ones among the first 1,000 (10,000) valid
      molecules; left out where there are fewer
    * `novel`: share of the distinct valid molecules that are not in `training`; `vun` = novel
      distinct / n, the product valid x unique x novel
    * `ceiling_unique`, `ceiling_unique_at_1k`, `ceiling_unique_at_10k`: what `unique...` would be
      for as many draws with replacement from `training_size` equally likely molecules, the mark for
      a model that knows just those
    * `scaffolds`: distinct Bemis-Murcko scaffolds of the valid molecules, acyclic ones not counted
    * `int_div`: internal diversity IntDiv1 of the valid molecules; see `internal_diversity`
    * `mean_atoms`: mean heavy atom count over the valid molecules
    * with `properties`: `qed`, `logp`, `sa`, means over all valid molecules, repeats included

    Args:
        decoded: The sample, valid or not, all of it, in the order drawn.
        training: Identities of the training molecules; without them no novelty.
        training_size: Number of distinct training molecules for the ceiling; default
            `len(training)`.
        properties: Whether to compute QED, logP and SA (about 1 ms for each distinct molecule).
        diversity: Whether to compute `scaffolds` and `int_div` (about 0.3 ms for each distinct
            molecule).
        diversity_subset: Largest number of molecules in `int_div`, drawn at random when there are
            more.
        seed: Of that draw.
    """
    smiles = [item.smiles for item in decoded if item.smiles is not None]
    mols = {item.smiles: item.mol for item in decoded if item.smiles and item.mol}
    figures = count_figures(
        [item.smiles for item in decoded],
        [item.reason for item in decoded],
        training,
        training_size=training_size,
    )
    if smiles:
        figures["mean_atoms"] = _mean_over_draws(smiles, mols, lambda mol: mol.GetNumHeavyAtoms())
    if diversity:
        figures["scaffolds"] = len({murcko_scaffold(mol) for mol in mols.values()} - {""})
        if len(smiles) > 1:
            figures["int_div"] = internal_diversity(
                [mols[text] for text in smiles], subset=diversity_subset, seed=seed
            )
    if properties and smiles:
        for name, function in _PROPERTIES.items():
            figures[name] = _mean_over_draws(smiles, mols, function)
    return figures


def count_figures(
    drawn: Sequence[str | None],
    reasons: Sequence[str | None],
    training: HashedIdentities | None = None,
    *,
    training_size: int | None = None,
) -> Figures:
    """The counting part of `evaluate`, which needs no molecules: valid, unique, novel, rejected.

    Args:
        drawn: n entries in the order drawn: canonical SMILES, or None where there is no molecule.
        reasons: n entries, why not.
        training: Identities of the training molecules; without them no novelty.
        training_size: Number of distinct training molecules for the ceiling; default
            `len(training)`.
    """
    smiles = [text for text in drawn if text is not None]
    distinct = list(dict.fromkeys(smiles))
    figures: Figures = {
        "n": len(drawn),
        "n_valid": len(smiles),
        "n_unique": len(distinct),
        "valid": _share(len(smiles), len(drawn)),
        "unique": _share(len(distinct), len(smiles)),
    }
    for name, first in _UNIQUE_AT.items():
        if len(smiles) >= first:
            figures[f"unique_at_{name}"] = len(set(smiles[:first])) / first
    if training is not None:
        new = int(np.count_nonzero(~training.contains(distinct)))
        figures["novel"] = _share(new, len(distinct))
        figures["vun"] = _share(new, len(drawn))
        training_size = len(training) if training_size is None else training_size
    if training_size:
        figures |= _ceilings(training_size, len(smiles))
    counts = Counter(
        reason or "invalid" for text, reason in zip(drawn, reasons, strict=True) if text is None
    )
    figures |= {f"rejected/{reason}": count for reason, count in sorted(counts.items())}
    return figures


def expected_distinct(training_size: int, n: int) -> float:
    """Return the expected number of distinct ones in n draws from M equally likely molecules.

    It is M (1 - exp(-n / M)), the ceiling for a model that has learnt M molecules perfectly and
    knows no others; each draw misses a given molecule with probability 1 - 1/M, and (1 - 1/M)^n is
    exp(-n / M) for large M.

    Args:
        training_size: M, at least 1.
        n: Number of draws, 0 or more.
    """
    return -training_size * math.expm1(-n / training_size)


def internal_diversity(
    mols: Sequence[Chem.Mol], *, subset: int = 1_000, seed: int = 0, power: int = 1
) -> float:
    """Return IntDiv_p = 1 - (mean Tanimoto^p)^(1/p) over all pairs, 0 (all alike) to 1.

    Morgan fingerprints of radius 2 and 1,024 bits, pairs of a molecule with itself included: the
    formula of Polykovskiy et al. 2020. For p = 2 the MOSES program computes something slightly
    different: see `molgan.metrics.moses.internal_diversity`.

    Args:
        mols: Sanitised molecules, repeats included: a sample that repeats itself is less diverse.
        subset: Largest number of molecules compared, drawn at random when there are more.
        seed: Of that draw.
        power: p, 1 or 2 in MOSES.
    """
    if not mols:
        return 0.0
    if len(mols) > subset:
        chosen = np.random.default_rng(seed).choice(len(mols), subset, replace=False)
        mols = [mols[index] for index in np.sort(chosen)]
    mean = np.mean(mean_similarities(morgan_bits(mols), power))
    return 1.0 - float(mean ** (1.0 / power))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _mean_over_draws(
    smiles: Sequence[str], mols: dict[str, Chem.Mol], function: Callable[[Chem.Mol], float]
) -> float:
    """Mean of `function` over all draws, computed once for each distinct molecule."""
    values = {text: function(mol) for text, mol in mols.items()}
    return float(np.mean([values[text] for text in smiles]))


def _ceilings(training_size: int, n_valid: int) -> Figures:
    """Ceilings of `unique` and `unique_at_...` for as many draws as there are."""
    sizes = {"": n_valid} | {
        f"_at_{name}": first for name, first in _UNIQUE_AT.items() if n_valid >= first
    }
    return {
        f"ceiling_unique{name}": expected_distinct(training_size, n) / n
        for name, n in sizes.items()
        if n
    }
