"""Files of molecules to lists of SMILES: .smi, .csv, .tsv and .sdf, plain or gzip-compressed.

A bad row never stops a file: it is left out, counted under a reason, and its line number is kept
as an example. What stops a file is said in one sentence of a `DataError` that names the file and,
where there is one, the line or the column. Needs RDKit for .sdf only, and neither torch nor PyG.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from molgan.errors import DataError

#: File endings that are understood, each also with `.gz` behind it.
ENDINGS = {".smi": "smi", ".smiles": "smi", ".txt": "smi", ".csv": "csv", ".tsv": "csv"}
ENDINGS |= {".sdf": "sdf", ".sd": "sdf", ".mol": "sdf"}

#: Header names under which a column of SMILES is found without being named; capitals, spaces,
#: hyphens and underscores do not count.
SMILES_COLUMNS = ("smiles", "canonicalsmiles", "isomericsmiles", "smi", "structure")
#: Header names under which a column of molecule names is found; likewise.
NAME_COLUMNS = ("molid", "name", "id", "zincid", "compoundid", "moleculeid", "title")

# Spreadsheets, known by their names and, renamed, by their first bytes.
_SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

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


def user_path(path: str | Path, key: str = "data.path") -> Path:
    """Check a path that a user typed; relative ones are read against the current directory.

    Raises:
        DataError: if nothing is there, or a folder, or a file that may not be read.
    """
    resolved = Path(path).expanduser()
    if not resolved.exists():
        raise DataError(f"{key}={path}: there is no such file (looked at {resolved.absolute()}).")
    if resolved.is_dir():
        raise DataError(f"{key}={path} is a folder; name the file of molecules in it.")
    try:
        with resolved.open("rb"):
            pass
    except OSError as error:
        raise DataError(f"{key}={path} cannot be read: {error.strerror}.") from error
    return resolved


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def file_format(path: Path) -> str:
    """Format of a file by its ending: "smi", "csv" or "sdf".

    Raises:
        DataError: if the ending is none of those known.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    if suffixes and suffixes[-1] in _SPREADSHEETS:
        raise DataError(f"{path} is a spreadsheet: save it as CSV there, and give that file.")
    if not suffixes or suffixes[-1] not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise DataError(
            f"{path}: cannot tell the format of this file from its name; "
            f"known endings are {known}, each also with .gz."
        )
    return ENDINGS[suffixes[-1]]


@contextlib.contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, through gzip if it is compressed, and name it in every failure.

    Raises:
        DataError: if the file is empty, no gzip file in spite of its name, damaged, cut off, in
            UTF-16, or a workbook or zip archive.
    """
    try:
        with path.open("rb") as plain:
            head = plain.read(4)
            plain.seek(0)
            if not head:
                raise DataError(f"{path} is empty.")
            if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise DataError(f"{path} is in UTF-16; save it as UTF-8 and try again.")
            if head in (_ZIP, _OLD_OFFICE):
                raise DataError(
                    f"{path} is an Excel workbook or a zip archive, whatever its name: save the "
                    "table as CSV, or unpack the archive, and give that file."
                )
            if head[:2] == b"\x1f\x8b":
                with gzip.open(plain, "rb") as unpacked:
                    yield unpacked  # type: ignore[misc]  # GzipFile reads like BinaryIO
            elif path.suffix.lower() == ".gz":
                raise DataError(
                    f"{path} ends in .gz but is not a gzip file; rename it without .gz if it is "
                    f"plain text, or fetch it again."
                )
            else:
                yield plain
    except EOFError as error:
        raise DataError(f"{path} is cut off: its gzip data ends too early.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path} is damaged: its gzip data cannot be unpacked ({error})."
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


@contextlib.contextmanager
def _as_text(handle: BinaryIO, newline: str | None = None) -> Iterator[io.TextIOWrapper]:
    """Decode a binary handle, marking bad bytes, and leave the closing to whoever opened it."""
    text = io.TextIOWrapper(handle, encoding="utf-8-sig", errors="surrogateescape", newline=newline)
    try:
        yield text
    finally:
        text.detach()


def is_clean(text: str) -> bool:
    """Whether text came from valid UTF-8: `surrogateescape` marks bytes that did not."""
    return text.isascii() or not any("\udc80" <= c <= "\udcff" for c in text)


def printable(text: str) -> str:
    """Text with undecodable bytes turned into the replacement character."""
    if is_clean(text):
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


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
