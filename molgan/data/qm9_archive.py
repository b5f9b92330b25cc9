"""Reader of QM9's original archive, `dsgdb9nsd.xyz.tar.bz2`: one small text file for each molecule.

A file holds the number of atoms `n`; a line of properties that begins `gdb <number>`; `n` lines of
atoms; the vibrational frequencies; a line with two SMILES, of GDB-17 and of the relaxed geometry; a
line with two InChI. The GDB-17 SMILES is taken, as in the tables made from QM9.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import IO

from molgan.data.files import file_sha256
from molgan.data.readers import RawMolecules
from molgan.errors import DataError
from molgan.progress import tqdm


def parse_qm9_xyz(text: str) -> tuple[int, str]:
    """Number and GDB-17 SMILES from one of the archive's files.

    Raises:
        ValueError: if the text is not laid out as QM9's files are.
    """
    lines = text.splitlines()
    try:
        atoms = int(lines[0])
        tag, number = lines[1].split()[:2]
        smiles = lines[atoms + 3].split()[0]
    except (IndexError, ValueError) as error:
        raise ValueError("not a file of QM9") from error
    if tag != "gdb":
        raise ValueError("not a file of QM9")
    return int(number), smiles


def read_qm9_archive(path: Path, *, progress: bool = True) -> RawMolecules:
    """Read all molecules of the archive, in order of their number.

    Args:
        path: `dsgdb9nsd.xyz.tar.bz2` (or the same packed otherwise).
        progress: show a progress bar.

    Returns:
        SMILES with names `gdb_<number>`; `rows` is the number less one.

    Raises:
        DataError: if the archive is damaged, cut off, or holds something else.
    """
    out = RawMolecules(origin=str(path), sha256=file_sha256(path))
    found: dict[int, str] = {}
    try:
        # "r|*" reads the archive once from front to end: seeking in bz2 would start over each time.
        with (
            tarfile.open(path, mode="r|*") as archive,
            tqdm(desc=f"Reading {path.name}", unit=" files", disable=not progress) as bar,
        ):
            for member in archive:
                if not member.isfile() or not member.name.endswith(".xyz"):
                    continue
                bar.update()
                handle: IO[bytes] | None = archive.extractfile(member)
                assert handle is not None  # it is a plain file
                try:
                    number, smiles = parse_qm9_xyz(handle.read().decode("utf-8", "replace"))
                except ValueError:
                    out.skip("parse", member.name)
                    continue
                found[number] = smiles
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(
            f"{path} is damaged or cut off: it cannot be unpacked ({error}); fetch it again."
        ) from error
    if not found:
        raise DataError(f"{path} holds no .xyz file of QM9.")
    for number in sorted(found):
        out.smiles.append(found[number])
        out.rows.append(number - 1)
    out.data_rows = max(found)
    out.names = [f"gdb_{number}" for number in sorted(found)]
    return out
