"""One process at a time in a folder of results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from molgan.errors import MolganError
from molgan.library.writers import cannot_write

LOCK = ".lock"
"""The file that is locked; the system lets go of it when a process ends, however it ends."""


@contextmanager
def held(folder: Path, key: str, what: str) -> Iterator[None]:
    """The folder, made if need be, and nobody else's while this lasts.

    Args:
        folder: of results.
        key: setting that names it, for the message.
        what: is going on there, such as ``screen``.

    Raises:
        MolganError: when it cannot be made, or another process holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise MolganError(
            f"{key}={folder}: another {what} is writing there at this moment; wait for it, or give "
            f"another {key}="
        ) from error
    except OSError as error:
        raise cannot_write(error.filename or folder, error) from error
    try:
        yield
    finally:
        # Removed while it is held: whoever comes after makes a lock of their own.
        (folder / LOCK).unlink(missing_ok=True)
        lock.release()
