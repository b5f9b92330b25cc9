"""A run: one trainer and one folder, from the first step or from where the run stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from molgan import building
from molgan.config import to_plain
from molgan.errors import BundleError
from molgan.library.locks import held
from molgan.training.run_folder import (
    check_same_reward,
    write_config,
    write_manifest,
)
from molgan.training.trainer import CHECKPOINT

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from omegaconf import DictConfig

    from molgan.data import MoleculeDataset
    from molgan.training import Trainer


@contextmanager
def begun(
    cfg: DictConfig,
    dataset: MoleculeDataset,
    fabric: Fabric,
    run_dir: Path | None,
    resume_from: Path | None,
) -> Iterator[Trainer]:
    """A trainer that is ready to go, with its settings written down in its folder.

    Args:
        cfg: settings of the run.
        dataset: molecules.
        fabric: launched.
        run_dir: nobody else's while this lasts; None keeps nothing on disk.
        resume_from: checkpoint to go on from, of the same settings and data.

    Raises:
        MolganError: for settings that cannot work, or a folder in which another run is writing.
    """
    writes = run_dir is not None and fabric.is_global_zero
    with held(run_dir, "run_dir", "training") if run_dir and writes else nullcontext():
        trainer = building.build_trainer(cfg, dataset, fabric, run_dir, resume_from)
        try:
            reward = trainer.scorer.objective.describe()
            if resume_from is not None:
                check_same_reward(resume_from.parent, reward)
            if run_dir and writes:
                write_config(run_dir, to_plain(cfg))
                facts = building.plain_facts(cfg, dataset)
                write_manifest(run_dir, {**facts, "reward": reward}, fabric.device)
            yield trainer
        finally:
            for tracker in trainer.trackers:
                tracker.close()


def checkpoint_to_resume(resume: str, run_dir: Path) -> Path | None:
    """The checkpoint to go on from.

    Args:
        resume: ``auto``, ``never`` or the path of a checkpoint or run folder.
        run_dir: the run's folder.

    Raises:
        BundleError: when a path is given that holds no checkpoint.
    """
    if resume == "never":
        return None
    if resume == "auto":
        candidate = run_dir / CHECKPOINT
        return candidate if candidate.exists() else None
    path = Path(resume)
    if path.is_dir():
        path = path / CHECKPOINT
    if not path.exists():
        raise BundleError(
            f"resume={resume}: there is no checkpoint {path}; use auto, never, or a run folder"
        )
    return path
