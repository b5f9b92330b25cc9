"""A user's table of molecules and measured values, row by row; none is lost without a reason."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from molgan.data.columns import find_column, find_delimiter
from molgan.data.files import file_format, open_bytes, user_path
from molgan.data.streaming import stream_rows
from molgan.errors import DataError


class Assay(NamedTuple):
    """One row.

    Attributes:
        where: "line 7", for messages.
        smiles: as the table has it.
        value: as the table has it, or a number given from Python.
        reason: why the row cannot be used; None if it can, as far as one sees by now.
    """

    where: str
    smiles: str
    value: str | float
    reason: str | None = None


@dataclass(frozen=True)
class Assays:
    """The rows of a table.

    Attributes:
        rows: in order; blank lines are not among them.
        origin: the file, for messages; "" for molecules from Python.
    """

    rows: Sequence[Assay]
    origin: str = ""


def read_assays(
    path: str | Path, target: str, *, column: str | None = None, delimiter: str | None = None
) -> Assays:
    """Read a .csv or .tsv file, plain or gzip-compressed.

    Args:
        path: The file, with one header line.
        target: Header of the measured values.
        column: Header of the SMILES; None finds one of the usual names.
        delimiter: Between columns; None: comma, else tab or semicolon.

    Raises:
        DataError: If the file cannot be read, is no table, or lacks a column.
    """
    file = user_path(path, "data")
    if file_format(file) != "csv":
        raise DataError(
            f"data={path} is no table: a .csv or .tsv file with a column of SMILES and a column "
            f"{target!r} is wanted"
        )
    with open_bytes(file) as handle:
        first = handle.readline().decode("utf-8-sig", "replace")
    mark = delimiter or find_delimiter(first, file)
    header = [name.strip() for name in next(csv.reader([first], delimiter=mark), [])]
    smiles_at = find_column(header, column, file, "column")
    if find_column(header, target, file, "target") == smiles_at:
        raise DataError(f"target={target} is the column of SMILES; name the measured values")
    # The stream gives a second column along with the SMILES, which it calls the name.
    stream = stream_rows(file, column=column, name_column=target, delimiter=delimiter)
    rows = [Assay(row.where, row.text, row.name, row.reason) for row in stream]
    if not rows:
        raise DataError(f"{file} has a header but no rows")
    return Assays(rows, str(path))


def assays_of(smiles: Sequence[str], values: Sequence[str | float]) -> Assays:
    """Molecules and values from Python.

    Args:
        smiles: One SMILES each.
        values: One number each, or two different texts for classes.

    Raises:
        DataError: If their numbers differ, or there are none.
    """
    if len(smiles) != len(values):
        raise DataError(f"{len(smiles)} molecules, but {len(values)} values")
    if not len(smiles):
        raise DataError("there are no molecules to fit on")
    pairs = zip(smiles, values, strict=True)
    return Assays([Assay(f"entry {i}", str(s), v) for i, (s, v) in enumerate(pairs, 1)])
