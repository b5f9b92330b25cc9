"""One molecule as a docking program reads it: SDF, PDBQT, and a file name that works anywhere.

PDBQT needs the extra `docking` (Meeko), which writes the atom types and torsions of AutoDock 4 and
Vina: Forli et al., Nat. Protoc. 11, 905 (2016). Whole libraries: `molgan.library.docking_export`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from numbers import Integral
from pathlib import Path
from typing import Any

from rdkit import Chem

from molgan.chem.rdkit_log import quiet_rdkit
from molgan.errors import ChemistryError
from molgan.library.extras import docking_extra
from molgan.library.states import enumerate_stereo, protonate
from molgan.library.writers import atomic_write

__all__ = [
    "SafeNames",
    "enumerate_stereo",
    "pdbqt_text",
    "protonate",
    "sdf_record",
    "text_of",
    "write_pdbqt",
    "write_sdf",
]

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?$", re.IGNORECASE)
_LONGEST_NAME = 100


def sdf_record(mol: Chem.Mol, name: str, properties: Mapping[str, Any] | None = None) -> str:
    """One molecule of an SDF, coordinates and properties; missing values (NaN, None) are left out.

    Numbers have six significant digits.
    """
    titled = Chem.Mol(mol)
    titled.SetProp("_Name", _one_line(name))
    parts = [Chem.MolToMolBlock(titled)]
    for key, value in (properties or {}).items():
        text = text_of(value)
        if text:
            parts.append(f">  <{re.sub(r'[<>]', '', _one_line(key))}>\n{text}\n\n")
    return "".join([*parts, "$$$$\n"])


def write_sdf(path: str | Path, records: Iterable[str]) -> None:
    """Write what `sdf_record` made to one file, atomically.

    Raises:
        MolganError: the file cannot be written; it is named.
    """
    with atomic_write(path) as file:
        file.writelines(records)


def pdbqt_text(mol: Chem.Mol, name: str) -> str:
    """A molecule as PDBQT: Gasteiger charges, AutoDock types, torsions; its name as a REMARK.

    Args:
        mol: One conformer, all hydrogens explicit, such as `Conformer.mol`. Protonation is taken as
            it is.
        name: Goes along into the poses that Vina writes.

    Raises:
        ChemistryError: Meeko cannot type or charge it; the message is Meeko's.
        MolganError: Meeko is not installed.
    """
    meeko = docking_extra("meeko")
    with quiet_rdkit():
        try:
            setups = _preparation().prepare(mol)
            text, good, message = meeko.PDBQTWriterLegacy.write_string(setups[0])
        except Exception as error:  # Meeko raises what it likes: RuntimeError, KeyError, ...
            raise ChemistryError(f"PDBQT: {_one_line(error)}") from error
    if not good:
        raise ChemistryError(f"PDBQT: {_one_line(message)}")
    return f"REMARK  Name = {_one_line(name)}\n{text}"


def write_pdbqt(path: str | Path, mol: Chem.Mol, name: str) -> None:
    """Write `pdbqt_text` to a file, atomically; raises what it and `atomic_write` raise."""
    text = pdbqt_text(mol, name)
    with atomic_write(path) as file:
        file.write(text)


class SafeNames:
    """File names, without ending, for the names it is called with.

    Letters, digits, ``_``, ``-`` and ``.`` only. No two are alike even where upper and lower case
    are the same; none is reserved on Windows, starts with a dot or dash, or is longer than 100
    characters (and a number where it would repeat).
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def __call__(self, name: str) -> str:
        """A name of its own for the next file."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:_LONGEST_NAME].lstrip(".-").rstrip(".")
        if not plain or _RESERVED.match(plain):
            plain = f"mol_{plain}"
        unique, count = plain, 1
        while unique.lower() in self._taken:
            count += 1
            unique = f"{plain}_{count}"
        self._taken.add(unique.lower())
        return unique


def text_of(value: Any) -> str:
    """A value in one line: empty for None and NaN, numbers to six significant digits."""
    if value is None or value != value:
        return ""
    if isinstance(value, str | Integral):
        return _one_line(value)
    return f"{float(value):.6g}"


def _one_line(value: Any) -> str:
    return " ".join(str(value).split())


@cache
def _preparation() -> Any:
    # Reading its tables of atom types takes longer than a molecule.
    return docking_extra("meeko").MoleculePreparation()
