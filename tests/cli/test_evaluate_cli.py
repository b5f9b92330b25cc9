"""`molgan.evaluate` as a user meets it: libraries in, tables and a page out, clear words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from molgan.evaluate import FILES, main, names_of

COMMON = ["progress=false", "device=cpu", "errors=false"]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.smi"
    path.write_text("CCO a\nCCN b\nCCN c\nC1CC d\nc1ccccc1 e\n")
    return path


@pytest.fixture
def known(tmp_path: Path) -> Path:
    path = tmp_path / "known.smi"
    path.write_text("CCO\nCCCO\nc1ccncc1\nCCCC\n")
    return path


def test_two_libraries_side_by_side_against_a_file(library, known, tmp_path, capsys):
    other = tmp_path / "other.csv"
    other.write_text("smiles\nCCO\nCCCl\n")
    out = tmp_path / "out"
    code = main(
        [
            f"library=[{library},{other}]",
            "names=[mine,theirs]",
            f"reference={known}",
            f"out={out}",
            *COMMON,
        ]
    )
    assert code == 0
    assert {path.name for path in out.iterdir()} == set(FILES)
    printed = capsys.readouterr().out
    assert "mine" in printed
    assert "theirs" in printed
    first, second = json.loads((out / "results.json").read_text())
    assert (first["library"], second["library"]) == ("mine", "theirs")
    assert first["figures"]["valid"] == pytest.approx(0.8)
    assert first["figures"]["novel"] == pytest.approx(2 / 3)
    assert second["figures"]["valid"] == 1
    assert any("Cl" in note for note in second["notes"])
    rows = list(csv.DictReader((out / "results.csv").open()))
    row = next(r for r in rows if (r["library"], r["metric"]) == ("mine", "unique"))
    assert float(row["value"]) == pytest.approx(3 / 4)
    assert "C1CC" in (out / "report.html").read_text()
    assert "\\toprule" in (out / "results.tex").read_text()


def test_a_run_folder_is_sampled(learnt_run: Path, capsys):
    assert main([f"library={learnt_run}", "n=50", "protocol.groups=[strict]", *COMMON]) == 0
    printed = capsys.readouterr().out
    assert "50 molecules drawn from the model with seed 0" in printed


def test_a_protocol_by_its_name(library, known, capsys):
    code = main([f"library={library}", f"reference={known}", "protocol=gdss_qm9", *COMMON])
    printed = capsys.readouterr().out
    assert code == 0
    assert "validity without correction" in printed
    assert "against qm9" in printed
    assert "GDSS: valid without correction" in printed


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "library must be given"),
        (["library=nowhere.smi"], 1, "library=nowhere.smi: there is no such file"),
        (["library=nowhere.molgan"], 1, "there is no model nowhere.molgan"),
        (["library=LIBRARY", "protocol=magic"], 2, "there is no such option"),
        (["library=LIBRARY", "reference=magic"], 2, "there is no such option"),
        (["library=LIBRARY", "reference=nowhere.smi"], 1, "reference.path=nowhere.smi"),
        (["library=LIBRARY", "names=[a,b]"], 2, "names has 2 entries for 1 libraries"),
        (["library=LIBRARY", "device=cuda"], 2, "torch sees no GPU"),
        (["library=LIBRARY", "n=0"], 2, "n=0"),
        (["library=LIBRARY", "repair=magic"], 2, "repair=magic"),
        (["library=LIBRARY", "libary=x"], 2, "did you mean library"),
        (["library=LIBRARY", "column=nope"], 1, "is no table"),
        (["library=TABLE", "column=nope"], 1, "has no column 'nope'"),
        (["library=EMPTY"], 1, "is empty"),
        (["library=LIBRARY", "out=LIBRARY/x", "protocol.groups=[strict]"], 1, "cannot make"),
    ],
)
def test_what_cannot_work(arguments, code, words, library, tmp_path, capsys, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    table, empty = tmp_path / "table.csv", tmp_path / "empty.smi"
    table.write_text("smiles\nCCO\n")
    empty.write_text("")
    places = {"LIBRARY": str(library), "TABLE": str(table), "EMPTY": str(empty)}
    typed = []
    for argument in arguments:
        for word, place in places.items():
            argument = argument.replace(word, place)
        typed.append(argument)
    assert main([*COMMON, *typed]) == code
    assert words in capsys.readouterr().err


def test_names_tell_files_apart():
    assert names_of(["a/library.smi", "b/other.smi"]) == ["library.smi", "other.smi"]
    assert names_of(["a/library.smi", "b/library.smi"]) == ["a/library.smi", "b/library.smi"]
