from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem

from molgan.chem import Decoded
from molgan.errors import DataError, MolganError
from molgan.library import Library

DECODED = [
    Decoded(Chem.MolFromSmiles("CCO"), "CCO", None),
    Decoded(None, None, "valence"),
    Decoded(Chem.MolFromSmiles("C"), "C", None),
    Decoded(None, None, "valence"),
]


def library() -> Library:
    return Library.from_decoded(
        DECODED,
        {"qed": [0.4068, math.nan, math.nan, math.nan], "reward": [0.25, 0.0, 0.0, 0.0]},
        [None, "valence", "qed: failed", "valence"],
    )


def test_from_decoded_keeps_valid_molecules_and_counts_the_rest() -> None:
    made = library()
    assert made.smiles == ["CCO", "C"]
    assert made.names == ["mol000000", "mol000001"]
    assert list(made.frame.columns) == ["name", "smiles", "qed", "reward", "reason"]
    assert list(made.frame["reason"]) == ["", "qed: failed"]
    assert made.rejected == {"valence": 2}
    assert len(made) == 2


def test_smi_lines_are_smiles_space_name(tmp_path: Path) -> None:
    library().write_smi(tmp_path / "a.smi")
    assert (tmp_path / "a.smi").read_bytes() == b"CCO mol000000\nC mol000001\n"


def test_csv_leaves_missing_scores_empty(tmp_path: Path) -> None:
    library().write_csv(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        "name,smiles,qed,reward,reason",
        "mol000000,CCO,0.4068,0.25,",
        "mol000001,C,,0,qed: failed",
    ]


@pytest.mark.parametrize("suffix", [".smi", ".csv"])
def test_what_was_written_reads_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    made = library()
    (made.write_smi if suffix == ".smi" else made.write_csv)(path)
    again = Library.read(path)
    assert (again.smiles, again.names) == (made.smiles, made.names)


def test_smi_without_names_gets_them(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("CCO\n\nC\n")
    assert Library.read(tmp_path / "a.smi").names == ["mol000000", "mol000001"]


def test_no_molecules_make_an_empty_library(tmp_path: Path) -> None:
    made = Library.from_decoded([Decoded(None, None, "empty")], {"qed": [math.nan]})
    made.write_smi(tmp_path / "a.smi")
    made.write_csv(tmp_path / "a.csv")
    made.write_grid(tmp_path / "a.png", ["qed"])
    assert (tmp_path / "a.smi").read_text() == ""
    assert (tmp_path / "a.csv").read_text() == "name,smiles,qed\n"
    assert len(Library.read(tmp_path / "a.smi")) == len(Library.read(tmp_path / "a.csv")) == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.smi", None, r"no file .*missing\.smi"),
        ("missing.csv", None, r"no file .*missing\.csv"),
        ("latin.smi", b"CCO caf\xe9\n", r"latin\.smi"),
        ("latin.csv", b"name,smiles\ncaf\xe9,CCO\n", r"latin\.csv"),
        ("empty.csv", b"", r"empty\.csv"),
        ("other.csv", b"id,structure\n1,CCO\n", "there are: id, structure"),
        ("twice.smi", b"CCO a\nC a\n", "'a' is there twice"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        Library.read(tmp_path / name)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MolganError, match="it is a folder"):
        library().write_csv(tmp_path)


def test_the_table_given_is_not_changed() -> None:
    frame = pd.DataFrame({"smiles": ["C", "N"]}, index=[5, 7])
    assert Library(frame).names == ["mol000000", "mol000001"]
    assert list(frame.columns) == ["smiles"]
