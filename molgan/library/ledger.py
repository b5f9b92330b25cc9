"""Files that grow chunk by chunk, and the journal by which an interrupted run goes on.

After each chunk the journal gets one line: rows done, counts, and the length of every file. After a
kill -9 the files are cut back to the last such line, so that no row is lost and none is there
twice; what was written after it is written again, the same.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from molgan.config import flat_settings
from molgan.errors import ConfigError, MolganError
from molgan.library.writers import cannot_write

JOURNAL = "journal.jsonl"

ANOTHER_SCREEN = "choose another out=, or resume=never to replace what is there"

_SYNC_SECONDS = 10.0  # against power cuts; a killed process loses nothing even without


class Ledger:
    """Append-only files in step with a journal.

    Args:
        folder: Of the journal; made if need be.
        files: Name -> path of each file.
        heads: Name -> bytes with which a file begins.
        identity: What must be the same for a run to be gone on with: plain values by name.
        what: Of what kind the results are, for the message where it is not the same.
        remedy: What to do then.

    Attributes:
        rows: Rows of the input that are done.
        counts: Anything countable, as of the last commit.
        resumed: Whether an earlier run is gone on with.
    """

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, Path],
        heads: Mapping[str, bytes],
        identity: Mapping[str, Any],
        *,
        what: str = "another screen",
        remedy: str = ANOTHER_SCREEN,
    ) -> None:
        self._path = folder / JOURNAL
        self._what, self._remedy = what, remedy
        self._files = dict(files)
        self._heads = dict(heads)
        self._identity = json.loads(json.dumps(dict(identity)))
        self._open: dict[str, IO[bytes]] = {}
        self._journal: IO[bytes] | None = None
        self._synced = time.monotonic()
        self.rows = 0
        self.counts: dict[str, int] = {}
        self.resumed = False

    def start(self, resume: bool) -> None:
        """Open the files: at their beginning, or where an interrupted run had come to.

        Raises:
            ConfigError: If the interrupted run had other settings or another input.
            MolganError: If a file cannot be written.
        """
        entries = self._entries() if resume else []
        if entries:
            before, out = entries[0]["identity"], self._path.parent.parent
            differing(before, self._identity, out, self._what, self._remedy)
        last = next((entry for entry in reversed(entries[1:]) if self._is_there(entry)), None)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if last is None:
                self._begin()
            else:
                self._go_on(entries, last)
        except OSError as error:
            raise cannot_write(error.filename or self._path, error) from error

    def write(self, name: str, data: bytes) -> None:
        """Append to a file."""
        try:
            self._open[name].write(data)
        except OSError as error:
            raise cannot_write(self._files[name], error) from error

    def commit(self, rows: int, counts: Mapping[str, int]) -> None:
        """State that everything up to this row of the input has been written.

        Args:
            rows: Rows of the input done, from its beginning.
            counts: As of now.

        Raises:
            MolganError: If the disk is full.
        """
        assert self._journal is not None
        self.rows, self.counts = rows, dict(counts)
        path = self._path
        sync = time.monotonic() - self._synced > _SYNC_SECONDS
        try:
            sizes = {}
            for name, file in self._open.items():
                path = self._files[name]
                file.flush()
                if sync:
                    os.fsync(file.fileno())
                sizes[name] = file.tell()
            path = self._path
            self._say({"rows": rows, "counts": self.counts, "sizes": sizes})
            if sync:
                os.fsync(self._journal.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise cannot_write(path, error) from error

    def close(self) -> None:
        """Close all files; what was not committed counts as not written."""
        for file in (*self._open.values(), *([self._journal] if self._journal else [])):
            try:
                file.close()
            except OSError:
                pass  # a full disk has been reported already
        self._open, self._journal = {}, None

    def _begin(self) -> None:
        for name, path in self._files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[name] = path.open("wb")
            self._open[name].write(self._heads.get(name, b""))
        self._journal = self._path.open("wb")
        self._say({"identity": self._identity})
        self.commit(0, {})

    def _go_on(self, entries: list[dict[str, Any]], last: dict[str, Any]) -> None:
        for name, path in self._files.items():
            file = path.open("r+b")
            file.truncate(last["sizes"][name])
            file.seek(0, os.SEEK_END)
            self._open[name] = file
        self._journal = self._path.open("r+b")
        for _ in entries[: entries.index(last) + 1]:
            self._journal.readline()
        self._journal.truncate(self._journal.tell())
        self.rows, self.counts, self.resumed = last["rows"], last["counts"], True

    def _say(self, entry: Mapping[str, Any]) -> None:
        assert self._journal is not None
        self._journal.write(json.dumps(entry).encode() + b"\n")
        self._journal.flush()

    def _entries(self) -> list[dict[str, Any]]:
        """Whole lines of the journal; a kill may have cut the last one."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise MolganError(f"cannot read {self._path}: {error.strerror}") from error
        entries = []
        for line in lines:
            try:
                entries.append(json.loads(line))
            except ValueError:
                break
        return entries if entries and "identity" in entries[0] else []

    def _is_there(self, entry: dict[str, Any]) -> bool:
        """Whether all files hold what an entry says; a power cut may have taken some of it."""
        if set(entry.get("sizes", ())) != set(self._files):
            return False
        return all(
            self._files[name].is_file() and self._files[name].stat().st_size >= size
            for name, size in entry["sizes"].items()
        )


def differing(
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    folder: Path,
    what: str = "another screen",
    remedy: str = ANOTHER_SCREEN,
) -> None:
    """Refuse to mix results of different settings in one folder.

    Args:
        before: What the folder was made with: plain values by name, nested.
        now: What is asked for.
        folder: For the message, as `what` and `remedy`.
        what: Of what kind the results are.
        remedy: What to do.

    Raises:
        ConfigError: If they differ; it names up to three settings.
    """
    old, new = flat_settings(before), flat_settings(json.loads(json.dumps(dict(now))))
    keys = [
        key for key in (*old, *(k for k in new if k not in old)) if old.get(key) != new.get(key)
    ]
    if not keys:
        return
    shown = "; ".join(f"{key} was {old.get(key)}, is {new.get(key)}" for key in keys[:3])
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    raise ConfigError(f"{folder} holds {what} ({shown}{more}): {remedy}")
