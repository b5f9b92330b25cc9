"""`MoleculeDataset`: molecules encoded once, cached, split, handed out as tensors or PyG graphs.

The cache is keyed by the source's bytes and every setting that shapes the encoding, so a changed
file or setting never meets a stale cache. Splits and seeds are not part of that key: they are
worked out on loading, and three seeds share one encoded set.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Before PyTorch Geometric, whose own bars would warn in a notebook without ipywidgets.
import molgan.progress  # isort: skip

import numpy as np
import rdkit
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data, InMemoryDataset

import molgan
from molgan.chem import Codec, Vocabulary
from molgan.data.collating import collated
from molgan.data.coverage import SetCoverage
from molgan.data.dense import DenseMolecules
from molgan.data.download import cache_root, disk_error
from molgan.data.encoding import DEFAULT_LARGEST, EncodedSet, encode_source
from molgan.data.marginals import Marginals, table_marginals
from molgan.data.sources import SmilesList, Source
from molgan.data.splits import (
    Split,
    check_fractions,
    kept_scaffold_split,
    random_split,
    standard_split,
)
from molgan.data.storage import FORMAT_VERSION, MoleculeTable, write_atomic
from molgan.errors import ConfigError, DataError

SPLITS = ("random", "scaffold", "standard")

#: Dense tensors of one split may take this much memory; beyond it the sparse form has to do.
MAX_DENSE_BYTES = 16 * 2**30


class MoleculeDataset(InMemoryDataset):  # type: ignore[misc]  # PyG carries no types
    """Molecules as labelled graphs, in PyTorch Geometric's in-memory form.

    `dataset[i]` is a `Data` with `x` (n,) int64 atom types from 1, `edge_index` (2, E) int64 with
    both directions of each bond, `edge_attr` (E,) int64 bond types from 1, and `idx`.
    `dense(split)` gives a whole split as padded tensors, which is what training uses.

    Args:
        source: where the molecules come from.
        root: cache folder; default: MOLGAN_CACHE, else the user's cache folder.
        max_atoms: leave out molecules with more heavy atoms, 1 to 1000; None takes the largest of
            the set, leaving out those above 64 atoms.
        aromatic: keep aromatic bonds as a type of their own instead of Kekulé structures.
        min_count: leave out atom types that occur fewer times, and the molecules that hold them.
        keep_largest_fragment: of a salt or mixture keep the fragment with most heavy atoms, as it
            is charged, instead of leaving the entry out.
        split: "random", "scaffold" (Murcko, by DeepChem) or "standard" (QM9's and ZINC250k's).
        fractions: shares of train, valid and test; not used by "standard".
        seed: seed of the random split.
        split_path: index file for "standard"; None downloads it.
        n_jobs: worker processes for encoding.
        progress: show progress bars.
        transform: applied to each `Data` on access, as in PyG.
        force_reload: encode again even if the cache has the set.

    Attributes:
        vocabulary: atom and bond types, learnt from the set.
        max_atoms: N, atoms of the largest molecule.
        coverage: what was kept and why the rest was left out.
        split_indices: molecules of "train", "valid" and "test"; valid or test may be empty.
        content_hash: SHA-256 over the source's bytes and all encoding settings.

    Raises:
        DataError: if the source cannot be used or holds no usable molecule.
        ConfigError: if a setting cannot work.
    """

    def __init__(
        self,
        source: Source,
        *,
        root: str | Path | None = None,
        max_atoms: int | None = None,
        aromatic: bool = False,
        min_count: int = 1,
        keep_largest_fragment: bool = False,
        split: str = "random",
        fractions: Sequence[float] = (0.9, 0.05, 0.05),
        seed: int = 0,
        split_path: str | Path | None = None,
        n_jobs: int = 1,
        progress: bool = True,
        transform: Callable[[Data], Data] | None = None,
        force_reload: bool = False,
    ) -> None:
        if isinstance(source, str | Path | Sequence):
            raise DataError(
                "MoleculeDataset takes a source: MoleculeFile('molecules.smi') of molgan.data for "
                "a file; MoleculeDataset.from_smiles([...]) takes a list of SMILES"
            )
        _check_settings(max_atoms, min_count, split)
        self.source = source
        self.fractions = check_fractions(fractions)
        self._n_jobs = n_jobs
        self._progress = progress
        self._encoding = {
            "max_atoms": max_atoms,
            "aromatic": bool(aromatic),
            "min_count": int(min_count),
            "keep_largest_fragment": bool(keep_largest_fragment),
        }
        folder = cache_root(root)
        key = {
            "format": FORMAT_VERSION,
            "molgan": molgan.__version__,
            "source": source.name,
            "content": source.fingerprint(folder, progress),
            "largest": DEFAULT_LARGEST,
            # Canonical SMILES and aromaticity are RDKit's, and may change between its versions.
            "rdkit": rdkit.__version__,
            **self._encoding,
        }
        self.content_hash = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self._set: EncodedSet | None = None
        super().__init__(str(folder), transform, force_reload=force_reload)
        # PyG's collated form costs ten times the memory of the table; it is made when first needed.
        del self._data, self.slices
        self.split_indices: Split = self._split(split, seed, split_path)

    # ---- PyG's contract -------------------------------------------------------------------------

    @property
    def raw_file_names(self) -> list[str]:
        """Nothing: the source finds, downloads and checks its own file."""
        return []

    @property
    def processed_file_names(self) -> list[str]:
        """The one file of encoded molecules."""
        return ["molecules.pt"]

    @property
    def processed_dir(self) -> str:
        """Folder of this source's bytes and these settings."""
        return str(Path(self.root) / "processed" / f"{self.source.name}-{self.content_hash[:16]}")

    def _process(self) -> None:
        """Load the cache or build it; PyG's own unpickles and does not write atomically."""
        if not self.source.cacheable:
            self._set = self._encode()
            return
        if not self.force_reload:
            self._set = EncodedSet.from_file(Path(self.processed_paths[0]))
        if self._set is None:
            self.process()

    def process(self) -> None:
        """Encode the source and write the cache, one process at a time."""
        from filelock import FileLock

        folder, target = Path(self.processed_dir), Path(self.processed_paths[0])
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / "lock")
            lock.acquire()
        except OSError as error:
            raise disk_error(error, folder) from error
        try:
            # Another process (a second rank, say) may have built it while this one waited.
            if not self.force_reload:
                self._set = EncodedSet.from_file(target)
            if self._set is None:
                self._set = self._encode()
                write_atomic(target, self._set.to_bytes())
        finally:
            lock.release()

    def _encode(self) -> EncodedSet:
        raw = self.source.read(Path(self.root), self._progress)
        return encode_source(
            raw,
            numbering=self.source.name,
            n_jobs=self._n_jobs,
            progress=self._progress,
            **self._encoding,  # type: ignore[arg-type]  # a dict of the right keywords
        )

    def len(self) -> int:
        """Number of molecules in the whole set."""
        return len(self.table)

    def __getattr__(self, key: str) -> Any:
        """Make PyG's collated form when it is asked for."""
        if key in ("_data", "slices"):
            self._collate()
            return self.__dict__[key]
        if key in ("x", "edge_index", "edge_attr", "idx"):
            self._collate()
        return super().__getattr__(key)

    def _collate(self) -> None:
        """Fill `_data` and `slices` from the table, vectorised."""
        if "_data" in self.__dict__:
            return
        self._data, self.slices = collated(self.table)

    # ---- what the set holds ---------------------------------------------------------------------

    @property
    def encoded(self) -> EncodedSet:
        """The encoded molecules with vocabulary and coverage."""
        assert self._set is not None  # set by _process
        return self._set

    @property
    def table(self) -> MoleculeTable:
        """The molecules in compact form."""
        return self.encoded.table

    @property
    def vocabulary(self) -> Vocabulary:
        """Atom and bond types, learnt from the set."""
        return self.encoded.vocabulary

    @property
    def max_atoms(self) -> int:
        """N: atoms of the largest molecule."""
        return self.encoded.max_atoms

    @property
    def coverage(self) -> SetCoverage:
        """What was kept and why the rest was left out; `.summary()` is text for people."""
        return self.encoded.coverage

    @property
    def codec(self) -> Codec:
        """Codec between molecules and this set's arrays."""
        return Codec(self.vocabulary, self.max_atoms)

    @property
    def smiles(self) -> list[str]:
        """Canonical SMILES without stereochemistry of all molecules (not of a subset)."""
        return self.table.smiles

    def split_smiles(self, split: str) -> list[str]:
        """SMILES of the molecules of one split, in the order of `split_indices`.

        Args:
            split: ``train``, ``valid`` or ``test``.
        """
        return [self.table.smiles[i] for i in self._indices_of(split)]

    def dense(self, split: str = "train") -> DenseMolecules:
        """All molecules of a split as padded tensors, in the order of `split_indices`.

        Args:
            split: "train", "valid", "test", or "all".

        Raises:
            DataError: if they would take more than `MAX_DENSE_BYTES`.
        """
        indices = self._indices_of(split)
        bytes_needed = len(indices) * (self.max_atoms * (self.max_atoms + 1) // 2)
        if bytes_needed > MAX_DENSE_BYTES:
            raise DataError(
                f"{len(indices):,} molecules padded to {self.max_atoms} atoms take "
                f"{bytes_needed / 2**30:.0f} GiB; lower data.max_atoms."
            )
        atoms, bonds = self.table.dense(indices, self.max_atoms)
        return DenseMolecules(torch.from_numpy(atoms), torch.from_numpy(bonds))

    def marginals(self, split: str = "train") -> Marginals:
        """Frequencies of sizes, atom types and bond types in a split.

        Args:
            split: ``train``, ``valid`` or ``test``.

        Raises:
            DataError: if the split is empty.
        """
        indices = self._indices_of(split)
        if indices.size == 0:
            raise DataError(f"The {split} split is empty, so it has no marginals.")
        return table_marginals(
            self.table,
            indices,
            self.max_atoms,
            self.vocabulary.num_atom_types,
            self.vocabulary.num_bond_types,
        )

    def _indices_of(self, split: str) -> NDArray[np.int64]:
        if split == "all":
            return np.arange(len(self.table), dtype=np.int64)
        if split not in self.split_indices:
            raise ConfigError(f"There is no split {split!r}; choose train, valid, test or all.")
        return self.split_indices[split]

    def _split(self, split: str, seed: int, split_path: str | Path | None) -> Split:
        table = self.table
        if split == "random":
            return random_split(len(table), self.fractions, seed)
        if split == "scaffold":
            beside = Path(self.processed_dir) if self.source.cacheable else None
            return kept_scaffold_split(table.smiles, self.fractions, seed, beside)
        return standard_split(
            self.source.name,
            table.member_molecule,
            table.member_row,
            len(table),
            split_path=split_path,
            cache_dir=Path(self.root),
            progress=self._progress,
        )

    @classmethod
    def from_smiles(cls, smiles: Sequence[str], **settings: Any) -> MoleculeDataset:
        """A dataset of SMILES that are in memory; nothing is written to the cache.

        Args:
            smiles: the molecules; entries that cannot be used are left out and counted, missing
                ones of a pandas column (None, NaN) among them.
            **settings: as for `MoleculeDataset`.

        Raises:
            DataError: if none can be used, or what is given is no list of texts.
            ConfigError: if a setting cannot work.
        """
        if isinstance(smiles, str):
            raise DataError("from_smiles takes a list of SMILES, not one string.")
        return cls(SmilesList(tuple("" if _missing(one) else one for one in smiles)), **settings)


def _missing(entry: Any) -> bool:
    """Whether an entry is what pandas puts where there is nothing."""
    nan = isinstance(entry, float) and entry != entry
    return entry is None or nan or type(entry).__name__ == "NAType"


def _check_settings(max_atoms: int | None, min_count: int, split: str) -> None:
    """Refuse settings that cannot work, naming the key."""
    if max_atoms is not None and (
        isinstance(max_atoms, bool) or not isinstance(max_atoms, int) or not 1 <= max_atoms <= 1000
    ):
        raise ConfigError(
            f"data.max_atoms={max_atoms} must be a whole number from 1 to 1000, or null."
        )
    if isinstance(min_count, bool) or not isinstance(min_count, int) or min_count < 1:
        raise ConfigError(f"data.min_count={min_count} must be a whole number of at least 1.")
    if split not in SPLITS:
        raise ConfigError(f"data.split={split} is unknown; choose one of {', '.join(SPLITS)}.")
