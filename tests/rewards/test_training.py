"""Objectives of users in a tiny training: tried before it starts, never its end."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from molgan.train import main

# Straight to the graph GAN, whose reward network asks for scores.
QUICK = ("trainer.phases.autoencoder=null", "trainer.phases.latent=null")
HANGS = """
import sys, time
lines = sys.stdin.read().split()
if len(lines) > 3 or "O" in lines:
    time.sleep(600)
for line in lines: print('{"score": 0.5}')
"""


def rows_of(run_dir: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def test_scores_of_the_training_set_are_worked_out_once(
    tmp_path, tiny_settings, monkeypatch
) -> None:
    monkeypatch.setenv("MOLGAN_CACHE", str(tmp_path / "cache"))
    log = tmp_path / "asked"
    (tmp_path / "mine.py").write_text(
        f"def score(smiles):\n    open({str(log)!r}, 'a').write(smiles + chr(10))\n    return 0.5\n"
    )
    reward = tmp_path / "mine.yaml"
    mine = {"type": "python", "function": f"{tmp_path / 'mine.py'}:score", "batch": False}
    reward.write_text(json.dumps({"components": {"mine": {**mine, "transform": "identity"}}}))
    settings = [*tiny_settings, *QUICK, f"reward={reward}"]
    assert main([*settings, f"run_dir={tmp_path / 'one'}"]) == 0
    first = set(log.read_text().splitlines())
    kept = list((tmp_path / "cache" / "scores").glob("*.scores"))
    assert len(kept) == 1
    log.unlink()
    assert main([*settings, f"run_dir={tmp_path / 'two'}"]) == 0
    training = {line.split()[0] for line in Path(_data(tiny_settings)).read_text().splitlines()}
    assert first & training
    # Only the trial asks for molecules of the training set again.
    assert len(set(log.read_text().splitlines()) & training) <= 3


def _data(settings: list[str]) -> str:
    return next(text for text in settings if text.startswith("data.path=")).partition("=")[2]


def test_a_command_that_hangs_costs_scores_and_not_the_run(tmp_path, tiny_settings) -> None:
    program = tmp_path / "program.py"
    program.write_text(HANGS)
    command = f"'reward.components.command.command={sys.executable} -S {program}'".strip("'")
    settings = ["reward=command", command, "reward.components.command.seconds=1.5"]
    shorter = ["trainer.phases.adversarial.molecules=32", "trainer.intervals.evaluate=1000"]
    run_dir = tmp_path / "run"
    assert main([*tiny_settings, *QUICK, *settings, *shorter, f"run_dir={run_dir}"]) == 0
    with (run_dir / "library.csv").open(newline="") as file:
        notes = {row["reward_note"] for row in csv.DictReader(file)}
    assert notes <= {"", "command: took longer than 1.5 s"}
    real = [row["reward/real"] for row in rows_of(run_dir) if "reward/real" in row]
    assert real
    assert real[0] < 0.5  # a failed score counts as the worst


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["reward=nowhere.yaml"], "reward.path=nowhere.yaml: there is no such file"),
        (["reward=quite_unknown"], "reward=quite_unknown: there is no such option"),
        (["reward=similar"], "reward.components.similarity.path must be given"),
        (
            ["reward=python", "reward.components.python.function={mine}:short"],
            "component python fails on each of 3 trial molecules; on ",
        ),
        (
            ["reward=python", "reward.components.python.function={mine}:raises"],
            "RuntimeError: no licence",
        ),
        (
            ["reward=lead_like", "reward.components.logp.transform.low=5"],
            "component logp: a double_sigmoid transform needs low below high, not low=5 and high=3",
        ),
    ],
)
def test_what_can_be_known_is_said_before_training_starts(
    settings, said, tmp_path, tiny_settings, capsys
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "def short(smiles):\n    return [1.0]\n"
        "def raises(smiles):\n    raise RuntimeError('no licence')\n"
    )
    given = [text.replace("{mine}", str(mine)) for text in settings]
    code = 1 if "no such file" in said else 2  # a file, or a setting
    assert main([*tiny_settings, *given, f"run_dir={tmp_path / 'run'}"]) == code
    printed = capsys.readouterr().err
    assert said in printed
    assert "Traceback" not in printed
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_a_reward_file_changed_since_is_refused_on_resuming(
    tmp_path, tiny_settings, capsys
) -> None:
    reward, run_dir = tmp_path / "mine.yaml", tmp_path / "run"
    settings = [*tiny_settings, *QUICK, f"reward={reward}", f"run_dir={run_dir}"]
    reward.write_text("components: {qed: {weight: 1}}")
    assert main(settings) == 0
    reward.write_text("components: {qed: {weight: 2}}")
    assert main(settings) == 2
    said = capsys.readouterr().err
    assert "another reward: components.qed.weight was 1.0 and is 2.0" in said
    reward.write_text("components: {qed: {weight: 1}}")
    assert main(settings) == 0
