"""Reference molecules of a component, from a file or written down."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from molgan.chem import quiet_rdkit, read_smiles
from molgan.errors import ConfigError, DataError

log = logging.getLogger("molgan")


def read_references(
    component: str, smiles: str | Sequence[str] | None, path: str | None
) -> list[Any]:
    """Reference molecules, sanitised, without stereochemistry.

    Args:
        component: Who asks, for messages.
        smiles: One SMILES or several.
        path: A .smi, .csv, .tsv or .sdf file, also .gz. Rows that cannot be read are left out with
            a warning; of a SMILES written down, that is an error.

    Raises:
        ConfigError: If neither or both are given, or a SMILES cannot be read.
        DataError: If the file cannot be read or holds no molecule.
    """
    if (smiles is None) == (path is None):
        raise ConfigError(
            f"{component} needs its reference molecules: either smiles=[...] or path=FILE"
        )
    if path is not None:
        return _from_file(component, path)
    listed = [smiles] if isinstance(smiles, str) else list(smiles or ())
    if not listed:
        raise ConfigError(f"{component}: smiles=[] holds no molecule")
    found = []
    with quiet_rdkit():
        for text in listed:
            mol, reason = read_smiles(str(text))
            if mol is None:
                raise ConfigError(f"{component}: smiles holds {text!r}, which is none ({reason})")
            found.append(mol)
    return found


def _from_file(component: str, path: str) -> list[Any]:
    from rdkit import Chem

    from molgan.chem.reading import standard_copy
    from molgan.data.files import user_path
    from molgan.data.streaming import stream_rows

    file = user_path(path, f"{component}: path")
    found, unreadable = [], 0
    with quiet_rdkit():
        for row in stream_rows(file):
            mol = None
            if row.reason is None and "\n" in row.text:
                block = Chem.MolFromMolBlock(row.text)
                mol = None if block is None else standard_copy(block)[0]
            elif row.reason is None:
                mol, _ = read_smiles(row.text)
            if mol is None:
                unreadable += 1
            else:
                found.append(mol)
    if not found:
        raise DataError(f"{component}: path={path} holds no molecule that can be read")
    if unreadable:
        log.warning("%s: %s rows of %s hold no readable molecule", component, unreadable, path)
    return found
