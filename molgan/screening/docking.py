"""Docking the exported molecules with AutoDock Vina, and the scores back into the table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molgan.data.files import file_sha256, user_path
from molgan.errors import ConfigError
from molgan.screening.export import FOLDER, Export
from molgan.screening.tables import add_column, read_table

if TYPE_CHECKING:
    from molgan.docking import Vina

COLUMN = "vina"
"""Best score of a molecule in kcal/mol, over its protonation states and stereoisomers."""


@dataclass(frozen=True)
class Dock:
    """How to dock what was exported.

    Attributes:
        receptor: Rigid receptor, .pdbqt.
        box: Vina configuration file with the search box, or None for `center` and `size`.
        center: Of the box, in angstrom.
        size: Of its edges, in angstrom.
        exhaustiveness: Independent searches for each ligand.
        n_poses: Most poses kept.
        scoring: "vina" or "vinardo".
        seed: Of the searches.
        seconds: Wall-clock time for one ligand.
    """

    receptor: str
    box: str | None = None
    center: tuple[float, float, float] | None = None
    size: tuple[float, float, float] | None = None
    exhaustiveness: int = 8
    n_poses: int = 9
    scoring: str = "vina"
    seed: int = 0
    seconds: float = 3600.0

    def check(self, export: Export) -> None:
        """Refuse what cannot work.

        Args:
            export: The settings of the files that are written.

        Raises:
            MolganError: For a setting, a file or a missing package; it is named.
            ConfigError: For a setting.
        """
        from molgan.library.extras import docking_extra

        if not export.pdbqt:
            raise ConfigError("dock.receptor needs the molecules as PDBQT: add export.pdbqt=true")
        if not self.seconds > 0:
            raise ConfigError(f"dock.seconds={self.seconds}: a number above 0 is wanted")
        docking_extra("vina")
        self.vina()

    def vina(self) -> Vina:
        """The docking program with its receptor.

        Raises:
            ConfigError: If there is no search box.
            MolganError: If the receptor or the box cannot be read.
        """
        from molgan.docking import Vina, read_box

        if self.box is not None:
            center, size = read_box(user_path(self.box, "dock.box"))
        elif self.center is not None and self.size is not None:
            center, size = self.center, self.size
        else:
            raise ConfigError(
                "dock.receptor needs the search box: dock.box=FILE, or dock.center=[x,y,z] and "
                "dock.size=[x,y,z] in angstrom"
            )
        return Vina(
            user_path(self.receptor, "dock.receptor"),
            center,
            size,
            exhaustiveness=self.exhaustiveness,
            seed=self.seed,
            n_poses=self.n_poses,
            scoring=self.scoring,
        )

    def identity(self) -> dict[str, Any]:
        """The settings as plain values; files by their content."""
        plain = asdict(self)
        for key in ("receptor", "box"):
            if plain[key] is not None:
                plain[key] = file_sha256(user_path(plain[key], f"dock.{key}"))
        return plain

    def write(self, chosen: Path, out: Path, *, n_jobs: int, progress: bool) -> dict[str, Any]:
        """Dock what is in `docking/`; the table gets the column `vina`.

        Args:
            chosen: Table of the molecules that were exported.
            out: Folder of the results.
            n_jobs: Worker processes.
            progress: Whether to show a bar.

        Returns:
            Figures for the manifest.
        """
        import numpy as np

        from molgan.docking import dock_folder, import_scores

        scores = dock_folder(
            out / FOLDER, self.vina(), seconds=self.seconds, n_jobs=n_jobs, progress=progress
        )
        names = [line["name"] for line in read_table(chosen)]
        parents = {line["name"]: line["parent"] for line in read_table(scores)}
        found = import_scores(scores, names, score="vina", aliases=parents)
        texts = ["" if np.isnan(value) else f"{value:.3f}" for value in found.values.tolist()]
        add_column(chosen, COLUMN, texts)
        return {"docked": found.rows, "not_docked": len(parents) - found.rows}
