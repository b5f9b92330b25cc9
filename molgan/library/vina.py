"""AutoDock Vina: a receptor, a box, ligands in; scores and poses out.

Eberhardt et al., J. Chem. Inf. Model. 61, 3891 (2021); Trott and Olson, J. Comput. Chem. 31, 455
(2010). Needs the extra ``docking``. Vina ends the process on some bad input, so it always runs in a
worker process, where that costs one ligand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from molgan.chem.deadline import run_each
from molgan.errors import ChemistryError, ConfigError, DataError
from molgan.library.extras import docking_extra

SECONDS = 3600.0
"""Wall-clock time for one ligand; at exhaustiveness 32 some need ten minutes on one core."""

_Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Docked:
    """What became of one ligand.

    Attributes:
        scores: Of its poses in kcal/mol, best first; empty where there is a reason.
        poses: PDBQT with one MODEL for each pose; `read_poses` makes molecules of it.
        reason: None, or why it could not be docked.
    """

    scores: tuple[float, ...] = ()
    poses: str = ""
    reason: str | None = None

    @property
    def score(self) -> float:
        """Of the best pose in kcal/mol, NaN where there is none."""
        return self.scores[0] if self.scores else float("nan")


@dataclass(frozen=True)
class Vina:
    """A receptor with the settings of a docking run.

    Args:
        receptor: Rigid receptor, a .pdbqt file.
        center: Of the search box in angstrom, x, y, z.
        size: Of its edges in angstrom. Beyond 30 x 30 x 30 Vina needs more exhaustiveness.
        exhaustiveness: Independent searches for one ligand, 1 or more; time grows with it.
        seed: 0 to 2147483647. The result depends on it, and neither on `cpu` nor on other ligands.
        cpu: Threads for one ligand, 1 or more. For many ligands more processes are better.
        n_poses: Most poses returned.
        energy_range: Poses farther than this from the best are left out, in kcal/mol.
        scoring: "vina" or "vinardo".

    Raises:
        ConfigError: a setting cannot work.
        DataError: the receptor is no readable PDBQT file.
    """

    receptor: Path
    center: _Triple
    size: _Triple
    exhaustiveness: int = 8
    seed: int = 0
    cpu: int = 1
    n_poses: int = 9
    energy_range: float = 3.0
    scoring: str = "vina"

    def __post_init__(self) -> None:
        """Check what can be checked before the first ligand."""
        object.__setattr__(self, "receptor", Path(self.receptor))
        for name in ("center", "size"):
            values = tuple(float(value) for value in getattr(self, name))
            if len(values) != 3 or not all(abs(value) < 1e5 for value in values):
                raise ConfigError(f"the {name} of the box needs three numbers in angstrom")
            object.__setattr__(self, name, values)
        if min(self.size) <= 0:
            raise ConfigError(f"the edges of the box must be more than 0 angstrom, not {self.size}")
        for name in ("exhaustiveness", "cpu", "n_poses"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if not 0 <= self.seed < 2**31:
            raise ConfigError(f"the seed must lie in 0 to 2147483647, not {self.seed}")
        if not self.energy_range > 0:
            raise ConfigError(f"energy_range must be more than 0, not {self.energy_range}")
        if self.scoring not in ("vina", "vinardo"):
            raise ConfigError(f"scoring is vina or vinardo, not {self.scoring!r}")
        _check_receptor(self.receptor)

    @classmethod
    def from_config(cls, receptor: str | Path, box: str | Path, **settings: Any) -> Self:
        """Take the box from a Vina configuration file; see `read_box`.

        Args:
            receptor: The receptor as a .pdbqt file.
            box: The file with centre and size, in angstrom.
            **settings: Others of `Vina`, such as ``exhaustiveness``.

        Raises:
            MolganError: If the box cannot be read, or a setting cannot work.
        """
        center, size = read_box(box)
        return cls(Path(receptor), center, size, **settings)

    def dock(self, pdbqt: str, *, seconds: float = SECONDS) -> Docked:
        """Dock one ligand; see `dock_all`, which saves computing the maps for each.

        Args:
            pdbqt: The ligand as PDBQT text.
            seconds: Wall-clock time, after which it is given up.
        """
        return next(self.dock_all([pdbqt], seconds=seconds))

    def dock_all(
        self, ligands: Iterable[str], *, seconds: float = SECONDS, n_jobs: int = 1
    ) -> Iterator[Docked]:
        """Yield what became of each ligand, in order.

        Args:
            ligands: PDBQT texts, such as `molgan.library.docking_files.pdbqt_text` makes.
            seconds: Wall-clock time for one, after which its worker is killed. The first one of
                each worker computes the maps of the receptor, some 3 s.
            n_jobs: Worker processes, -1 for one per core.

        Raises:
            MolganError: Vina is not installed.
        """
        docking_extra("vina")
        for outcome in run_each(_dock, ligands, self, seconds=seconds, n_jobs=n_jobs):
            if outcome.reason is not None:
                yield Docked(reason=outcome.reason)
            else:
                yield Docked(*outcome.value)


def read_box(path: str | Path) -> tuple[_Triple, _Triple]:
    """Centre and size of the box, in angstrom, from a Vina configuration file.

    Other keys of the file are not used.

    Args:
        path: Of the file, with lines such as `center_x = 15.19`.

    Raises:
        DataError: the file cannot be read, or one of the six numbers is missing or none.
    """
    found: dict[str, float] = {}
    keys = [f"{kind}_{axis}" for kind in ("center", "size") for axis in "xyz"]
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the box file {path}: {error}") from error
    for number, line in enumerate(lines, 1):
        key, _, value = line.split("#")[0].partition("=")
        if key.strip() in keys:
            try:
                found[key.strip()] = float(value)
            except ValueError as error:
                raise DataError(f"{path}, line {number}: {line.strip()!r} has no number") from error
    missing = [key for key in keys if key not in found]
    if missing:
        raise DataError(f"the box file {path} does not set {', '.join(missing)}")
    a, b, c, d, e, f = (found[key] for key in keys)
    return (a, b, c), (d, e, f)


def _check_receptor(path: Path) -> None:
    try:
        with path.open(encoding="utf-8") as file:
            atoms = any(line.startswith(("ATOM", "HETATM")) for line in file)
    except OSError as error:
        raise DataError(f"cannot read the receptor {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"the receptor {path} is no PDBQT file: it is not text") from error
    if path.suffix.lower() != ".pdbqt" or not atoms:
        raise DataError(f"the receptor {path} must be a .pdbqt file with ATOM lines")


@cache
def _engine(vina: Vina) -> Any:
    # One for each worker: the maps, for all atom types, take longer than a small ligand.
    engine = docking_extra("vina").Vina(
        sf_name=vina.scoring,
        cpu=min(vina.cpu, vina.exhaustiveness),
        # Vina reads 0 as "any seed".
        seed=vina.seed or 2**31 - 1,
        verbosity=0,
    )
    engine.set_receptor(str(vina.receptor))
    engine.compute_vina_maps(center=list(vina.center), box_size=list(vina.size))
    return engine


def _dock(pdbqt: str, vina: Vina) -> tuple[tuple[float, ...], str]:
    """Scores and poses of one ligand; runs in a worker."""
    engine = _engine(vina)
    try:
        engine.set_ligand_from_string(pdbqt)
        engine.dock(exhaustiveness=vina.exhaustiveness, n_poses=vina.n_poses)
        text = str(engine.poses(n_poses=vina.n_poses, energy_range=vina.energy_range))
    except Exception as error:  # its C++ errors arrive as TypeError, RuntimeError, ...
        raise ChemistryError(f"Vina: {' '.join(str(error).split())}") from error
    marker = "REMARK VINA RESULT:"
    scores = tuple(
        float(line[len(marker) :].split()[0])
        for line in text.splitlines()
        if line.startswith(marker)
    )
    if not scores:
        raise ChemistryError("Vina found no pose in the box")
    return scores, text
