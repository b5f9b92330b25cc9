"""Rows of any file, one by one: nothing lost silently, nothing read whole."""

from __future__ import annotations

import gzip
import subprocess
import sys

import pytest
from rdkit import Chem

from molgan.data.readers import read_molecules
from molgan.data.streaming import (
    MAX_FIELD,
    MAX_LINE,
    MAX_RECORD,
    Row,
    one_line,
    other_columns,
    stream_rows,
)
from molgan.errors import DataError

TABLE = b"id,smiles\na,CCO\nb,c1ccccc1\n"


def rows_of(path, content, **settings):
    path.write_bytes(content)
    return list(stream_rows(path, **settings))


def reasons(rows):
    return [row.reason for row in rows]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.smi", b"smiles name\n# comment\nCCO a\n\nc1ccccc1 b\n"),
        ("a.smi", b"CCO a\rc1ccccc1 b\r"),
        ("a.smi.gz", gzip.compress(b"CCO a\r\nc1ccccc1 b")),
        ("a.csv", TABLE),
        ("a.csv", b"\xef\xbb\xbf" + TABLE.replace(b",", b";")),
        ("a.csv", b'id,smiles\na,"CCO\n"\nb,"c1ccccc1\n"\n'),
        ("a.tsv", TABLE.replace(b",", b"\t")),
    ],
)
def test_rows_are_those_of_the_reader_of_whole_files(tmp_path, name, content):
    rows = rows_of(tmp_path / name, content)
    assert [(row.number, row.name, row.text) for row in rows] == [
        (1, "a", "CCO"),
        (2, "b", "c1ccccc1"),
    ]
    whole = read_molecules(tmp_path / name)
    assert ([row.text for row in rows], [row.name for row in rows]) == (whole.smiles, whole.names)


def test_lines_are_told(tmp_path):
    rows = rows_of(tmp_path / "a.csv", b'smiles\nCCO\n\n"CCN\n"\nCCC\n')
    assert [row.where for row in rows] == ["line 2", "line 4", "line 6"]


def test_line_without_end_costs_only_itself(tmp_path):
    long = b"C" * (3 * MAX_LINE)
    rows = rows_of(tmp_path / "a.smi", b"CCO a\n" + long + b" x\nCCN b\n")
    assert reasons(rows) == [None, "line too long", None]
    assert len(rows[1].text) <= 100
    rows = rows_of(tmp_path / "a.csv", b"smiles\nCCO\n" + long + b"\nCCN\n" + long)
    assert reasons(rows) == [None, "line too long", None, "line too long"]


def test_memory_does_not_grow_with_a_line(tmp_path):
    path = tmp_path / "a.smi"
    with path.open("wb") as file:
        file.write(b"CCO a\n")
        for _ in range(200):
            file.write(b"C" * 1_000_000)
        file.write(b"\nCCN b\n")
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from molgan.data.streaming import stream_rows\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "rows = list(stream_rows(Path(sys.argv[1])))\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(len(rows), after - before, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    rows, grown, torch = done.stdout.split()
    assert (rows, torch) == ("3", "False")
    assert int(grown) < 30_000  # KiB, for a line of 200 MB


def test_quote_that_nobody_closes_costs_only_its_line(tmp_path):
    rows = rows_of(tmp_path / "a.csv", b'id,smiles\n1,"CC\n' + b"2,CCO\n" * 100)
    assert reasons(rows) == ["quote not closed"] + [None] * 100
    assert rows[0].text == '1,"CC'
    rows = rows_of(tmp_path / "a.csv", b'id,smiles\n1,CCO\n2,"CC')
    assert reasons(rows) == [None, "quote not closed"]
    # A long line within what the quote swallows is told too.
    content = b'smiles\n"CC\n' + b"C" * (2 * MAX_LINE) + b"\nCCO\n"
    assert reasons(rows_of(tmp_path / "a.csv", content)) == [
        "quote not closed",
        "line too long",
        None,
    ]


def test_bytes_that_are_no_text_and_missing_fields(tmp_path):
    content = b"id,smiles\n1,CCO\n2\n3,\n4,C\xff\xfeC\n5\xe9,CCN\n"
    rows = rows_of(tmp_path / "a.csv", content)
    assert reasons(rows) == [None, "no SMILES", "no SMILES", "not UTF-8", None]
    assert rows[4].name == "5é"
    rows = rows_of(tmp_path / "a.smi", b"C\xc3\x28C bad\nCCN na\xefve\n")
    assert reasons(rows) == ["not UTF-8", None]
    assert rows[1].name == "naïve"


def sdf(*smiles: str) -> bytes:
    blocks = []
    for number, text in enumerate(smiles):
        mol = Chem.MolFromSmiles(text)
        mol.SetProp("_Name", f"mol{number}")
        blocks.append(Chem.MolToMolBlock(mol) + "\n$$$$\n")
    return "".join(blocks).encode()


def test_sdf_gives_whole_records(tmp_path):
    rows = rows_of(tmp_path / "a.sdf", sdf("CCO", "CCN"))
    assert [(row.number, row.where, row.name) for row in rows] == [
        (1, "record 1", "mol0"),
        (2, "record 2", "mol1"),
    ]
    assert Chem.MolToSmiles(Chem.MolFromMolBlock(rows[1].text)) == "CCN"


def test_sdf_cut_in_the_middle_loses_only_its_last_record(tmp_path):
    whole = sdf("CCO", "CCN", "CCCCC")
    rows = rows_of(tmp_path / "a.sdf", whole[: whole.rindex(b"M  END") - 20])
    assert reasons(rows) == [None, None, "cut off"]
    rows = rows_of(tmp_path / "a.sdf", whole.rsplit(b"$$$$", 1)[0])
    assert reasons(rows) == [None, None, None]


def test_sdf_record_without_end_is_not_kept(tmp_path):
    endless = b"x" * 1000 + b"\n"
    content = endless * (MAX_RECORD // 1000 + 10) + b"$$$$\n" + sdf("CCO")
    rows = rows_of(tmp_path / "a.sdf", content)
    assert reasons(rows) == ["record too long", None]
    assert rows[0].text == ""


def test_gzip_cut_off_keeps_what_can_be_unpacked(tmp_path):
    lines = b"".join(b"C%s m%d\n" % (b"C" * (n % 50), n) for n in range(20_000))
    packed = gzip.compress(lines)
    rows = rows_of(tmp_path / "a.smi.gz", packed[: len(packed) // 2])
    assert len(rows) > 1000
    *good, last = rows
    # The line in which the data end is the last one that may be incomplete.
    assert {row.reason for row in good} == {None}
    assert last.reason is not None
    assert "cut off" in last.reason
    assert last.number == len(good) + 1


@pytest.mark.parametrize(
    ("name", "content", "settings", "said"),
    [
        ("empty.smi", b"", {}, "is empty"),
        ("page.smi.gz", b"<html>404</html>", {}, "not a gzip file"),
        ("excel.csv", "smiles\nCCO\n".encode("utf-16"), {}, "UTF-16"),
        ("set.xlsx", b"PK", {}, "save it as CSV"),
        ("pipes.csv", b"id|smiles\n1|CCO\n", {}, r"'id\|smiles'.*column="),
        ("a.csv", TABLE, {"column": "SMI"}, "no column 'SMI'"),
        ("a.csv", TABLE, {"name_column": "code"}, "no column 'code'.*name_column="),
        ("a.smi", b"CCO\n", {"column": "x"}, "is no table, so column=x"),
        ("wide.csv", b"x" * (MAX_LINE + 1), {}, "header, is longer"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name, content, settings, said):
    with pytest.raises(DataError, match=said) as caught:
        rows_of(tmp_path / name, content, **settings)
    assert name in str(caught.value)


def test_delimiter_and_column_by_setting(tmp_path):
    rows = rows_of(tmp_path / "a.csv", b"x|y\n1|CCO\n", delimiter="|", column="y", name_column="x")
    assert rows == [Row(1, "line 2", "1", "CCO")]


TABLE_OF_A_VENDOR = (
    b",id,SMILES,vendor,Price (EUR),note\n"
    b'0,Z1,CCO,"Acme, Inc.",12.50,"two\nlines"\n'
    b"1,Z2,CCN,Acme\n"
    b"2,Z3,,Acme,1,no molecule,one field too many\n"
    b"3,Z4,C,caf\xe9,2," + b"x" * (MAX_FIELD + 5) + b"\n"
)


def test_other_columns_come_along(tmp_path):
    path = tmp_path / "vendor.csv"
    rows = rows_of(path, TABLE_OF_A_VENDOR)
    # Neither SMILES nor names, nor the row numbers that pandas writes without a heading.
    assert other_columns(path) == ["vendor", "Price (EUR)", "note"]
    assert [row.others for row in rows[:3]] == [
        ("Acme, Inc.", "12.50", "two\nlines"),
        ("Acme",),
        ("Acme", "1", "no molecule"),
    ]
    assert rows[2].reason == "no SMILES"
    assert rows[3].others == ("café", "2", "x" * (MAX_FIELD + 1))


def test_which_columns_are_others_follows_the_settings(tmp_path):
    path = tmp_path / "a.tsv"
    settings = {"column": "structure", "name_column": "code"}
    rows = rows_of(path, b"id\tsmiles\tcode\tstructure\n1\tC\tX7\tCCO\n", **settings)
    assert other_columns(path, **settings) == ["id", "smiles"]
    assert rows == [Row(1, "line 2", "X7", "CCO", None, ("1", "C"))]


def test_files_that_are_no_table_have_no_other_columns(tmp_path):
    path = tmp_path / "a.smi"
    assert rows_of(path, b"CCO name and more\n")[0].others == ()
    assert other_columns(path) == []


def test_one_line():
    assert one_line(" a\tb\r\nc\x00 ") == "a b c"
    assert one_line("x" * 50, 10) == "x" * 10 + "..."
