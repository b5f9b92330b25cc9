"""The compact table of encoded molecules, and its file in the cache.

Molecules of different sizes lie end to end in flat arrays (a few megabytes for QM9, about 40 for
ZINC250k), from which dense tensors and PyG's collated form are made by numpy, with no loop over
molecules. The file is written whole or not at all, and a damaged one is recognised by its digest.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgan.data.download import disk_error

#: Raised whenever the meaning of the stored arrays changes; an older file is then made anew.
FORMAT_VERSION = 1


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        DataError: if the disk is full or the folder cannot be written; nothing is left behind.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it private; a cache may be shared
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise disk_error(error, path.parent) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as numpy's ``.npz``; see `write_atomic`, also for what it raises."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_atomic(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """What `write_arrays` wrote; None if it is missing or damaged and has to be made anew."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


@dataclass(frozen=True)
class MoleculeTable:
    """M distinct molecules, A atoms and E bonds in flat arrays.

    Attributes:
        sizes: (M,) int32 number of atoms.
        atoms: (A,) uint8 atom types, molecule by molecule, from 1.
        bond_counts: (M,) int32 number of bonds.
        bond_ends: (2, E) int16 the two atoms of each bond, numbered within the molecule,
            first < second.
        bond_types: (E,) uint8 bond types, from 1.
        smiles: M canonical SMILES without stereochemistry.
        member_molecule: (R,) int64 molecule of each kept source row (R >= M: rows that are the same
            molecule share one).
        member_row: (R,) int64 that row's number in the original table, from 0; -1 if unknown.
    """

    sizes: NDArray[np.int32]
    atoms: NDArray[np.uint8]
    bond_counts: NDArray[np.int32]
    bond_ends: NDArray[np.int16]
    bond_types: NDArray[np.uint8]
    smiles: list[str]
    member_molecule: NDArray[np.int64]
    member_row: NDArray[np.int64]

    _ARRAYS = (
        "sizes",
        "atoms",
        "bond_counts",
        "bond_ends",
        "bond_types",
        "member_molecule",
        "member_row",
    )

    def __len__(self) -> int:
        """Number of molecules."""
        return len(self.sizes)

    def dense(
        self, indices: NDArray[np.int64], max_atoms: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Padded arrays of some molecules.

        Args:
            indices: (B,) molecules wanted.
            max_atoms: N, at least the largest of their sizes.

        Returns:
            Atom types (B, N), and bond types (B, N(N-1)/2) in the order of `np.triu_indices(N, 1)`.
        """
        batch = len(indices)
        sizes, counts = self.sizes[indices], self.bond_counts[indices]
        atoms = np.zeros((batch, max_atoms), dtype=np.uint8)
        filled = np.arange(max_atoms) < sizes[:, None]
        atoms[filled] = self.atoms[_spans(self.sizes, indices)]

        pairs = max_atoms * (max_atoms - 1) // 2
        bonds = np.zeros((batch, pairs), dtype=np.uint8)
        picked = _spans(self.bond_counts, indices)
        first, second = self.bond_ends[:, picked].astype(np.int64)
        # Position of the pair (i, j), i < j, when the upper triangle is read row by row.
        position = first * (2 * max_atoms - first - 1) // 2 + second - first - 1
        owner = np.repeat(np.arange(batch, dtype=np.int64), counts)
        bonds.reshape(-1)[owner * pairs + position] = self.bond_types[picked]
        return atoms, bonds

    def to_bytes(self, meta: dict[str, Any]) -> bytes:
        """Serialise with `meta` (JSON) as a torch file that loads with `weights_only=True`."""
        import torch

        arrays = {name: torch.from_numpy(getattr(self, name)) for name in self._ARRAYS}
        text = np.frombuffer("\n".join(self.smiles).encode(), dtype=np.uint8).copy()
        arrays["smiles"] = torch.from_numpy(text)
        payload: dict[str, Any] = {"meta": json.dumps(meta), **arrays}
        payload["digest"] = _digest(payload)
        buffer = io.BytesIO()
        torch.save(payload, buffer)
        return buffer.getvalue()

    @classmethod
    def from_file(cls, path: Path) -> tuple[MoleculeTable, dict[str, Any]] | None:
        """Read what `to_bytes` wrote; None if it is missing, damaged or of another version."""
        import torch

        try:
            payload = torch.load(path, map_location="cpu", weights_only=True)
            if payload["digest"] != _digest(payload):
                return None
            meta: dict[str, Any] = json.loads(payload["meta"])
            if meta.get("format") != FORMAT_VERSION:
                return None
            arrays = {name: payload[name].numpy() for name in cls._ARRAYS}
            smiles = payload["smiles"].numpy().tobytes().decode()
        except Exception:
            # A damaged file may fail anywhere in the unpickler; whatever it is, we build it again.
            return None
        return cls(smiles=smiles.split("\n") if smiles else [], **arrays), meta


def _digest(payload: dict[str, Any]) -> str:
    """Digest over all entries of a stored table but the digest itself."""
    digest = hashlib.blake2b(payload["meta"].encode(), digest_size=16)
    for name in sorted(payload):
        if name not in ("meta", "digest"):
            digest.update(np.ascontiguousarray(payload[name].numpy()).data)
    return digest.hexdigest()


def _spans(counts: NDArray[np.int32], indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Flat positions of the entries that belong to `indices`, where entry i has `counts[i]`."""
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])[:-1]
    wanted = counts[indices].astype(np.int64)
    before = np.cumsum(wanted) - wanted
    total = int(wanted.sum())
    shifts: NDArray[np.int64] = np.repeat(starts[indices] - before, wanted)
    return np.arange(total, dtype=np.int64) + shifts


class TableBuilder:
    """Collects batches of encoded molecules into a table, merging those with the same SMILES."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[Any], ...]] = []
        self._seen: dict[str, int] = {}
        self._member_molecule: list[int] = []
        self._member_row: list[int] = []

    def add(
        self,
        atoms: NDArray[np.uint8],
        bonds: NDArray[np.uint8],
        smiles: Sequence[str],
        rows: Sequence[int],
    ) -> None:
        """Add a batch.

        Args:
            atoms: (B, N) atom types, filled from slot 0.
            bonds: (B, N(N-1)/2) bond types in the order of `np.triu_indices(N, 1)`.
            smiles: B canonical SMILES.
            rows: B numbers of the source rows.
        """
        fresh = []
        for position, (text, row) in enumerate(zip(smiles, rows, strict=True)):
            if text not in self._seen:
                self._seen[text] = len(self._seen)
                fresh.append(position)
            self._member_molecule.append(self._seen[text])
            self._member_row.append(row)
        atoms, bonds = atoms[fresh], bonds[fresh]
        owner, pair = np.nonzero(bonds)
        upper = np.stack(np.triu_indices(atoms.shape[1], 1)).astype(np.int16)
        self._parts.append(
            (
                np.count_nonzero(atoms, axis=1).astype(np.int32),
                atoms[atoms != 0],
                np.bincount(owner, minlength=len(fresh)).astype(np.int32),
                upper[:, pair],
                bonds[owner, pair],
            )
        )

    def build(self) -> MoleculeTable:
        """The table of everything added so far (at least one batch)."""
        sizes, atoms, counts, ends, types = (
            np.concatenate(part, axis=-1) for part in zip(*self._parts, strict=True)
        )
        return MoleculeTable(
            sizes=sizes,
            atoms=atoms,
            bond_counts=counts,
            bond_ends=np.ascontiguousarray(ends),
            bond_types=types,
            smiles=list(self._seen),
            member_molecule=np.asarray(self._member_molecule, dtype=np.int64),
            member_row=np.asarray(self._member_row, dtype=np.int64),
        )
