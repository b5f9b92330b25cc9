from __future__ import annotations

import json

import numpy as np
import pytest

from molgan.chem.properties import murcko_scaffold
from molgan.data.splits import (
    check_fractions,
    random_split,
    read_standard_indices,
    scaffold_split,
    standard_split,
)
from molgan.errors import ConfigError, DataError


def assert_partition(split, n):
    assert list(split) == ["train", "valid", "test"]
    together = np.concatenate(list(split.values()))
    assert sorted(together.tolist()) == list(range(n))
    for part in split.values():
        assert part.dtype == np.int64
        assert np.all(np.diff(part) > 0)


@pytest.mark.parametrize("n", [1, 2, 9, 10, 1000])
def test_random_split_is_a_partition_and_hangs_on_its_seed(n):
    first = random_split(n, (0.8, 0.1, 0.1), seed=3)
    assert_partition(first, n)
    again = random_split(n, (0.8, 0.1, 0.1), seed=3)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert len(first["test"]) == len(first["valid"]) == n // 10


def test_random_split_differs_between_seeds():
    first, second = (random_split(1000, (0.8, 0.1, 0.1), seed) for seed in (0, 1))
    assert not np.array_equal(first["test"], second["test"])


def test_one_molecule_is_a_training_set_of_one():
    assert random_split(1, (0.8, 0.1, 0.1), 0)["train"].tolist() == [0]
    assert scaffold_split(["CCO"], (0.8, 0.1, 0.1))["train"].tolist() == [0]


@pytest.mark.parametrize(
    "fractions",
    [(0.5, 0.5), (0.9, 0.2, 0.1), (0.0, 0.5, 0.5), (1.1, -0.1, 0.0), (float("nan"),) * 3],
)
def test_impossible_fractions_name_their_key(fractions):
    with pytest.raises(ConfigError, match=r"data\.fractions="):
        check_fractions(fractions)


def test_scaffold_split_shares_no_scaffold():
    rings = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "C1CCOC1", "c1ccoc1", "C1CC1", "c1ccsc1"]
    smiles = [ring + tail for ring in rings for tail in ("", "C", "CC", "O")] + ["CCO", "CCC"]
    split = scaffold_split(smiles, (0.6, 0.2, 0.2))
    assert_partition(split, len(smiles))
    groups = [{murcko_scaffold_of(smiles[i]) for i in part} for part in split.values()]
    assert all(groups)
    assert len(groups[0] | groups[1] | groups[2]) == sum(len(group) for group in groups)


def murcko_scaffold_of(smiles):
    from rdkit import Chem

    return murcko_scaffold(Chem.MolFromSmiles(smiles))


def test_scaffold_split_that_leaves_no_training_set_says_so():
    with pytest.raises(DataError, match=r"data\.split=scaffold leaves nothing to train on"):
        scaffold_split(["C", "CC", "CCC", "CCCC"], (0.5, 0.25, 0.25))


def test_scaffold_split_restores_logging_and_prints_nothing(capfd):
    import logging

    scaffold_split(["c1ccccc1", "C1CC1", "C1CCC1"], (0.6, 0.2, 0.2))
    assert logging.root.manager.disable == logging.NOTSET
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def write_indices(tmp_path, content):
    path = tmp_path / "idx.json"
    path.write_text(json.dumps(content))
    return path


def test_qm9_indices_count_from_one_and_zinc_from_zero(tmp_path):
    qm9 = write_indices(tmp_path, {"valid_idxs": ["000001", "133885"]})
    assert read_standard_indices("qm9", qm9).tolist() == [0, 133_884]
    zinc = write_indices(tmp_path, [0, 249_454])
    assert read_standard_indices("zinc250k", zinc).tolist() == [0, 249_454]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("qm9", {"valid_idxs": ["000000"]}),
        ("qm9", {"valid_idxs": ["133886"]}),
        ("zinc250k", [249_455]),
        ("zinc250k", []),
        ("qm9", {"other": [1]}),
        ("qm9", "text"),
        ("zinc250k", 5),
    ],
)
def test_index_files_that_do_not_fit_are_named(tmp_path, name, content):
    path = write_indices(tmp_path, content)
    with pytest.raises(DataError, match=r"data\.split_path=.*idx\.json"):
        read_standard_indices(name, path)


def test_standard_split_keeps_every_molecule_with_a_held_out_row_from_training(tmp_path):
    # Molecule 1 stands for rows 5 and 9; only row 9 is held out.
    path = write_indices(tmp_path, [2, 9])
    molecules = np.array([0, 1, 2, 1, 3])
    rows = np.array([0, 5, 2, 9, 11])
    split = standard_split("zinc250k", molecules, rows, 4, split_path=path)
    assert split["test"].tolist() == [1, 2]
    assert split["train"].tolist() == [0, 3]
    assert split["valid"].size == 0


def test_standard_split_of_unknown_rows_or_sets_is_refused(tmp_path):
    known, unknown = np.array([0]), np.array([-1])
    with pytest.raises(DataError, match=r"column mol_id"):
        standard_split("qm9", known, unknown, 1)
    with pytest.raises(DataError, match=r"all 249,455 rows"):
        standard_split("zinc250k", known, unknown, 1)
    with pytest.raises(DataError, match=r"exists for qm9 and zinc250k, not for file"):
        standard_split("file", known, known, 1)
    with pytest.raises(DataError, match=r"data\.split_path=gone\.json: there is no such file"):
        standard_split("qm9", known, known, 1, split_path="gone.json")


def test_published_index_files_have_their_published_sizes(shared_data):
    qm9 = read_standard_indices("qm9", shared_data / "valid_idx_qm9.json")
    zinc = read_standard_indices("zinc250k", shared_data / "valid_idx_zinc250k.json")
    assert (len(qm9), len(zinc)) == (13_082, 24_887)
    # "007278" of the published list is gdb_7278, which is row 7277.
    assert 7277 in qm9
