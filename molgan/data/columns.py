"""Columns of a table: which holds the SMILES, which the names, and what parts them."""

from __future__ import annotations

import re
from pathlib import Path

from molgan.data.files import printable
from molgan.errors import DataError

#: Header names under which a column of SMILES is found without being named; capitals, spaces,
#: hyphens and underscores do not count.
SMILES_COLUMNS = ("smiles", "canonicalsmiles", "isomericsmiles", "smi", "structure")
#: Header names under which a column of molecule names is found; likewise.
NAME_COLUMNS = ("molid", "name", "id", "zincid", "compoundid", "moleculeid", "title")


def find_column(header: list[str], wanted: str | None, path: Path, key: str = "data.column") -> int:
    """Index of the SMILES column: the one named, else the first of the usual names.

    Raises:
        DataError: if there is none; `key` is the setting by which the user can name it.
    """
    if wanted is not None:
        if wanted in header:
            return header.index(wanted)
    else:
        keys = [header_key(name) for name in header]
        for usual in SMILES_COLUMNS:
            if usual in keys:
                return keys.index(usual)
    there = ", ".join(repr(printable(name)[:40]) for name in header[:30])
    problem = f"has no column {wanted!r}" if wanted is not None else "has no column of SMILES"
    no_header = any(map(_may_be_molecule, header))
    hint = " If that is a molecule already, add a line such as smiles,name above it."
    raise DataError(
        f"{path} {problem}; its columns are {there} (the first line is the header). "
        f"Name the right one with {key}=.{hint if no_header else ''}"
    )


def header_key(name: str) -> str:
    """A header as it is compared with the usual names: "Canonical SMILES" is canonicalsmiles."""
    return re.sub(r"[\W_]", "", name.lower())


def _may_be_molecule(text: str) -> bool:
    """Whether a header can be read as SMILES, as "CCO" and, alas, "CNS" can."""
    from molgan.chem import quiet_rdkit, read_smiles

    with quiet_rdkit():
        return len(text) > 2 and read_smiles(text)[0] is not None


def find_names(
    header: list[str], wanted: str | None, path: Path, key: str = "data.name_column"
) -> int:
    """Index of the column of names, -1 if none is named and none has a usual name."""
    if wanted is not None:
        return find_column(header, wanted, path, key)
    keys = [header_key(name) for name in header]
    return next((keys.index(usual) for usual in NAME_COLUMNS if usual in keys), -1)


def find_delimiter(first_line: str, path: Path) -> str:
    """The character that parts the columns: comma, else tab or semicolon if the header has one."""
    if ".tsv" in [suffix.lower() for suffix in path.suffixes]:
        return "\t"
    return next((mark for mark in (",", "\t", ";") if mark in first_line), ",")
