"""What a screen writes besides its tables: 3D structures for docking, Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from molgan.errors import ConfigError
from molgan.library.conformers import ATTEMPTS, SECONDS, check_settings
from molgan.screening.tables import FIRST, read_table

FOLDER = "docking"
"""Where the files for docking are, within the folder of results."""


@dataclass(frozen=True)
class Export:
    """Files for other programs, of the picked molecules, or of all hits where none are picked.

    Attributes:
        sdf: Whether to write 3D structures as SDF.
        pdbqt: Whether to write them as PDBQT.
        protonate: Lowest and highest pH: protonation states become rows of their own.
        stereo: Most stereoisomers of one molecule with open centres; 0 enumerates none.
        shard: Molecules in one folder.
        conformers: Built for each molecule; the one of lowest energy is written.
        attempts: Of the distance geometry for one molecule.
        seconds: Wall-clock time for the 3D structure of one molecule.
        seed: Of the coordinates.
        parquet: Whether to write hits.parquet too.
    """

    sdf: bool = False
    pdbqt: bool = False
    protonate: tuple[float, float] | None = None
    stereo: int = 0
    shard: int = 1000
    conformers: int = 1
    attempts: int = ATTEMPTS
    seconds: float = SECONDS
    seed: int = 0
    parquet: bool = False

    @property
    def formats(self) -> tuple[str, ...]:
        """What `molgan.library.docking_export` is asked for."""
        return (("sdf",) if self.sdf else ()) + (("pdbqt",) if self.pdbqt else ())

    def check(self) -> None:
        """Refuse what cannot work, a missing package among it.

        Raises:
            ConfigError: Naming the key.
            MolganError: If an extra is missing.
        """
        from molgan.library.extras import docking_extra

        check_settings(self.seed, self.attempts, self.seconds, self.conformers)
        if self.shard < 1:
            raise ConfigError(f"export.shard={self.shard}: a whole number from 1 up is wanted")
        if self.stereo < 0:
            raise ConfigError(f"export.stereo={self.stereo}: a whole number from 0 up is wanted")
        if self.protonate is not None:
            low, high = self.protonate
            if not 0 <= low <= high <= 14:
                raise ConfigError(
                    f"export.protonate=[{low:g},{high:g}]: a pH range within 0 to 14 is wanted"
                )
            docking_extra("dimorphite_dl")
        if self.pdbqt:
            docking_extra("meeko")
        if (self.protonate is not None or self.stereo) and not self.formats:
            raise ConfigError(
                "export.protonate and export.stereo add rows to the files for docking: give "
                "export.sdf=true or export.pdbqt=true"
            )

    def identity(self) -> dict[str, Any]:
        """The settings as plain values."""
        return asdict(self)

    def write(self, chosen: Path, out: Path, *, n_jobs: int, progress: bool) -> dict[str, Any]:
        """Write the structures, if any are asked for.

        Args:
            chosen: Table of molecules.
            out: Folder of the results; `docking/` is made in it.
            n_jobs: Worker processes.
            progress: Whether to show a bar.

        Returns:
            Figures for the manifest.
        """
        if not self.formats:
            return {}
        from molgan.library.docking_export import export_docking
        from molgan.library.states import States

        made = export_docking(
            ligands(chosen),
            out / FOLDER,
            formats=self.formats,
            per_folder=self.shard,
            states=States(ph=self.protonate, stereo_limit=self.stereo),
            seed=self.seed,
            attempts=self.attempts,
            seconds=self.seconds,
            conformers=self.conformers,
            n_jobs=n_jobs,
            progress=progress,
            overwrite=True,
            resume=True,
        )
        return {"exported": made.written, "not_exported": len(made.failures)}


def ligands(table: Path) -> Iterator[Any]:
    """The molecules of a table with their scores, one by one."""
    from molgan.library.states import Ligand

    for line in read_table(table):
        scores = {key: value for key, value in line.items() if key not in FIRST}
        yield Ligand(line["name"], line["smiles"], scores)
