"""From composed settings to the objects of a run: the last place that knows about configuration."""

from __future__ import annotations

import copy
import functools
import inspect
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from hydra.utils import get_class, instantiate
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig

from molgan.asked import Asked, measured, property_objective, property_settings
from molgan.building_networks import build_guide, build_networks
from molgan.bundle import Bundle
from molgan.conditions import Conditions
from molgan.config import to_plain, whole_number
from molgan.data import MoleculeDataset, cache_root
from molgan.devices import usable_device
from molgan.errors import ConfigError
from molgan.metrics import HashedIdentities
from molgan.rewards import Objective, Scorer, check_objective
from molgan.rewards.store import open_store
from molgan.starting import latent_noise, renumbered, replayed, start_from, teacher_from
from molgan.training import (
    AveragedNetworks,
    ConditionalPhase,
    Context,
    JsonLines,
    Networks,
    RealMolecules,
    Trainer,
)
from molgan.training.run_folder import METRICS, make_run_dir, versions

if TYPE_CHECKING:
    from molgan.training.trainer import PhaseFactory

log = logging.getLogger("molgan")

# float16 would need loss scaling, which the phases do not do.
PRECISIONS = ("32-true", "bf16-mixed")


def build_fabric(cfg: DictConfig) -> Fabric:
    """Device, precision and processes.

    Raises:
        ConfigError: for a device or a precision that this machine does not have.
    """
    # Fabric announces precision and processes; the run's own lines say what matters.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    device = str(cfg.device)
    if device == "cuda":
        usable_device(device)
    precision = str(cfg.precision)
    if precision == "auto":
        precision = "bf16-mixed" if _computes_in_bfloat16(device) else "32-true"
    if precision not in PRECISIONS:
        raise ConfigError(f"precision={precision} is unknown: use auto, {', '.join(PRECISIONS)}")
    devices = whole_number(cfg, "devices", 1)
    try:
        strategy = "auto" if devices == 1 else "ddp"
        return Fabric(
            accelerator=device,
            devices=devices,
            strategy=strategy,
            precision=precision,  # type: ignore[arg-type]
        )
    except (ValueError, TypeError, MisconfigurationException) as error:
        raise ConfigError(f"device={device} devices={devices}: {error}") from error


def as_started(cfg: DictConfig, start: Bundle | None) -> DictConfig:
    """The settings, with what is null in them as the start model has it.

    That is how it is sampled, and the noise that its latent space was made for.

    Raises:
        ConfigError: for a null without a start model.
    """
    sampling = ("discretization", "noise_scale", "refine_steps")
    if start is None:
        for key in sampling:
            if cfg.model[key] is None:
                raise ConfigError(
                    f"model.{key}=null is that of a finished model: give init_from or teacher, "
                    "or a value"
                )
        return cfg
    cfg = copy.deepcopy(cfg)
    for key in sampling:
        if cfg.model[key] is None:
            cfg.model[key] = getattr(start, key)
    for node in cfg.trainer.phases.values():
        if node is not None and "latent_noise" in node and node.latent_noise is None:
            node.latent_noise = latent_noise(start)
    return cfg


def build_phases(
    cfg: DictConfig,
    dataset: MoleculeDataset,
    scorer: Scorer,
    bundle: Bundle,
    asked: Asked | None = None,
    teacher: Bundle | None = None,
) -> dict[str, PhaseFactory]:
    """A factory for each phase in ``trainer.phases``, in their order; null leaves one out.

    So does the lack of `condition.properties` with the phase that learns them.
    """
    optimizer = instantiate(cfg.optimizer)
    offered = {
        "codec": bundle.codec,
        "scorer": scorer if scorer.objective else None,
        "loss": instantiate(cfg.loss),
        "smiles": dataset.split_smiles("train"),
        "size_distribution": bundle.size_distribution,
        "refine_steps": bundle.refine_steps,
        "noise_scale": bundle.noise_scale,
        "asked": asked,
        "guide": bundle.guide,
        "teacher": teacher,
    }
    phases: dict[str, PhaseFactory] = {}
    for name, node in cfg.trainer.phases.items():
        if node is None or (asked is None and _learns_conditions(node)):
            continue
        budget = float(node.molecules)
        if cfg.trainer.phase_limit is not None:
            budget = min(budget, float(cfg.trainer.phase_limit))
        # A phase may bring an optimiser of its own.
        own = {} if "optimizer" in node else {"optimizer": optimizer}
        factory = functools.partial(instantiate(node), molecules=budget, **own)
        # What the run has and the phase has an argument for, unless the settings say otherwise.
        wanted = inspect.signature(get_class(node._target_)).parameters
        given = {key: value for key, value in offered.items() if key in wanted and key not in node}
        phases[str(name)] = functools.partial(factory, **given)
    return phases


def _learns_conditions(phase: DictConfig) -> bool:
    return issubclass(get_class(phase._target_), ConditionalPhase)


def build_conditions(
    cfg: DictConfig, dataset: MoleculeDataset, start: Bundle | None
) -> Asked | None:
    """Measure the training molecules' properties, once for a data set; None if none are wanted.

    Raises:
        ConfigError: for properties that cannot be measured, or others than those of a conditional
            model to start from.
    """
    properties = property_settings(to_plain(cfg.condition)["properties"] or [])
    before = None if start is None else start.conditions
    phases = [node for node in cfg.trainer.phases.values() if node is not None]
    learns = [node for node in phases if _learns_conditions(node)]
    if before is not None and (list(properties) != list(before.properties) or learns != phases):
        names = ",".join(before.properties)
        raise ConfigError(
            f"init_from={cfg.init_from} is a conditional model, which only "
            f"experiment=conditional condition.properties=[{names}] can train further"
        )
    if not properties:
        return None
    if not learns:
        raise ConfigError(
            "condition.properties are learnt in trainer.phases.conditional: it is null"
        )
    scorer = _scorer(property_objective(properties), cfg, dataset)
    values = measured(scorer, dataset.split_smiles("train"))
    scorer.save()
    sizes = (dataset.dense("train").atoms > 0).sum(1).numpy()
    conditions = Conditions.of(
        properties,
        values,
        sizes,
        rows=whole_number(cfg.condition, "examples", 1),
        candidates=whole_number(cfg.condition, "candidates", 1),
        like=before,
    )
    log.info("conditions: %s", conditions.describe())
    return Asked(conditions, values, scorer)


def build_scorer(cfg: DictConfig, dataset: MoleculeDataset, identities: HashedIdentities) -> Scorer:
    """The objective with its cache, tried on three training molecules.

    Args:
        cfg: settings.
        dataset: the molecules.
        identities: of the training molecules.

    Raises:
        MolganError: for an objective that cannot work; the component is named.
    """
    objective: Objective = instantiate(cfg.reward)
    return _scorer(objective.with_training_set(identities), cfg, dataset)


def _scorer(objective: Objective, cfg: DictConfig, dataset: MoleculeDataset) -> Scorer:
    training = dataset.split_smiles("train")
    check_objective(objective, [training[len(training) * place // 3] for place in range(3)])
    store = open_store(objective, dataset.content_hash, training, cache_root(cfg.data.cache_dir))
    return Scorer(objective, n_jobs=int(cfg.n_jobs), store=store if objective else None)


def build_trainer(
    cfg: DictConfig,
    dataset: MoleculeDataset,
    fabric: Fabric,
    run_dir: Path | None,
    resume_from: Path | None = None,
) -> Trainer:
    """Everything that a run needs, on its device, seeded.

    Args:
        cfg: settings as `molgan.config.compose` gives them.
        dataset: the molecules.
        fabric: launched.
        run_dir: where files go; None keeps nothing.
        resume_from: checkpoint to go on from; figures after it are cut off.
    """
    seed = whole_number(cfg, "seed", 0)
    torch.manual_seed(seed)
    student = cfg.teacher is not None
    if student:
        start: Bundle | None = teacher_from(cfg.teacher, dataset, cfg.init_from, fabric.device)
    else:
        new_atoms = str(cfg.new_atoms)
        start = start_from(cfg.init_from, dataset, new_atoms, device=fabric.device)
    cfg = as_started(cfg, start)
    vocabulary, max_atoms = dataset.vocabulary, dataset.max_atoms
    dense = dataset.dense("train")
    atoms, bonds = dense.atoms, dense.bonds
    sizes = dataset.marginals("train").sizes
    identities = HashedIdentities.from_smiles(dataset.split_smiles("train"))
    learnt, old = identities, 0
    if start is not None:
        atoms, bonds = renumbered(atoms, bonds, vocabulary, start)
        # A student learns what its teacher has learnt, whatever it is compared with.
        padded = np.pad(sizes, (0, start.max_atoms - max_atoms))
        sizes = start.size_distribution.copy() if student else padded
        vocabulary, max_atoms = start.vocabulary, start.max_atoms
        known = start.identities.array
        learnt = HashedIdentities(known if student else np.concatenate([identities.array, known]))
        more = replayed(start, whole_number(cfg.trainer, "replay", 0), seed)
        atoms, bonds = torch.cat([atoms, more[0]]), torch.cat([bonds, more[1]])
        old = len(more[0])
    asked = build_conditions(cfg, dataset, start)
    networks = build_networks(
        cfg.model, vocabulary, max_atoms, start, len(asked.conditions) if asked else 0, student
    ).to(fabric.device)
    networks.freeze(cfg.trainer.frozen)
    averages = AveragedNetworks(networks, float(cfg.trainer.averaging_half_life))
    data = RealMolecules(
        atoms.to(fabric.device),
        bonds.to(fabric.device),
        vocabulary.num_atom_types,
        vocabulary.num_bond_types,
        old,
        float(cfg.trainer.replay_share),
    )
    # Another stream for each process, all from the one seed.
    rng = torch.Generator(device=fabric.device)
    rng.manual_seed(seed * 1_000_003 + fabric.global_rank)
    scorer = build_scorer(cfg, dataset, identities)
    bundle = Bundle(
        generator=averages.generator,
        vocabulary=vocabulary,
        max_atoms=max_atoms,
        size_distribution=sizes,
        identities=learnt,
        encoder=averages.encoder,
        discretization=str(cfg.model.discretization),
        noise_scale=float(cfg.model.noise_scale),
        refine_steps=whole_number(cfg.model, "refine_steps", 0),
        guide=build_guide(cfg.model, networks),
        config=to_plain(cfg),
        versions=versions(),
        conditions=None if asked is None else asked.conditions,
        properties=networks.properties,
    )
    trainer = Trainer(
        context=Context(fabric, networks, averages, data, rng),
        phases=build_phases(cfg, dataset, scorer, bundle, asked, start if student else None),
        bundle=bundle,
        identities=identities,
        scorer=scorer,
        run_dir=run_dir,
        evaluation=instantiate(cfg.trainer.evaluation),
        intervals=instantiate(cfg.trainer.intervals),
        guard=instantiate(cfg.trainer.guard),
        seed=seed,
        progress=bool(cfg.progress),
        capture=bool(cfg.trainer.capture),
    )
    if resume_from is not None:
        trainer.restore(resume_from)
    # Last, so that settings that cannot work cost an earlier run in this folder nothing.
    if run_dir is not None and fabric.is_global_zero:
        make_run_dir(run_dir, anew=resume_from is None)
        seen = trainer.molecules_seen
        trainer.trackers = [JsonLines(run_dir / METRICS, seen)]
        trainer.trackers += [
            instantiate(node)(run_dir / str(name), seen) for name, node in cfg.tracker.items()
        ]
    return trainer


def describe(dataset: MoleculeDataset, networks: Networks) -> str:
    """A few lines on data and networks for the start of a run."""
    sizes = ", ".join(
        f"{name} {sum(p.numel() for p in net.parameters()) / 1e6:.2f}M"
        for name, net in networks.items()
    )
    splits = ", ".join(f"{name} {len(rows):,}" for name, rows in dataset.split_indices.items())
    return f"{dataset.coverage.summary()}\nsplits: {splits}\nnetworks (weights): {sizes}"


def plain_facts(cfg: DictConfig, dataset: MoleculeDataset) -> Mapping[str, Any]:
    """What the manifest records of settings and data."""
    return {
        "seed": int(cfg.seed),
        "data": {
            "content_hash": dataset.content_hash,
            "molecules": {name: len(rows) for name, rows in dataset.split_indices.items()},
            "coverage": dataset.coverage.to_dict(),
        },
    }


def _computes_in_bfloat16(device: str) -> bool:
    """Whether bfloat16 is computed natively; where it is emulated it is slower than float32."""
    if device != "cpu" and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    flags = Path("/proc/cpuinfo")
    return flags.exists() and any(
        name in flags.read_text(errors="replace") for name in ("avx512_bf16", "amx_bf16")
    )
