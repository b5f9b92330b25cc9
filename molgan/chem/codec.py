"""Codec: molecules to integer arrays and back, exactly, or with a reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rdkit import Chem

from molgan.chem.coverage import CoverageReport
from molgan.chem.decoding import Decoded, Decoder
from molgan.chem.encoding import Encoder, EncodingError
from molgan.chem.packing import pack_bonds, unpack_bonds
from molgan.chem.parallel import run_tasks
from molgan.chem.rdkit_log import quiet_rdkit
from molgan.chem.reading import identity, read_smiles, standard_copy
from molgan.chem.vocabulary import Vocabulary
from molgan.errors import ChemistryError

CHUNK = 2048
"""Molecules per task of a worker process, and per progress step."""

POOL_THRESHOLD = 4 * CHUNK
"""Below this many molecules, starting worker processes costs more than it saves."""


@dataclass(frozen=True)
class Encoded:
    """Encoded molecules as stacked arrays.

    Attributes:
        atoms: (M, N) uint8 atom types, 0 after a molecule's last atom.
        bonds: (M, N * (N - 1) // 2) uint8 bond types, packed upper triangles.
        smiles: M canonical SMILES without stereochemistry.
        rows: (M,) where in the input each molecule stood.
        coverage: What was kept and dropped.
    """

    atoms: np.ndarray
    bonds: np.ndarray
    smiles: list[str]
    rows: np.ndarray
    coverage: CoverageReport = field(default_factory=CoverageReport)

    def __len__(self) -> int:
        """Return the number of molecules kept."""
        return len(self.smiles)


class Codec:
    """Translates between molecules and arrays for one vocabulary and one largest size.

    Args:
        vocabulary: Atom and bond types.
        max_atoms: N, the number of heavy atoms that fit.

    Raises:
        ChemistryError: `max_atoms` is not positive.
    """

    def __init__(self, vocabulary: Vocabulary, max_atoms: int) -> None:
        if max_atoms < 1:
            raise ChemistryError(f"max_atoms must be 1 or more, not {max_atoms}")
        self.vocabulary = vocabulary
        self.max_atoms = max_atoms
        self._encoder = Encoder(vocabulary, max_atoms)
        self._decoder = Decoder(vocabulary)

    def __reduce__(self) -> tuple[type[Codec], tuple[Vocabulary, int]]:
        """Rebuild in a worker process: RDKit's atom templates do not travel."""
        return type(self), (self.vocabulary, self.max_atoms)

    def encode(self, mol: Chem.Mol) -> tuple[np.ndarray, np.ndarray]:
        """Encode one molecule; stereochemistry, isotopes and atom maps are dropped.

        Args:
            mol: Any RDKit molecule; not changed.

        Returns:
            (n,) and (n, n) uint8: atom and bond types, atoms in the order in which the
            canonical SMILES writes them, whatever their order in `mol`.

        Raises:
            EncodingError: with `reason` from `ENCODE_REASONS`.
        """
        with quiet_rdkit():
            clean, reason = standard_copy(mol, max_atoms=self.max_atoms)
            atoms, bonds, smiles = self._encoder.encode(clean, reason, "the molecule")
            verified = self._verified(atoms, bonds, smiles)
        return verified[:2]

    def encode_smiles(
        self,
        smiles: Iterable[str],
        *,
        n_jobs: int = 1,
        progress: bool = False,
        verify: bool = True,
    ) -> Encoded:
        """Encode many SMILES; those that do not fit are counted, never raised.

        Args:
            smiles: SMILES strings.
            n_jobs: Worker processes, -1 for one per core; used for large inputs only.
            progress: Show a progress bar.
            verify: Decode again and drop as ``roundtrip`` what does not come back as itself.

        Returns:
            The molecules kept, in the order of the input, with a coverage report.
        """
        texts = list(smiles)
        chunks = [texts[i : i + CHUNK] for i in range(0, len(texts), CHUNK)]
        results = run_tasks(
            _encode_chunk,
            [(self, chunk, verify) for chunk in chunks],
            n_jobs if len(texts) >= POOL_THRESHOLD else 1,
        )
        parts: list[_EncodedChunk] = []
        report = CoverageReport()
        with _progress_bar(len(texts), progress) as bar:
            for start, chunk, part in zip(
                range(0, len(texts), CHUNK), chunks, results, strict=True
            ):
                part.rows += start
                parts.append(part)
                report.keep(len(part.smiles))
                for index, reason, detail in part.dropped:
                    report.drop(reason, detail, chunk[index])
                bar.update(len(chunk))
        pairs = self.max_atoms * (self.max_atoms - 1) // 2
        return Encoded(
            atoms=np.concatenate(
                [np.zeros((0, self.max_atoms), np.uint8), *(p.atoms for p in parts)]
            ),
            bonds=np.concatenate([np.zeros((0, pairs), np.uint8), *(p.bonds for p in parts)]),
            smiles=[text for p in parts for text in p.smiles],
            rows=np.concatenate([np.zeros(0, np.int64), *(p.rows for p in parts)]),
            coverage=report,
        )

    def decode(self, atoms: np.ndarray, bonds: np.ndarray, *, n_jobs: int = 1) -> list[Decoded]:
        """Decode strictly: RDKit's full sanitisation, one fragment, nothing repaired.

        The graph is judged as it stands: five-valent neutral nitrogen is ``valence``, although
        RDKit's clean-up would rewrite the nitro groups among them. Slots without an atom may lie
        anywhere, and bonds to them do not count.

        Args:
            atoms: (B, N) atom types.
            bonds: (B, N, N) bond types, read above the diagonal; or (B, P) packed.
            n_jobs: Worker processes, -1 for one per core; used for large batches only.

        Returns:
            B results, each a molecule or a reason from `DECODE_REASONS`.

        Raises:
            ChemistryError: shapes do not fit, or a type is not in the vocabulary.
        """
        atoms, bonds = self._checked(atoms, bonds)
        if len(atoms) < POOL_THRESHOLD or n_jobs in (0, 1):
            return self._decoder.decode(atoms, bonds)
        tasks = [
            (self, atoms[i : i + CHUNK], bonds[i : i + CHUNK]) for i in range(0, len(atoms), CHUNK)
        ]
        return [one for part in run_tasks(_decode_chunk, tasks, n_jobs) for one in part]

    def _checked(self, atoms: np.ndarray, bonds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        atoms, bonds = np.asarray(atoms), np.asarray(bonds)
        if atoms.ndim != 2:
            raise ChemistryError(f"atoms must be (B, N), not {atoms.shape}")
        if bonds.ndim == 2 and bonds.shape[1] == atoms.shape[1] * (atoms.shape[1] - 1) // 2:
            bonds = unpack_bonds(bonds, atoms.shape[1])
        if bonds.shape != (*atoms.shape, atoms.shape[1]):
            raise ChemistryError(f"bonds {bonds.shape} do not fit atoms {atoms.shape}")
        limits = (self.vocabulary.num_atom_types, self.vocabulary.num_bond_types)
        for name, array, limit in zip(("atom", "bond"), (atoms, bonds), limits, strict=True):
            if array.size and not (0 <= array.min() and array.max() < limit):
                raise ChemistryError(f"{name} types must be 0 to {limit - 1} for this vocabulary")
        return atoms.astype(np.uint8, copy=False), bonds.astype(np.uint8, copy=False)

    def _decode_one(self, atoms: np.ndarray, bonds: np.ndarray) -> Decoded:
        return self._decoder.decode(atoms[None], bonds[None])[0]

    def _verified(
        self, atoms: np.ndarray, bonds: np.ndarray, smiles: str
    ) -> tuple[np.ndarray, np.ndarray, str]:
        """Return arrays that decode to `smiles`, trying harder where the given ones do not."""
        if self._decode_one(atoms, bonds).smiles == smiles:
            return atoms, bonds, smiles
        mol, _ = read_smiles(smiles)
        stable = None if mol is None else identity(mol)
        if stable is not None:
            # Either the SMILES was not a fixed point of reading and writing, or aromatic bonds
            # alone do not determine this molecule while a Kekulé structure always does.
            for kekule in (False, True) if self.vocabulary.aromatic else (False,):
                again, reason = read_smiles(stable, max_atoms=self.max_atoms)
                atoms, bonds, written = self._encoder.encode(again, reason, stable, kekule)
                if self._decode_one(atoms, bonds).smiles == written:
                    return atoms, bonds, written
        raise EncodingError(
            "roundtrip",
            f"{smiles[:100]!r} is not recovered from its atoms, charges and bonds "
            "(a radical or an unusual hydrogen count)",
        )

    def _encode_chunk(self, smiles: Sequence[str], verify: bool) -> _EncodedChunk:
        n = self.max_atoms
        atoms = np.zeros((len(smiles), n), dtype=np.uint8)
        bonds = np.zeros((len(smiles), n, n), dtype=np.uint8)
        written: list[str] = []
        rows: list[int] = []
        dropped: list[tuple[int, str, str | None]] = []
        with quiet_rdkit():
            for row, text in enumerate(smiles):
                try:
                    mol, reason = read_smiles(text, max_atoms=n)
                    a, b, canonical = self._encoder.encode(mol, reason, text)
                except EncodingError as error:
                    dropped.append((row, error.reason, error.detail))
                    continue
                k = len(rows)
                atoms[k, : len(a)] = a
                bonds[k, : len(a), : len(a)] = b
                rows.append(row)
                written.append(canonical)
            kept = len(rows)
            keep = np.ones(kept, dtype=bool)
            results = self._decoder.decode(atoms[:kept], bonds[:kept]) if verify else []
            for k, result in enumerate(results):
                if result.smiles == written[k]:
                    continue
                size = int((atoms[k] != 0).sum())
                try:
                    a, b, written[k] = self._verified(
                        atoms[k, :size], bonds[k, :size, :size], written[k]
                    )
                    bonds[k] = 0
                    atoms[k, : len(a)] = a
                    bonds[k, : len(a), : len(a)] = b
                except EncodingError as error:
                    keep[k] = False
                    dropped.append((rows[k], error.reason, error.detail))
        return _EncodedChunk(
            atoms[:kept][keep],
            pack_bonds(bonds[:kept][keep]),
            [text for text, good in zip(written, keep.tolist(), strict=True) if good],
            np.array(rows, dtype=np.int64)[keep],
            sorted(dropped),
        )


@dataclass
class _EncodedChunk:
    """Part of an `Encoded`; `dropped` holds (row, reason, detail)."""

    atoms: np.ndarray
    bonds: np.ndarray
    smiles: list[str]
    rows: np.ndarray
    dropped: list[tuple[int, str, str | None]]


def _encode_chunk(codec: Codec, smiles: Sequence[str], verify: bool) -> _EncodedChunk:
    return codec._encode_chunk(smiles, verify)


def _decode_chunk(codec: Codec, atoms: np.ndarray, bonds: np.ndarray) -> list[Decoded]:
    return codec._decoder.decode(atoms, bonds)


def _progress_bar(total: int, shown: bool) -> Any:
    from molgan.progress import tqdm

    return tqdm(total=total, desc="encoding", unit="mol", disable=not shown)
