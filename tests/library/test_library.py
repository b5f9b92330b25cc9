from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from rdkit import Chem

from molgan.chem import Decoded, logp, qed, sa_score
from molgan.errors import ChemistryError, DataError, MolganError
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


def test_distinct_keeps_the_first_of_each_with_its_copies() -> None:
    frame = pd.DataFrame({"smiles": ["C", "N", "C", "C"], "novel": [0, 1, 0, 0]})
    made = Library(frame, rejected={"valence": 3}).distinct()
    assert made.frame.to_dict("list") == {
        "name": ["mol000000", "mol000001"],
        "smiles": ["C", "N"],
        "novel": [0, 1],
        "drawn": [3, 1],
    }
    assert made.rejected == {"valence": 3}


def test_scored_adds_the_properties_of_each_molecule() -> None:
    made = Library(pd.DataFrame({"smiles": ["CCO", "c1ccccc1", "CCO"]}), rejected={"empty": 1})
    table = made.scored()
    for row, smiles in enumerate(made.smiles):
        mol = Chem.MolFromSmiles(smiles)
        scores = [table.frame[name][row] for name in ("qed", "logp", "sa")]
        assert scores == [qed(mol), logp(mol), sa_score(mol)]
    assert table.names == made.names
    assert table.rejected == {"empty": 1}
    assert list(made.frame.columns) == ["name", "smiles"]


def test_distinct_adds_up_the_copies_of_distinct_libraries() -> None:
    once = Library(pd.DataFrame({"smiles": ["C", "C", "N"]})).distinct()
    assert once.distinct().frame["drawn"].tolist() == [2, 1]
    both = Library(pd.concat([once.frame, once.frame]).drop(columns="name")).distinct()
    assert dict(zip(both.smiles, both.frame["drawn"], strict=True)) == {"C": 4, "N": 2}


def test_missing_names_are_given_by_position(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,smiles\nmine,C\n,N\n,O\n")
    assert Library.read(tmp_path / "a.csv").names == ["mine", "mol000001", "mol000002"]


def test_an_empty_library_can_be_scored_and_made_distinct() -> None:
    made = Library(pd.DataFrame({"smiles": []})).distinct().scored()
    assert list(made.frame.columns) == ["name", "smiles", "drawn", "qed", "logp", "sa"]
    assert len(made) == 0


def test_a_smiles_that_cannot_be_scored_is_named() -> None:
    with pytest.raises(ChemistryError, match="'C1CC'"):
        Library(pd.DataFrame({"smiles": ["CCO", "C1CC"]})).scored()


def test_a_notebook_shows_counts_and_the_first_rows() -> None:
    made = library()
    assert repr(made).startswith("Library of 2 molecules (name, smiles, qed, reward, reason)")
    assert "2 more were drawn and rejected: valence 2" in repr(made)
    assert "CCO" in made._repr_html_()
    long = Library(pd.DataFrame({"smiles": ["C"] * 90}))._repr_html_()
    assert "90 molecules" in long
    assert "mol000059" in long
    assert "mol000060" not in long


def test_a_picture_is_what_is_written(tmp_path: Path) -> None:
    made = library()
    made.write_grid(tmp_path / "a.png", ["qed"], n=1)
    with Image.open(tmp_path / "a.png") as written:
        shown = made.grid(["qed"], n=1)
        assert shown.size == written.size
        assert shown.tobytes() == written.tobytes()


def test_a_legend_that_is_no_column_is_named() -> None:
    with pytest.raises(DataError, match="no column sa; there are: name, smiles, qed"):
        library().grid(["sa"])
