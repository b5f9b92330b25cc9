"""`molgan.generate` as a user meets it: a model in, a library out, clear words for bad input."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rdkit import Chem
from safetensors import safe_open
from safetensors.torch import save_file

from molgan.bundle import Bundle
from molgan.generate import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def model(learnt_run: Path, tmp_path: Path) -> Path:
    """A copy of a trained model that a test may spoil."""
    return Path(shutil.copy(learnt_run / "last.molgan", tmp_path / "model.molgan"))


def common(out: Path) -> list[str]:
    return [f"out={out}", "progress=false", "device=cpu", "batch_size=64"]


def read_smi(path: Path) -> tuple[list[str], list[str]]:
    lines = path.read_text().splitlines()
    assert lines
    smiles, names = zip(*(line.split(" ") for line in lines), strict=True)
    return list(smiles), list(names)


def test_a_fresh_process_without_the_training_data(learnt_run: Path, tmp_path: Path):
    """Only the model file is there: no data, no cache, no run folder."""
    place = tmp_path / "elsewhere"
    (place / "cache").mkdir(parents=True)
    shutil.copy(learnt_run / "best.molgan", place / "m.molgan")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    process = subprocess.run(
        [
            sys.executable,
            "-m",
            "molgan.generate",
            "model=m.molgan",
            "n=300",
            "keep=false",
            "out=new/a.smi",
        ],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path, "MOLGAN_CACHE": str(place / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    smiles, names = read_smi(place / "new" / "a.smi")
    assert all(Chem.MolFromSmiles(each) is not None for each in smiles)
    assert len(set(names)) == len(names)
    assert len(set(smiles)) == len(smiles)
    with (place / "new" / "a.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [(row["smiles"], row["name"]) for row in table] == list(zip(smiles, names, strict=True))
    known = Bundle.load(place / "m.molgan").identities.contains(smiles)
    assert [row["novel"] == "0" for row in table] == known.tolist()
    assert f"{len(smiles):,} molecules in new/a.smi (300 drawn)" in process.stdout
    assert "rejected:" in process.stdout
    assert sorted(p.name for p in place.iterdir()) == ["cache", "m.molgan", "new"]
    assert not list((place / "cache").iterdir())


def test_a_run_folder_will_do_and_the_seed_decides(learnt_run: Path, tmp_path: Path):
    texts = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        out = tmp_path / f"{name}.smi"
        settings = [f"model={learnt_run}", "n=100", f"seed={seed}", *common(out)]
        assert main(settings) == 0
        texts.append(out.read_text())
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("setting", "words", "code"),
    [
        ("n=0", ["n=0", "from 1 up"], 2),
        ("n=-5", ["n=-5"], 2),
        ("n=null", ["n=null"], 2),
        ("n=many", ["n=many", "number"], 2),
        ("seed=0.5", ["seed=0.5"], 2),
        ("batch_size=0", ["batch_size=0"], 2),
        ("repair=glue", ["repair=glue", "largest_fragment", "valence"], 2),
        ("uniq=true", ["'uniq'", "did you mean unique?"], 2),
        ("unique=perhaps", ["unique=perhaps", "true or false"], 2),
        ("device=abacus", ["device=abacus"], 2),
        ("noise_scale=-1", ["noise_scale"], 2),
        ("noise_scale=x", ["noise_scale=x", "number"], 2),
        ("denoising.steps=4", ["denoising", "draws in one pass"], 2),
        ("n=inf", ["n=inf", "from 1 up"], 2),
        ("out=new/", ["new/", "it is a folder"], 1),
        ("out=null", ["out"], 2),
        ("prefix='two words'", ["two words"], 1),
        ("out=table.csv", ["table.csv", ".smi"], 1),
    ],
)
def test_settings_that_cannot_work(model, tmp_path, monkeypatch, refused, setting, words, code):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    settings = [f"model={model}", *common(tmp_path / "a.smi"), setting]
    message = refused(main, settings, code)
    for word in words:
        assert word in message
    assert sorted(tmp_path.iterdir()) == before


def test_no_model_given(tmp_path, refused):
    assert "model" in refused(main, common(tmp_path / "a.smi"), 2)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "there is no model"),
        (lambda path: path.write_bytes(b""), "truncated"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "truncated"),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "truncated"),
        (lambda path: path.write_text("CCO ethanol\n" * 100), "not a molgan model"),
        (lambda path: (path.unlink(), path.mkdir()), "holds no trained model"),
        (lambda path: another_format(path), "has format 99"),
    ],
    ids=["missing", "empty", "cut early", "cut late", "foreign", "folder", "another version"],
)
def test_models_that_cannot_be_used(model, tmp_path, refused, spoil, words):
    spoil(model)
    message = refused(main, [f"model={model}", *common(tmp_path / "a.smi")], 1)
    assert str(model) in message
    assert words in message
    assert not (tmp_path / "a.smi").exists()


def another_format(path: Path) -> None:
    """The same model as a later molgan might write it."""
    with safe_open(path, framework="pt") as file:
        document = json.loads(file.metadata()["molgan"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    document["format"] = 99
    save_file(tensors, path, metadata={"molgan": json.dumps(document)})


def test_a_place_that_cannot_be_written(model, tmp_path, refused):
    (tmp_path / "file").write_text("mine")
    message = refused(main, [f"model={model}", *common(tmp_path / "file" / "a.smi")], 1)
    assert str(tmp_path / "file" / "a.smi") in message
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_keeps_what_was_written(model, tmp_path, refused):
    out = tmp_path / "a.smi"
    settings = [f"model={model}", *common(out), "n=2000", "unique=false", "scores=false"]
    settings.append("repair=valence")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        message = refused(main, settings, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "cannot write" in message
    assert str(tmp_path) in message
    smiles, _ = read_smi(tmp_path / "a.smi.partial")
    assert all(Chem.MolFromSmiles(each) is not None for each in smiles)
    assert main([*settings, "n=50"]) == 0
    assert out.exists()
