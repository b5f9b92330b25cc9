"""Docking a folder of ligands with AutoDock Vina; everything else about docking by one import.

Needs the extra ``docking``: pip install "molgan[docking]".
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from molgan.errors import ConfigError, DataError
from molgan.library.poses import Pose, pose_rmsd, read_poses, read_reference
from molgan.library.score_import import ImportedScores, aliases_from_index, import_scores
from molgan.library.vina import SECONDS, Docked, Vina, read_box
from molgan.library.writers import _cut_to_whole_lines, atomic_write, cannot_write

__all__ = [
    "Docked",
    "ImportedScores",
    "Pose",
    "Vina",
    "aliases_from_index",
    "dock_folder",
    "import_scores",
    "pose_rmsd",
    "read_box",
    "read_poses",
    "read_reference",
]

#: Columns of the table that `dock_folder` writes; `vina` is in kcal/mol, lower is better.
COLUMNS = ("name", "parent", "smiles", "vina", "poses", "reason")


def dock_folder(
    folder: str | Path,
    vina: Vina,
    out: str | Path | None = None,
    *,
    seconds: float = SECONDS,
    n_jobs: int = 1,
    progress: bool = False,
) -> Path:
    """Dock every ligand of a folder that `molgan.library.docking_export` wrote.

    Writes `scores.csv` (see `COLUMNS`) row by row, `settings.json`, and the poses of each ligand
    as PDBQT in folders like those of the ligands. A run that was stopped goes on where it was when
    it is called again with the same settings.

    Args:
        folder: With `index.csv` and the PDBQT files that it names.
        vina: Receptor and settings.
        out: Where to write; `docked` in the folder if None.
        seconds: See `Vina.dock_all`.
        n_jobs: See `Vina.dock_all`.
        progress: Whether to show a bar on standard error.

    Returns:
        The path of `scores.csv`; `import_scores` joins it to a library.

    Raises:
        DataError: the index, or a file it names, cannot be read.
        ConfigError: `out` holds results of other settings or ligands.
        MolganError: `out` cannot be written.
    """
    from molgan.progress import tqdm

    folder = Path(folder)
    out = folder / "docked" if out is None else Path(out)
    rows = _index(folder)
    _same_settings(out, vina, folder / "index.csv")
    table = out / "scores.csv"
    _cut_to_whole_lines(table)
    done = _done(table, rows)
    texts = (_ligand(folder / row["pdbqt"]) for row in rows[done:])
    results = vina.dock_all(texts, seconds=seconds, n_jobs=n_jobs)
    try:
        with table.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if done == 0 and file.tell() == 0:
                writer.writerow(COLUMNS)
            bar = tqdm(total=len(rows), initial=done, desc="docking", disable=not progress)
            for row, result in zip(rows[done:], results, strict=True):
                place = ""
                if result.reason is None:
                    place = row["pdbqt"]
                    with atomic_write(out / place) as poses:
                        poses.write(result.poses)
                score = "" if result.reason else f"{result.score:.3f}"
                kept = row["name"], row["parent"], row["smiles"]
                writer.writerow([*kept, score, place, result.reason or ""])
                file.flush()
                bar.update()
            bar.close()
    except OSError as error:
        raise cannot_write(table, error) from error
    return table


def _ligand(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the ligand {path}: {error}") from error


def _index(folder: Path) -> list[dict[str, str]]:
    path = folder / "index.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}, which says what to dock: {error}") from error
    for row in rows:
        if not row.get("pdbqt"):
            raise DataError(f"{path} names no PDBQT files; export them with formats=[pdbqt]")
    return rows


def _same_settings(out: Path, vina: Vina, index: Path) -> None:
    """Remember the settings of a new folder; refuse one with results of others."""
    settings = {**asdict(vina), "receptor": _sha256(vina.receptor), "index": _sha256(index)}
    # Results do not depend on the number of threads.
    del settings["cpu"]
    settings = json.loads(json.dumps(settings))
    path = out / "settings.json"
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        earlier = settings
        with atomic_write(path) as file:
            file.write(json.dumps(settings, indent=2) + "\n")
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    different = [key for key in settings if earlier.get(key) != settings[key]]
    if different:
        raise ConfigError(
            f"{out} holds results of another run ({', '.join(different)} differ); "
            "write to another folder, or remove it"
        )


def _done(table: Path, rows: list[dict[str, str]]) -> int:
    """How many ligands the table of an earlier run holds."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            names = [row["name"] for row in csv.DictReader(file)]
    except FileNotFoundError:
        return 0
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {table}: {error}") from error
    if names != [row["name"] for row in rows[: len(names)]]:
        raise ConfigError(f"{table} is not of these ligands; write to another folder")
    return len(names)


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
