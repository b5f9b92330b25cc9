"""``python -m molgan.generate``: a trained model in, a library of molecules out."""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from molgan import cli, config

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from molgan.asked import Agreement
    from molgan.bundle import Bundle
    from molgan.chem import Decoded, Fragment
    from molgan.conditions import FloatArray
    from molgan.rewards import Component, Objective

log = logging.getLogger("molgan")

_MOST_DRAWS = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    typed = sys.argv[1:] if argv is None else argv
    return cli.run(generate, "generate", config.as_hydra_reads(typed, "generate"))


@dataclass
class Selection:
    """Which of the molecules drawn are kept, and what became of the others.

    Attributes:
        unique: leave out repeats.
        known: tells which SMILES are in the training set; None keeps those too.
        fragment: what a molecule has to contain; None asks for nothing.
        counts: drawn, kept, repaired, and ``rejected: <reason>``.
    """

    unique: bool
    known: Any = None
    fragment: Fragment | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _seen: set[str] = field(default_factory=set)

    def keep(
        self,
        decoded: Sequence[Decoded],
        repaired: Sequence[Decoded],
        at_most: int | None = None,
    ) -> tuple[list[Decoded], list[bool]]:
        """The molecules of a batch to write, in the order drawn.

        Args:
            decoded: as drawn.
            repaired: the same after the repair policy.
            at_most: molecules wanted; the rest of the batch is not looked at, nor counted.

        Returns:
            The molecules, and for each whether it is what a repair made of an invalid one.
        """
        kept: list[Decoded] = []
        mended: list[bool] = []
        for before, item in zip(decoded, repaired, strict=True):
            if at_most is not None and len(kept) >= at_most:
                break
            self.counts["drawn"] += 1
            if item.smiles is None:
                self.counts[f"rejected: {item.reason}"] += 1
                continue
            if self.fragment is not None and not self.fragment.is_in(item.mol):
                self.counts["rejected: without the fragment"] += 1
                continue
            if self.known is not None and self.known.contains([item.smiles])[0]:
                self.counts["rejected: in the training set"] += 1
                continue
            if self.unique:
                if item.smiles in self._seen:
                    self.counts["rejected: repeat"] += 1
                    continue
                self._seen.add(item.smiles)
            kept.append(item)
            mended.append(before.smiles is None)
        self.counts["kept"] += len(kept)
        if any(mended):
            self.counts["repaired"] += sum(mended)
        return kept, mended


def generate(cfg: DictConfig) -> Counter[str]:
    """Draw molecules as the settings say and write them to ``cfg.out``.

    Returns:
        What became of the molecules drawn.

    Raises:
        MolganError: for a model, settings or a disk that cannot work; see the message.
    """
    from molgan.asked import agreement_table
    from molgan.bundle import Bundle
    from molgan.chem import Fragment
    from molgan.config import whole_number
    from molgan.errors import ConfigError

    for key, least in {"n": 1, "batch_size": 1, "n_jobs": -1, "seed": 0}.items():
        whole_number(cfg, key, least)
    if cfg.out is None:
        raise ConfigError("out must be given: add out=library.smi to the command")
    fragment = None if cfg.contains is None else Fragment.parse(str(cfg.contains))
    bundle = Bundle.load(str(cfg.model_path), str(cfg.device))
    bundle = bundle.drawn_with(config.given(cfg, "denoising"))
    known = bundle.identities if cfg.novel else None
    selection = Selection(bool(cfg.unique), known, fragment)
    condition = config.to_plain(cfg)["condition"] or {}
    if not isinstance(condition, dict):
        raise ConfigError(f"condition={condition}: name what is asked for, as condition.logp=2.5")
    wanted = bundle.wanted(condition, 1, bool(cfg.condition_outside))
    agreements = write(bundle, selection, cfg, wanted)
    counts = selection.counts
    print(f"{counts['kept']:,} molecules in {cfg.out} ({counts['drawn']:,} drawn)")
    for reason, count in counts.most_common():
        if reason not in ("drawn", "kept"):
            print(f"  {reason}: {count:,}")
    if agreements:
        print(agreement_table(agreements))
    if counts["kept"] < int(cfg.n) and cfg.keep:
        log.warning(
            "gave up after %s draws: the model repeats itself too much for n=%s%s",
            f"{counts['drawn']:,}",
            cfg.n,
            ", or makes too few molecules with this fragment: molgan.explore keeps one at its "
            "place in a lead, experiment=finetune teaches it"
            if fragment
            else "",
        )
    return counts


def write(
    bundle: Bundle, selection: Selection, cfg: DictConfig, wanted: FloatArray | None
) -> list[Agreement]:
    """Stream batches from the model to the file; memory grows only with the molecules seen.

    Args:
        bundle: the model.
        selection: of molecules to write.
        cfg: settings.
        wanted: properties asked for, see `Bundle.wanted`.

    Returns:
        How far each of them was met by the molecules written.
    """
    from molgan.asked import Request
    from molgan.config import whole_number
    from molgan.library import LibraryWriter, atomic_write
    from molgan.progress import tqdm
    from molgan.repeats import checked_repeats
    from molgan.rewards import Scorer

    sampler = bundle.sampler(
        None if cfg.repair is None else str(cfg.repair),
        int(cfg.n_jobs),
        config.real_number(cfg, "noise_scale"),
        None if cfg.refine_steps is None else whole_number(cfg, "refine_steps", 0),
        str(cfg.precision),
        wanted,
        None if cfg.candidates is None else whole_number(cfg, "candidates", 1),
        None if cfg.repeats is None else checked_repeats(cfg.repeats),
    )
    reward = the_reward(bundle, cfg)
    request = Request(bundle.conditions, wanted)
    objective, scores = with_scores(reward, bool(cfg.scores), request.components())
    scorer = Scorer(objective, n_jobs=int(cfg.n_jobs), cache_size=0)
    columns = ["novel", *scores, *reward.column_names(), *request.columns()]
    columns += ["repaired"] if cfg.repair else []
    count = int(cfg.n)
    draws = count * _MOST_DRAWS if cfg.keep else count
    bar = tqdm(total=count, desc="generating", unit=" molecules", disable=not cfg.progress)
    with bar, LibraryWriter(str(cfg.out), columns, prefix=str(cfg.prefix)) as writer:
        for draw in sampler.stream(draws, int(cfg.seed), int(cfg.batch_size)):
            at_most = count - writer.count if cfg.keep else None
            kept, mended = selection.keep(draw.decoded, draw.repaired, at_most)
            result = scorer(kept)
            table: dict[str, Sequence[Any]] = {
                name: values.tolist() for name, values in result.columns().items()
            }
            smiles = [str(item.smiles) for item in kept]
            table["reward_note"] = result.notes()
            table["novel"] = (~bundle.identities.contains(smiles)).astype(int).tolist()
            table |= request.met(result.raw, len(kept))
            if cfg.repair:
                table["repaired"] = [int(flag) for flag in mended]
            writer.append(smiles, table)
            bar.update(len(kept) if cfg.keep else len(draw.decoded))
            if cfg.keep and writer.count >= count:
                break
    if reward and writer.csv_path is not None:
        with atomic_write(writer.csv_path.with_suffix(".reward.json")) as file:
            json.dump(reward.describe(), file, indent=2)
    return request.agreements()


def the_reward(bundle: Bundle, cfg: DictConfig) -> Objective:
    """The objective of the settings, tried on three molecules; false where there is none.

    Raises:
        MolganError: for an objective that cannot work; the component is named.
    """
    from hydra.utils import instantiate

    from molgan.rewards import check_objective

    objective: Objective = instantiate(cfg.reward)
    objective = objective.with_training_set(bundle.identities).one_by_one()
    check_objective(objective)
    return objective


def with_scores(
    reward: Objective, scores: bool, more: Mapping[str, Component] | None = None
) -> tuple[Objective, list[str]]:
    """The objective with QED, logP and SA score beside it, and the names of those.

    Args:
        reward: what decides the total; a component of these names takes their place.
        scores: whether they are wanted at all.
        more: other scores to put beside it, wanted in any case.
    """
    from molgan.rewards import QED, LogP, Objective, SAScore

    known: dict[str, Component] = {"qed": QED(), "logp": LogP(), "sa": SAScore()}
    found = {**(known if scores else {}), **(more or {})}
    beside = {name: part for name, part in found.items() if name not in reward.components}
    if not reward:
        return Objective(beside), list(beside)
    weights = {**reward.weights, **dict.fromkeys(beside, 0.0)}
    together = {**reward.components, **beside}
    return Objective(together, weights, reward.aggregation, reward.required), list(beside)


if __name__ == "__main__":
    sys.exit(main())
