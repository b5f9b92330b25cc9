from __future__ import annotations

import csv
import os
import stat
from pathlib import Path

import pytest

from molgan.errors import MolganError
from molgan.library import LibraryWriter, atomic_write
from molgan.library.writers import molecule_name

FULL = Path("/dev/full")
needs_dev_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full (Linux)")


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def write_and_stop(path: Path) -> None:
    with atomic_write(path) as file:
        file.write("new")
        raise KeyboardInterrupt


def stream_and_stop(writer: LibraryWriter, torn_line: str = "") -> None:
    with writer:
        writer.append(["CCO"])
        with writer.partial_paths[0].open("a") as other:
            other.write(torn_line)
        raise KeyboardInterrupt


def test_a_file_appears_whole_with_the_usual_permissions(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a.txt"
    with atomic_write(path) as file:
        file.write("one\n")
        assert not path.exists()
    assert path.read_bytes() == b"one\n"
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_an_exception_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_and_stop(path)
    assert path.read_text() == "old"
    assert names_in(tmp_path) == {"a.txt"}


def test_a_slash_at_the_end_names_a_folder(tmp_path: Path) -> None:
    with pytest.raises(MolganError, match=r"new/: it is a folder; give the name of a file"):
        LibraryWriter(f"{tmp_path}/new/")
    with pytest.raises(MolganError, match="it is a folder"), atomic_write(f"{tmp_path}/new/"):
        pass
    assert not list(tmp_path.iterdir())


@needs_dev_full
def test_a_full_disk_is_one_message_that_names_the_file() -> None:
    with pytest.raises(MolganError, match=r"cannot write /dev/full: the disk is full"):
        with atomic_write(FULL) as file:
            file.write("text")
    assert stat.S_ISCHR(FULL.stat().st_mode), "the device must not have been replaced"


@pytest.mark.parametrize("binary", [False, True])
def test_a_folder_in_the_way_is_named(tmp_path: Path, binary: bool) -> None:
    with pytest.raises(MolganError, match="it is a folder"):
        with atomic_write(tmp_path, binary=binary):
            pass
    assert tmp_path.is_dir()


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MolganError, match=r"file/a\.smi"):
        with atomic_write(tmp_path / "file" / "a.smi"):
            pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(MolganError, match=r"a\.smi: permission denied"):
        with atomic_write(tmp_path / "a.smi"):
            pass


def test_permission_denied_has_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", denied)
    with pytest.raises(MolganError, match=r"a\.smi: permission denied"):
        with atomic_write(tmp_path / "a.smi") as file:
            file.write("text")
    assert names_in(tmp_path) == set()


def test_names_are_padded_and_never_hold_white_space() -> None:
    assert molecule_name("mol", 42) == "mol000042"
    assert molecule_name("run-1_", 1_234_567) == "run-1_1234567"
    for prefix in ("my mol", "mol\t", "a,b"):
        with pytest.raises(MolganError, match="prefix"):
            molecule_name(prefix, 0)


def test_a_stream_numbers_its_molecules_over_all_chunks(tmp_path: Path) -> None:
    path = tmp_path / "library.smi"
    with LibraryWriter(path, columns=["qed", "source"]) as writer:
        assert writer.append(["CCO", "C"], {"qed": [0.5, float("nan")], "source": ["a", None]}) == [
            "mol000000",
            "mol000001",
        ]
        assert names_in(tmp_path) == {"library.smi.partial", "library.csv.partial"}
        assert (tmp_path / "library.smi.partial").read_text() == "CCO mol000000\nC mol000001\n"
        writer.append(["N"], {"qed": [1 / 3], "source": ["x,y"]})
    assert writer.count == 3
    assert names_in(tmp_path) == {"library.smi", "library.csv"}
    assert path.read_text() == "CCO mol000000\nC mol000001\nN mol000002\n"
    with (tmp_path / "library.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["name", "smiles", "qed", "source"],
            ["mol000000", "CCO", "0.5", "a"],
            ["mol000001", "C", "", ""],
            ["mol000002", "N", "0.333333", "x,y"],
        ]


def test_an_empty_stream_leaves_an_empty_library(tmp_path: Path) -> None:
    with LibraryWriter(tmp_path / "none.smi"):
        pass
    assert (tmp_path / "none.smi").read_text() == ""
    assert (tmp_path / "none.csv").read_text() == "name,smiles\n"


def test_ctrl_c_keeps_what_was_written_under_a_partial_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "library.smi"
    path.write_text("O old\n")
    writer = LibraryWriter(path)
    with pytest.raises(KeyboardInterrupt):
        stream_and_stop(writer)
    assert path.read_text() == "O old\n"
    assert f"1 molecules are in {path}.partial" in caplog.text
    assert [partial.name for partial in writer.partial_paths] == [
        "library.smi.partial",
        "library.csv.partial",
    ]
    assert writer.partial_paths[0].read_text() == "CCO mol000000\n"
    assert writer.partial_paths[1].read_text() == "name,smiles\nmol000000,CCO\n"


def test_a_line_cut_in_the_middle_is_dropped(tmp_path: Path) -> None:
    writer = LibraryWriter(tmp_path / "library.smi", sidecar=False)
    with pytest.raises(KeyboardInterrupt):
        stream_and_stop(writer, torn_line="CCCCC mol0")
    assert writer.partial_paths[0].read_text() == "CCO mol000000\n"


@needs_dev_full
@pytest.mark.parametrize("full", ["library.smi", "library.csv"])
def test_a_disk_that_fills_up_is_told_and_loses_nothing(tmp_path: Path, full: str) -> None:
    path = tmp_path / "library.smi"
    path.write_text("O old\n")
    (tmp_path / f"{full}.partial").symlink_to(FULL)
    with pytest.raises(MolganError, match=rf"{full}: the disk is full"):
        with LibraryWriter(path) as writer:
            writer.append(["CCO"])
    assert path.read_text() == "O old\n"
    assert stat.S_ISCHR(FULL.stat().st_mode)


@needs_dev_full
def test_a_device_is_written_directly_and_has_no_sidecar() -> None:
    assert LibraryWriter(FULL).csv_path is None
    with pytest.raises(MolganError, match="/dev/full: the disk is full"):
        with LibraryWriter(FULL) as writer:
            writer.append(["CCO"])
    with LibraryWriter("/dev/null") as writer:
        writer.append(["CCO"])
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_places_that_cannot_be_written_are_found_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MolganError, match=r"file/library\.smi"):
        with LibraryWriter(tmp_path / "file" / "library.smi"):
            raise AssertionError("the block must not be entered")
    (tmp_path / "folder.smi").mkdir()
    with pytest.raises(MolganError, match=r"folder\.smi: it is a folder"):
        with LibraryWriter(tmp_path / "folder.smi"):
            raise AssertionError("the block must not be entered")


@pytest.mark.parametrize("name", ["library.csv", "library.smi.gz"])
def test_names_that_would_mislead_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MolganError, match=r"ends in \.smi"):
        LibraryWriter(tmp_path / name)


def test_a_missing_column_is_a_defect_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="qed"), LibraryWriter(tmp_path / "a.smi", ["qed"]) as writer:
        writer.append(["C"])
    assert writer.partial_paths[0].read_text() == ""
