"""Every molecule of the field's two standard sets, with the counts as measured."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from molgan.chem import Codec, Vocabulary, identity, quiet_rdkit, read_smiles


def read_column(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return [row["smiles"] for row in csv.DictReader(lines)]


QM9_TYPES = "C O N F N+ O- N- C-"
ZINC_TYPES = "C N O S F N+ Cl O- Br N- I S- P O+ S+ C- P+"


@pytest.mark.slow
@pytest.mark.parametrize("aromatic", [False, True], ids=["kekule", "aromatic"])
@pytest.mark.parametrize(
    ("name", "rows", "max_atoms", "types", "dropped", "distinct"),
    [
        ("qm9_smiles.csv.gz", 133_885, 9, QM9_TYPES, {}, 133_798),
        ("zinc250k_smiles.csv.gz", 249_455, 38, ZINC_TYPES, {"roundtrip": 1}, 247_803),
    ],
    ids=["qm9", "zinc250k"],
)
def test_every_molecule_round_trips_or_has_a_reason(
    shared_data: Path,
    name: str,
    rows: int,
    max_atoms: int,
    types: str,
    dropped: dict[str, int],
    distinct: int,
    aromatic: bool,
) -> None:
    smiles = read_column(shared_data / name)
    assert len(smiles) == rows
    vocabulary = Vocabulary.from_smiles(smiles, aromatic=aromatic)
    assert " ".join(str(kind) for kind in vocabulary.atoms) == types
    codec = Codec(vocabulary, max_atoms)
    encoded = codec.encode_smiles(smiles)
    assert encoded.coverage.dropped == dropped
    assert len(encoded) == rows - sum(dropped.values())
    assert len(set(encoded.smiles)) == distinct

    decoded = codec.decode(encoded.atoms, encoded.bonds)
    assert [one.smiles for one in decoded] == encoded.smiles

    # And what comes back is the identity of the molecule that went in.
    with quiet_rdkit():
        for row, text in list(zip(encoded.rows.tolist(), encoded.smiles, strict=True))[::10]:
            mol, _ = read_smiles(smiles[row])
            assert identity(mol) == text
