"""Names, duplicates and counts of the tables."""

from __future__ import annotations

import csv

import pytest

from molgan.data.streaming import Row
from molgan.screening.isolation import Lost
from molgan.screening.sorting import Sorter
from molgan.screening.work import Reason, Result


def hit(smiles):
    return Result(None, (), smiles, f"KEY-{smiles}", values=("1",))


@pytest.fixture
def sorter(tmp_path):
    made = Sorter(tmp_path, ["qed"], [], {"a": 1}, bits=False)
    made.start(resume=False)
    yield made
    made.close()


def lines(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def names_of(sorter):
    sorter.close()
    return [line["name"] for line in lines(sorter.files["hits"])]


def test_names_are_unique_and_fit_for_files(sorter):
    given = ["a", "a", "a_2", "a", "", "two words", "x/../y", "ünï", "," * 5, "b" * 300, "a,b"]
    rows = [Row(n, f"line {n}", name, "C") for n, name in enumerate(given, start=1)]
    sorter.append(rows, [hit("C" * n) for n in range(1, len(given) + 1)])
    names = names_of(sorter)
    assert names[:8] == ["a", "a_2", "a_2_2", "a_3", "mol000005", "two_words", "x_.._y", "ünï"]
    assert names[8] == "mol000009"
    assert names[9] == "b" * 100
    assert len(set(names)) == len(names)
    assert not any(set(name) & set(" ,/\\\"'") for name in names)


def test_names_go_on_after_an_interruption(tmp_path):
    def some(resume, start):
        made = Sorter(tmp_path, ["qed"], [], {"a": 1}, bits=False)
        made.start(resume)
        rows = [Row(n, "", "same", "C") for n in range(start, start + 3)]
        made.append(rows, [hit("C" * n) for n in range(start, start + 3)])
        return made

    some(False, 1).close()
    made = some(True, 4)
    assert names_of(made) == ["same", *(f"same_{n}" for n in range(2, 7))]
    assert made.counts["in"] == made.counts["hits"] == 6


def test_duplicates_of_rejected_ones_are_duplicates(sorter, tmp_path):
    bad = Result("rules", (Reason("veber"),), "CC", "KEY-CC")
    rows = [Row(n, "", f"n{n}", "CC") for n in (1, 2, 3)]
    sorter.append(rows, [bad, bad, hit("C")])
    sorter.close()
    assert sorter.counts == {
        "in": 3, "rejected": 1, "stage:rules": 1, "duplicates": 1, "hits": 1
    }  # fmt: skip
    (again,) = lines(tmp_path / "duplicates.csv")
    assert (again["row"], again["first_row"], again["inchikey"]) == ("2", "1", "KEY-CC")
    assert sorter.copies() == {1: 2}


def test_what_was_lost_is_rejected_with_its_reason(sorter, tmp_path):
    row = Row(7, "line 9", "evil, name", "C" * 30_000)
    sorter.append([row], [Lost("timeout", "took longer than 60 s")])
    sorter.close()
    (line,) = lines(tmp_path / "rejected.csv")
    assert (line["row"], line["name"], line["stage"]) == ("7", "evil, name", "run")
    assert (line["rule"], line["detail"]) == ("timeout", "took longer than 60 s")
    assert len(line["smiles"]) < 21_000


def test_sdf_record_that_cannot_be_read_leaves_no_record_in_the_table(sorter, tmp_path):
    record = "name\n  RDKit\n\n  0  0\nM  END"
    sorter.append([Row(1, "record 1", "x", record)], [Result("read", (Reason("parse"),))])
    sorter.close()
    (line,) = lines(tmp_path / "rejected.csv")
    assert line["smiles"] == ""
    assert line["detail"].startswith("record 1")
