"""Writing files so that nothing is lost: whole ones atomically, long ones as `.partial` streams.

A whole file is written beside its place under a temporary name and moved there at the end, so that
a full disk or a Ctrl-C leaves the old file as it was. A stream keeps what it has under
`<name>.partial` until it is complete.
"""

from __future__ import annotations

import csv
import errno
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from molgan.errors import MolganError

_log = logging.getLogger(__name__)

# Names that promise another format than lines of SMILES.
_NOT_SMILES = {".csv", ".tsv", ".gz", ".sdf", ".mol", ".xlsx", ".parquet", ".pdbqt"}

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or write elsewhere",
    errno.EDQUOT: "the disk quota is used up; free some space or write elsewhere",
    errno.EACCES: "permission denied; write elsewhere",
    errno.EPERM: "permission denied; write elsewhere",
    errno.EEXIST: "a file of this name is in the way; give another name",
    errno.EROFS: "the file system is read-only; write elsewhere",
    errno.EISDIR: "it is a folder; give the name of a file",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
}


def cannot_write(path: str | Path, error: OSError) -> MolganError:
    """Return the error that tells the user which file could not be written, why, and what to do."""
    remedy = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
    return MolganError(f"cannot write {path}: {remedy}")


@contextmanager
def atomic_write(path: str | Path, *, binary: bool = False) -> Iterator[IO[Any]]:
    """Open a file for writing that takes its place only when it is complete.

    Missing folders are made. An existing target that is no regular file, such as /dev/stdout or a
    pipe, is written directly. Text is UTF-8 with
    Unix line ends.

    Args:
        path: The file.
        binary: Whether to open it for bytes.

    Yields:
        The open file.

    Raises:
        MolganError: If it cannot be written; the message names the file, and an older one is
            untouched.
    """
    target = _file_path(path)
    temporary: Path | None = None
    kwargs: dict[str, Any] = {} if binary else {"encoding": "utf-8", "newline": ""}
    mode = "wb" if binary else "w"
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            with target.open(mode, **kwargs) as file:
                yield file
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a directory")
        with tempfile.NamedTemporaryFile(
            mode,
            dir=target.parent,
            prefix=f".{target.name}.",
            suffix=".tmp",
            delete=False,
            **kwargs,
        ) as handle:
            temporary = Path(handle.name)
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        _usual_permissions(temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _file_path(path: str | Path) -> Path:
    """The path of a file to write: with a slash at its end it would silently become a file."""
    if str(path).endswith(("/", os.sep)):
        raise cannot_write(path, IsADirectoryError(errno.EISDIR, "is a directory"))
    return Path(path)


def _usual_permissions(path: Path) -> None:
    """Give a temporary file, which only its owner may read, those of any new file."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)


def smi_line(smiles: str, name: str) -> str:
    """Return one line of a .smi file, `SMILES<space>name`, with its line end."""
    return f"{smiles} {name}\n"


def molecule_name(prefix: str, index: int) -> str:
    """Return the name of a molecule, such as `mol000042`: prefix and index, at least six digits.

    Args:
        prefix: Without white space, which would end the name in a .smi file.
        index: 0 or more.

    Raises:
        MolganError: If the prefix holds white space or a comma.
    """
    if any(char.isspace() or char == "," for char in prefix):
        raise MolganError(f"the name prefix {prefix!r} may not hold white space or commas")
    return f"{prefix}{index:06d}"


class LibraryWriter:
    """Streams molecules to `<path>` (.smi) and the same ones with scores to `<stem>.csv`.

    Until it is closed the files are `<path>.partial` and `<stem>.csv.partial`, flushed after every
    chunk. Closed normally, both are moved to their places. When the block ends with an exception,
    Ctrl-C included, they stay as they are and end with a whole line; `partial_paths` names
    them and the log says so. Left-overs of an earlier run are overwritten.

    Use as a context manager:

        with LibraryWriter("library.smi", columns=["qed"]) as writer:
            writer.append(["CCO"], {"qed": [0.41]})

    Args:
        path: The .smi file; a device such as /dev/stdout is written directly, without a sidecar.
        columns: Names of the score columns of the sidecar; empty writes it with names and SMILES
            only.
        prefix: Of the names; they count up from 0 over all chunks.
        sidecar: Whether to write the .csv.

    Attributes:
        path: The .smi file.
        csv_path: The sidecar, or None.
        count: Molecules written so far.

    Raises:
        MolganError: On opening, writing or closing: disk full, no permission; it names the file.
    """

    def __init__(
        self,
        path: str | Path,
        columns: Sequence[str] = (),
        *,
        prefix: str = "mol",
        sidecar: bool = True,
    ) -> None:
        self.path = _file_path(path)
        self.columns = tuple(columns)
        self.prefix = prefix
        self.count = 0
        molecule_name(prefix, 0)  # complain now, not after an hour of sampling
        self._is_device = self.path.exists() and not self.path.is_file()
        sidecar = sidecar and not self._is_device
        if self.path.suffix.lower() in _NOT_SMILES:
            sdf = self.path.suffix.lower() in (".sdf", ".mol")
            raise MolganError(
                f"{self.path}: a library is written as plain SMILES, with a .csv beside it; "
                "give it a name that ends in .smi"
                + ("; molgan.screen writes SDF: in=library.smi export.sdf=true" if sdf else "")
            )
        self.csv_path = self.path.with_suffix(".csv") if sidecar else None
        self._files: dict[Path, IO[str]] = {}

    @property
    def partial_paths(self) -> tuple[Path, ...]:
        """Where the molecules are until the writer is closed."""
        return tuple(self._partial(path) for path in self._targets())

    def __enter__(self) -> Self:
        """Open the files now, so that a place that cannot be written is found before any work."""
        for path in self._targets():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, "is a directory")
                self._files[path] = self._partial(path).open("w", encoding="utf-8", newline="")
            except OSError as error:
                self._close_all()
                raise cannot_write(path, error) from error
        if self.csv_path is not None:
            with self._writing(self.csv_path) as file:
                csv.writer(file, lineterminator="\n").writerow(["name", "smiles", *self.columns])
                file.flush()
        return self

    def append(
        self, smiles: Sequence[str], scores: Mapping[str, Sequence[Any]] | None = None
    ) -> list[str]:
        """Write a chunk of molecules and return their names.

        Args:
            smiles: Canonical SMILES.
            scores: Column name -> one value for each molecule; NaN and None become empty fields.

        Raises:
            MolganError: If the disk is full; whole lines written before stay in `partial_paths`.
            KeyError: If a column announced in `columns` is missing.
        """
        names = [molecule_name(self.prefix, self.count + row) for row in range(len(smiles))]
        table = [(scores or {})[column] for column in self.columns]
        if self.csv_path is not None:
            with self._writing(self.csv_path) as file:
                rows = zip(names, smiles, *table, strict=True)
                csv.writer(file, lineterminator="\n").writerows(
                    [_field(value) for value in row] for row in rows
                )
                file.flush()
        with self._writing(self.path) as file:
            file.writelines(map(smi_line, smiles, names))
            file.flush()
        self.count += len(smiles)
        return names

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Move the files to their places; after an exception leave them under partial names."""
        if kind is not None:
            self._close_all()
            if not self._is_device:
                for path in self.partial_paths:
                    _cut_to_whole_lines(path)
                _log.warning(
                    "stopped early: %d molecules are in %s", self.count, self.partial_paths[0]
                )
            return
        for path in self._targets():
            with self._writing(path) as file:
                file.flush()
                if not self._is_device:
                    os.fsync(file.fileno())
                file.close()
        for path in self._targets():
            if not self._is_device:
                try:
                    os.replace(self._partial(path), path)
                except OSError as failure:
                    raise cannot_write(path, failure) from failure

    def _targets(self) -> tuple[Path, ...]:
        return (self.path,) if self.csv_path is None else (self.path, self.csv_path)

    def _partial(self, path: Path) -> Path:
        return path if self._is_device else path.with_name(path.name + ".partial")

    @contextmanager
    def _writing(self, path: Path) -> Iterator[IO[str]]:
        try:
            yield self._files[path]
        except OSError as error:
            raise cannot_write(path, error) from error

    def _close_all(self) -> None:
        with ExitStack() as stack:
            for file in self._files.values():
                stack.callback(_close_quietly, file)


def _field(value: Any) -> Any:
    """Return a value for the CSV: empty for None and NaN, floats to six significant digits."""
    if value is None or value != value:
        return ""
    return f"{float(value):.6g}" if not isinstance(value, str | int) else value


def _close_quietly(file: IO[str]) -> None:
    """Close after a failure: closing flushes, and a full disk must not hide the first error."""
    try:
        file.close()
    except OSError:
        pass


def _cut_to_whole_lines(path: Path) -> None:
    """Drop a last line that a full disk or a signal has cut off."""
    try:
        if not path.is_file():
            return
        with path.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - 1_000_000)
            file.seek(start)
            tail = file.read()
            file.truncate(start + tail.rfind(b"\n") + 1)
    except OSError:
        pass
