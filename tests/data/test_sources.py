from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from molgan.data import sources
from molgan.data.loading import make_source
from molgan.data.qm9_archive import parse_qm9_xyz
from molgan.data.sources import (
    QM9,
    Bundled,
    MoleculeFile,
    Remote,
    SmilesList,
    ZINC250k,
    read_index_list,
)
from molgan.errors import DataError


def xyz(number: int, gdb: str, relaxed: str, atoms: int = 3) -> bytes:
    """A file laid out as QM9's are, with made-up numbers."""
    lines = [str(atoms), f"gdb {number}\t157.7\t157.7\t1.2*^-6"]
    lines += [f"C\t{i}.0\t0.0\t0.0\t-0.5" for i in range(atoms)]
    lines += ["1341.3\t1341.4\t1341.5", f"{gdb}\t{relaxed}\t", "InChI=1S/x\tInChI=1S/y"]
    return "\n".join(lines).encode()


@pytest.fixture
def archive(tmp_path):
    """Three molecules of QM9's layout, packed out of order, with a foreign file between them."""
    path = tmp_path / "dsgdb9nsd.xyz.tar.bz2"
    entries = {
        "dsgdb9nsd_000003.xyz": xyz(3, "O", "[OH2]"),
        "readme.txt": b"hello",
        "dsgdb9nsd_000001.xyz": xyz(1, "C", "C"),
        "dsgdb9nsd_000002.xyz": xyz(2, "N", "[NH3]"),
    }
    with tarfile.open(path, "w:bz2") as tar:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def test_qm9_archive_gives_gdb_smiles_in_order_of_their_numbers(archive):
    raw = QM9(archive).read(progress=False)
    assert raw.smiles == ["C", "N", "O"]
    assert raw.names == ["gdb_1", "gdb_2", "gdb_3"]
    assert raw.rows == [0, 1, 2]
    assert raw.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()


@pytest.mark.parametrize("text", ["", "3\n", "x\ngdb 1\n", "1\nother 1\nC 0 0 0\n1.0\nC\tC\n"])
def test_files_that_are_not_qm9s_are_refused(text):
    with pytest.raises(ValueError, match="not a file of QM9"):
        parse_qm9_xyz(text)


def test_qm9_archive_cut_off_is_named(archive):
    archive.write_bytes(archive.read_bytes()[:-60])
    with pytest.raises(DataError, match=r"dsgdb9nsd\.xyz\.tar\.bz2 is damaged or cut off"):
        QM9(archive).read(progress=False)


def test_qm9_downloads_the_original_when_no_path_is_given(web, archive, tmp_path, monkeypatch):
    content = archive.read_bytes()
    url = web.add("3195389", content)
    remote = Remote(url, "dsgdb9nsd.xyz.tar.bz2", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(sources, "QM9_ARCHIVE", remote)
    raw = QM9().read(tmp_path / "cache", progress=False)
    assert raw.smiles == ["C", "N", "O"]
    assert QM9().fingerprint(tmp_path / "cache") == QM9().fingerprint(tmp_path / "cache")
    assert len(web.requests) == 1


def test_qm9_offline_says_what_to_fetch_and_how_to_point_at_it(web, tmp_path, monkeypatch):
    web.status = 403
    remote = Remote(web.address + "/3195389", "dsgdb9nsd.xyz.tar.bz2", "0" * 64)
    monkeypatch.setattr(sources, "QM9_ARCHIVE", remote)
    with pytest.raises(DataError) as caught:
        QM9().fingerprint(tmp_path)
    assert remote.url in str(caught.value)
    assert "data.path=/path/to/dsgdb9nsd.xyz.tar.bz2" in str(caught.value)


def test_addresses_and_checksums_are_the_originals():
    assert sources.QM9_ARCHIVE.url == "https://ndownloader.figshare.com/files/3195389"
    for remote in (sources.QM9_ARCHIVE, sources.QM9_UNCHARACTERIZED, sources.ZINC250K_TABLE):
        assert remote.url.startswith("https://")
        assert len(bytes.fromhex(remote.sha256)) == 32


def test_qm9_leaves_out_uncharacterized_molecules_on_request(tmp_path, archive):
    listing = tmp_path / "uncharacterized.txt"
    listing.write_text(
        "List of 1 molecules\n\n====\n#   Index   GDB17\n====\n       2      N    N     6.0\n====\n"
    )
    kept = QM9(archive, exclude_uncharacterized=listing).read(progress=False)
    assert kept.names == ["gdb_1", "gdb_3"]
    assert kept.rows == [0, 2]
    assert sum(kept.skipped.values()) == 1
    plain, without = QM9(archive), QM9(archive, exclude_uncharacterized=listing)
    assert plain.fingerprint() != without.fingerprint()


def test_exclusions_need_rows_that_can_be_told(tmp_path):
    path = tmp_path / "some.smi"
    path.write_text("C\nN\n")
    listing = tmp_path / "list.txt"
    listing.write_text("1\n")
    with pytest.raises(DataError, match=r"data\.exclude_uncharacterized cannot be applied"):
        QM9(path, exclude_uncharacterized=listing).read()


def test_real_list_of_uncharacterized_molecules(shared_data):
    numbers = read_index_list(shared_data / "qm9_uncharacterized.txt.gz")
    assert len(numbers) == 3054
    assert min(numbers) == 58
    assert max(numbers) == 133_866


def test_zinc_original_layout_is_read(tmp_path):
    path = tmp_path / "250k.csv"
    path.write_text('smiles,logP,qed,SAS\n"CC(C)C\n",5.0,0.7,2.0\n"c1ccccc1\n",3.1,0.9,3.4\n')
    assert ZINC250k(path).read().smiles == ["CC(C)C", "c1ccccc1"]


def test_file_fingerprint_follows_content_and_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("smiles,other\nC,N\n")
    first = MoleculeFile(path).fingerprint()
    assert MoleculeFile(path).fingerprint() == first
    assert MoleculeFile(path, column="other").fingerprint() != first
    path.write_text("smiles,other\nC,O\n")
    assert MoleculeFile(path).fingerprint() != first


def test_relative_path_is_read_against_the_current_directory(tmp_path, monkeypatch):
    (tmp_path / "a.smi").write_text("CCO\n")
    monkeypatch.chdir(tmp_path)
    assert MoleculeFile("a.smi").read().smiles == ["CCO"]


def test_missing_file_folder_and_no_path_are_named(tmp_path):
    with pytest.raises(DataError, match=r"data\.path=gone\.smi: there is no such file"):
        MoleculeFile("gone.smi").read()
    with pytest.raises(DataError, match="is a folder"):
        MoleculeFile(tmp_path).read()
    with pytest.raises(DataError, match=r"data\.path=/path/to"):
        MoleculeFile(None).fingerprint()


def test_bundled_prefers_the_packaged_copy_and_says_when_there_is_none(tmp_path, monkeypatch):
    package = tmp_path / "molgan" / "data"
    package.mkdir(parents=True)
    monkeypatch.setattr(sources, "__file__", str(package / "sources.py"))
    with pytest.raises(DataError, match="bundled set is missing"):
        Bundled().read()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bundled.smi.gz").write_bytes(b"x")
    assert Bundled.file() == tmp_path / "data" / "bundled.smi.gz"
    (package / "bundled.smi.gz").write_bytes(b"y")
    assert Bundled.file() == package / "bundled.smi.gz"


def test_list_of_smiles_counts_blanks_and_refuses_other_things():
    raw = SmilesList(("CCO", "  ", "C")).read()
    assert (raw.smiles, raw.rows, raw.skipped) == (["CCO", "C"], [0, 2], {"blank": 1})
    with pytest.raises(DataError, match="Entry 1 of the list of SMILES is NoneType"):
        SmilesList(("C", None))  # type: ignore[arg-type]


def test_make_source_by_name():
    assert make_source("bundled") == Bundled()
    assert make_source("qm9", path="x.csv", column="s") == QM9("x.csv", "s")
    assert make_source("file", path="x.smi") == MoleculeFile("x.smi")
    assert make_source(["C"]) == SmilesList(("C",))
    assert make_source("molnet_qm9").name == "molnet_qm9"
    with pytest.raises(DataError, match=r"data\.source=zinc is unknown; choose bundled"):
        make_source("zinc")
    with pytest.raises(DataError, match=r"data=file data\.path=x\.smi"):
        make_source("bundled", path="x.smi")


def test_bare_numbers_are_no_qm9_numbers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,smiles\n0,C\n1,N\n")
    assert sources.qm9_ids(QM9(path).read()) == [-1, -1]
    path.write_text("mol_id,smiles\ngdb_2,N\ngdb_1,C\nother,O\n")
    assert sources.qm9_ids(QM9(path).read()) == [2, 1, -1]
