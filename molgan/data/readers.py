"""Files of molecules to lists of SMILES: .smi, .csv, .tsv and .sdf, plain or gzip-compressed.

A bad row never stops a file: it is left out, counted under a reason, and its line number is kept
as an example. What stops a file is said in one sentence of a `DataError` that names the file and,
where there is one, the line or the column. Needs RDKit for .sdf only, and neither torch nor PyG.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from molgan.data.columns import (
    SMILES_COLUMNS,
    find_column,
    find_delimiter,
    find_names,
    header_key,
)
from molgan.data.files import file_format, file_sha256, is_clean, open_bytes, printable
from molgan.errors import DataError

#: Bad rows remembered for each reason; the counts are always complete.
MAX_EXAMPLES = 5

# A molecule of 10,000 atoms is a long field; the csv module stops at 131,072 characters by default.
_FIELD_LIMIT = 2**24


@dataclass
class RawMolecules:
    """Molecules as their file states them, before any chemistry.

    Attributes:
        smiles: one string for each usable row, in file order.
        names: the molecules' names, aligned with `smiles`; None if the file holds none.
        origin: the file or set they came from, for messages.
        sha256: hex digest of the source's bytes.
        rows: number of the data row (from 0, header and blank lines not counted) of each SMILES.
        data_rows: number of data rows in the source, usable or not.
        skipped: reason -> number of rows that could not be read: "blank", "not UTF-8",
            "no value in the column", "parse", "cut off".
        examples: reason -> the first few such rows, as "line 7" or "record 3".
    """

    smiles: list[str] = field(default_factory=list)
    names: list[str] | None = None
    origin: str = ""
    sha256: str = ""
    rows: list[int] = field(default_factory=list)
    data_rows: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Rows met in the source, usable or not."""
        return len(self.smiles) + sum(self.skipped.values())

    def skip(self, reason: str, where: str) -> None:
        """Count one row left out for `reason`; `where` says which.

        Args:
            reason: in words, such as ``parse``; rows are counted by it.
            where: the row, such as ``line 7``; the first few are kept.
        """
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(where)

    def select(self, keep: Iterable[int]) -> RawMolecules:
        """The same source restricted to the positions `keep` of `smiles`.

        Args:
            keep: positions, from 0, in the order wanted.
        """
        keep = list(keep)
        return RawMolecules(
            smiles=[self.smiles[i] for i in keep],
            names=None if self.names is None else [self.names[i] for i in keep],
            origin=self.origin,
            sha256=self.sha256,
            rows=[self.rows[i] for i in keep],
            data_rows=self.data_rows,
            skipped=dict(self.skipped),
            examples={k: list(v) for k, v in self.examples.items()},
        )


@contextlib.contextmanager
def _as_text(handle: BinaryIO, newline: str | None = None) -> Iterator[io.TextIOWrapper]:
    """Decode a binary handle, marking bad bytes, and leave the closing to whoever opened it."""
    text = io.TextIOWrapper(handle, encoding="utf-8-sig", errors="surrogateescape", newline=newline)
    try:
        yield text
    finally:
        text.detach()


def _read_smi(text: io.TextIOWrapper, out: RawMolecules) -> list[str]:
    """Lines `SMILES [name]`, with `#` comments and an optional header line."""
    names: list[str] = []
    row = 0
    for number, line in enumerate(text, start=1):
        fields = line.split(None, 1)
        if not fields:
            out.skip("blank", f"line {number}")
            continue
        smiles = fields[0]
        if smiles.startswith("#") or (row == 0 and header_key(smiles) in SMILES_COLUMNS):
            continue
        row += 1
        if not is_clean(smiles):
            out.skip("not UTF-8", f"line {number}")
            continue
        out.smiles.append(smiles)
        out.rows.append(row - 1)
        names.append(printable(fields[1].strip()) if len(fields) > 1 else "")
    out.data_rows = row
    return names


def _read_csv(
    text: io.TextIOWrapper,
    out: RawMolecules,
    path: Path,
    column: str | None,
    name_column: str | None,
    delimiter: str | None,
) -> list[str]:
    """A table with one header line; fields may be quoted and hold line ends (as ZINC250k's do)."""
    first = text.readline()
    mark = delimiter or find_delimiter(first, path)
    header = [name.strip() for name in next(csv.reader([first], delimiter=mark), [])]
    smiles_at = find_column(header, column, path)
    names_at = find_names(header, name_column, path)

    names: list[str] = []
    reader = csv.reader(text, delimiter=mark)
    previous_limit = csv.field_size_limit(_FIELD_LIMIT)
    row = -1
    try:
        for fields in reader:
            where = f"line {reader.line_num + 1}"
            if not fields:
                out.skip("blank", where)
                continue
            row += 1
            if len(fields) <= smiles_at:
                out.skip("no value in the column", where)
                continue
            smiles = fields[smiles_at].strip()
            if not smiles:
                out.skip("blank", where)
            elif not is_clean(smiles):
                out.skip("not UTF-8", where)
            else:
                out.smiles.append(smiles)
                out.rows.append(row)
                named = 0 <= names_at < len(fields)
                names.append(printable(fields[names_at].strip()) if named else "")
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num + 1}: {error}.") from error
    finally:
        csv.field_size_limit(previous_limit)
    out.data_rows = row + 1
    return names


def _records(handle: BinaryIO) -> Iterator[tuple[str, bool]]:
    """Records of an SDF and whether each is whole (ended by `$$$$`, or at least by `M  END`)."""
    lines: list[str] = []
    for raw in handle:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith("$$$$"):
            yield "\n".join(lines), True
            lines = []
        else:
            lines.append(line)
    if any(line.strip() for line in lines):
        yield "\n".join(lines), any(line.startswith("M  END") for line in lines)


def _read_sdf(handle: BinaryIO, out: RawMolecules) -> list[str]:
    """Records of an SDF; the name is a record's first line."""
    from rdkit import Chem

    from molgan.chem import quiet_rdkit

    # RDKit's stubs do not say that this gives None for what it cannot read.
    parse: Callable[..., Chem.Mol | None] = Chem.MolFromMolBlock
    names: list[str] = []
    with quiet_rdkit():
        for row, (record, whole) in enumerate(_records(handle)):
            where = f"record {row + 1}"
            out.data_rows = row + 1
            if not whole:
                out.skip("cut off", where)
                continue
            mol = parse(record, sanitize=True, removeHs=True)
            if mol is None:
                out.skip("parse", where)
                continue
            out.smiles.append(Chem.MolToSmiles(mol))
            out.rows.append(row)
            names.append(record.split("\n", 1)[0].strip())
    return names


def read_molecules(
    path: Path,
    *,
    column: str | None = None,
    name_column: str | None = None,
    delimiter: str | None = None,
) -> RawMolecules:
    """Read a .smi, .csv, .tsv or .sdf file, plain or gzip-compressed.

    Args:
        path: the file.
        column: the column of SMILES in a table; default: `smiles` in any spelling, or the like.
        name_column: the column of names in a table; default: `mol_id`, `name`, `id` or the like.
        delimiter: the character between columns; default: comma, else tab or semicolon.

    Returns:
        The molecules, with what was left out counted.

    Raises:
        DataError: if the file as a whole cannot be used.
    """
    kind = file_format(path)
    if column is not None and kind != "csv":
        raise DataError(f"{path} is no table, so data.column={column} does not apply to it.")
    out = RawMolecules(origin=str(path))
    with open_bytes(path) as handle:
        if kind == "csv":
            # A column called 2020 arrives as a number from the command line.
            column = None if column is None else str(column)
            with _as_text(handle, newline="") as text:
                names = _read_csv(text, out, path, column, name_column, delimiter)
        elif kind == "sdf":
            names = _read_sdf(handle, out)
        else:
            with _as_text(handle) as text:
                names = _read_smi(text, out)
    out.names = names if any(names) else None
    out.sha256 = file_sha256(path)
    return out
