"""Sampling on fixed noise while training runs, and the full figures at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from molgan.chem import Decoded
from molgan.data import MoleculeDataset
from molgan.errors import ConfigError
from molgan.inputs import choice_rng
from molgan.library import Library
from molgan.metrics import (
    Figures,
    HashedIdentities,
    Protocol,
    Report,
    dataset_reference,
    evaluate,
    evaluate_lenient,
    measure,
)
from molgan.metrics.protocols import GROUPS
from molgan.metrics.samples import sample_from_draws
from molgan.rewards import Scorer
from molgan.rewards.objective import NOTE
from molgan.sampling import Draw, Sampler


@dataclass
class Evaluation:
    """How samples are judged.

    Attributes:
        samples: molecules drawn at each evaluation, always from the same noise.
        final_samples: molecules drawn for the final figures and the library.
        final: groups of figures of the final sample, of `molgan.metrics.protocols.GROUPS`; against
            the test split of the data. What has to do with FCD needs the extra ``metrics``.
        lenient: also count as MolGAN's code did.
        repair: a repair policy; figures are given before and, as ``repaired/...``, after it.
    """

    samples: int = 1000
    final_samples: int = 10_000
    final: Sequence[str] = ("strict", "moses", "structure", "memorisation")
    lenient: bool = False
    repair: str | None = None

    def __post_init__(self) -> None:
        """Refuse empty samples and unknown figures.

        Raises:
            ConfigError: naming the key.
        """
        unknown = [group for group in self.final if group not in GROUPS]
        if unknown:
            raise ConfigError(
                f"trainer.evaluation.final: there is no {unknown[0]!r}; use {', '.join(GROUPS)}"
            )
        for key in ("samples", "final_samples"):
            count = getattr(self, key)
            if not isinstance(count, int) or count < 1:
                raise ConfigError(
                    f"trainer.evaluation.{key}={count}: a whole number from 1 up is wanted"
                )


class FixedNoise:
    """The same noise, sizes and conditions at every evaluation: curves show the generator alone.

    Args:
        sampler: of the generator to follow.
        count: molecules.
        seed: of all three.
    """

    def __init__(self, sampler: Sampler, count: int, seed: int) -> None:
        self.sampler = sampler
        self.seed = seed
        self.inputs = sampler.draw_inputs(count, torch.Generator().manual_seed(seed))

    def draw(self) -> Draw:
        """What the generator makes of it now."""
        return self.sampler.draw_from(self.inputs, choice_rng(self.seed))


def judge(
    draws: Sequence[Draw],
    sampler: Sampler,
    identities: HashedIdentities,
    settings: Evaluation,
    scorer: Scorer,
) -> Figures:
    """Figures of an evaluation during training: strict, mean scores, others where asked for.

    Beside those of `molgan.metrics.evaluate`: `copied`, the share of the valid molecules drawn,
    repeats included, that are training molecules.

    Args:
        draws: what was drawn.
        sampler: that drew it; says whether there are repaired molecules beside it.
        identities: of the training molecules.
        settings: which further figures are wanted.
        scorer: whose scores are averaged.
    """
    decoded = [item for draw in draws for item in draw.decoded]
    figures = evaluate(decoded, identities, training_size=len(identities))
    drawn = [item.smiles for item in decoded if item.smiles is not None]
    if drawn:
        figures["copied"] = float(identities.contains(drawn).mean())
    figures |= mean_scores(decoded, scorer)
    if sampler.repair is not None:
        repaired = [item for draw in draws for item in draw.repaired]
        after = evaluate(repaired, identities, training_size=len(identities))
        figures |= {f"repaired/{key}": value for key, value in after.items()}
    if settings.lenient:
        figures |= evaluate_lenient(
            np.concatenate([draw.atoms for draw in draws]),
            np.concatenate([draw.bonds for draw in draws]),
            sampler.codec.vocabulary,
            identities,
        )
    return figures


def mean_scores(decoded: Sequence[Decoded], scorer: Scorer) -> Figures:
    """Mean raw scores over the valid molecules that have one; ``reward`` over all drawn.

    The scorer's cache makes repeats free, which is why the figures do not compute properties
    themselves.
    """
    if not scorer.objective or not len(decoded):
        return {}
    result = scorer(decoded)
    means = {
        name: float(np.nanmean(values))
        for name, values in result.raw.items()
        if name not in ("validity", "uniqueness") and np.isfinite(values).any()
    }
    return {**means, "reward": float(result.total.mean())}


def final_report(
    draws: Sequence[Draw],
    sampler: Sampler,
    dataset: MoleculeDataset,
    settings: Evaluation,
    scorer: Scorer,
    *,
    name: str,
    seed: int,
    n_jobs: int = 1,
    progress: bool = False,
) -> Report:
    """All figures of the final sample, as `molgan.evaluate` gives them, and its mean scores.

    Args:
        draws: the sample.
        sampler: that drew it.
        dataset: whose splits are the reference.
        settings: which groups of figures.
        scorer: the objective with its cache.
        name: of the sample, in tables.
        seed: of the bootstrap.
        n_jobs: worker processes for RDKit.
        progress: show progress bars.
    """
    reference = dataset_reference(dataset)
    reference.n_jobs, reference.progress = n_jobs, progress
    sample = sample_from_draws(draws, name, sampler.codec.vocabulary, sampler.repair is not None)
    groups = [*settings.final, *(["lenient"] if settings.lenient else [])]
    report = measure(
        sample,
        reference,
        Protocol("final sample", list(dict.fromkeys(groups))),
        seed=seed,
        n_jobs=n_jobs,
        progress=progress,
    )
    decoded = [item for draw in draws for item in draw.decoded]
    report.figures |= mean_scores(decoded, scorer)
    return report


def library_of(decoded: Sequence[Decoded], identities: HashedIdentities, scorer: Scorer) -> Library:
    """The distinct valid molecules with their scores, in the order in which they were drawn.

    Args:
        decoded: molecules and failures, in the order drawn.
        identities: of the training molecules, for the column ``novel``.
        scorer: whose scores become columns.
    """
    first: dict[str, Decoded] = {}
    copies: dict[str, int] = {}
    for item in decoded:
        if item.smiles is not None:
            first.setdefault(item.smiles, item)
            copies[item.smiles] = copies.get(item.smiles, 0) + 1
    distinct = list(first.values())
    result = scorer(distinct)
    smiles = [item.smiles for item in distinct if item.smiles is not None]
    columns: dict[str, Sequence[object]] = {
        "novel": (~identities.contains(smiles)).astype(int).tolist(),
        "drawn": [copies[s] for s in smiles],
        **{key: value.tolist() for key, value in result.columns().items()},
    }
    if scorer.objective:
        columns[NOTE] = result.notes()
    return Library.from_decoded(distinct, columns)
