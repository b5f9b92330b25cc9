"""QM9 and ZINC250k themselves, from ../shared/data beside the checkout."""

from __future__ import annotations

import json

import numpy as np
import pytest

from molgan.data import load_dataset
from molgan.errors import DataError


def test_standard_split_follows_qm9_numbers_whatever_the_order_of_rows(shared_data, tmp_path):
    path = shared_data / "qm9_properties_sample.csv.gz"
    split_path = shared_data / "valid_idx_qm9.json"
    dataset = load_dataset(
        "qm9",
        path=path,
        cache_dir=tmp_path,
        split="standard",
        split_path=split_path,
        progress=False,
    )
    held_out = {int(text) for text in json.loads(split_path.read_text())["valid_idxs"]}
    rows = dataset.table.member_row
    test = set(dataset.split_indices["test"].tolist())
    train = set(dataset.split_indices["train"].tolist())
    assert test.isdisjoint(train)
    assert len(test) + len(train) == len(dataset)
    for row, molecule in zip(rows.tolist(), dataset.table.member_molecule.tolist(), strict=True):
        if row + 1 in held_out:
            assert molecule in test
    assert 0.08 < len(test) / len(dataset) < 0.12


def test_standard_split_of_zinc_needs_the_whole_table(shared_data, tmp_path):
    path = tmp_path / "part.smi"
    path.write_text("CCO\nCCN\n")
    with pytest.raises(DataError, match="all 249,455 rows in the original order"):
        load_dataset(
            "zinc250k",
            path=path,
            cache_dir=tmp_path / "cache",
            split="standard",
            split_path=shared_data / "valid_idx_zinc250k.json",
            progress=False,
        )


@pytest.mark.slow
def test_whole_qm9(shared_data, tmp_path):
    settings = {
        "path": shared_data / "qm9_smiles.csv.gz",
        "cache_dir": tmp_path,
        "split": "standard",
        "split_path": shared_data / "valid_idx_qm9.json",
        "progress": False,
    }
    dataset = load_dataset("qm9", **settings)
    assert dataset.coverage.total == 133_885
    assert len(dataset) == dataset.coverage.kept == 133_798
    assert dataset.coverage.dropped == {"duplicate": 87}
    assert dataset.max_atoms == 9
    sizes = {name: len(part) for name, part in dataset.split_indices.items()}
    assert sizes == {"train": 120_716, "valid": 0, "test": 13_082}
    np.testing.assert_allclose(dataset.marginals("all").sizes.sum(), 1.0)
    without = load_dataset(
        "qm9", **settings, exclude_uncharacterized=shared_data / "qm9_uncharacterized.txt.gz"
    )
    # 130,831 rows are left.
    assert len(without.table.member_row) == 130_831


@pytest.mark.slow
def test_whole_zinc250k(shared_data, tmp_path):
    dataset = load_dataset(
        "zinc250k",
        path=shared_data / "zinc250k_smiles.csv.gz",
        cache_dir=tmp_path,
        split="standard",
        split_path=shared_data / "valid_idx_zinc250k.json",
        progress=False,
    )
    assert dataset.coverage.total == 249_455
    assert dataset.max_atoms == 38
    assert len(dataset.vocabulary.elements) == 9
    rows, molecules = dataset.table.member_row, dataset.table.member_molecule
    held_out = json.loads((shared_data / "valid_idx_zinc250k.json").read_text())
    expected = np.unique(molecules[np.isin(rows, held_out)])
    assert np.array_equal(dataset.split_indices["test"], expected)
    assert len(dataset.split_indices["train"]) + len(expected) == len(dataset)
