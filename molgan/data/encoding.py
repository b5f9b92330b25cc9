"""From raw SMILES to an encoded set: vocabulary, integer graphs, and what was left out and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molgan.chem import Codec, Vocabulary, quiet_rdkit, read_smiles
from molgan.data.coverage import SetCoverage
from molgan.data.readers import MAX_EXAMPLES, RawMolecules
from molgan.data.sources import ZINC250K_MOLECULES, qm9_ids
from molgan.data.storage import FORMAT_VERSION, MoleculeTable, TableBuilder
from molgan.errors import ChemistryError, DataError
from molgan.progress import tqdm

#: Heavy atoms of the largest molecule taken when max_atoms is not given. Without such a bound one
#: polymer in a file of drugs would blow up every padded array.
DEFAULT_LARGEST = 64

# Encoded batches are padded; this bounds their memory whatever max_atoms is.
_BATCH_BYTES = 1 << 26
_BATCH_MOLECULES = 1 << 13

# Atoms of a SMILES, hydrogens that are written as atoms included: never fewer than its heavy atoms.
# Padding to the largest count found this way, and not to the limit, keeps batches small.
_ATOMS = re.compile(r"\[[^\]]*\]|Br|Cl|[BCNOPSFIbcnops*]")


@dataclass(frozen=True)
class EncodedSet:
    """Encoded molecules with what is needed to understand them.

    Attributes:
        table: the distinct molecules.
        vocabulary: atom and bond types that its numbers refer to.
        max_atoms: N, atoms of the largest molecule.
        coverage: what was kept and why the rest was left out.
    """

    table: MoleculeTable
    vocabulary: Vocabulary
    max_atoms: int
    coverage: SetCoverage

    def to_bytes(self) -> bytes:
        """Content of the cache file."""
        return self.table.to_bytes(
            {
                "format": FORMAT_VERSION,
                "vocabulary": self.vocabulary.to_dict(),
                "max_atoms": self.max_atoms,
                "coverage": self.coverage.to_dict(),
            }
        )

    @classmethod
    def from_file(cls, path: Path) -> EncodedSet | None:
        """Read the cache file; None if it is missing or damaged and has to be made anew."""
        loaded = MoleculeTable.from_file(path)
        if loaded is None:
            return None
        table, meta = loaded
        return cls(
            table=table,
            vocabulary=Vocabulary.from_dict(meta["vocabulary"]),
            max_atoms=int(meta["max_atoms"]),
            coverage=SetCoverage.from_dict(meta["coverage"]),
        )


def original_rows(raw: RawMolecules, numbering: str) -> list[int]:
    """Row of each molecule in the published table, from 0, for the field's standard splits.

    Args:
        raw: the molecules as read.
        numbering: "qm9", "zinc250k", or anything else for "none is known".

    Returns:
        Row numbers; -1 where they cannot be told.
    """
    if numbering == "qm9":
        return [number - 1 if number > 0 else -1 for number in qm9_ids(raw)]
    if numbering == "zinc250k" and raw.data_rows == ZINC250K_MOLECULES:
        return list(raw.rows)
    return [-1] * len(raw.smiles)


def largest_fragment(smiles: str) -> str | None:
    """The fragment with most heavy atoms, as it is charged; of equals, the first by SMILES.

    Returns:
        Its SMILES, or None if RDKit cannot read the whole.
    """
    mol, _reason = read_smiles(smiles)
    if mol is None:
        return None
    fragments = Chem.GetMolFrags(mol, asMols=True, sanitizeFrags=False)
    if not fragments:
        return None
    ranked = sorted((-part.GetNumHeavyAtoms(), Chem.MolToSmiles(part)) for part in fragments)
    return ranked[0][1]


def _desalted(smiles: list[str]) -> tuple[list[str], int]:
    """Replace mixtures by their largest fragment; also returns how many were replaced."""
    changed = 0
    out = []
    with quiet_rdkit():
        for text in smiles:
            kept = largest_fragment(text) if "." in text else None
            changed += kept is not None
            out.append(text if kept is None else kept)
    return out, changed


def _batches(count: int, max_atoms: int, n_jobs: int) -> Iterator[slice]:
    """Slices of the input, small enough that a padded batch stays within `_BATCH_BYTES`."""
    most = _BATCH_MOLECULES if n_jobs in (0, 1) else 8 * _BATCH_MOLECULES
    each = max(max_atoms * (max_atoms + 1) // 2, 1)
    size = min(max(_BATCH_BYTES // each, 1), most)
    return (slice(start, start + size) for start in range(0, count, size))


def _used_types(table: MoleculeTable, vocabulary: Vocabulary) -> tuple[MoleculeTable, Vocabulary]:
    """Drop atom types that no kept molecule has, so that a generator never has to learn them."""
    counts = np.bincount(table.atoms, minlength=vocabulary.num_atom_types)
    used = [index for index in range(1, vocabulary.num_atom_types) if counts[index]]
    if len(used) == len(vocabulary.atoms):
        return table, vocabulary
    renumbered = np.zeros(vocabulary.num_atom_types, dtype=np.uint8)
    renumbered[used] = np.arange(1, len(used) + 1)
    atoms: NDArray[np.uint8] = renumbered[table.atoms]
    fields = {name: getattr(table, name) for name in table.__dataclass_fields__}
    smaller = Vocabulary(tuple(vocabulary.atoms[index - 1] for index in used), vocabulary.bonds)
    return MoleculeTable(**{**fields, "atoms": atoms}), smaller


def encode_source(
    raw: RawMolecules,
    *,
    numbering: str = "",
    max_atoms: int | None = None,
    aromatic: bool = False,
    min_count: int = 1,
    keep_largest_fragment: bool = False,
    n_jobs: int = 1,
    progress: bool = True,
) -> EncodedSet:
    """Learn the vocabulary of a set, encode its molecules and merge duplicates.

    Args:
        raw: the molecules as read.
        numbering: name of the published table whose row numbers are kept, see `original_rows`.
        max_atoms: leave out molecules with more heavy atoms; None takes the largest of the set, up
            to `DEFAULT_LARGEST`.
        aromatic: keep aromatic bonds as a type of their own.
        min_count: leave out atom types that occur fewer times.
        keep_largest_fragment: of a salt or mixture keep the largest fragment.
        n_jobs: worker processes.
        progress: show a progress bar.

    Raises:
        DataError: if no molecule is left; the message says why each was left out.
    """
    coverage = SetCoverage(
        total=sum(raw.skipped.values()), dropped=dict(raw.skipped), examples=dict(raw.examples)
    )
    smiles, desalted = raw.smiles, 0
    if keep_largest_fragment:
        smiles, desalted = _desalted(smiles)
    largest = min(
        DEFAULT_LARGEST if max_atoms is None else max_atoms,
        max((len(_ATOMS.findall(text)) for text in smiles if "." not in text), default=1) or 1,
    )
    vocabulary = _learn(smiles, aromatic, min_count, progress)
    rows = original_rows(raw, numbering)
    builder = TableBuilder()
    if vocabulary is None:
        if min_count > 1:
            raise DataError(
                f"{raw.origin} holds no atom type that occurs data.min_count={min_count} times "
                f"in molecules that RDKit can read; lower it."
            )
        # There is nothing to learn from, and nothing will be kept; this counts the reasons.
        vocabulary = Vocabulary.from_smiles(["C"], aromatic=aromatic)
    codec = Codec(vocabulary, largest)
    with tqdm(total=len(smiles), desc="Encoding", unit=" mol", disable=not progress) as bar:
        for part in _batches(len(smiles), largest, n_jobs):
            encoded = codec.encode_smiles(smiles[part], n_jobs=n_jobs, progress=False)
            coverage.merge(encoded.coverage, MAX_EXAMPLES)
            if len(encoded.smiles):
                members = [rows[part.start + int(row)] for row in encoded.rows]
                builder.add(encoded.atoms, encoded.bonds, encoded.smiles, members)
            bar.update(len(smiles[part]))
    if coverage.kept == 0:
        raise DataError(_nothing_usable(raw, coverage, keep_largest_fragment, largest))
    table, vocabulary = _used_types(builder.build(), vocabulary)
    duplicates = len(table.member_molecule) - len(table)
    if duplicates:
        coverage.kept -= duplicates
        coverage.dropped["duplicate"] = duplicates
    coverage.notes = _notes(raw, desalted)
    return EncodedSet(table, vocabulary, int(table.sizes.max()), coverage)


def _notes(raw: RawMolecules, desalted: int) -> list[str]:
    """What the kept molecules lost, in sentences."""
    stereo = sum(any(mark in text for mark in "@/\\") for text in raw.smiles)
    notes = ["stereochemistry is not kept"]
    if stereo:
        notes[0] += f": {stereo:,} of {len(raw.smiles):,} rows state some"
    if desalted:
        notes.append(f"of {desalted:,} rows with several fragments only the largest is kept")
    return notes


def _learn(smiles: list[str], aromatic: bool, min_count: int, progress: bool) -> Vocabulary | None:
    """Vocabulary of the molecules that can be kept at all; None if there are none.

    Mixtures are passed over: the sodium of a salt that is left out is no atom type of the set.
    """
    single = [text for text in smiles if "." not in text]
    with tqdm(single, desc="Learning atom types", unit=" mol", disable=not progress) as bar:
        try:
            return Vocabulary.from_smiles(bar, aromatic=aromatic, min_count=min_count)
        except ChemistryError:
            return None


def _nothing_usable(
    raw: RawMolecules, coverage: SetCoverage, keep_largest_fragment: bool, largest: int
) -> str:
    """One sentence on why a source gave nothing, with what to do about it."""
    counts = sorted(coverage.dropped.items(), key=lambda item: -item[1])
    why = ", ".join(f"{count:,} {reason}" for reason, count in counts)
    first = next(
        (texts[0][:60] for reason, _ in counts if (texts := coverage.examples.get(reason))), ""
    )
    example = f"; first example: {first}" if first else ""
    message = f"{raw.origin} holds no usable molecule ({why or 'it has no rows'}{example})."
    if counts and counts[0][0] == "parse":
        message += (
            " RDKit reads none of it as SMILES: is it another column, or a table that should be "
            "named .csv?"
        )
    elif counts and counts[0][0] == "fragments" and not keep_largest_fragment:
        message += (
            " To keep the largest fragment of each salt, set data.keep_largest_fragment=true."
        )
    elif counts and counts[0][0] == "size":
        message += (
            f" Molecules of more than {largest} heavy atoms are left out; see data.max_atoms."
        )
    return message
