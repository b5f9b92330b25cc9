"""A whole screen: every row in one place, the same bytes after a kill, whatever the engine."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from molgan.errors import ConfigError, DataError, MolganError
from molgan.screening import Engine, Export, Job, Pick, Screen, run

SCREEN = Screen(
    elements=("C", "N", "O", "F"),
    rules=("veber",),
    ranges={"weight": (None, 600.0)},
    alerts=("PAINS",),
    flags=("BRENK",),
    descriptors=("MolMR",),
)
QUIET = {"progress": False, "report": False, "engine": Engine(parallel="none", chunk=4)}


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def job(library, tmp_path):
    return Job(library, tmp_path / "out", SCREEN, Pick(method="maxmin", n=5), **QUIET)


def test_every_row_is_in_exactly_one_place(job):
    manifest = run(job)
    hits, rejected = table(job.out / "hits.csv"), table(job.out / "rejected.csv")
    again = table(job.out / "duplicates.csv")
    counts = manifest["counts"]
    assert counts == {"in": 39, "hits": 32, "rejected": 3, "duplicates": 3, "unreadable": 1}
    rows = sorted(int(line["row"]) for line in (*hits, *rejected, *again))
    assert rows == list(range(1, 40))
    stages = {line["name"]: line["stage"] for line in rejected}
    assert stages == {"broken": "read", "azo": "alerts", "silane": "elements", "wax": "ranges"}
    assert manifest["rejected_at"] == {"alerts": 1, "elements": 1, "ranges": 1}
    assert {line["name"]: line["first_row"] for line in again} == {
        "again": "1",
        "m3": "1",
        "salt": "2",
    }
    assert {line["name"]: line["copies"] for line in hits if line["copies"] != "1"} == {
        "m0": "3",
        "m1": "2",
    }


def test_rejections_say_rule_atoms_and_numbers(job):
    run(job)
    rejected = {line["name"]: line for line in table(job.out / "rejected.csv")}
    azo = rejected["azo"]
    assert azo["rule"].startswith("PAINS_A: azo")
    matched = [int(text) for text in azo["atoms"].split()]
    # Positions in the SMILES of the column standardized: both are nitrogen.
    from rdkit import Chem

    mol = Chem.MolFromSmiles(azo["standardized"])
    assert [mol.GetAtomWithIdx(place).GetSymbol() for place in matched] == ["N", "N"]
    assert rejected["silane"]["rule"] == "element Si"
    assert rejected["wax"]["rule"] == "weight"
    assert "> 600" in rejected["wax"]["detail"]
    assert rejected["broken"]["detail"].startswith("line 6: ")
    assert rejected["broken"]["smiles"] == "C1CC"


def test_what_has_no_carbon_is_no_hit_and_rejected_csv_says_so(smi, tmp_path):
    source = smi("[Na+].[Cl-] salt", "O water", "C methane", "CC(=O)[O-].[Na+] acetate")
    out = tmp_path / "out"
    manifest = run(Job(source, out, Screen(), **QUIET))
    assert [line["name"] for line in table(out / "hits.csv")] == ["methane", "acetate"]
    rejected = table(out / "rejected.csv")
    assert [(line["name"], line["smiles"]) for line in rejected] == [
        ("salt", "[Na+].[Cl-]"),
        ("water", "O"),
    ]
    reasons = {(line["stage"], line["rule"], line["detail"]) for line in rejected}
    assert reasons == {("standardize", "inorganic", "no carbon atom")}
    assert manifest["rejected_at"] == {"standardize": 2}


def test_hits_carry_scores_flags_and_a_smi(job):
    run(job)
    hits = {line["name"]: line for line in table(job.out / "hits.csv")}
    aspirin = hits["m29"]
    assert float(aspirin["weight"]) == pytest.approx(180.159, abs=1e-3)
    assert float(aspirin["qed"]) == pytest.approx(0.5501, abs=1e-4)
    assert float(aspirin["MolMR"]) == pytest.approx(44.71, abs=0.01)
    assert "phenol_ester" in aspirin["flags"]
    lines = (job.out / "hits.smi").read_text().splitlines()
    assert lines == [f"{line['smiles']} {name}" for name, line in hits.items()]
    picked = table(job.out / "picked.csv")
    assert [line["rank"] for line in picked] == ["1", "2", "3", "4", "5"]
    assert {line["name"] for line in picked} < set(hits)
    assert not (job.out / ".work").exists()
    assert json.loads((job.out / "manifest.json").read_text())["picked"] == 5


def test_cores_and_chunks_change_nothing(job, tmp_path, contents):
    run(job)
    other = replace(
        job, out=tmp_path / "other", engine=Engine(n_jobs=2, chunk=7, seconds=120), report=True
    )
    run(replace(job, report=True, resume="never"))
    run(other)
    assert contents(other.out) == contents(job.out)
    assert (other.out / "report.html").exists()


def test_finished_screen_is_not_done_again(job, monkeypatch, contents):
    manifest = run(job)
    before = contents(job.out)
    monkeypatch.setattr("molgan.screening.pipeline._stream", None)
    assert run(job) == manifest
    assert contents(job.out) == before


@pytest.mark.parametrize(
    "change",
    [
        {"screen": replace(SCREEN, rules=())},
        {"pick": Pick(method="maxmin", n=4)},
        {"export": Export(parquet=True)},
    ],
)
def test_other_settings_in_the_same_folder_are_refused(job, change, contents):
    run(job)
    before = contents(job.out)
    with pytest.raises(ConfigError, match=r"holds another screen.*resume=never"):
        run(replace(job, **change))
    assert contents(job.out) == before
    run(replace(job, resume="never", **change))


def test_other_input_in_the_same_folder_is_refused(job):
    run(job)
    with job.source.open("a") as file:
        file.write("CCOC new\n")
    with pytest.raises(ConfigError, match=r"input\.sha256 was"):
        run(job)


VENDOR = """,id,vendor,smiles,price,QED,stage
0,Z1,"Acme, Inc.",CCO,12.5,0.9,1
1,Z2,Bolt,OCC,,0.8,2
2,Z3,Bolt,CC[Si](C)C,3
3,Z4,"two
lines",CCN,7,0.7,4
4,Z5,Bolt,C1CC,1,0.1,5
"""
CARRIED = ["vendor", "price", "input_QED", "input_stage"]


@pytest.fixture
def vendors(tmp_path):
    source = tmp_path / "vendor.csv"
    source.write_text(VENDOR)
    pick = Pick(method="best", by="weight", n=1)
    return Job(source, tmp_path / "out", SCREEN, pick, **{**QUIET, "report": True})


def test_further_columns_of_the_input_come_along(vendors):
    manifest = run(vendors)
    hits, rejected = table(vendors.out / "hits.csv"), table(vendors.out / "rejected.csv")
    (again,) = table(vendors.out / "duplicates.csv")
    (picked,) = table(vendors.out / "picked.csv")
    assert manifest["input"]["columns"] == CARRIED
    assert [[line["name"], *(line[key] for key in CARRIED)] for line in hits] == [
        ["Z1", "Acme, Inc.", "12.5", "0.9", "1"],
        ["Z4", "two lines", "7", "0.7", "4"],
    ]
    assert float(hits[0]["qed"]) == pytest.approx(0.4068, abs=1e-4)  # ours, not the vendor's
    assert list(hits[0])[-4:] == list(again)[-4:] == CARRIED
    assert (again["vendor"], again["price"], again["input_QED"]) == ("Bolt", "", "0.8")
    # A row that ends early has empty fields; our own columns keep their names.
    assert [[line["stage"], *(line[key] for key in CARRIED)] for line in rejected] == [
        ["elements", "Bolt", "3", "", ""],
        ["read", "Bolt", "1", "0.1", "5"],
    ]
    assert picked["vendor"] in ("Acme, Inc.", "two lines")
    from molgan.screening.export import ligands

    first = next(ligands(vendors.out / "hits.csv"))  # what an SDF holds of it
    assert (first.name, first.scores["vendor"], first.scores["price"]) == (
        "Z1",
        "Acme, Inc.",
        "12.5",
    )
    assert "Acme, Inc." in (vendors.out / "report.html").read_text()


def test_further_columns_after_an_interruption(vendors, tmp_path, monkeypatch, contents):
    from molgan.screening.sorting import Sorter

    small = replace(vendors, engine=Engine(parallel="none", chunk=2))
    whole, calls = Sorter.append, []

    def fails(self, rows, results):
        calls.append(rows)
        if len(calls) == 2:
            raise KeyboardInterrupt
        whole(self, rows, results)

    monkeypatch.setattr(Sorter, "append", fails)
    with pytest.raises(KeyboardInterrupt):
        run(small)
    monkeypatch.setattr(Sorter, "append", whole)
    run(small)
    assert "going on after 2 rows" in (small.out / "screen.log").read_text()
    run(replace(vendors, out=tmp_path / "undisturbed"))
    assert contents(small.out) == contents(tmp_path / "undisturbed")


def test_names_that_are_taken_get_a_prefix_until_they_are_free():
    from molgan.screening.tables import carried_names

    given = ["Qed", "price", "Price", "input_qed"]
    assert carried_names(given, ["qed"]) == ["input_Qed", "price", "input_Price", "input_input_qed"]


def test_crash_costs_only_its_molecule(job, breakers):
    crashing = replace(job, engine=Engine(n_jobs=1, chunk=10, seconds=120))
    manifest = run(crashing, lambda work: breakers.Breaking(work, {"C1CC1": "crash"}))
    assert manifest["counts"]["hits"] == 31
    assert manifest["counts"]["rejected"] == 4
    (lost,) = (line for line in table(job.out / "rejected.csv") if line["stage"] == "run")
    assert (lost["name"], lost["rule"], lost["smiles"]) == ("m5", "crash", "C1CC1")
    assert "SIGSEGV" in lost["detail"]


def test_killed_and_resumed_is_the_same(killed_and_resumed):
    resumed, undisturbed = killed_and_resumed("joblib")
    assert resumed == undisturbed
    assert len(resumed) >= 8


def test_two_screens_at_once_in_one_folder(job):
    from filelock import FileLock

    job.out.mkdir()
    with FileLock(job.out / ".lock"), pytest.raises(MolganError, match="another screen is writing"):
        run(job)


def test_interrupted_in_the_middle_of_a_chunk(job, monkeypatch):
    from molgan.screening.sorting import Sorter

    whole = Sorter.append
    calls = []

    def fails(self, rows, results):
        calls.append(rows)
        if len(calls) == 4:
            self._ledger.write("rejected", b"half a row")
            raise KeyboardInterrupt
        whole(self, rows, results)

    monkeypatch.setattr(Sorter, "append", fails)
    with pytest.raises(KeyboardInterrupt):
        run(job)
    monkeypatch.setattr(Sorter, "append", whole)
    manifest = run(job)
    assert manifest["counts"]["in"] == 39
    assert "half a row" not in (job.out / "rejected.csv").read_text()
    assert "going on after 12 rows" in (job.out / "screen.log").read_text()


def test_nothing_readable_is_an_error_with_a_hint(smi, tmp_path):
    source = smi("hello,world", "what,ever")
    with pytest.raises(DataError, match=r"none of 2 rows.*'hello,world'.*\.csv"):
        run(Job(source, tmp_path / "out", Screen(), **QUIET))
    assert len(table(tmp_path / "out" / "rejected.csv")) == 2


def test_imports_need_no_torch():
    code = (
        "import sys, molgan.screening, molgan.screen, molgan.data.streaming\n"
        "from molgan.screening import Screen; Screen(alerts=('PAINS',)).check()\n"
        "print([name for name in ('torch', 'pandas', 'matplotlib', 'dask') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
