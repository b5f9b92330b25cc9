"""A QSAR study: split, fit, calibrate, and test on molecules that the model has never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

import molgan
from molgan.data.files import file_sha256, user_path
from molgan.data.splits import Split, random_split, scaffold_split
from molgan.errors import ConfigError, DataError
from molgan.qsar.assays import Assays
from molgan.qsar.calibration import Calibration
from molgan.qsar.domain import Domain
from molgan.qsar.evaluation import HeldOut, all_figures, as_plain, hold_out
from molgan.qsar.families.base import Family, Part, Surroundings
from molgan.qsar.model import QSARModel
from molgan.qsar.preparing import Prepared, prepare
from molgan.qsar.targets import TargetSettings

SPLITS = ("scaffold", "random")
FRACTIONS = (0.8, 0.1, 0.1)

_FEW = 20  # test molecules below which figures say little
_PACKAGES = ("rdkit", "numpy", "scikit-learn", "deepchem", "torch")

Array = npt.NDArray[np.float64]


@dataclass
class Study:
    """What came out of a fit.

    Attributes:
        model: with its figures in `model.record`.
        prepared: molecules, and what became of the rows.
        split: places of the molecules of each part.
        held_out: "valid" and "test", where they have molecules.
        notes: sentences that a reader of the figures has to know.
    """

    model: QSARModel
    prepared: Prepared
    split: Split
    held_out: dict[str, HeldOut]
    notes: list[str] = field(default_factory=list)


def run_study(
    assays: Assays,
    *,
    target: str = "target",
    family: str | Family = "forest",
    split: str = "scaffold",
    fractions: Sequence[float] = FRACTIONS,
    task: str = "auto",
    unit: str = "",
    transform: str = "none",
    threshold: float | None = None,
    positive: str | None = None,
    domain_quantile: float = 0.05,
    refit: bool = False,
    seed: int = 0,
    n_jobs: int = 1,
    device: str = "auto",
    progress: bool = False,
) -> Study:
    """Fit a model on a table and test it.

    Args:
        assays: The rows.
        target: What the values are called.
        family: ``forest``, ``network``, ``dmpnn``, or settings of one of them.
        split: ``scaffold`` shares no Murcko scaffold between the parts (DeepChem's; the honest
            one for new chemistry), ``random`` does.
        fractions: Shares of train, valid (ends training, calibrates) and test (only measured).
        task: ``auto``, ``regression`` or ``classification``.
        unit: Of the values, recorded.
        transform: ``none``, ``log10``, ``p_molar``, ``p_micromolar`` or ``p_nanomolar``.
        threshold: From which value on, after the transformation, a molecule is positive.
        positive: The text that means the positive class.
        domain_quantile: Share of the training molecules that the domain leaves out.
        refit: After the figures are taken, fit again with the test molecules among the training
            ones.
        seed: Of the random split and the fit.
        n_jobs: Threads of a forest.
        device: Of a network: ``auto``, ``cpu`` or ``cuda``.
        progress: Show progress bars.

    Raises:
        DataError: If the table is no basis for a model, or DeepChem is missing.
        ConfigError: If a setting cannot work.
    """
    if seed < 0:
        raise ConfigError(f"seed={seed}: 0 or more is wanted")
    fitter = family_of(family) if isinstance(family, str) else family
    settings = TargetSettings(target, task, unit, transform, threshold, positive)
    prepared = prepare(assays, settings)
    parts = _split(prepared, split, fractions, seed)
    around = Surroundings(prepared.target.classify, seed, n_jobs, device, progress)
    train, valid = (_part(prepared, parts[name]) for name in ("train", "valid"))
    model = _fitted(prepared, fitter, train, valid, around, domain_quantile)
    held_out = {
        name: hold_out(model, prepared, parts[name], train.values)
        for name in ("valid", "test")
        if len(parts[name])
    }
    result = Study(model, prepared, parts, held_out)
    figures = all_figures(held_out, prepared.target.task, train.values, seed)
    result.notes = _notes(result, refit)
    if refit:
        both = np.sort(np.concatenate([parts["train"], parts["test"]]))
        again = _fitted(prepared, fitter, _part(prepared, both), valid, around, domain_quantile)
        result.model = model = again
    model.record = {
        "figures": figures,
        "notes": result.notes,
        "data": _data(assays, prepared),
        "split": {
            "method": split,
            "fractions": list(map(float, fractions)),
            "seed": seed,
            **{name: len(places) for name, places in parts.items()},
            "refit": refit,
        },
        "settings": as_plain(asdict(fitter)),
        "versions": _versions(),
    }
    return result


def family_of(name: str) -> Family:
    """The default settings of a family.

    Raises:
        ConfigError: If there is none of that name.
    """
    from molgan.qsar.families.dmpnn import DMPNN
    from molgan.qsar.families.forest import RandomForest
    from molgan.qsar.families.network import Network

    known: dict[str, type[Family]] = {"forest": RandomForest, "network": Network, "dmpnn": DMPNN}
    if name not in known:
        raise ConfigError(f"family={name}: {', '.join(known)} is wanted")
    return known[name]()


def _split(prepared: Prepared, method: str, fractions: Sequence[float], seed: int) -> Split:
    if method not in SPLITS:
        raise ConfigError(f"split={method}: {' or '.join(SPLITS)} is wanted")
    if method == "random":
        parts = random_split(len(prepared.mols), fractions, seed, prefix="")
    else:
        parts = scaffold_split(prepared.smiles, fractions, seed, prefix="")
    sizes = {name: len(places) for name, places in parts.items()}
    wanted = {name: share > 0 for name, share in zip(parts, fractions, strict=True)}
    empty = [name for name in parts if wanted[name] and not sizes[name]]
    train = prepared.values[parts["train"]]
    if empty or len(train) < 2:
        raise DataError(
            f"split={method} leaves no molecules for {' and '.join(empty) or 'train'} "
            f"({', '.join(f'{size} {name}' for name, size in sizes.items())}); use split=random, "
            "or other fractions="
        )
    if np.ptp(train) == 0:
        raise DataError(
            f"split={method}: all {len(train)} training molecules have the same value; use "
            "split=random, or more data"
        )
    return parts


def _part(prepared: Prepared, places: npt.NDArray[np.int64]) -> Part:
    return Part([prepared.mols[place] for place in places], prepared.values[places])


def _fitted(
    prepared: Prepared,
    family: Family,
    train: Part,
    valid: Part,
    around: Surroundings,
    quantile: float,
) -> QSARModel:
    """A model whose spread is calibrated on the validation molecules."""
    domain = Domain.of(train.mols, quantile, around.seed)
    ensemble = family.fit(train, valid, around)
    calibration = Calibration()
    if len(valid.mols) and not around.classify:
        members = ensemble.members(valid.mols)
        calibration = Calibration.of(members.mean(axis=0) - valid.values, members.std(axis=0))
    values = train.values
    training = {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        "count": float(len(values)),
    }
    return QSARModel(prepared.target, ensemble, calibration, domain, training)


def _notes(result: Study, refit: bool) -> list[str]:
    notes = []
    part = result.held_out.get("test")
    if part is None:
        notes.append("No test molecules were held out: nothing is known of the model's quality.")
    elif len(part.measured) < _FEW:
        notes.append(f"Only {len(part.measured)} test molecules: the figures say little.")
    if "valid" not in result.held_out and not result.prepared.target.classify:
        notes.append("No validation molecules: the uncertainty is the members' spread as it is.")
    train, valid = (len(result.split[name]) for name in ("train", "valid"))
    total = len(result.prepared.mols)
    if train < total / 2:
        notes.append(
            f"One group of scaffolds is larger than the training share: {train:,} of {total:,} "
            f"molecules to train on, {valid:,} to validate."
        )
    if refit:
        notes.append(
            "The saved model was fitted again with the test molecules; the figures are those of "
            "the model before."
        )
    return notes


def _data(assays: Assays, prepared: Prepared) -> dict[str, Any]:
    found: dict[str, Any] = {"origin": assays.origin or "Python", **prepared.counts()}
    if assays.origin:
        found["sha256"] = file_sha256(user_path(assays.origin, "data"))
    found["reasons"] = prepared.reasons()
    return found


def _versions() -> dict[str, str]:
    found = {"molgan": molgan.__version__}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
