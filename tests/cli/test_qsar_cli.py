"""`python -m molgan.qsar fit` and `predict`."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from molgan.qsar.command import main

MOLECULES = [
    f"{ring}{tail}"
    for ring in ("c1ccccc1", "c1ccncc1", "C1CCOCC1", "C1CCCCC1")
    for tail in ("C", "CC", "O", "N", "CO", "C#N", "F", "OC")
]
FAST = ["family.trees=5", "family.size=128", "split=random", "progress=false"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("qsar") / "assays.csv"
    lines = [f"m{i},{smiles},{len(smiles)},{i % 2}" for i, smiles in enumerate(MOLECULES)]
    lines += ["bad,not a molecule,1,1", "none,CCO,n/a,"]
    path.write_text("\n".join(["id,smiles,pIC50,active", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def fitted(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fit") / "out"
    assert main(["fit", f"data={table}", "target=pIC50", f"out={out}", *FAST]) == 0
    return out


def test_fit_says_how_good_the_model_is_and_where_it_is(table, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["fit", f"data={table}", "target=pIC50", f"out={out}", *FAST]) == 0
    printed = capsys.readouterr().out
    assert "34 rows, 32 molecules, 0 repeats merged, 2 rows unusable" in printed
    assert "1 x not a valid SMILES" in printed
    assert "1 x not a number" in printed
    assert "RMSE" in printed
    assert "Only 3 test molecules" in printed
    assert "model.qsar, report.html, parity.png" in printed


def test_fit_of_classes(table, tmp_path, capsys):
    assert main(["fit", f"data={table}", "target=active", f"out={tmp_path}", *FAST]) == 0
    printed = capsys.readouterr().out
    assert "classification of probability of active = 1" in printed
    assert "ROC-AUC" in printed


def test_fit_and_predict_with_a_network(table, tmp_path):
    out, library = tmp_path / "out", tmp_path / "library.smi"
    library.write_text("c1ccccc1C toluene\n")
    small = ["family=network", "family.members=2", "family.layers=[8]", "family.epochs=2"]
    common = [f"out={out}", "split=random", "progress=false"]
    assert main(["fit", f"data={table}", "target=pIC50", *small, *common]) == 0
    arguments = [f"model={out}", f"in={library}", f"out={tmp_path / 'p.csv'}", "progress=false"]
    assert main(["predict", *arguments]) == 0
    assert (tmp_path / "p.csv").read_text().count("\n") == 2


def test_predict_gives_a_row_for_every_row(fitted, tmp_path, capsys):
    library, out = tmp_path / "library.smi", tmp_path / "predicted.csv"
    library.write_text("c1ccccc1C toluene\nnonsense x\nBr[Si](Br)(Br)C#CI strange\n")
    arguments = [f"model={fitted}", f"in={library}", f"out={out}", "progress=false"]
    assert main(["predict", *arguments]) == 0
    assert "3 rows: 1 unreadable, 1 outside" in capsys.readouterr().out
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["toluene", "x", "strange"]
    assert [row["in_domain"] for row in rows] == ["true", "", "false"]
    assert [row["reason"] for row in rows] == ["", "parse", ""]
    assert float(rows[0]["predicted"]) > 0
    assert float(rows[0]["std"]) >= 0


def test_predict_reads_sdf(fitted, tmp_path):
    from rdkit import Chem

    library, out = tmp_path / "library.sdf", tmp_path / "predicted.csv"
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("c1ccccc1C"))
    library.write_text(f"{block}$$$$\nbroken\n\n\nM  END\n$$$$\n")
    arguments = [f"model={fitted}/model.qsar", f"in={library}", f"out={out}", "progress=false"]
    assert main(["predict", *arguments]) == 0
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["smiles"] == "Cc1ccccc1"
    assert rows[0]["predicted"] != ""
    assert rows[1]["reason"] == "parse"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "say fit or predict"),
        (["learn"], 2, "'learn' is neither fit nor predict"),
        (["fit"], 2, "data, target must be given"),
        (["fit", "data=nowhere.csv", "target=y"], 1, "data=nowhere.csv: there is no such file"),
        (["fit", "data=TABLE", "target=pKi"], 1, "has no column 'pKi'"),
        (["fit", "data=TABLE", "target=id"], 1, "holds no numbers"),
        (["fit", "data=TABLE", "target=pIC50", "family=svm"], 2, "family can be: dmpnn, forest"),
        (["fit", "data=TABLE", "target=pIC50", "family.trees=0"], 2, "family.trees=0"),
        (["fit", "data=TABLE", "target=pIC50", "familly.trees=3"], 2, "did you mean family.trees"),
        (["fit", "data=TABLE", "target=pIC50", "seed=x"], 2, "a number is wanted"),
        (["fit", "data=TABLE", "target=pIC50", "n_jobs=0.5"], 2, "n_jobs=0.5"),
        (["fit", "data=TABLE", "target=pIC50", "split=time"], 2, "split=time"),
        (["fit", "data=TABLE", "target=pIC50", "fractions=[1]"], 2, "fractions=[1"),
        (["fit", "data=TABLE", "target=pIC50", "threshold=high"], 2, "threshold=high"),
        (["fit", "data=FEW", "target=y"], 1, "at least 20 are needed"),
        (["fit", "data=SAME", "target=y"], 1, "all molecules have the same value"),
        (["fit", "data=TABLE", "target=pIC50", "out=TABLE/x", *FAST], 1, "cannot write"),
        (["predict"], 2, "in, model must be given"),
        (["predict", "model=TABLE", "in=TABLE"], 1, "is not a QSAR model of molgan"),
        (["predict", "model=nowhere", "in=TABLE"], 1, "there is no QSAR model nowhere"),
        (["predict", "model=FITTED", "in=nowhere.smi"], 1, "in=nowhere.smi: there is no such file"),
        (["predict", "model=FITTED", "in=TABLE", "column=x"], 1, "has no column 'x'"),
    ],
)
def test_what_cannot_work(arguments, code, words, table, fitted, tmp_path, refused):
    few, same = tmp_path / "few.csv", tmp_path / "same.csv"
    few.write_text("smiles,y\nC,1\nCC,2\n")
    same.write_text("smiles,y\n" + "".join(f"{text},3\n" for text in MOLECULES))
    places = {"TABLE": table, "FITTED": fitted, "FEW": few, "SAME": same}
    typed = []
    for argument in arguments:
        key, mark, value = argument.partition("=")
        for word, place in places.items():
            value = value.replace(word, str(place))
        typed.append(f"{key}{mark}{value}")
    if "fit" in arguments[:1] and not any(text.startswith("out=") for text in typed):
        typed.append(f"out={tmp_path / 'out'}")
    assert words in refused(main, typed, code)
    assert not (tmp_path / "out" / "model.qsar").exists()


def test_help(capsys):
    assert main(["--help"]) == 0
    assert "fit data=assays.csv target=pIC50" in capsys.readouterr().out
    assert main(["fit", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "python -m molgan.qsar fit" in printed
    assert "split: scaffold" in printed
