from __future__ import annotations

from pathlib import Path

import pytest

from molgan.data import MoleculeDataset
from molgan.errors import ConfigError, DataError
from molgan.metrics import (
    benchmark_reference,
    dataset_reference,
    file_reference,
    moses_reference,
    no_reference,
)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    texts = {"train": "CCO\nOCC\nCCN\n", "test": "CCC\n[Na+].[Cl-]\nC1CC\n", "scaf": "C1CC1\n"}
    paths = {}
    for name, text in texts.items():
        paths[name] = tmp_path / f"{name}.smi"
        paths[name].write_text(text)
    return paths


def test_files_of_their_own_for_each_part(files):
    reference = file_reference(
        train=files["train"], test=files["test"], test_scaffolds=files["scaf"], progress=False
    )
    assert reference.train == ["CCO", "CCN"]
    assert reference.test == ["CCC"]
    assert reference.test_scaffolds == ["C1CC1"]
    assert reference.name == "test"
    assert any("2 rows left out" in note for note in reference.notes)


def test_one_file_is_training_and_test_set_and_says_so(files):
    reference = file_reference(files["train"], progress=False, name="mine")
    assert reference.name == "mine"
    assert reference.train == reference.test == ["CCO", "CCN"]
    assert any("training and test set" in note for note in reference.notes)


def test_training_molecules_alone_serve_as_test_set_too(files):
    reference = file_reference(train=files["train"], progress=False)
    assert reference.test == reference.train
    assert any("no test file" in note for note in reference.notes)


def test_no_file_or_two_ways_at_once_are_refused(files):
    with pytest.raises(ConfigError, match=r"reference\.path"):
        file_reference(progress=False)
    with pytest.raises(ConfigError, match=r"reference\.path"):
        file_reference(files["train"], test=files["test"], progress=False)


def test_bad_files_are_named_by_their_setting(tmp_path: Path, files):
    with pytest.raises(DataError, match=r"reference\.test=.*nowhere"):
        file_reference(test=tmp_path / "nowhere.smi", progress=False)
    files["test"].write_text("C1CC\n[Na+].[Cl-]\n")
    with pytest.raises(DataError, match=r"reference\.test=.*no usable molecule"):
        file_reference(test=files["test"], progress=False)


def test_moses_from_local_files(files):
    reference = moses_reference(
        train=files["train"], test=files["test"], splits=["train", "test"], progress=False
    )
    assert (reference.name, reference.train, reference.test) == ("moses", ["CCO", "CCN"], ["CCC"])
    with pytest.raises(ConfigError, match="there is no valid"):
        moses_reference(splits=["valid"])
    with pytest.raises(DataError, match="no molecules for test_scaffolds"):
        reference.features("test_scaffolds")


def test_splits_of_a_data_set():
    smiles = ["C" * n for n in range(1, 41)]
    dataset = MoleculeDataset.from_smiles(smiles, fractions=(0.8, 0.1, 0.1), progress=False)
    reference = dataset_reference(dataset)
    assert sorted(reference.train) == sorted(dataset.split_smiles("train"))
    assert reference.test == dataset.split_smiles("test")
    assert not set(reference.train) & set(reference.test)
    alone = dataset_reference(MoleculeDataset.from_smiles(["CCO"], progress=False))
    assert alone.test == alone.train == ["CCO"]
    assert any("no held-out split" in note for note in alone.notes)


def test_properties_of_the_test_molecules_for_the_table(files):
    report = file_reference(files["train"], progress=False).report()
    assert report.figures["mean_atoms"] == 3
    assert set(report.properties) >= {"logp", "sa", "qed", "weight", "heavy_atoms"}


def test_no_reference_is_none():
    assert no_reference() is None


@pytest.mark.slow
def test_the_standard_splits_of_qm9(shared_data, tmp_path):
    reference = benchmark_reference(
        "qm9",
        path=shared_data / "qm9_smiles.csv.gz",
        split_path=shared_data / "valid_idx_qm9.json",
        cache_dir=tmp_path,
        progress=False,
    )
    assert (len(reference.train), len(reference.test)) == (120_716, 13_082)
