"""Where molecules come from: the bundled set, QM9, ZINC250k, or a user's own file.

A source is a small frozen dataclass with two methods: `fingerprint` finds (or downloads) its file
and says which bytes it holds, without reading them as chemistry; `read` gives the SMILES. A local
file always comes first; a download happens only where no path was given.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from molgan.data.download import fetch
from molgan.data.files import file_sha256, open_bytes, user_path
from molgan.data.readers import RawMolecules, read_molecules
from molgan.errors import DataError


@dataclass(frozen=True)
class Remote:
    """A file at its original address: URL, name in the cache, SHA-256."""

    url: str
    filename: str
    sha256: str

    def fetch(self, cache_dir: Path | None, progress: bool, setting: str = "data.path") -> Path:
        """Checked local copy, downloaded if need be."""
        return fetch(
            self.url, self.sha256, self.filename, cache_dir, progress=progress, setting=setting
        )


#: R. Ramakrishnan et al., Sci. Data 1, 140022 (2014): the geometries as published.
QM9_ARCHIVE = Remote(
    "https://ndownloader.figshare.com/files/3195389",
    "dsgdb9nsd.xyz.tar.bz2",
    "3a63848ac80691bdb8d41834b575afad345b9300d7a2db0c38adb7f6eaa8360c",
)
#: The 3,054 molecules of QM9 whose relaxed geometry is another molecule.
QM9_UNCHARACTERIZED = Remote(
    "https://ndownloader.figshare.com/files/3195404",
    "qm9_uncharacterized.txt",
    "3aa5115d540b356de94791d4a74c3bf1ed91c469ecf52a4f5d7cc0506fe02e24",
)
#: R. Gomez-Bombarelli et al., ACS Cent. Sci. 4, 268 (2018).
ZINC250K_TABLE = Remote(
    "https://raw.githubusercontent.com/aspuru-guzik-group/chemical_vae/master/models/"
    "zinc_properties/250k_rndm_zinc_drugs_clean_3.csv",
    "250k_rndm_zinc_drugs_clean_3.csv",
    "35e3f1a52b1badc0697e373d73a18ad773f415936ff992f4c6baa2e067b3e6ae",
)

QM9_MOLECULES = 133_885
ZINC250K_MOLECULES = 249_455


class Source(Protocol):
    """What the dataset asks of a place where molecules come from.

    Attributes:
        name: short name: "bundled", "qm9", "zinc250k", "file", ...
        cacheable: whether the processed form is worth keeping on disk.
    """

    @property
    def name(self) -> str:
        """Short name."""

    @property
    def cacheable(self) -> bool:
        """Whether to keep the processed form."""

    def fingerprint(self, cache_dir: Path | None = None, progress: bool = True) -> str:
        """SHA-256 (hex) of everything that decides what `read` returns.

        Args:
            cache_dir: folder of downloads; None: by the environment, see `cache_root`.
            progress: show a bar while something is downloaded.

        Raises:
            DataError: if the file is missing, cannot be read, is not the one it should be, or
                cannot be downloaded.
        """

    def read(self, cache_dir: Path | None = None, progress: bool = True) -> RawMolecules:
        """The molecules as stated, bad rows counted.

        Args:
            cache_dir: as for `fingerprint`.
            progress: as for `fingerprint`.

        Raises:
            DataError: if the file as a whole cannot be used, or cannot be downloaded.
        """


def _combined(*parts: object) -> str:
    """One SHA-256 over several settings and digests."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True)
class SmilesList(Source):
    """Molecules that are in memory already; nothing is written to the cache.

    Attributes:
        smiles: the molecules, in order.

    Raises:
        DataError: if an entry is not a string.
    """

    smiles: tuple[str, ...]
    name: str = "list"
    cacheable: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not text, naming the entry."""
        entries: tuple[object, ...] = self.smiles
        for row, entry in enumerate(entries):
            if not isinstance(entry, str):
                kind = type(entry).__name__
                raise DataError(f"Entry {row} of the list of SMILES is {kind}, not a string.")

    def fingerprint(self, cache_dir: Path | None = None, progress: bool = True) -> str:
        """SHA-256 of the strings in their order."""
        return hashlib.sha256("\n".join(self.smiles).encode("utf-8", "replace")).hexdigest()

    def read(self, cache_dir: Path | None = None, progress: bool = True) -> RawMolecules:
        """The strings; blank ones are counted."""
        out = RawMolecules(origin="the list of SMILES", sha256=self.fingerprint())
        out.data_rows = len(self.smiles)
        for row, smiles in enumerate(self.smiles):
            if smiles.strip():
                out.smiles.append(smiles.strip())
                out.rows.append(row)
            else:
                out.skip("blank", f"entry {row}")
        return out


@dataclass(frozen=True)
class MoleculeFile(Source):
    """A user's own file: .smi, .csv, .tsv or .sdf, plain or gzip-compressed.

    Attributes:
        path: the file; a relative path is read against the current directory.
        column: column of SMILES in a table (default: found by its usual names).
        name_column: column of names in a table (default: found by its usual names).
        delimiter: character between columns (default: found).
    """

    path: str | Path | None
    column: str | None = None
    name_column: str | None = None
    delimiter: str | None = None
    name: str = "file"
    cacheable: bool = True

    def _file(self) -> Path:
        if self.path is None or str(self.path) == "":
            raise DataError("Name the file of molecules with data.path=/path/to/molecules.smi.")
        return user_path(self.path)

    def fingerprint(self, cache_dir: Path | None = None, progress: bool = True) -> str:
        """SHA-256 of the file's bytes and the reading options."""
        # The ending is part of it: it decides the reader.
        path = self._file()
        options = (self.column, self.name_column, self.delimiter, path.suffixes)
        return _combined(file_sha256(path), *options)

    def read(self, cache_dir: Path | None = None, progress: bool = True) -> RawMolecules:
        """The file's molecules."""
        return read_molecules(
            self._file(),
            column=self.column,
            name_column=self.name_column,
            delimiter=self.delimiter,
        )


@dataclass(frozen=True)
class Bundled(Source):
    """The set that comes with molgan; needs no network."""

    name: str = "bundled"
    cacheable: bool = True

    @staticmethod
    def file() -> Path:
        """The packaged copy first, the checkout's `data/` second.

        Raises:
            DataError: if this installation holds neither.
        """
        packaged = Path(__file__).parent / "bundled.smi.gz"
        checkout = Path(__file__).parents[2] / "data" / "bundled.smi.gz"
        for path in (packaged, checkout):
            if path.is_file():
                return path
        raise DataError(
            f"The bundled set is missing from this installation (looked at {packaged} and "
            f"{checkout}); reinstall molgan, or use data=file data.path=/path/to/molecules.smi."
        )

    def fingerprint(self, cache_dir: Path | None = None, progress: bool = True) -> str:
        """SHA-256 of the packaged file."""
        return file_sha256(self.file())

    def read(self, cache_dir: Path | None = None, progress: bool = True) -> RawMolecules:
        """The bundled molecules."""
        return read_molecules(self.file())


def read_index_list(path: Path) -> set[int]:
    """Molecule numbers of a text file: the first field of every line that begins with a number."""
    with open_bytes(path) as handle:
        found = re.findall(rb"^[ \t]*(?:gdb_)?(\d+)\b", handle.read(), flags=re.MULTILINE)
    if not found:
        raise DataError(f"{path} holds no molecule numbers (one at the start of each line).")
    return {int(number) for number in found}


def qm9_ids(raw: RawMolecules) -> list[int]:
    """QM9 numbers (from 1) of the molecules: from names like `gdb_7`, else from whole-file rows.

    Bare numbers are not taken for names: nobody can tell whether they count from 0 or from 1. A row
    without a number gets -1.
    """
    if raw.names is not None:
        matches = [re.fullmatch(r"(?:gdb[_ ]|dsgdb9nsd_)0*(\d+)", n.strip()) for n in raw.names]
        if any(matches):
            return [int(match[1]) if match else -1 for match in matches]
    if raw.data_rows == QM9_MOLECULES:
        return [row + 1 for row in raw.rows]
    return [-1] * len(raw.smiles)


@dataclass(frozen=True)
class QM9(Source):
    """QM9 (GDB-9): 133,885 molecules of up to nine heavy atoms C, N, O, F.

    SMILES are those of GDB-17, from which the geometries were made, not those read back from the
    relaxed geometries. Sources: doi:10.1038/sdata.2014.22, doi:10.6084/m9.figshare.c.978904.

    Attributes:
        path: the original `dsgdb9nsd.xyz.tar.bz2`, or a .csv, .smi or .sdf; None downloads the
            original (86 MB).
        column: column of SMILES, if `path` is a table.
        exclude_uncharacterized: leave out the 3,054 molecules whose relaxed geometry is another
            molecule: True downloads the published list, a path reads it from a file.
    """

    path: str | Path | None = None
    column: str | None = None
    exclude_uncharacterized: bool | str | Path = False
    name: str = "qm9"
    cacheable: bool = True

    def _file(self, cache_dir: Path | None, progress: bool) -> Path:
        if self.path is not None:
            return user_path(self.path)
        return QM9_ARCHIVE.fetch(cache_dir, progress)

    def _excluded(self, cache_dir: Path | None, progress: bool) -> Path | None:
        option = self.exclude_uncharacterized
        if option is False or option is None or option == "":
            return None
        if option is True:
            return QM9_UNCHARACTERIZED.fetch(cache_dir, progress, "data.exclude_uncharacterized")
        return user_path(option, "data.exclude_uncharacterized")

    def fingerprint(self, cache_dir: Path | None = None, progress: bool = True) -> str:
        """SHA-256 of the file, the list of exclusions and the column."""
        path = self._file(cache_dir, progress)
        excluded = self._excluded(cache_dir, progress)
        digest = None if excluded is None else file_sha256(excluded)
        return _combined(file_sha256(path), digest, self.column, path.suffixes)

    def read(self, cache_dir: Path | None = None, progress: bool = True) -> RawMolecules:
        """All molecules in order of their number; names are `gdb_<number>`.

        Raises:
            DataError: if the file cannot be used, or exclusions are asked of rows without numbers.
        """
        path = self._file(cache_dir, progress)
        if {".tar", ".tgz", ".tbz2"} & set(path.suffixes):
            from molgan.data.qm9_archive import read_qm9_archive

            raw = read_qm9_archive(path, progress=progress)
        else:
            raw = read_molecules(path, column=self.column)
        numbers = qm9_ids(raw)
        if raw.names is None and -1 not in numbers:
            raw.names = [f"gdb_{number}" for number in numbers]
        excluded = self._excluded(cache_dir, progress)
        if excluded is None:
            return raw
        if -1 in numbers:
            raise DataError(
                f"{path} does not say which QM9 molecule each row is, so "
                f"data.exclude_uncharacterized cannot be applied; it needs a column mol_id (gdb_1, "
                f"gdb_2, ...) or all {QM9_MOLECULES:,} rows."
            )
        drop = read_index_list(excluded)
        kept = raw.select(i for i, number in enumerate(numbers) if number not in drop)
        kept.skipped["uncharacterized by QM9's authors"] = len(raw.smiles) - len(kept.smiles)
        return kept


@dataclass(frozen=True)
class ZINC250k(Source):
    """ZINC250k: 249,455 drug-like molecules of up to 38 heavy atoms, nine elements, charges kept.

    Attributes:
        path: `250k_rndm_zinc_drugs_clean_3.csv` or a table or list in the same order; None
            downloads the original (23 MB).
        column: column of SMILES, if `path` is a table.
    """

    path: str | Path | None = None
    column: str | None = None
    name: str = "zinc250k"
    cacheable: bool = True

    def _file(self, cache_dir: Path | None, progress: bool) -> Path:
        if self.path is not None:
            return user_path(self.path)
        return ZINC250K_TABLE.fetch(cache_dir, progress)

    def fingerprint(self, cache_dir: Path | None = None, progress: bool = True) -> str:
        """SHA-256 of the file and the column."""
        path = self._file(cache_dir, progress)
        return _combined(file_sha256(path), self.column, path.suffixes)

    def read(self, cache_dir: Path | None = None, progress: bool = True) -> RawMolecules:
        """All molecules in the order of the original table."""
        return read_molecules(self._file(cache_dir, progress), column=self.column)
