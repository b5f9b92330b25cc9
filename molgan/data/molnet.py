"""DeepChem's MolNet as a source, and quiet imports of DeepChem.

DeepChem takes seconds to import and logs a line for every optional package that it misses, so it is
imported only where it is used, with the logging threshold raised and put back.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import logging
import re
import urllib.error
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molgan.data.download import cache_root
from molgan.data.files import file_sha256
from molgan.data.readers import RawMolecules, read_molecules
from molgan.data.sources import Source
from molgan.data.storage import write_atomic
from molgan.errors import DataError

#: MolNet set -> (loader, its arguments, address and name of what it downloads, file it unpacks to).
_SETS: dict[str, tuple[str, dict[str, str], str, str]] = {
    "qm9": (
        "load_qm9",
        {},
        "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets/gdb9.tar.gz",
        "gdb9.sdf",
    ),
    "zinc15": (
        "load_zinc15",
        {"dataset_size": "250K", "dataset_dimension": "2D"},
        "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets/zinc15_250K_2D.tar.gz",
        "zinc15_250K_2D.csv",
    ),
}


@contextlib.contextmanager
def quiet_logging() -> Iterator[None]:
    """Silence log records and warnings inside the block and restore both afterwards."""
    previous = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)


def import_deepchem(what: str) -> Any:
    """Import deepchem without its noise.

    Args:
        what: the setting that needs it, for the message.

    Raises:
        DataError: if it is not installed or cannot be imported.
    """
    try:
        with quiet_logging():
            return importlib.import_module("deepchem")
    except ImportError as error:
        raise DataError(
            f"{what} needs deepchem 2.8, which is not installed or cannot be imported here "
            f"({error}); it needs Python 3.11: pip install 'deepchem==2.8.*'."
        ) from error


@dataclass(frozen=True)
class MolNet(Source):
    """A set loaded through DeepChem's MolNet, which downloads without checksums.

    MolNet's QM9 comes from an SDF of which RDKit rejects about 1 % (deepchem/deepchem#2334); use
    `QM9` for all 133,885 molecules and for the field's test split.

    Attributes:
        dataset: "qm9" or "zinc15" (the 250K, 2D subset).
        path: folder where DeepChem's file lies already (`gdb9.sdf` or `zinc15_250K_2D.csv`); None
            lets DeepChem download into the cache folder.
    """

    dataset: str
    path: str | Path | None = None
    cacheable: bool = True

    @property
    def name(self) -> str:
        """Short name of the source."""
        return f"molnet_{self.dataset}"

    def _exported(self, cache_dir: Path | None) -> Path:
        """The molecules as a .smi file: DeepChem's own loading takes minutes and is done once."""
        if self.dataset not in _SETS:
            raise DataError(f"MolNet set {self.dataset!r} is unknown; choose qm9 or zinc15.")
        root = cache_root(cache_dir) / "raw"
        if self.path is None:
            folder, tag = root / "molnet", ""
        else:
            folder = Path(self.path).expanduser()
            if folder.is_file():
                folder = folder.parent
            data_file = folder / _SETS[self.dataset][3]
            if not data_file.is_file():
                raise DataError(
                    f"data.path={self.path}: there is no {data_file.name} in that folder "
                    f"(fetch and unpack {_SETS[self.dataset][2]})."
                )
            stat = data_file.stat()
            key = f"{data_file.absolute()} {stat.st_size} {stat.st_mtime_ns}"
            tag = "-" + hashlib.sha256(key.encode()).hexdigest()[:12]
        target = root / f"{self.name}{tag}.smi"
        if not target.is_file():
            lines = self._load(folder)
            write_atomic(target, "".join(f"{line}\n" for line in lines).encode())
        return target

    def _load(self, folder: Path) -> list[str]:
        """SMILES through the MolNet loader, with the raw featurizer and no split or transform."""
        loader, options, url, unpacked = _SETS[self.dataset]
        deepchem = import_deepchem(f"data=molnet_{self.dataset}")
        by_hand = (
            f"fetch {url} by hand, unpack it, and point at the folder that holds {unpacked} "
            f"with data.path=."
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with quiet_logging():
                _, (dataset,), _ = getattr(deepchem.molnet, loader)(
                    featurizer=deepchem.feat.RawFeaturizer(smiles=True),
                    splitter=None,
                    transformers=[],
                    reload=False,
                    data_dir=str(folder),
                    save_dir=str(folder),
                    **options,
                )
                smiles = [str(entry) for entry in dataset.X.ravel()]
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reason = re.sub(r"^\[Errno -?\d+\] ", "", str(getattr(error, "reason", error)))
            raise DataError(
                f"DeepChem cannot download {url} ({reason}; is this machine offline?): {by_hand}"
            ) from error
        except Exception as error:
            # Whatever DeepChem raises on a damaged archive or table, the way out is the same.
            raise DataError(
                f"DeepChem's {loader} failed ({type(error).__name__}: {error}): delete what it "
                f"left in {folder}, or {by_hand}"
            ) from error
        return [entry for entry in smiles if entry and not entry.isspace()]

    def fingerprint(self, cache_dir: Path | None = None, progress: bool = True) -> str:
        """SHA-256 of the exported SMILES."""
        return file_sha256(self._exported(cache_dir))

    def read(self, cache_dir: Path | None = None, progress: bool = True) -> RawMolecules:
        """The molecules that DeepChem could read."""
        return read_molecules(self._exported(cache_dir))
