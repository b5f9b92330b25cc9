"""`molgan.train` as a user meets it: what a run leaves behind, and what it says to bad input."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from rdkit import Chem

from molgan import config
from molgan.bundle import Bundle
from molgan.library.locks import held
from molgan.train import hints, main


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def copied_run(finished_run: Path, run_dir: Path) -> Path:
    """A finished run that a test may spoil."""
    shutil.copytree(finished_run, run_dir)
    return run_dir


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run but its log, which each command adds to."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".log" and ".hydra" not in path.parts
    }


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file can grow beyond so many bytes: the system refuses as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# ------------------------------------------------------------------ a good run


@pytest.mark.parametrize(
    ("typed", "atoms", "reward", "said"),
    [
        ([], 9, "druglike", []),
        ([], 30, "druglike", ["experiment=zinc250k data.split=random"]),
        (["experiment=zinc250k"], 30, "none", []),
        ([], 9, "qed", ["reward=qed is measured, not followed"]),
        (["trainer.phases.adversarial.reward_weight=0.5"], 9, "qed", []),
        (["experiment=optimize"], 30, "qed", []),
    ],
)
def test_what_a_newcomer_may_not_expect_is_said(typed, atoms, reward, said):
    found = hints(config.compose(typed), atoms, reward)
    assert len(found) == len(said)
    assert all(words in hint for words, hint in zip(said, found, strict=True))


def test_what_a_run_leaves_behind(learnt_run: Path, tiny_settings):
    names = {path.name for path in learnt_run.iterdir()}
    assert names == {
        *(
            "config.json",
            "manifest.json",
            "metrics.jsonl",
            "report.html",
            "results.json",
            "train.log",
        ),
        *("best.molgan", "last.molgan", "checkpoint.pt", "samples", ".hydra"),
        *("library.smi", "library.csv", "library.png", "training.png", "training.html"),
    }
    config = json.loads((learnt_run / "config.json").read_text())
    assert config["trainer"]["phases"]["latent"]["batch_size"] == 32
    assert config["data"]["seed"] == 0  # references are resolved
    manifest = json.loads((learnt_run / "manifest.json").read_text())
    assert manifest["seed"] == 0
    assert {"molgan", "torch", "rdkit", "python"} <= set(manifest["versions"])
    assert manifest["hardware"]["device"] == "cpu"
    assert len(manifest["data"]["content_hash"]) == 64
    assert sum(manifest["data"]["molecules"].values()) == 25
    for picture in ("library.png", "training.png"):
        assert (learnt_run / picture).read_bytes().startswith(b"\x89PNG")
    assert "25 of 25 molecules kept" in (learnt_run / "train.log").read_text()


def test_rows_of_metrics(finished_run: Path):
    rows = [json.loads(line) for line in (finished_run / "metrics.jsonl").read_text().splitlines()]
    assert [row["phase"] for row in rows] == sorted(
        (row["phase"] for row in rows),
        key=["autoencoder", "latent", "adversarial", "refinement", "final"].index,
    )
    seen = [row["molecules_seen"] for row in rows]
    assert seen == sorted(seen)
    assert seen[-1] == 768
    losses = [row for row in rows if "molecules_per_second" in row]
    assert [row["molecules_seen"] for row in losses] == list(range(64, 769, 64))
    evaluations = [row["molecules_seen"] for row in rows if "eval/valid" in row]
    # Not while the autoencoder learns.
    assert evaluations == [288, 384, 480, 512, 576, 640, 672, 768]
    assert "final/valid" in rows[-1]


def test_samples_on_fixed_noise(finished_run: Path):
    names = sorted(path.name for path in (finished_run / "samples").iterdir())
    assert names == [f"{seen:012d}.csv" for seen in (288, 384, 480, 512, 576, 640, 672, 768)]
    header = (finished_run / "samples" / names[-1]).read_text().splitlines()[0].split(",")
    assert {"name", "smiles", "qed", "sa", "reward", "novel", "drawn"} <= set(header)


def test_the_library(learnt_run: Path):
    lines = (learnt_run / "library.smi").read_text().splitlines()
    assert lines
    smiles, names = zip(*(line.split(" ") for line in lines), strict=True)
    assert all(Chem.MolFromSmiles(each) is not None for each in smiles)
    assert len(set(names)) == len(set(smiles)) == len(lines)
    table = (learnt_run / "library.csv").read_text().splitlines()
    assert len(table) == len(lines) + 1


def test_results_are_those_of_the_saved_model(learnt_run: Path):
    results = json.loads((learnt_run / "results.json").read_text(), parse_constant=pytest.fail)
    bundle = Bundle.load(learnt_run / "last.molgan")
    assert results["n"] == 40
    assert results == bundle.metrics
    drawn = [d for draw in bundle.sampler().stream(40, seed=1) for d in draw.decoded]
    assert sum(item.smiles is not None for item in drawn) == results["n_valid"]


def test_tensorboard_on_request(run_dir: Path, tiny_settings):
    pytest.importorskip("tensorboard")
    quick = ["trainer.phases.autoencoder=null", "trainer.phases.latent=null"]
    assert main([*tiny_settings, *quick, "tracker=tensorboard", f"run_dir={run_dir}"]) == 0
    assert list((run_dir / "tensorboard").glob("events.*"))


@pytest.mark.parametrize(
    "recipe",
    [
        ["experiment=molgan_paper", "model.critic.head_units=[16]"],
        ["reward=none", "trainer.phases.adversarial.reward_weight=0"],
        ["trainer.phases.adversarial=null", "reward=qed", "trainer.evaluation.repair=valence"],
    ],
    ids=["paper", "no reward", "no graph critic"],
)
def test_recipes_go_through(run_dir: Path, small_set: Path, recipe: list[str]):
    settings = [
        *recipe,
        "debug=smoke",
        "trainer.phase_limit=600",
        "trainer.intervals.evaluate=600",
        "data=file",
        f"data.path={small_set}",
        "device=cpu",
        "progress=false",
        f"run_dir={run_dir}",
    ]
    assert main(settings) == 0
    assert (run_dir / "results.json").is_file()


@pytest.mark.parametrize("smiles", ["CCO", "C"])
def test_one_molecule_is_enough(run_dir: Path, tmp_path, tiny_settings, smiles: str):
    (tmp_path / "one.smi").write_text(f"{smiles}\n")
    settings = [*tiny_settings, f"data.path={tmp_path / 'one.smi'}", f"run_dir={run_dir}"]
    assert main(settings) == 0
    assert (run_dir / "library.smi").is_file()


def test_bad_lines_among_good_ones_are_left_out_and_counted(
    run_dir: Path, small_set: Path, tmp_path, tiny_settings, capsys
):
    polymer = b"C" * 10_000
    bad = b"\n\n\xff\xfe\x00 bytes\nnot a molecule\n[Na+].[Cl-] salt\n" + polymer + b" polymer\n"
    (tmp_path / "mixed.smi").write_bytes(bad + small_set.read_bytes())
    path = f"data.path={tmp_path / 'mixed.smi'}"
    assert main([*tiny_settings, path, f"run_dir={run_dir}"]) == 0
    printed = capsys.readouterr().err
    assert "25 of 31 " in printed
    for reason in ("blank", "UTF-8", "cannot read", "fragment", "atoms"):
        assert reason in printed
    assert max(len(line) for line in printed.splitlines()) < 400


# ------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("name", "content", "settings", "words"),
    [
        ("gone.smi", None, [], ["gone.smi", "no "]),
        ("empty.smi", b"", [], ["empty.smi is empty"]),
        ("blank.smi", b"\n\n  \n", [], ["blank.smi", "no usable molecule"]),
        ("text.smi", b"hello world\nwhat is this\n", [], ["text.smi", "no usable molecule"]),
        ("salts.smi", b"[Na+].[Cl-]\n[K+].[Br-]\n", [], ["salts.smi", "no usable molecule"]),
        ("polymer.smi", b"C" * 10_000 + b"\n", [], ["polymer.smi", "no usable molecule"]),
        ("bytes.smi", b"\x80\xfa\n\xff\n", [], ["bytes.smi", "no usable molecule"]),
        ("t.csv", b"id,smiles\n1,CCO\n", ["data.column=mol"], ["t.csv", "'mol'", "'smiles'"]),
        ("t.csv", b"id,structure_text\n1,CCO\n", [], ["t.csv", "data.column"]),
        ("t.xyz", b"CCO\n", [], ["t.xyz"]),
        ("cut.smi.gz", b"\x1f\x8b\x08\x00\x00", [], ["cut.smi.gz"]),
    ],
)
def test_files_that_cannot_be_used(
    run_dir, tmp_path, tiny_settings, refused, name, content, settings, words
):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    path = f"data.path={tmp_path / name}"
    message = refused(main, [*tiny_settings, path, *settings, f"run_dir={run_dir}"], 1)
    for word in words:
        assert word in message
    assert len(message) < 800


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("trainer.phases.latent.batchsize=3", ["batchsize", "did you mean", "batch_size"]),
        ("lr=3", ["'lr'"]),
        ("reward=drugs", ["reward=drugs", "druglike"]),
        ("experiment=qm8", ["experiment=qm8", "qm9"]),
        ("seed=abc", ["seed=abc", "number"]),
    ],
)
def test_settings_that_do_not_exist(run_dir, tiny_settings, refused, setting, words):
    message = refused(main, [*tiny_settings, setting, f"run_dir={run_dir}"], 2)
    for word in words:
        assert word in message
    assert not run_dir.exists()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("seed=null", ["seed=null", "whole number"]),
        ("seed=-1", ["seed=-1"]),
        ("seed=0.5", ["seed=0.5"]),
        ("devices=0", ["devices=0"]),
        ("device=abacus", ["device=abacus"]),
        ("precision=16-mixed", ["precision=16-mixed", "bf16-mixed"]),
        ("data.split=alphabetical", ["alphabetical", "scaffold"]),
        ("loss.objective=minimacks", ["loss.objective", "minimacks", "relativistic"]),
        ("model.critic.activation=sigh", ["model.critic", "sigh"]),
        ("trainer.guard.action=panic", ["trainer.guard.action=panic", "lower_reward"]),
        ("trainer.phases.latent.objective=x", ["trainer.phases.latent", "objective=x"]),
        ("trainer.evaluation.repair=glue", ["repair=glue", "valence"]),
        ("optimizer.betas=[2,0]", ["trainer.phases.autoencoder", "beta"]),
        ("model=molgan", ["trainer.phases.autoencoder", "model=latent"]),
    ],
)
def test_values_that_cannot_work(copied_run, tiny_settings, refused, setting, words):
    before = contents(copied_run)
    settings = tiny_settings
    if setting == "model=molgan":
        settings = [each for each in tiny_settings if not each.startswith("model.")]
    message = refused(main, [*settings, "resume=never", setting, f"run_dir={copied_run}"], 2)
    for word in words:
        assert word in message
    assert contents(copied_run) == before


def test_no_gpu(run_dir, tiny_settings, refused, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = refused(main, [*tiny_settings, "device=cuda", f"run_dir={run_dir}"], 2)
    assert "torch sees no GPU" in message


def test_a_run_folder_that_is_a_file(tmp_path, tiny_settings, refused):
    (tmp_path / "run").write_text("mine")
    message = refused(main, [*tiny_settings, f"run_dir={tmp_path / 'run'}"], 1)
    assert str(tmp_path / "run") in message
    assert (tmp_path / "run").read_text() == "mine"


# ---------------------------------------------------------------------- resume


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "truncated"),
        (lambda path: path.write_bytes(b""), "truncated"),
        (lambda path: path.write_text("CCO ethanol\n"), "not one of molgan's"),
        (lambda path: torch.save({"format": 99}, path), "format 99"),
        (lambda path: torch.save({"format": 1}, path), "'networks'"),
    ],
    ids=["truncated", "empty", "foreign", "another version", "incomplete"],
)
def test_checkpoints_that_cannot_be_used(copied_run, tiny_settings, refused, spoil, words):
    spoil(copied_run / "checkpoint.pt")
    before = contents(copied_run)
    message = refused(main, [*tiny_settings, f"run_dir={copied_run}"], 1)
    assert str(copied_run / "checkpoint.pt") in message
    assert words in message
    assert contents(copied_run) == before


def test_a_run_with_other_settings_is_not_overwritten(copied_run, tiny_settings, refused):
    before = contents(copied_run)
    changed = "trainer.phases.latent.learning_rate=0.1"
    message = refused(main, [*tiny_settings, changed, f"run_dir={copied_run}"], 2)
    assert "trainer.phases.latent.learning_rate (0.0004 before, 0.1 now)" in message
    assert "resume=never" in message
    assert contents(copied_run) == before


def test_two_trainings_at_once_in_one_folder(copied_run, tiny_settings, refused):
    models = {path: path.read_bytes() for path in copied_run.glob("*.molgan")}
    with held(copied_run, "run_dir", "training"):
        for resume in ("auto", "never"):
            typed = [*tiny_settings, f"run_dir={copied_run}", f"resume={resume}"]
            assert "another training is writing there" in refused(main, typed, 1)
    assert {path: path.read_bytes() for path in copied_run.glob("*.molgan")} == models


def test_data_that_changed_since(copied_run, tmp_path, small_set, tiny_settings, refused):
    # The same path, other molecules.
    other = tmp_path / "other.smi"
    other.write_bytes(small_set.read_bytes())
    config = json.loads((copied_run / "config.json").read_text())
    config["data"]["path"] = str(other)
    (copied_run / "config.json").write_text(json.dumps(config))
    settings = [*tiny_settings, f"data.path={other}", f"run_dir={copied_run}"]
    other.write_text(small_set.read_text().replace("CCN", "CNC"))
    before = contents(copied_run)
    assert "data have changed" in refused(main, settings, 2)
    assert contents(copied_run) == before


def test_resume_from_nothing(run_dir, tmp_path, tiny_settings, refused):
    path = tmp_path / "nowhere"
    message = refused(main, [*tiny_settings, f"resume={path}", f"run_dir={run_dir}"], 1)
    assert str(path) in message
    assert "auto" in message


def test_never_starts_anew(copied_run, tiny_settings):
    (copied_run / "samples" / "999999999999.csv").write_text("of another run")
    first = (copied_run / "manifest.json").stat().st_mtime_ns
    others = ("latent", "adversarial", "refinement")
    quick = [f"trainer.phases.{name}=null" for name in others]
    assert main([*tiny_settings, *quick, "resume=never", f"run_dir={copied_run}"]) == 0
    assert (copied_run / "manifest.json").stat().st_mtime_ns > first
    assert not list((copied_run / "samples").iterdir())
    assert not (copied_run / "best.molgan").exists()  # the autoencoder alone is never judged


# ------------------------------------------------------------------- full disk


def test_a_disk_full_at_the_checkpoint(
    finished_run, copied_run, tmp_path, tiny_settings, refused, monkeypatch
):
    """The earlier checkpoint stays, and with space made the run ends as if nothing had been."""
    # A new run stops when its checkpoint outgrows the disk, between two phases.
    new = tmp_path / "new"
    settings = [*tiny_settings, f"run_dir={new}"]
    bundle = (finished_run / "last.molgan").stat().st_size
    with largest_file(bundle + 20_000):
        message = refused(main, settings, 1)
    assert "cannot write the checkpoint" in message
    assert str(new / "checkpoint.pt") in message
    assert not list(new.glob("*.partial"))
    assert main(settings) == 0
    assert (new / "library.smi").read_bytes() == (finished_run / "library.smi").read_bytes()


def test_a_disk_full_at_the_model(finished_run, tmp_path, tiny_settings, refused):
    new = tmp_path / "new"
    settings = [*tiny_settings, f"run_dir={new}"]
    with largest_file((finished_run / "last.molgan").stat().st_size // 2):
        message = refused(main, settings, 1)
    assert "cannot write" in message
    assert "last.molgan" in message
    assert not list(new.glob("*.partial"))
    assert main(settings) == 0


def test_a_disk_full_at_the_end_keeps_the_model(copied_run, tiny_settings, refused, monkeypatch):
    """The library cannot be written: what training made is there, and the same command ends it."""
    library = (copied_run / "library.smi").read_bytes()
    (copied_run / "library.smi").unlink()
    replace = os.replace

    def full(source, target, **kwargs):
        if str(target).endswith("library.smi"):
            raise OSError(28, "No space left on device", str(target))
        return replace(source, target, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        message = refused(main, [*tiny_settings, f"run_dir={copied_run}"], 1)
    assert "library.smi" in message
    assert "disk is full" in message
    Bundle.load(copied_run / "last.molgan")
    assert main([*tiny_settings, f"run_dir={copied_run}"]) == 0
    assert (copied_run / "library.smi").read_bytes() == library
