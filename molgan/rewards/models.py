"""Components that ask a heavier judge: a fitted QSAR model, a docking program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from molgan.chem import Decoded
from molgan.errors import ChemistryError, ConfigError, DataError
from molgan.rewards.components import BatchComponent, Scored, scored
from molgan.rewards.transforms import Linear, Transform

OUTSIDE = "outside the applicability domain"
"""Reason of a prediction that a QSAR model does not stand for."""


@dataclass(frozen=True)
class QSAR(BatchComponent):
    """Prediction of a model that `python -m molgan.qsar fit` has made, in the unit of its target.

    Attributes:
        model: The model's file.
        transform: What is good.
        domain: True: a molecule outside the model's applicability domain has no score, with that
            reason. False: the prediction counts anyway.
        max_std: No score where the models of the ensemble differ by more than this standard
            deviation, in the unit of the target; None asks nothing.

    Raises:
        MolganError: If the model cannot be read.
        ConfigError: If `max_std` is not above 0.
    """

    model: str
    transform: Transform
    domain: bool = True
    max_std: float | None = None
    own_workers: ClassVar[bool] = True
    loaded: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the model now, so that a wrong file is said before any work."""
        if self.max_std is not None and not self.max_std > 0:
            raise ConfigError(f"qsar: max_std={self.max_std} must be above 0")
        object.__setattr__(self, "loaded", _read_model(self.model))

    def __getstate__(self) -> dict[str, Any]:
        """Without the model, which other processes read from its file."""
        return {**self.__dict__, "loaded": None}

    def identity(self) -> dict[str, Any]:
        """What decides the scores: the model by its content."""
        return {
            "model": Path(self.model),
            "domain": self.domain,
            "max_std": self.max_std,
            "transform": self.transform,
        }

    def score_all(self, valid: Sequence[Decoded]) -> list[Scored]:
        """Predict all molecules at once."""
        if self.loaded is None:
            object.__setattr__(self, "loaded", _read_model(self.model))
        means, deviations, inside = self.loaded.predict([str(item.smiles) for item in valid])
        return [
            self._judged(float(mean), float(deviation), bool(known))
            for mean, deviation, known in zip(means, deviations, inside, strict=True)
        ]

    def _judged(self, mean: float, deviation: float, inside: bool) -> Scored:
        if math.isnan(mean):
            return math.nan, "no prediction"
        if self.domain and not inside:
            return math.nan, OUTSIDE
        if self.max_std is not None and deviation > self.max_std:
            return math.nan, f"uncertain: standard deviation {deviation:.3g} > {self.max_std:g}"
        return scored(mean)


def _read_model(path: str) -> Any:
    try:
        from molgan.qsar import QSARModel
    except ImportError as error:
        raise ConfigError(f"qsar: models cannot be read here ({error})") from error
    file = Path(path).expanduser()
    if not file.exists():
        raise DataError(f"qsar: model={path}: there is no such file (looked at {file.absolute()})")
    return QSARModel.load(file)


@dataclass(frozen=True)
class DockingScore(BatchComponent):
    """Best score of AutoDock Vina in kcal/mol; lower is better. Needs the extra ``docking``.

    Each molecule gets one 3D structure in the state that its SMILES has, and is docked in worker
    processes of its own with a time limit. Some 10 s to minutes a molecule: let few molecules at a
    time be scored (`trainer.phases.adversarial.reward_batch_size`), seldom (`reward_interval`).

    Attributes:
        receptor: Rigid receptor, .pdbqt.
        box: Vina configuration file with the search box; or
        center: of the box, [x, y, z] in angstrom, with
        size: of its edges.
        transform: 0 from -4 kcal/mol up, 1 from -12 down, unless replaced.
        exhaustiveness: Independent searches for one molecule.
        scoring: "vina" or "vinardo".
        seed: Of coordinates and searches.
        seconds: Wall-clock time for one molecule.
        n_jobs: Worker processes; -1 takes all cores.

    Raises:
        ConfigError: If a setting cannot work, or the box is not given.
        DataError: If a file cannot be read.
        MolganError: If a package of the extra is missing.
    """

    receptor: str
    box: str | None = None
    center: Sequence[float] | None = None
    size: Sequence[float] | None = None
    transform: Transform = field(default_factory=lambda: Linear(worst=-4.0, best=-12.0))
    exhaustiveness: int = 8
    scoring: str = "vina"
    seed: int = 0
    seconds: float = 600.0
    n_jobs: int = 1
    own_workers: ClassVar[bool] = True
    vina: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read receptor and box, and look for the packages."""
        from molgan.data.files import user_path
        from molgan.library.extras import docking_extra
        from molgan.library.vina import Vina, read_box

        if not self.seconds > 0:
            raise ConfigError(f"docking: seconds={self.seconds} must be above 0")
        receptor = user_path(self.receptor, "docking: receptor")
        if self.box is not None:
            center, size = read_box(user_path(self.box, "docking: box"))
        elif self.center is not None and self.size is not None:
            center, size = _triple(self.center, "center"), _triple(self.size, "size")
        else:
            raise ConfigError(
                "docking needs the search box: box=FILE, or center=[x,y,z] and size=[x,y,z] in "
                "angstrom"
            )
        vina = Vina(
            receptor,
            center,
            size,
            exhaustiveness=self.exhaustiveness,
            seed=self.seed,
            n_poses=1,
            scoring=self.scoring,
        )
        docking_extra("vina")
        docking_extra("meeko")
        object.__setattr__(self, "vina", vina)

    def identity(self) -> dict[str, Any]:
        """What decides the scores: the files by their content."""
        return {
            "receptor": Path(self.receptor),
            "center": list(self.vina.center),
            "size": list(self.vina.size),
            "exhaustiveness": self.exhaustiveness,
            "scoring": self.scoring,
            "seed": self.seed,
            "transform": self.transform,
        }

    def limit(self, count: int) -> float:
        """Seconds after which it has given up on `count` molecules: building and docking.

        Args:
            count: Of molecules.
        """
        return 2 * self.seconds * count

    def score_all(self, valid: Sequence[Decoded]) -> list[Scored]:
        """Build and dock the molecules."""
        from molgan.library.conformers import embed_all

        smiles = [str(item.smiles) for item in valid]
        found: list[Scored] = [(math.nan, "not docked")] * len(smiles)
        ligands: dict[int, str] = {}
        built = embed_all(smiles, seed=self.seed, seconds=self.seconds, n_jobs=self.n_jobs)
        for place, conformer in enumerate(built):
            if isinstance(conformer, str):
                found[place] = (math.nan, f"3D: {conformer}")
                continue
            try:
                ligands[place] = _ligand(conformer.mol)
            except ChemistryError as error:
                found[place] = (math.nan, str(error))
        docked = self.vina.dock_all(ligands.values(), seconds=self.seconds, n_jobs=self.n_jobs)
        for place, pose in zip(ligands, docked, strict=True):
            found[place] = (math.nan, pose.reason) if pose.reason else scored(pose.score)
        return found


def _ligand(mol: Any) -> str:
    from molgan.library.docking_files import pdbqt_text

    return pdbqt_text(mol, "ligand")


def _triple(values: Sequence[float], key: str) -> tuple[float, float, float]:
    try:
        x, y, z = (float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"docking: {key}={values} must be three numbers in angstrom") from error
    return x, y, z
