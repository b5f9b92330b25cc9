from __future__ import annotations

import os
import stat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgan.data.storage import (
    MoleculeTable,
    TableBuilder,
    read_arrays,
    write_arrays,
    write_atomic,
)
from molgan.errors import DataError


@st.composite
def batches(draw):
    """Padded molecules with distinct names: sizes 1 to N, random types, random bonds."""
    count, slots = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    atoms = np.zeros((count, slots), dtype=np.uint8)
    bonds = np.zeros((count, slots * (slots - 1) // 2), dtype=np.uint8)
    first, second = np.triu_indices(slots, 1)
    for row in range(count):
        size = rng.integers(1, slots + 1)
        atoms[row, :size] = rng.integers(1, 5, size)
        bonds[row] = rng.integers(0, 4, len(first)) * ((first < size) & (second < size))
    return atoms, bonds


@given(batches(), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_table_gives_back_what_was_put_in(batch, extra_slots, seed):
    atoms, bonds = batch
    names = [f"m{i}" for i in range(len(atoms))]
    builder = TableBuilder()
    half = len(atoms) // 2
    for part in (slice(0, half), slice(half, None)):
        builder.add(atoms[part], bonds[part], names[part], [-1] * len(names[part]))
    table = builder.build()
    slots = atoms.shape[1] + extra_slots
    wanted = np.random.default_rng(seed).permutation(len(atoms))[: max(len(atoms) - 1, 1)]
    dense_atoms, dense_bonds = table.dense(wanted, slots)
    assert np.array_equal(dense_atoms[:, : atoms.shape[1]], atoms[wanted])
    assert not dense_atoms[:, atoms.shape[1] :].any()
    first, second = np.triu_indices(slots, 1)
    inside = (first < atoms.shape[1]) & (second < atoms.shape[1])
    assert np.array_equal(dense_bonds[:, inside], bonds[wanted])
    assert not dense_bonds[:, ~inside].any()


def test_table_survives_its_file(tmp_path):
    builder = TableBuilder()
    builder.add(
        np.array([[1, 2], [1, 0]], np.uint8), np.array([[1], [0]], np.uint8), ["CO", "C"], [5, 7]
    )
    table = builder.build()
    path = tmp_path / "t.pt"
    path.write_bytes(table.to_bytes({"format": 1, "ß": ["µ"]}))
    loaded = MoleculeTable.from_file(path)
    assert loaded is not None
    again, meta = loaded
    assert meta["ß"] == ["µ"]
    assert again.smiles == ["CO", "C"]
    assert again.member_row.tolist() == [5, 7]
    assert again.atoms.tolist() == [1, 2, 1]
    assert again.bond_ends.tolist() == [[0], [1]]


def test_atomic_write_replaces_and_can_be_read_by_others(tmp_path):
    path = tmp_path / "sub" / "a.txt"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert os.listdir(path.parent) == ["a.txt"]


def test_arrays_can_be_read_by_others_and_damaged_ones_are_none(tmp_path):
    path = tmp_path / "sub" / "a.npz"
    assert read_arrays(path) is None
    write_arrays(path, {"a": np.arange(3), "b": np.array(["CCO"])})
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    found = read_arrays(path)
    assert {name: array.tolist() for name, array in found.items()} == {"a": [0, 1, 2], "b": ["CCO"]}
    path.write_bytes(path.read_bytes()[:60])
    assert read_arrays(path) is None


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_atomic(path, b"one")

    def refuse(source, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("molgan.data.storage.os.replace", refuse)
    with pytest.raises(DataError, match="Permission denied"):
        write_atomic(path, b"two")
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a.txt"]
