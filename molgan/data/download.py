"""Checksummed downloads that resume, and one clear sentence when they cannot work.

Every file has one known SHA-256. What arrives is written to a `.part` file beside its final place
and moved there only when it is whole and right, so a cut-off or a kill leaves something to resume
from and never a wrong file.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molgan.errors import DataError

if TYPE_CHECKING:
    import requests

#: Environment variable that moves the cache.
CACHE_VARIABLE = "MOLGAN_CACHE"

_CHUNK_BYTES = 1 << 16
_TIMEOUT_SECONDS = (10, 60)  # to connect, and between two pieces of the body


def cache_root(cache_dir: str | Path | None = None) -> Path:
    """Folder for downloads and processed data.

    The argument comes first, then MOLGAN_CACHE, then the platform's cache folder of the user.

    Args:
        cache_dir: the folder; None: by the environment.
    """
    if cache_dir is not None:
        return Path(cache_dir).expanduser().absolute()
    from_environment = os.environ.get(CACHE_VARIABLE)
    if from_environment:
        return Path(from_environment).expanduser().absolute()
    import pooch

    return Path(pooch.os_cache("molgan"))


def disk_error(error: OSError, folder: Path) -> DataError:
    """The one sentence for a cache folder that cannot be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    problem = "the disk is full" if full else (error.strerror or str(error))
    return DataError(
        f"Cannot write to the cache folder {folder}: {problem}. Make room there, or choose another "
        f"folder with data.cache_dir= or the environment variable {CACHE_VARIABLE}."
    )


class _ResumingDownloader:
    """A pooch downloader that keeps what arrived in `part` and asks only for the rest next time."""

    def __init__(self, part: Path, label: str, progress: bool) -> None:
        self.part = part
        self.label = label
        self.progress = progress
        self.resumed = False

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        """Fetch `url` to `output_file` (pooch's temporary name), through the part file."""
        import requests

        have = self.part.stat().st_size if self.part.exists() else 0
        # Without "identity" a server may compress the body, and byte ranges would mean other bytes.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as response:
            # 416: nothing lies beyond what we have, so the part is whole; the checksum will judge.
            if not (have and response.status_code == 416):
                response.raise_for_status()
                self.resumed = bool(have) and self._continues(response, have)
                self._save(response, have if self.resumed else 0)
            else:
                self.resumed = True
        os.replace(self.part, output_file)

    @staticmethod
    def _continues(response: requests.Response, have: int) -> bool:
        """Whether the server sends the rest; a plain 200 is the whole file over again."""
        content_range = response.headers.get("Content-Range", "")
        return response.status_code == 206 and content_range.startswith(f"bytes {have}-")

    def _save(self, response: requests.Response, start: int) -> None:
        """Append the body to the part file (from byte `start`) under a progress bar."""
        import requests

        from molgan.progress import tqdm

        length = response.headers.get("Content-Length")
        total = start + int(length) if length is not None else None
        with (
            self.part.open("ab" if start else "wb") as handle,
            tqdm(
                total=total,
                initial=start,
                unit="B",
                unit_scale=True,
                desc=f"Downloading {self.label}",
                disable=not self.progress,
            ) as bar,
        ):
            for piece in response.iter_content(_CHUNK_BYTES):
                handle.write(piece)
                bar.update(len(piece))
            if total is not None and handle.tell() < total:
                raise requests.ConnectionError("the connection was cut off")


def _why(error: Exception) -> str:
    """What went wrong with a request, in a few words."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}".rstrip()
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not accepted (a proxy in between?)"
    if isinstance(error, requests.Timeout):
        return "the server does not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "cut off" in str(error):
        return "the connection was cut off; what has arrived is kept and a new try resumes there"
    if isinstance(error, requests.ConnectionError):
        return "the server cannot be reached (is this machine offline?)"
    return str(error) or type(error).__name__


@contextlib.contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Hold back pooch's own log lines ("Downloading data from ...") and restore its level."""
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def fetch(
    url: str,
    sha256: str,
    filename: str,
    cache_dir: str | Path | None = None,
    *,
    progress: bool = True,
    setting: str = "data.path",
) -> Path:
    """Return a file from the cache, downloading it first if it is not there whole and right.

    Args:
        url: original address.
        sha256: expected SHA-256, 64 hexadecimal digits.
        filename: name under which the file is kept in `<cache>/raw`.
        cache_dir: cache folder; default as in `cache_root`.
        progress: show a progress bar.
        setting: the configuration key by which a user can point at a file fetched by hand.

    Returns:
        Path of the checked file.

    Raises:
        DataError: if it cannot be downloaded, has another checksum, or cannot be written.
    """
    import pooch
    import requests
    from filelock import FileLock

    folder = cache_root(cache_dir) / "raw"
    target = folder / filename
    part = folder / f"{filename}.{sha256[:12]}.part"
    by_hand = (
        f"Fetch {url} by hand (SHA-256 {sha256}), and either put it at {target} "
        f"or point at it with {setting}=/path/to/{filename}."
    )
    downloader = _ResumingDownloader(part, filename, progress)
    retrieve = functools.partial(
        pooch.retrieve, url, f"sha256:{sha256}", filename, folder, downloader=downloader
    )
    try:
        # A cache that somebody else filled may be one that we cannot write to.
        if target.is_file() and pooch.file_hash(str(target)) == sha256:
            return target
        folder.mkdir(parents=True, exist_ok=True)
        # Two processes must not append to one part file; the second one finds the file ready.
        with FileLock(f"{part}.lock"), _quiet_pooch():
            try:
                retrieve()
            except ValueError:  # pooch: the checksum differs
                if not downloader.resumed:
                    raise
                # What was kept from before belonged to something else: start afresh, once.
                retrieve()
        return target
    except ValueError as error:
        raise DataError(
            f"{filename} as downloaded from {url} is not the expected file: its SHA-256 differs. "
            f"{by_hand}"
        ) from error
    except requests.RequestException as error:
        raise DataError(f"{filename} cannot be downloaded: {_why(error)}. {by_hand}") from error
    except OSError as error:
        raise disk_error(error, folder) from error
