from __future__ import annotations

import gzip

import pytest

from molgan.errors import DataError
from molgan.qsar.assays import assays_of, read_assays
from molgan.qsar.preparing import prepare
from molgan.qsar.targets import TargetSettings

MANY = [f"{'C' * n}O" for n in range(1, 25)]


def prepared(smiles, values, **settings):
    return prepare(assays_of(smiles, values), TargetSettings("y", **settings))


def test_every_row_has_a_fate():
    smiles = [*MANY, "OC", "nonsense", "CCO", "CCN", ""]
    values = [*range(24), 0.5, 1.0, "n/a", "", 3]
    found = prepared(smiles, values)
    assert len(found.fates) == len(smiles)
    assert [fate for _, fate in found.fates[24:]] == [
        "merged",
        "not a valid SMILES",
        "not a number: n/a",
        "no value",
        "no atoms",
    ]
    assert found.counts() == {
        "rows": 29,
        "molecules": 24,
        "merged": 1,
        "unusable": 4,
        "conflicts": 0,
    }
    assert sum(found.reasons().values()) == 4


def test_repeats_get_their_median_and_conflicts_are_named():
    # Methanol three times: as an enantiomer-free graph, in another order, and far off.
    found = prepared([*MANY, "OC", "C[O]([H])"], [*range(24), 1.0, 100.0])
    assert found.values[0] == 1.0
    assert len(found.conflicts) == 1
    conflict = found.conflicts[0]
    assert conflict.smiles == "CO"
    assert conflict.where == ("entry 1", "entry 25", "entry 26")
    assert conflict.values == (0.0, 1.0, 100.0)


def test_stereoisomers_and_salts_are_one_molecule():
    found = prepared([*MANY, "C[C@H](N)F", "C[C@@H](N)F", "CC(N)F.Cl"], [*range(24), 1, 2, 3])
    assert found.smiles.count("CC(N)F") == 1
    assert found.values[found.smiles.index("CC(N)F")] == 2.0


def test_classes_go_by_majority_and_ties_are_left_out():
    labels = ["yes", "no"] * 12
    found = prepared([*MANY, MANY[0], MANY[0], MANY[1]], [*labels, "no", "no", "yes"])
    assert found.values[found.smiles.index("CO")] == 0
    assert "CCO" not in found.smiles
    assert found.fates[1][1] == "as many rows in one class as in the other"
    assert len(found.conflicts) == 2


@pytest.mark.parametrize(
    ("smiles", "values", "words"),
    [
        (MANY[:19], range(19), "19 molecules with a value are left of 19 rows; at least 20"),
        ([*MANY[:5], *["?"] * 30], range(35), r"5 molecules .* \(30 x not a valid SMILES\)"),
        (MANY, [2] * 24, "all molecules have the same value"),
        (MANY, ["active"] * 24, "holds no numbers"),
        (MANY, [1, *[0] * 23], None),
        (MANY[:3], [1], "3 molecules, but 1 values"),
        ([], [], "there are no molecules"),
    ],
)
def test_too_little_to_learn_from(smiles, values, words):
    if words is None:
        assert prepared(smiles, list(values)).target.classify
        return
    with pytest.raises(DataError, match=words):
        prepared(smiles, list(values))


def test_a_table_is_read_with_its_lines(tmp_path):
    path = tmp_path / "assays.csv.gz"
    text = 'id;SMILES;pIC50\nm1;CCO;5.1\n\nm2;"CCN";\nm3\nm4;C\udcff;1\n'
    path.write_bytes(gzip.compress(text.encode("utf-8", "surrogateescape")))
    rows = read_assays(path, "pIC50").rows
    assert [(row.where, row.smiles, row.value, row.reason) for row in rows[:2]] == [
        ("line 2", "CCO", "5.1", None),
        ("line 4", "CCN", "", None),
    ]
    assert [row.reason for row in rows[2:]] == ["no SMILES", "not UTF-8"]


@pytest.mark.parametrize(
    ("name", "content", "settings", "words"),
    [
        ("a.csv", "smiles,y\nC,1\n", {"target": "z"}, "has no column 'z'.* with target="),
        ("a.csv", "mol,y\nC,1\n", {}, "has no column of SMILES.* with column="),
        ("a.csv", "smiles,y\nC,1\n", {"column": "m"}, "has no column 'm'"),
        ("a.csv", "smiles,y\nC,1\n", {"target": "smiles"}, "is the column of SMILES"),
        ("a.csv", "smiles,y\n", {}, "a header but no rows"),
        ("a.csv", "", {}, "is empty"),
        ("a.smi", "C 1\n", {}, "is no table"),
        ("a.xlsx", "x", {}, "save it as CSV"),
        ("a.csv.gz", "smiles,y\n", {}, "not a gzip file"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, name, content, settings, words):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=words):
        read_assays(path, **{"target": "y", **settings})


def test_a_table_that_is_not_there():
    with pytest.raises(DataError, match=r"data=nowhere\.csv: there is no such file"):
        read_assays("nowhere.csv", "y")
