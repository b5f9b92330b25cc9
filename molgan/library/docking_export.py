"""A library as files for docking: 3D structures in folders of N, an index, and reasons for gaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rdkit import rdBase

from molgan.chem.deadline import run_each
from molgan.errors import ChemistryError, ConfigError
from molgan.library.conformers import ATTEMPTS, SECONDS, check_settings, embed
from molgan.library.docking_files import pdbqt_text, sdf_record
from molgan.library.docking_shards import Shards
from molgan.library.docking_source import Source
from molgan.library.extras import docking_extra
from molgan.library.states import Ligand, States

FORMATS = ("sdf", "pdbqt")


@dataclass(frozen=True)
class DockingFiles:
    """What `export_docking` left.

    Attributes:
        folder: Holds `index.csv`, `failures.csv` and the folders `dock_0001` and so on.
        written: Ligands in files.
        failures: (name, step, reason) of each that is not; steps are "states" and "3D".
        folders: How many folders there are.
    """

    folder: Path
    written: int
    failures: list[tuple[str, str, str]]
    folders: int


def export_docking(
    ligands: Iterable[Ligand],
    folder: str | Path,
    *,
    formats: Iterable[str] = FORMATS,
    per_folder: int = 1000,
    states: States | None = None,
    seed: int = 0,
    attempts: int = ATTEMPTS,
    seconds: float = SECONDS,
    conformers: int = 1,
    n_jobs: int = 1,
    progress: bool = False,
    overwrite: bool = False,
    resume: bool = False,
) -> DockingFiles:
    """Build every molecule in 3D and write it for docking, `per_folder` to a folder.

    Leaves `dock_0001/ligands.sdf`, `dock_0001/<name>.pdbqt` and so on, each folder there only when
    it is complete; `index.csv`, one row for each ligand with its files and scores; `failures.csv`
    with a reason for each that has none. Same seed, same files, whatever `n_jobs`.

    Args:
        ligands: Read one after the other; names must be unique.
        folder: Made if missing.
        formats: Of "sdf" and "pdbqt".
        per_folder: Ligands in a folder, for array jobs.
        states: Protonation states and stereoisomers to add as ligands of their own, named
            ``<name>_p1``, ``<name>_s1``, ``<name>_p1_s1`` where there are several.
        seed: Of the coordinates.
        attempts: See `molgan.library.conformers.embed`.
        seconds: For one ligand, after which its worker is killed.
        conformers: Built for each ligand; the lowest is written.
        n_jobs: Worker processes, -1 for one per core.
        progress: Whether to show a bar on standard error.
        overwrite: Whether `dock_*` folders of an earlier run are removed, with all that is in them.
        resume: Whether to go on with an earlier run of the same ligands and settings after the last
            folder that it completed; the files are those of one uninterrupted run. A finished one
            is left as it is, told by the journal in `.export`, which stays.

    Raises:
        ConfigError: a setting cannot work, or the run to be resumed had other ligands or settings.
        MolganError: the folder holds docking files already, cannot be written, or an extra is
            missing.
    """
    from molgan.progress import tqdm

    formats, states = tuple(formats), states or States()
    check_settings(seed, attempts, seconds, conformers)
    if not formats or set(formats) - set(FORMATS):
        raise ConfigError(f"formats for docking are sdf and pdbqt, not {', '.join(formats)!r}")
    if per_folder < 1:
        raise ConfigError(f"per_folder must be 1 or more, not {per_folder}")
    if "pdbqt" in formats:
        docking_extra("meeko")
    settings: dict[str, Any] = {
        "formats": formats,
        "seed": seed,
        "attempts": attempts,
        "seconds": seconds,
        "conformers": conformers,
    }
    others = {"per_folder": per_folder, "states": asdict(states), "rdkit": rdBase.rdkitVersion}
    shards = Shards(Path(folder), per_folder, settings | others)
    try:
        shards.start(resume=resume, overwrite=overwrite)
        source = Source(ligands, states, seconds, shards.position)
        outcomes = run_each(_prepared, source, *settings.values(), seconds=seconds, n_jobs=n_jobs)
        total = len(ligands) if isinstance(ligands, list | tuple) and not states else None
        begun = shards.position.begun
        bar = tqdm(outcomes, "3D", total, unit="mol", disable=not progress, initial=begun)
        for outcome in bar:
            ligand, no_states = source.done()
            shards.position = source.position
            if outcome.reason is None:
                shards.add(ligand, outcome.value)
            else:
                shards.fail(ligand, "3D" if no_states is None else "states", outcome.reason)
        shards.finish(keep=resume)
    finally:
        shards.close()
    return DockingFiles(shards.folder, shards.written, shards.failures, shards.folders)


def _prepared(
    item: tuple[Ligand, str | None],
    formats: tuple[str, ...],
    seed: int,
    attempts: int,
    seconds: float,
    conformers: int,
) -> dict[str, Any]:
    """Texts of all files of one ligand; the life's work of a worker."""
    ligand, no_states = item
    if no_states is not None:
        raise ChemistryError(no_states)  # comes along so that failures are told in order
    conformer = embed(
        ligand.smiles, seed=seed, attempts=attempts, seconds=seconds, conformers=conformers
    )
    if isinstance(conformer, str):
        raise ChemistryError(conformer)
    made: dict[str, Any] = {
        "smiles": conformer.smiles,
        "force_field": conformer.force_field,
        "energy": f"{conformer.energy:.4f}",
    }
    if "sdf" in formats:
        extra = {"smiles": conformer.smiles, "force_field": conformer.force_field}
        made["sdf"] = sdf_record(
            conformer.mol, ligand.name, {**ligand.scores, **extra, "energy": made["energy"]}
        )
    if "pdbqt" in formats:
        made["pdbqt"] = pdbqt_text(conformer.mol, ligand.name)
    return made
