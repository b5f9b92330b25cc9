from __future__ import annotations

import gzip
import subprocess
import sys

import pytest
from rdkit import Chem

from molgan.data.readers import read_molecules
from molgan.errors import DataError

TABLE = "mol_id,smiles,mu\na,CCO,1.0\nb,c1ccccc1,2.0\n"


def sdf(*smiles: str) -> str:
    blocks = []
    for number, text in enumerate(smiles):
        mol = Chem.MolFromSmiles(text)
        mol.SetProp("_Name", f"mol{number}")
        blocks.append(Chem.MolToMolBlock(mol) + "\n$$$$\n")
    return "".join(blocks)


def test_readers_need_neither_torch_nor_pyg():
    code = "import sys, molgan.data.readers; print('torch' in sys.modules, 'rdkit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_smi_with_names_comments_and_header(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("smiles name\n# a comment\nCCO ethanol of grain\nC\n")
    raw = read_molecules(path)
    assert raw.smiles == ["CCO", "C"]
    assert raw.names == ["ethanol of grain", ""]
    assert raw.rows == [0, 1]
    assert raw.skipped == {}


def test_smi_without_names(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("CCO\r\nC\r\n")
    raw = read_molecules(path)
    assert raw.smiles == ["CCO", "C"]
    assert raw.names is None


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("ending", "text"),
    [
        (".csv", TABLE),
        (".csv", TABLE.replace(",", ";")),
        (".tsv", TABLE.replace(",", "\t")),
        (".csv", "\ufeff" + TABLE.replace("smiles", "SMILES")),
        (".smi", "CCO a\nc1ccccc1 b\n"),
    ],
)
def test_formats_plain_and_packed(tmp_path, ending, text, packed):
    path = tmp_path / f"set{ending}{'.gz' if packed else ''}"
    content = text.encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    raw = read_molecules(path)
    assert raw.smiles == ["CCO", "c1ccccc1"]
    assert raw.names == ["a", "b"]
    assert raw.data_rows == 2


def test_sdf_gives_smiles_and_names(tmp_path):
    path = tmp_path / "set.sdf"
    path.write_text(sdf("CCO", "c1ccccc1"))
    raw = read_molecules(path)
    assert raw.smiles == ["CCO", "c1ccccc1"]
    assert raw.names == ["mol0", "mol1"]


def test_sdf_without_last_separator_is_whole(tmp_path):
    path = tmp_path / "set.sdf"
    path.write_text(sdf("CCO", "CCN").rsplit("$$$$", 1)[0])
    assert read_molecules(path).smiles == ["CCO", "CCN"]


def test_column_by_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("code,structure\n1,CCO\n")
    raw = read_molecules(path, column="structure", name_column="code")
    assert (raw.smiles, raw.names) == (["CCO"], ["1"])


def test_line_ends_inside_quoted_fields(tmp_path):
    # ZINC250k's original table has a line end after every SMILES, inside the quotes.
    path = tmp_path / "zinc.csv"
    path.write_text('smiles,logP\n"CCO\n",1.0\n"CCN\n",2.0\n')
    raw = read_molecules(path)
    assert raw.smiles == ["CCO", "CCN"]
    assert raw.rows == [0, 1]
    assert raw.data_rows == 2


def test_bad_rows_are_counted_with_their_line_and_keep_row_numbers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,smiles\n1,CCO\n\n2\n3,\n4,C\xff\xfeC\n5\xe9,CCN\n")
    raw = read_molecules(path)
    assert raw.smiles == ["CCO", "CCN"]
    assert raw.rows == [0, 4]
    assert raw.names == ["1", "5é"]
    assert raw.skipped == {"blank": 2, "no value in the column": 1, "not UTF-8": 1}
    assert raw.examples["blank"] == ["line 3", "line 5"]
    assert raw.examples["no value in the column"] == ["line 4"]
    assert raw.examples["not UTF-8"] == ["line 6"]
    assert raw.total == 6
    assert raw.data_rows == 5


def test_smi_with_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "a.smi"
    path.write_bytes(b"CCO good\nC\xc3\x28C bad\n\nCCN na\xefve\n")
    raw = read_molecules(path)
    assert raw.smiles == ["CCO", "CCN"]
    assert raw.names == ["good", "naïve"]
    assert raw.examples == {"not UTF-8": ["line 2"], "blank": ["line 3"]}


def test_sdf_cut_off_loses_only_its_last_record(tmp_path):
    path = tmp_path / "set.sdf"
    whole = sdf("CCO", "CCN", "CCCCC")
    path.write_text(whole[: whole.rindex("M  END") - 20])
    raw = read_molecules(path)
    assert raw.smiles == ["CCO", "CCN"]
    assert raw.skipped == {"cut off": 1}
    assert raw.examples == {"cut off": ["record 3"]}


def test_sdf_record_that_rdkit_refuses_is_counted(tmp_path, capfd):
    five_bonds = Chem.MolFromSmiles("C(C)(C)(C)(C)C", sanitize=False)
    path = tmp_path / "set.sdf"
    path.write_text(sdf("CCO") + Chem.MolToMolBlock(five_bonds, kekulize=False) + "\n$$$$\n")
    raw = read_molecules(path)
    assert raw.smiles == ["CCO"]
    assert raw.examples == {"parse": ["record 2"]}
    assert capfd.readouterr().err == ""


def test_very_long_field_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("smiles\n" + "C" * 200_000 + "\n")
    assert len(read_molecules(path).smiles[0]) == 200_000


@pytest.mark.parametrize("header", ["Canonical SMILES", "IsomericSMILES", "Structure", "SMI"])
def test_usual_columns_are_found_however_they_are_written(tmp_path, header):
    path = tmp_path / "set.csv"
    path.write_text(f"Compound ID,{header}\nMC-1,CCO\n")
    raw = read_molecules(path)
    assert (raw.smiles, raw.names) == (["CCO"], ["MC-1"])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.smi", b"", "is empty"),
        ("page.smi.gz", b"<html>404</html>", "not a gzip file"),
        ("cut.smi.gz", gzip.compress(b"CCO\n" * 5000)[:40], "cut off"),
        ("bent.smi.gz", gzip.compress(b"CCO\n" * 50)[:12] + b"\x00" * 40, "damaged|cut off"),
        ("excel.csv", "smiles\nCCO\n".encode("utf-16"), "UTF-16"),
        ("set.xlsx", b"PK", "save it as CSV"),
        ("set.csv", b"PK\x03\x04\x14", "Excel workbook or a zip archive"),
        ("set.doc", b"CCO", "cannot tell the format"),
        ("none.csv", b"code,drawing\n1,CCO\n", r"'code', 'drawing'.*data.column=\.$"),
        ("bare.csv", b"CCO,a\nCCN,b\n", "molecule already, add a line such as smiles,name"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        read_molecules(path)
    assert name in str(caught.value)


def test_wrong_column_lists_those_there_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    with pytest.raises(DataError, match=r"no column 'SMILE'.*'mol_id', 'smiles', 'mu'"):
        read_molecules(path, column="SMILE")


def test_csv_damage_names_the_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"smiles,x\nCCO,1\n" + b'CC,"' + b"x" * (2**24 + 10) + b'"\n')
    with pytest.raises(DataError, match=r"a\.csv, line 3: field larger"):
        read_molecules(path)


def test_column_of_a_list_is_refused(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("CCO\n")
    with pytest.raises(DataError, match=r"a\.smi is no table, so data\.column=smiles"):
        read_molecules(path, column="smiles")


def test_column_with_a_number_for_a_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("2020,2021\nCCO,CCN\n")
    assert read_molecules(path, column=2021).smiles == ["CCN"]  # type: ignore[arg-type]
