"""Bad inputs that a user can hand to `data=file`: one message naming what is wrong, or a count."""

from __future__ import annotations

import gzip

import pytest

from molgan.data import MoleculeDataset, load_dataset
from molgan.errors import DataError


def load(path, tmp_path, **settings):
    return load_dataset("file", path=path, cache_dir=tmp_path / "cache", progress=False, **settings)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.smi", b"", r"empty\.smi is empty"),
        ("blank.smi", b"\n  \n\n", r"blank\.smi holds no usable molecule \(3 blank"),
        ("header.csv", b"smiles\n", r"header\.csv holds no usable molecule \(it has no rows\)"),
        ("words.smi", b"hello\nworld\n", r"words\.smi holds no usable molecule \(2 parse.*hello"),
        ("salt.smi", b"[Na+].[Cl-]\n" * 3, r"\(3 fragments.*data\.keep_largest_fragment=true"),
        ("poly.smi", b"C" * 10_000, r"\(1 size.*more than 64 heavy atoms.*data\.max_atoms"),
        ("image.smi", bytes(range(128, 256)) * 20, r"image\.smi holds no usable molecule"),
        ("page.smi.gz", b"<html>", r"page\.smi\.gz ends in \.gz but is not a gzip file"),
        ("half.smi.gz", gzip.compress(b"CCO\n" * 999)[:30], r"half\.smi\.gz is cut off"),
        ("cut.sdf", b"mol\n  RDKit\n\n  3  2  0", r"cut\.sdf holds no usable molecule \(1 cut off"),
        ("table.csv", b"id,drawing\n1,CCO\n", r"table\.csv has no column of SMILES.*'drawing'"),
    ],
)
def test_file_without_a_usable_molecule_says_why(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        load(path, tmp_path)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"data\.path=.*gone\.smi: there is no such file"):
        load(tmp_path / "gone.smi", tmp_path)


def test_wrong_column_lists_the_columns_there_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,smiles\n1,CCO\n")
    with pytest.raises(DataError, match=r"no column 'mol'; its columns are 'id', 'smiles'"):
        load(path, tmp_path, column="mol")


def test_one_molecule_works(tmp_path):
    path = tmp_path / "one.smi"
    path.write_text("CCO\n")
    dataset = load(path, tmp_path)
    assert dataset.split_indices["train"].tolist() == [0]
    assert dataset.dense("train").atoms.shape == (1, 3)
    assert len(dataset.dense("test")) == 0
    assert dataset[0].num_nodes == 3


def test_one_atom_works():
    dataset = MoleculeDataset.from_smiles(["C"], progress=False)
    assert dataset.max_atoms == 1
    assert dataset.dense().bonds.shape == (1, 0)
    assert dataset[0].edge_index.shape == (2, 0)


def test_polymer_among_drugs_is_left_out_and_counted(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("CCO\n" + "C" * 10_000 + "\nc1ccccc1\n")
    dataset = load(path, tmp_path)
    assert dataset.max_atoms == 6
    assert dataset.coverage.dropped == {"size": 1}
    assert max(len(line) for line in dataset.coverage.summary().splitlines()) < 400


def test_bad_rows_among_good_ones_are_counted(tmp_path):
    path = tmp_path / "a.smi"
    path.write_bytes(b"CCO a\n\n\xff\xfe\xfd b\nC(C c\nCCN d\n")
    dataset = load(path, tmp_path)
    assert dataset.smiles == ["CCO", "CCN"]
    assert dataset.coverage.dropped == {"blank": 1, "not UTF-8": 1, "parse": 1}
    assert dataset.coverage.examples["not UTF-8"] == ["line 3"]


def test_lists_that_cannot_work():
    with pytest.raises(DataError, match="the list of SMILES holds no usable molecule"):
        MoleculeDataset.from_smiles([])
    with pytest.raises(DataError, match="a list of SMILES, not one string"):
        MoleculeDataset.from_smiles("CCO")
    with pytest.raises(DataError, match="Entry 1"):
        MoleculeDataset.from_smiles(["C", 3])  # type: ignore[list-item]
