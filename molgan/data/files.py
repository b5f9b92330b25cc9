"""A file that a user named: is it there, which format, open through gzip, text or not.

What is wrong with it is said in one sentence of a `DataError` that names the file.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from molgan.errors import DataError

#: File endings that are understood, each also with `.gz` behind it.
ENDINGS = {".smi": "smi", ".smiles": "smi", ".txt": "smi", ".csv": "csv", ".tsv": "csv"}
ENDINGS |= {".sdf": "sdf", ".sd": "sdf", ".mol": "sdf"}

# Spreadsheets, known by their names and, renamed, by their first bytes.
_SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


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


def is_clean(text: str) -> bool:
    """Whether text came from valid UTF-8: `surrogateescape` marks bytes that did not."""
    return text.isascii() or not any("\udc80" <= c <= "\udcff" for c in text)


def printable(text: str) -> str:
    """Text that is no UTF-8 read as a Windows spreadsheet writes it, in code page 1252."""
    if is_clean(text):
        return text
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
