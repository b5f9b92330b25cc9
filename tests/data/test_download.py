from __future__ import annotations

import errno
import hashlib
import socket
from pathlib import Path

import pytest

from molgan.data import download
from molgan.data.download import cache_root, fetch
from molgan.errors import DataError

CONTENT = b"".join(b"C" * (i % 50 + 1) + b"\n" for i in range(20_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def part_file(cache: Path) -> Path:
    return cache / "raw" / f"set.smi.{SHA256[:12]}.part"


def files_in(cache: Path) -> list[str]:
    return [path.name for path in (cache / "raw").iterdir() if path.suffix != ".lock"]


def test_right_file_is_downloaded_once(web, tmp_path):
    url = web.add("set.smi", CONTENT)
    first = fetch(url, SHA256, "set.smi", tmp_path)
    second = fetch(url, SHA256, "set.smi", tmp_path)
    assert first == second == tmp_path / "raw" / "set.smi"
    assert first.read_bytes() == CONTENT
    assert len(web.requests) == 1
    assert files_in(tmp_path) == ["set.smi"]


def test_wrong_checksum_is_refused_and_leaves_nothing(web, tmp_path):
    url = web.add("set.smi", CONTENT.replace(b"C", b"N"))
    with pytest.raises(DataError) as caught:
        fetch(url, SHA256, "set.smi", tmp_path)
    message = str(caught.value)
    assert "not the expected file" in message
    assert url in message
    assert SHA256 in message
    assert "data.path=/path/to/set.smi" in message
    assert files_in(tmp_path) == []


def test_cut_off_download_is_kept_and_resumed(web, tmp_path):
    url = web.add("set.smi", CONTENT)
    web.cut_after = len(CONTENT) // 2
    with pytest.raises(DataError, match=r"set\.smi cannot be .*: the connection was cut off"):
        fetch(url, SHA256, "set.smi", tmp_path)
    kept = part_file(tmp_path).read_bytes()
    # The last piece of the body may be lost with the connection, but no more than that.
    assert CONTENT.startswith(kept)
    assert len(CONTENT) // 2 - 2**16 <= len(kept) <= len(CONTENT) // 2
    assert not (tmp_path / "raw" / "set.smi").exists()

    web.cut_after = None
    assert fetch(url, SHA256, "set.smi", tmp_path).read_bytes() == CONTENT
    assert web.requests == [None, f"bytes={len(kept)}-"]
    assert not part_file(tmp_path).exists()


def test_cut_off_twice_still_arrives(web, tmp_path):
    url = web.add("set.smi", CONTENT)
    web.cut_after = len(CONTENT) // 3
    for _ in range(2):
        with pytest.raises(DataError, match="cut off"):
            fetch(url, SHA256, "set.smi", tmp_path)
    web.cut_after = None
    assert fetch(url, SHA256, "set.smi", tmp_path).read_bytes() == CONTENT


def test_server_without_ranges_sends_the_whole_again(web, tmp_path):
    url = web.add("set.smi", CONTENT)
    web.ranges = False
    part_file(tmp_path).parent.mkdir()
    part_file(tmp_path).write_bytes(CONTENT[:1000])
    assert fetch(url, SHA256, "set.smi", tmp_path).read_bytes() == CONTENT


def test_part_of_something_else_is_thrown_away(web, tmp_path):
    url = web.add("set.smi", CONTENT)
    part_file(tmp_path).parent.mkdir()
    part_file(tmp_path).write_bytes(b"<html>log in first</html>")
    assert fetch(url, SHA256, "set.smi", tmp_path).read_bytes() == CONTENT
    assert web.requests == ["bytes=25-", None]


def test_part_that_was_whole_needs_no_more_bytes(web, tmp_path):
    url = web.add("set.smi", CONTENT)
    part_file(tmp_path).parent.mkdir()
    part_file(tmp_path).write_bytes(CONTENT)
    assert fetch(url, SHA256, "set.smi", tmp_path).read_bytes() == CONTENT
    assert web.requests == [f"bytes={len(CONTENT)}-"]


def test_damaged_file_in_the_cache_is_fetched_again(web, tmp_path):
    url = web.add("set.smi", CONTENT)
    fetch(url, SHA256, "set.smi", tmp_path).write_bytes(b"half")
    assert fetch(url, SHA256, "set.smi", tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "said"), [(403, "403"), (404, "404"), (503, "503")])
def test_refusal_names_file_address_and_way_out(web, tmp_path, status, said):
    url = web.add("set.smi", CONTENT)
    web.status = status
    with pytest.raises(DataError) as caught:
        fetch(url, SHA256, "set.smi", tmp_path, setting="data.split_path")
    message = str(caught.value)
    assert message.startswith("set.smi cannot be downloaded: the server answers")
    assert said in message
    assert f"Fetch {url} by hand" in message
    assert str(tmp_path / "raw" / "set.smi") in message
    assert "data.split_path=/path/to/set.smi" in message


def test_offline_is_one_clear_message(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        closed = holder.getsockname()[1]
    with pytest.raises(DataError) as caught:
        fetch(f"http://127.0.0.1:{closed}/set.smi", SHA256, "set.smi", tmp_path)
    message = str(caught.value)
    assert "cannot be reached (is this machine offline?)" in message
    assert "data.path=/path/to/set.smi" in message
    assert "Traceback" not in message
    assert "\n" not in message


def test_full_disk_names_the_folder(web, tmp_path, monkeypatch):
    url = web.add("set.smi", CONTENT)

    def no_space(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download._ResumingDownloader, "_save", no_space)
    with pytest.raises(DataError, match="the disk is full") as caught:
        fetch(url, SHA256, "set.smi", tmp_path)
    assert str(tmp_path / "raw") in str(caught.value)
    assert "data.cache_dir=" in str(caught.value)


def test_cache_folder_that_is_a_file_is_named(web, tmp_path):
    blocked = tmp_path / "cache"
    blocked.write_text("in the way")
    with pytest.raises(DataError, match="Cannot write to the cache folder"):
        fetch(web.add("set.smi", CONTENT), SHA256, "set.smi", blocked)


def test_cache_root_argument_before_environment_before_platform(tmp_path, monkeypatch):
    monkeypatch.setenv("MOLGAN_CACHE", str(tmp_path / "environment"))
    assert cache_root(tmp_path / "argument") == tmp_path / "argument"
    assert cache_root() == tmp_path / "environment"
    monkeypatch.delenv("MOLGAN_CACHE")
    assert "molgan" in str(cache_root())


def test_two_processes_at_once_download_one_right_file(web, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    url = web.add("set.smi", CONTENT)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fetch(url, SHA256, "set.smi", tmp_path), range(4)))
    assert {path.read_bytes() for path in found} == {CONTENT}
    assert len(web.requests) == 1


def test_filled_cache_that_cannot_be_written_is_used(web, tmp_path, monkeypatch):
    url = web.add("set.smi", CONTENT)
    expected = fetch(url, SHA256, "set.smi", tmp_path)

    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert fetch(url, SHA256, "set.smi", tmp_path) == expected
