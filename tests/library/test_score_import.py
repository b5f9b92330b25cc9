from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from molgan.errors import DataError
from molgan.library.score_import import aliases_from_index, import_scores


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "scores.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_scores_are_joined_by_name_and_the_best_counts(tmp_path: Path) -> None:
    path = table(tmp_path, "id,dG\nb,-7.5\na,-6\nb,-8.25\n\nx,-1\nc,NA\nx,-2\n")
    got = import_scores(path, ["a", "b", "c", "d"], score="dG", name="id")
    np.testing.assert_array_equal(got.values, [-6, -8.25, np.nan, np.nan])
    assert (got.rows, got.unknown) == (5, ["x"])
    assert import_scores(path, ["b"], score="dG", name="id", better="max").values == [-7.5]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_and_the_mark_of_excel_are_understood(tmp_path: Path, delimiter: str) -> None:
    text = "name,score\r\na,-1.5\r\n".replace(",", delimiter)
    path = table(tmp_path, text, "utf-8-sig")
    assert import_scores(path, ["a"], score="score").values == [-1.5]


def test_states_and_files_count_for_their_molecule(tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    index.write_text(
        "name,parent,smiles,folder,sdf,pdbqt\n"
        "m 1_p1,m 1,C,dock_0001,,dock_0001/m_1_p1.pdbqt\n"
        "m 1_p2,m 1,C,dock_0001,,dock_0001/m_1_p2.pdbqt\n"
        "m2,m2,C,dock_0001,dock_0001/ligands.sdf,\n"
    )
    path = table(tmp_path, "name,s\nm_1_p1,-5\ndock_0001/m_1_p2.pdbqt,-6\nm2,-7\n")
    got = import_scores(path, ["m2", "m 1"], score="s", aliases=aliases_from_index(index))
    assert got.values.tolist() == [-7, -6]
    assert got.unknown == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,score\na,-1\nb,high\n", r"line 3: the score 'high' of 'b' is no number"),
        ("name,energy\na,-1\n", r"no column 'score'; its header has: name, energy"),
        ("name,score\na\n", r"line 2: 1 fields where the header has 2"),
        ("", r"no column 'name'; its header has: nothing"),
        ('name,score\n"a,1\n', r"no table that can be read"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        import_scores(table(tmp_path, text), ["a"], score="score")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv"):
        import_scores(tmp_path / "none.csv", ["a"], score="score")
    with pytest.raises(DataError, match="not UTF-8"):
        import_scores(table(tmp_path, "name,é\n", "utf-16"), ["a"], score="é")
    with pytest.raises(DataError, match="min or max"):
        import_scores(tmp_path / "none.csv", ["a"], score="score", better="low")
