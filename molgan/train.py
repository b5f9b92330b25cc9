"""``python -m molgan.train``: a set of molecules in, a model and a library of new molecules out."""

from __future__ import annotations

import logging
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from molgan import cli, config
from molgan.stopping import Stopped

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from molgan.data import MoleculeDataset
    from molgan.metrics import Figures
    from molgan.training import Trainer

log = logging.getLogger("molgan")

SMALL = 12
"""Heavy atoms up to which the default networks are any good."""

STOPPING = "stopping after this step, with a checkpoint; once more stops at once"
"""What the first Ctrl-C says."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    typed = sys.argv[1:] if argv is None else argv
    return cli.run(train, "train", config.as_hydra_reads(typed, "train"))


def train(cfg: DictConfig) -> Figures:
    """Train as the settings say; write everything to ``cfg.run_dir``.

    Returns:
        The final figures.

    Raises:
        MolganError: for input, settings or a machine that cannot work; see the message.
    """
    import torch
    from hydra.utils import instantiate

    from molgan import building
    from molgan.config import to_plain, whole_number
    from molgan.errors import TrainingError
    from molgan.running import begun, checkpoint_to_resume
    from molgan.training.run_folder import check_same_config, check_same_data

    started = time.monotonic()
    run_dir = Path(cfg.run_dir)
    settings = to_plain(cfg)
    for key, least in {"seed": 0, "n_jobs": -1, "devices": 1}.items():
        whole_number(cfg, key, least)
    resume_from = checkpoint_to_resume(str(cfg.resume), run_dir)
    if resume_from is not None:
        check_same_config(resume_from.parent, settings)
    fabric = building.build_fabric(cfg)
    # Before the other processes start: they find the data in the cache.
    dataset: MoleculeDataset = instantiate(cfg.data, progress=bool(cfg.progress))
    if resume_from is not None:
        check_same_data(resume_from.parent, dataset.content_hash)
    fabric.launch()
    if not fabric.is_global_zero:
        logging.getLogger("molgan").setLevel(logging.ERROR)  # one voice is enough
    try:
        with begun(cfg, dataset, fabric, run_dir, resume_from) as trainer:
            if fabric.is_global_zero:
                log.info(building.describe(dataset, trainer.context.networks))
                log.info(
                    "device %s, %d threads; run folder %s",
                    fabric.device,
                    torch.get_num_threads(),
                    run_dir,
                )
                for hint in hints(cfg, dataset.max_atoms, _chosen_reward()):
                    log.info(hint)
                if resume_from is not None:
                    log.info("going on from %s", resume_from)
            with trainer.stop.on_signals(STOPPING if fabric.is_global_zero else ""):
                trainer.fit()
            return finish(trainer, dataset, run_dir, started) if fabric.is_global_zero else {}
    except Stopped:
        if fabric.is_global_zero:
            raise
        return {}  # any other end of this process would make Fabric kill the first one
    except RuntimeError as error:
        if fabric.world_size > 1 and "peer" in str(error):
            raise TrainingError(
                "another process of this run ended; what it says is the reason. The last "
                "checkpoint is kept"
            ) from error
        raise


def finish(trainer: Trainer, dataset: MoleculeDataset, run_dir: Path, started: float) -> Figures:
    """Draw the final sample from the last model, judge it, write library, pictures and figures."""
    from molgan.metrics import Comparison
    from molgan.progress import tqdm
    from molgan.training import final_report, library_of
    from molgan.training.run_folder import write_results
    from molgan.training.trackers import FINAL

    trained = time.monotonic() - started
    count = trainer.evaluation.final_samples
    draws = []
    with tqdm(total=count, desc="sampling", unit=" molecules", disable=not trainer.progress) as bar:
        # Not the seed of the fixed noise: the final figures are of molecules never looked at
        # before.
        for draw in trainer.sampler.stream(count, trainer.seed + 1):
            draws.append(draw)
            bar.update(len(draw.decoded))
    decoded = [item for draw in draws for item in draw.decoded]
    report = final_report(
        draws,
        trainer.sampler,
        dataset,
        trainer.evaluation,
        trainer.scorer,
        name=run_dir.name,
        seed=trainer.seed,
        n_jobs=trainer.sampler.n_jobs,
        progress=trainer.progress,
    )
    report.notes.insert(0, f"{count:,} molecules drawn from {run_dir / 'last.molgan'}")
    figures = report.figures
    figures |= {f"oracle/{key}": value for key, value in trainer.scorer.stats().items()}
    figures["training_seconds"] = round(trained, 1)
    trainer.figures = figures
    trainer.bundle.metrics = dict(figures)
    trainer.bundle.save(run_dir / "last.molgan")
    library = library_of(decoded, trainer.bundle.identities, trainer.scorer)
    legend = ["reward", "qed"] if "qed" in library.frame else []
    for tracker in trainer.trackers:
        row = {f"final/{key}": value for key, value in figures.items()}
        tracker.log({"molecules_seen": trainer.molecules_seen, "phase": FINAL, **row})
    comparison = Comparison([report])
    write_results(run_dir, library, comparison, legend)
    print(comparison.to_text())
    print(
        f"\n{len(library):,} distinct valid molecules: {run_dir / 'library.smi'}; pictures and "
        f"figures: {run_dir / 'report.html'}\n"
        f"more of them: python -m molgan.generate {shlex.quote(f'model={run_dir}')} n=10000 "
        "out=library.smi"
    )
    return figures


def hints(cfg: DictConfig, max_atoms: int, reward: str | None) -> list[str]:
    """What a newcomer may not expect of these settings, a sentence each.

    Args:
        cfg: the settings of a run.
        max_atoms: heavy atoms of the largest molecule.
        reward: option chosen of the group conf/reward.
    """
    from omegaconf import OmegaConf

    found = []
    # Networks with a state for each atom are what large molecules need.
    slots = OmegaConf.select(cfg, "model.generator.decoder") is not None
    if max_atoms > SMALL and not slots and cfg.init_from is None:
        found.append(
            f"molecules of up to {max_atoms} heavy atoms: these networks were made for up to nine, "
            "and will be slow and poor here; experiment=zinc250k data.split=random beside your "
            "data= takes those for larger ones"
        )
    phases = cfg.trainer.phases
    weight = OmegaConf.select(phases, "adversarial.reward_weight")
    # The default, druglike, is there to be measured.
    own = reward not in (None, "none", "druglike")
    if own and weight == 0 and phases.get("reinforcement") is None:
        found.append(
            f"reward={reward} is measured, not followed: give experiment=optimize with a finished "
            "model (init_from=), or trainer.phases.adversarial.reward_weight=0.5"
        )
    return found


def _chosen_reward() -> str | None:
    """Option of the group conf/reward, where Hydra runs this."""
    from hydra.core.hydra_config import HydraConfig

    if not HydraConfig.initialized():
        return None
    choice = HydraConfig.get().runtime.choices.get("reward")
    return None if choice is None else str(choice)


if __name__ == "__main__":
    sys.exit(main())
