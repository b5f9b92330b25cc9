"""Files in step with their journal, whatever was killed when."""

from __future__ import annotations

import json

import pytest

from molgan.errors import ConfigError, MolganError
from molgan.library.ledger import JOURNAL, Ledger, differing


def make(folder, **identity):
    return Ledger(
        folder / ".work",
        {"a": folder / "a.csv", "b": folder / "b.bin"},
        {"a": b"head\n"},
        identity or {"rules": ["x"]},
    )


def chunk(ledger, number):
    ledger.write("a", b"row %d\n" % number)
    ledger.write("b", bytes([number]))
    ledger.commit(number * 10, {"in": number * 10})


@pytest.fixture
def interrupted(tmp_path):
    """Two chunks committed, a third written and not committed."""
    ledger = make(tmp_path)
    ledger.start(resume=True)
    assert not ledger.resumed
    chunk(ledger, 1)
    chunk(ledger, 2)
    ledger.write("a", b"row 3\n")
    ledger.close()
    return tmp_path


def goes_on(folder, rows):
    ledger = make(folder)
    ledger.start(resume=True)
    assert (ledger.resumed, ledger.rows, ledger.counts) == (True, rows, {"in": rows})
    for number in range(rows // 10 + 1, 4):
        chunk(ledger, number)
    ledger.close()
    assert (folder / "a.csv").read_bytes() == b"head\nrow 1\nrow 2\nrow 3\n"
    assert (folder / "b.bin").read_bytes() == bytes([1, 2, 3])


def test_what_was_not_committed_is_cut_off(interrupted):
    goes_on(interrupted, 20)


def test_half_a_journal_line_is_no_line(interrupted):
    journal = interrupted / ".work" / JOURNAL
    with journal.open("ab") as file:
        file.write(b'{"rows": 30, "counts": {"in"')
    goes_on(interrupted, 20)
    assert [json.loads(line)["rows"] for line in journal.read_text().splitlines()[1:]] == [
        0,
        10,
        20,
        30,
    ]


def test_file_shorter_than_its_journal_goes_back_further(interrupted):
    with (interrupted / "b.bin").open("r+b") as file:
        file.truncate(1)
    goes_on(interrupted, 10)


def test_missing_file_or_journal_starts_anew(interrupted):
    (interrupted / "a.csv").unlink()
    ledger = make(interrupted)
    ledger.start(resume=True)
    assert (ledger.resumed, ledger.rows) == (False, 0)
    ledger.close()


def test_never_resuming_starts_anew(interrupted):
    ledger = make(interrupted)
    ledger.start(resume=False)
    assert (ledger.resumed, ledger.rows) == (False, 0)
    ledger.close()
    assert (interrupted / "a.csv").read_bytes() == b"head\n"


def test_other_settings_are_refused_and_named(interrupted):
    ledger = make(interrupted, rules=["y"])
    with pytest.raises(ConfigError, match=r"rules was \['x'\], is \['y'\].*resume=never"):
        ledger.start(resume=True)
    assert (interrupted / "a.csv").read_bytes() == b"head\nrow 1\nrow 2\nrow 3\n"


def test_differing_counts_what_it_does_not_name(tmp_path):
    with pytest.raises(ConfigError, match=r"a\.b was 1, is 2; .* and 1 more"):
        differing({"a": {"b": 1}, "c": 1, "d": 1, "e": 1}, {"a": {"b": 2}}, tmp_path)
    differing({"a": [1, 2]}, {"a": (1, 2)}, tmp_path)


def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / ".work").write_text("a file")
    with pytest.raises(MolganError, match=r"cannot write .*\.work"):
        make(tmp_path).start(resume=True)
