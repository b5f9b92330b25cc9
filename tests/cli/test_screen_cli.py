"""`molgan.screen` as a user meets it: any file in, hits and reasons out, clear words."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rdkit import Chem

from molgan.screen import main

COMMON = ["progress=false", "report=false", "parallel=none"]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.smi"
    path.write_text("CCO ethanol\nCCN.Cl amine\nC1CC broken\nOCC again\nc1ccccc1N=Nc1ccccc1 azo\n")
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_from_file_to_hits(library, tmp_path, capsys):
    out = tmp_path / "hits"
    code = main([f"in={library}", f"out={out}", "pick.method=maxmin", "pick.n=1", *COMMON])
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert "5  molecules in library.smi" in printed
    assert "-1  cannot be read" in printed
    assert "2  hits" in printed
    assert "1  picked" in printed
    assert [line["name"] for line in table(out / "hits.csv")] == ["ethanol", "amine"]
    assert [line["rule"] for line in table(out / "rejected.csv")] == [
        "parse",
        "PAINS_A: azo_A(324)",
    ]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["counts"] == {
        "in": 5,
        "hits": 2,
        "rejected": 1,
        "duplicates": 1,
        "unreadable": 1,
    }
    assert manifest["settings"]["standardizer"]["fragment"] == "largest"


def test_settings_reach_their_places(library, tmp_path):
    out = tmp_path / "hits"
    typed = [
        f"in={library}",
        f"out={out}",
        "standardize.fragment=reject",
        "rules=[veber,ghose]",
        "alerts=[BRENK]",
        "flags=[PAINS]",
        "ranges={weight:[null,500],qed:[0.1,null]}",
        "elements=[C,O]",
        "descriptors=[MolMR]",
        "oddities=off",
        "pick.pareto={qed:max,sa:min}",
        "pick.per_scaffold=2",
        "export.parquet=true",
        "seed=3",
        "chunk=2",
    ]
    assert main([*typed, *COMMON]) == 0
    settings = json.loads((out / "manifest.json").read_text())["settings"]
    assert settings["standardizer"]["fragment"] == "reject"
    assert (settings["rules"], settings["alerts"]) == (["veber", "ghose"], ["BRENK"])
    assert settings["ranges"] == {"weight": [None, 500.0], "qed": [0.1, None]}
    assert (settings["oddities"], settings["descriptors"]) == ("off", ["MolMR"])
    assert settings["pick"]["pareto"] == {"qed": "max", "sa": "min"}
    assert settings["pick"]["seed"] == settings["export"]["seed"] == 3
    stages = {line["name"]: line["rule"] for line in table(out / "rejected.csv")}
    assert stages["amine"] == "fragments"
    assert stages["azo"] == "element N"
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = parquet.read_table(out / "hits.parquet").schema
    assert columns.field("qed").type == "double"
    assert columns.field("copies").type == "int64"


def sdf(*smiles: str) -> str:
    return "".join(Chem.MolToMolBlock(Chem.MolFromSmiles(text)) + "\n$$$$\n" for text in smiles)


@pytest.mark.parametrize(
    ("name", "content", "hits", "rules"),
    [
        ("bad.smi", b"CCO a\nhello there\n)( x\nCCN b\n", 2, ["parse", "parse"]),
        ("mixed.smi", b"CCO na\xefve\nC\xff\xfeC b\nCCN \xc3\xa9\n", 2, ["not UTF-8"]),
        ("long.smi", b"CCO a\n" + b"C" * 2_500_000 + b"\nCCN b\n", 2, ["line too long"]),
        ("big.smi", b"CCO a\n" + b"C" * 900_000 + b" b\n", 1, ["max_atoms"]),
        ("quote.csv", b'id,smiles\n1,"CCO\n2,CCN\n3,CCC\n', 2, ["quote not closed"]),
        ("short.csv", b"id,smiles\n1\n2,CCN\n3,\n", 1, ["no SMILES", "no SMILES"]),
        ("cut.sdf", sdf("CCO", "CCN", "CCCC")[:-60].encode(), 2, ["cut off"]),
        ("twice.smi", b"CCO same\nCCN same\n", 2, []),
        ("packed.smi.gz", gzip.compress(b"CCO a\nCCN b\n"), 2, []),
        ("valence.smi", b"CCO\nC(C)(C)(C)(C)C\nc1cccc1\n", 1, ["valence", "kekulize"]),
        ("dummy.smi", b"CCO\nC*\n[Na]\n", 1, None),
    ],
)
def test_bad_rows_never_lose_good_ones(name, content, hits, rules, tmp_path, capsys):
    path, out = tmp_path / name, tmp_path / "out"
    path.write_bytes(content)
    assert main([f"in={path}", f"out={out}", *COMMON]) == 0
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    found = table(out / "hits.csv")
    assert len(found) == hits
    assert len({line["name"] for line in found}) == hits
    rejected = table(out / "rejected.csv")
    if rules is not None:
        assert [line["rule"] for line in rejected] == rules
    counts = json.loads((out / "manifest.json").read_text())["counts"]
    parts = ("hits", "rejected", "duplicates", "unreadable")
    assert counts["in"] == sum(counts[part] for part in parts)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "in must be given"),
        (["in=nowhere.smi"], 1, "in=nowhere.smi: there is no such file"),
        (["in=EMPTY"], 1, "is empty"),
        (["in=TABLE", "column=nope"], 1, "no column 'nope'; its columns are 'code', 'drawing'"),
        (["in=TABLE"], 1, "no column of SMILES"),
        (["in=LIBRARY", "rules=[magic]"], 2, "no rule set 'magic'"),
        (["in=LIBRARY", "alerts=[magic]"], 2, "no catalogue of alerts 'magic'"),
        (["in=LIBRARY", "smarts=[SMARTS]"], 1, "own.smarts, line 1: '[C' is no SMARTS"),
        (["in=LIBRARY", "smarts=[nowhere]"], 1, "no file of alerts nowhere"),
        (["in=LIBRARY", "ranges={beauty:[0,1]}"], 2, "ranges.beauty: there is no such score"),
        (["in=LIBRARY", "ranges={qed:0.5}"], 2, "ranges.qed=0.5: lowest and highest"),
        (["in=LIBRARY", "elements=[C,Xx]"], 2, "'Xx' is no symbol"),
        (["in=LIBRARY", "descriptors=[magic]"], 2, "no descriptor 'magic'"),
        (["in=LIBRARY", "standardize.fragment=magic"], 2, "fragment"),
        (["in=LIBRARY", "pick.method=magic"], 2, "pick.method=magic"),
        (["in=LIBRARY", "pick.method=maxmin"], 2, "pick.method=maxmin needs pick.n"),
        (["in=LIBRARY", "pick.n=many"], 2, "pick.n=many: a whole number is wanted"),
        (["in=LIBRARY", "parallel=ray"], 2, "parallel=ray: there is no such option"),
        (["in=LIBRARY", "parallel=dask"], 2, "parallel.scheduler"),
        (["in=LIBRARY", "resume=maybe"], 2, "resume=maybe: choose from auto, never"),
        (["in=LIBRARY", "chunk=0"], 2, "chunk=0"),
        (["in=LIBRARY", "seconds=0"], 2, "seconds=0"),
        (["in=LIBRARY", "n_jobs=0"], 2, "n_jobs=0"),
        (["in=LIBRARY", "known=nowhere.smi"], 1, "known=nowhere.smi: there is no such file"),
        (["in=LIBRARY", "novel=true"], 2, "novel=true needs known=FILE"),
        (["in=LIBRARY", "export.stereo=4"], 2, "export.sdf=true or export.pdbqt=true"),
        (["in=LIBRARY", "export.shard=0", "export.sdf=true"], 2, "export.shard=0"),
        (["in=LIBRARY", "dock.receptor=x.pdbqt"], 2, "add export.pdbqt=true"),
        (["in=LIBRARY", "scores.file=nowhere.csv"], 1, "scores.file=nowhere.csv"),
        (["in=LIBRARY", "ruels=[x]"], 2, "did you mean rules"),
        (["in=LIBRARY", "out=LIBRARY/x"], 1, "cannot write"),
        (["in=WORDS"], 1, "none of 2 rows holds a molecule that can be read"),
    ],
)
def test_what_cannot_work(arguments, code, words, library, tmp_path, capsys):
    places = {
        "LIBRARY": library,
        "EMPTY": tmp_path / "empty.smi",
        "TABLE": tmp_path / "table.csv",
        "SMARTS": tmp_path / "own.smarts",
        "WORDS": tmp_path / "words.smi",
    }
    places["EMPTY"].write_text("")
    places["TABLE"].write_text("code,drawing\n1,CCO\n")
    places["SMARTS"].write_text("[C carbon\n")
    places["WORDS"].write_text("hello\nworld\n")
    typed = [f"out={tmp_path / 'out'}"] if not any("out=" in one for one in arguments) else []
    for argument in arguments:
        for word, place in places.items():
            argument = argument.replace(word, str(place))
        typed.append(argument)
    own = [one for one in COMMON if not any(a.startswith("parallel=") for a in arguments)
           or not one.startswith("parallel=")]  # fmt: skip
    assert main([*own, *typed]) == code
    printed = capsys.readouterr().err
    assert words in printed
    assert "Traceback" not in printed
    assert sum(line.startswith("error: ") for line in printed.splitlines()) == 1


def test_read_only_folder_is_named(library, tmp_path, capsys):
    import os

    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    assert main([f"in={library}", f"out={folder / 'x'}", *COMMON]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_same_folder_with_other_settings(library, tmp_path, capsys):
    out = tmp_path / "hits"
    assert main([f"in={library}", f"out={out}", *COMMON]) == 0
    assert main([f"in={library}", f"out={out}", *COMMON]) == 0
    assert "finished already" in capsys.readouterr().err
    assert main([f"in={library}", f"out={out}", "rules=[]", *COMMON]) == 2
    assert "holds another screen (settings.rules was" in capsys.readouterr().err
    assert main([f"in={library}", f"out={out}", "rules=[]", "resume=never", *COMMON]) == 0


def test_structures_for_docking(library, tmp_path):
    pytest.importorskip("meeko")
    out = tmp_path / "hits"
    typed = ["export.sdf=true", "export.pdbqt=true", "export.shard=1", "n_jobs=1"]
    assert main([f"in={library}", f"out={out}", *typed, *COMMON]) == 0
    index = table(out / "docking" / "index.csv")
    assert [(line["name"], line["folder"]) for line in index] == [
        ("ethanol", "dock_0001"),
        ("amine", "dock_0002"),
    ]
    for line in index:
        assert (out / "docking" / line["pdbqt"]).read_text().startswith("REMARK")
        (mol,) = Chem.SDMolSupplier(str(out / "docking" / line["sdf"]))
        assert mol.GetConformer().Is3D()
    assert json.loads((out / "manifest.json").read_text())["exported"] == 2


def test_command_without_torch(library, tmp_path):
    code = (
        "import sys; from molgan.screen import main\n"
        f"code = main(['in={library}', 'out={tmp_path / 'o'}', 'progress=false', 'n_jobs=1'])\n"
        "print(code, [name for name in ('torch', 'dask') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
