"""Files of molecules row by row, in bounded memory, whatever is in them.

`molgan.data.readers` holds a whole set, for training; this gives one row after the other, for files
that do not fit. No row is lost silently: one that cannot be used comes with the reason, and a line
of any length, a quote that nobody closes or an SDF record without an end costs only itself.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from molgan.data.columns import SMILES_COLUMNS, find_column, find_delimiter, find_names, header_key
from molgan.data.files import file_format, is_clean, open_bytes, printable
from molgan.errors import DataError

MAX_LINE = 2**20
"""Bytes of a line that are read; a SMILES of 10,000 atoms has some 20,000."""

MAX_RECORD = 2**24
"""Bytes of an SDF record; one of 10,000 atoms has about one million."""

MAX_FIELD = 2000
"""Characters of a field that is neither SMILES nor name."""

_QUOTED_LINES = 64  # lines over which a quoted field of a table may reach
_SHOWN = 100  # characters kept of what is too long


class Row(NamedTuple):
    """One row of the file.

    Attributes:
        number: Of the row, from 1; comments, header and blank lines are not counted.
        where: "line 7" or "record 3", for messages.
        name: As the file gives it; "" if it gives none.
        text: The SMILES, or the whole record of an SDF.
        reason: Why the row cannot be used: "line too long", "not UTF-8", "no SMILES", "quote not
            closed", "record too long", "cut off"; None if it can.
        others: The row's fields of `other_columns`, up to `MAX_FIELD` characters of each and one
            more where there are more; fewer or none where the row ends early or cannot be read.
    """

    number: int
    where: str
    name: str
    text: str
    reason: str | None = None
    others: tuple[str, ...] = ()


def stream_rows(
    path: Path,
    *,
    column: str | None = None,
    name_column: str | None = None,
    delimiter: str | None = None,
) -> Iterator[Row]:
    """Give the rows of a .smi, .csv, .tsv or .sdf file, plain or gzip-compressed, one by one.

    A compressed file that ends too early or is damaged gives what can be unpacked, and then one
    row with the reason.

    Args:
        path: The file.
        column: Column of SMILES in a table; default: `smiles` in any spelling, or the like.
        name_column: Column of names in a table; default: `name`, `id`, `mol_id` or the like.
        delimiter: Character between columns; default: comma, else tab or semicolon.

    Raises:
        DataError: If the file cannot be opened, is empty, or has no column of SMILES; raised
            before the first row.
    """
    kind = file_format(path)
    if column is not None and kind != "csv":
        raise DataError(f"{path} is no table, so column={column} does not apply to it.")
    number = 0
    try:
        with open_bytes(path) as handle:
            if kind == "sdf":
                rows = _sdf_rows(handle)
            elif kind == "csv":
                rows = _csv_rows(handle, path, column, name_column, delimiter)
            else:
                rows = _smi_rows(handle)
            for row in rows:
                yield row
                number = row.number
    except DataError as error:
        if number == 0:
            raise
        yield Row(number + 1, "end of file", "", "", f"cut off: {error}")


def other_columns(
    path: Path,
    *,
    column: str | None = None,
    name_column: str | None = None,
    delimiter: str | None = None,
) -> list[str]:
    """Headings of a table's columns that hold neither SMILES nor names; other files have none.

    Columns without a heading, such as the row numbers that pandas writes, are passed over.

    Args:
        path: The file.
        column: As for `stream_rows`.
        name_column: As for `stream_rows`.
        delimiter: As for `stream_rows`.

    Raises:
        DataError: As `stream_rows` does before the first row.
    """
    if file_format(path) != "csv":
        return []
    with open_bytes(path) as handle:
        layout = _layout(_Feed(_lines(handle)), path, column, name_column, delimiter)
    return [one_line(printable(layout.header[place]), _SHOWN) for place in layout.others]


class _Line(NamedTuple):
    number: int
    text: str
    whole: bool


def _lines(handle: BinaryIO) -> Iterator[_Line]:
    """Decoded lines without their ends; of one that is too long only the beginning is kept."""
    number = 0
    while raw := handle.readline(MAX_LINE):
        number += 1
        whole = raw.endswith(b"\n") or len(raw) < MAX_LINE
        if not whole:
            while piece := handle.readline(MAX_LINE):
                if piece.endswith(b"\n"):
                    break
            raw = raw[:_SHOWN]
        if number == 1 and raw.startswith(b"\xef\xbb\xbf"):
            raw = raw[3:]
        text = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
        if whole and "\r" in text:  # line ends of old Macs
            *pieces, text = text.split("\r")
            for part in pieces:
                yield _Line(number, part, True)
                number += 1
        yield _Line(number, text, whole)


def _smi_rows(handle: BinaryIO) -> Iterator[Row]:
    row = 0
    for line in _lines(handle):
        fields = line.text.split(None, 1)
        where = f"line {line.number}"
        if not fields and line.whole:
            continue
        smiles = fields[0] if fields else ""
        if smiles.startswith("#") or (row == 0 and header_key(smiles) in SMILES_COLUMNS):
            continue
        row += 1
        name = printable(fields[1].strip()) if len(fields) > 1 else ""
        if not line.whole:
            yield Row(row, where, "", printable(line.text[:_SHOWN]), "line too long")
        elif not is_clean(smiles):
            yield Row(row, where, name, printable(smiles), "not UTF-8")
        else:
            yield Row(row, where, name, smiles)


class _Feed:
    """Lines for one csv.reader, which may be put back when a record takes too many of them."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines = lines
        self._back: deque[_Line] = deque()
        self.taken: list[_Line] = []
        self.starved = False

    def next_line(self) -> _Line | None:
        """The line at which the next record begins."""
        self.taken, self.starved = [], False
        return self._back.popleft() if self._back else next(self._lines, None)

    def put_back(self, lines: list[_Line]) -> None:
        self._back.extendleft(reversed(lines))

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = None
        if len(self.taken) < _QUOTED_LINES:
            line = self._back.popleft() if self._back else next(self._lines, None)
        if line is None or not line.whole:
            if line is not None:
                self.put_back([line])
            self.starved = True
            raise StopIteration
        self.taken.append(line)
        # The reader needs the line end to tell a field that goes on from one that ends.
        return line.text + "\n"


class _Layout(NamedTuple):
    """What is where in a table; columns by their places."""

    delimiter: str
    header: list[str]
    smiles: int
    name: int
    others: tuple[int, ...]


def _layout(
    feed: _Feed, path: Path, column: str | None, name_column: str | None, delimiter: str | None
) -> _Layout:
    """Read the header."""
    first = feed.next_line()
    if first is None or not first.whole:
        raise DataError(f"{path}: its first line, the header, is longer than {MAX_LINE:,} bytes.")
    mark = delimiter or find_delimiter(first.text, path)
    header = [name.strip() for name in next(csv.reader([first.text], delimiter=mark), [])]
    smiles = find_column(header, column, path, "column")
    name = find_names(header, name_column, path, "name_column")
    others = tuple(i for i, text in enumerate(header) if text and i not in (smiles, name))
    return _Layout(mark, header, smiles, name, others)


def _csv_rows(
    handle: BinaryIO,
    path: Path,
    column: str | None,
    name_column: str | None,
    delimiter: str | None,
) -> Iterator[Row]:
    """A table with one header line; a quoted field may hold line ends, as ZINC250k's do."""
    feed = _Feed(_lines(handle))
    layout = _layout(feed, path, column, name_column, delimiter)
    smiles_at, names_at = layout.smiles, layout.name
    reader = csv.reader(feed, delimiter=layout.delimiter)
    row = 0
    while (line := feed.next_line()) is not None:
        where = f"line {line.number}"
        if not line.whole:
            row += 1
            yield Row(row, where, "", printable(line.text[:_SHOWN]), "line too long")
            continue
        if not line.text.strip():
            continue
        row += 1
        feed.put_back([line])
        fields = _fields(reader)
        if fields is None or feed.starved:
            feed.put_back(feed.taken[1:])
            reason = "line too long" if fields is None else "quote not closed"
            yield Row(row, where, "", printable(line.text[:_SHOWN]), reason)
            continue
        smiles = fields[smiles_at].strip() if len(fields) > smiles_at else ""
        name = printable(fields[names_at].strip()) if 0 <= names_at < len(fields) else ""
        others = tuple(
            printable(fields[i][: MAX_FIELD + 1]) for i in layout.others if i < len(fields)
        )
        if not smiles:
            yield Row(row, where, name, "", "no SMILES", others)
        elif not is_clean(smiles):
            yield Row(row, where, name, printable(smiles), "not UTF-8", others)
        else:
            yield Row(row, where, name, smiles, None, others)


def _fields(reader: Iterator[list[str]]) -> list[str] | None:
    """The fields of the next record; None if one is longer than the csv module reads."""
    # The limit is the process's: it is changed only as long as it is needed.
    before = csv.field_size_limit(_QUOTED_LINES * MAX_LINE)
    try:
        return next(reader, [])
    except csv.Error:
        return None
    finally:
        csv.field_size_limit(before)


def _sdf_rows(handle: BinaryIO) -> Iterator[Row]:
    """Records up to `$$$$`; the last one counts as whole with `M  END` alone."""
    row, size = 0, 0
    lines: list[str] = []
    for line in _lines(handle):
        if line.text.startswith("$$$$"):
            row += 1
            yield _record(row, lines, size)
            lines, size = [], 0
            continue
        size += len(line.text) + 1 if line.whole else MAX_RECORD
        if size < MAX_RECORD:
            lines.append(line.text)
    if any(text.strip() for text in lines) or size >= MAX_RECORD:
        whole = any(text.startswith("M  END") for text in lines)
        yield _record(row + 1, lines, size, None if whole else "cut off")


def _record(row: int, lines: list[str], size: int, reason: str | None = None) -> Row:
    name = printable(lines[0].strip()[:_SHOWN]) if lines else ""
    where = f"record {row}"
    if size >= MAX_RECORD:
        return Row(row, where, name, "", "record too long")
    text = "\n".join(lines)
    return Row(row, where, name, printable(text) if reason is None else "", reason)


def one_line(text: str, limit: int = 2000) -> str:
    """Text fit for one field of a table: control characters to blanks, cut at `limit`."""
    text = re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()
    return text if len(text) <= limit else text[:limit] + "..."
