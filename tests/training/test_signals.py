"""Real processes: killed, interrupted, and two at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from molgan.train import main

ROOT = Path(__file__).resolve().parents[2]

# Sends the process signals at a chosen step, or when it is about to complete the N-th file: an
# arbitrary moment, but the same one each time. Of several processes, the one that is named, or all.
DRIVER = """
import os, signal, sys
from pathlib import Path

import torch

from molgan.train import main
from molgan.training import Phase, Trainer

# A shell that starts the tests in the background makes them deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
where, number, count = os.environ["WHERE"], int(os.environ["NUMBER"]), 0
here = os.environ["STRIKE_RANK"] in ("all", os.environ.get("LOCAL_RANK", "0"))

def strike(original):
    def wrapper(*args):
        global count
        if count == number and here:
            for each in os.environ["SIGNALS"].split():
                os.kill(os.getpid(), int(each))
        count += 1
        return original(*args)
    return wrapper

if where == "step":
    Phase.advance = strike(Phase.advance)
if where == "fsync":
    os.fsync = strike(os.fsync)

fit = Trainer.fit

def watched(self):
    fit(self)
    networks = {name: net.state_dict() for name, net in self.context.networks.items()}
    torch.save(networks, f"{os.environ['OUT']}/rank{self.context.fabric.global_rank}.pt")

Trainer.fit = watched
sys.exit(main())
"""


def drive(
    folder: Path,
    settings: list[str],
    where: str = "nowhere",
    number: int = 0,
    *send: int,
    rank: str = "all",
) -> subprocess.CompletedProcess[str]:
    script = folder / "driver.py"
    script.write_text(DRIVER)
    signals = " ".join(str(int(each)) for each in send)
    variables = {"WHERE": where, "NUMBER": number, "SIGNALS": signals, "STRIKE_RANK": rank}
    return run([str(script), *settings], folder, **variables)


def run(
    arguments: list[str], folder: Path, **environment: object
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    variables = {key: str(value) for key, value in environment.items()}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "OUT": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("where", "number"),
    [
        pytest.param("step", 13, id="in-the-latent-phase"),
        pytest.param("fsync", 9, id="while-writing-a-file"),
    ],
)
def test_kill_9(finished_run, tmp_path, tiny_settings, assert_same_run, where, number):
    settings = [*tiny_settings, f"run_dir={tmp_path / 'run'}"]
    process = drive(tmp_path, settings, where, number, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "run" / "checkpoint.pt").exists()
    assert main(settings) == 0
    assert_same_run(finished_run, tmp_path / "run")
    library = (tmp_path / "run" / "library.smi").read_text()
    assert library == (finished_run / "library.smi").read_text()


# The first checkpoint that is due comes after three steps.
@pytest.mark.parametrize(
    ("number", "send", "code", "says"),
    [
        pytest.param(0, signal.SIGINT, 130, "stopped by Ctrl-C", id="ctrl-c-in-the-first-step"),
        pytest.param(19, signal.SIGTERM, 143, "stopped by SIGTERM", id="sigterm-in-a-later-phase"),
    ],
)
def test_a_signal_costs_nothing(
    finished_run, tmp_path, tiny_settings, assert_same_run, number, send, code, says
):
    run_dir = tmp_path / "run"
    settings = [*tiny_settings, f"run_dir={run_dir}"]
    process = drive(tmp_path, settings, "step", number, send)
    assert process.returncode == code
    assert process.stderr.count("stopping after this step") == 1
    assert f"{says}; everything saved so far is in {run_dir}" in process.stderr
    assert f"the same command with run_dir={run_dir} goes on from there" in process.stderr
    assert "Traceback" not in process.stderr
    steps = torch.load(run_dir / "checkpoint.pt", weights_only=True)["phase"]["steps"]
    assert steps == number % 8 + 1
    assert main(settings) == 0
    assert_same_run(finished_run, run_dir)


def test_a_second_ctrl_c_does_not_wait(tmp_path, tiny_settings):
    settings = [*tiny_settings, f"run_dir={tmp_path / 'run'}"]
    process = drive(tmp_path, settings, "step", 0, signal.SIGINT, signal.SIGINT)
    assert process.returncode == 130
    assert "no checkpoint yet: the same command begins anew" in process.stderr
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_two_processes(tmp_path, tiny_settings, assert_same_run):
    settings = [*tiny_settings, "devices=2"]
    undisturbed = run(["-m", "molgan.train", *settings], tmp_path)
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert undisturbed.stdout.count("molecules drawn from") == 1
    (run_dir,) = (tmp_path / "runs").glob("*/*")  # the second process makes no folder of its own
    assert "error" not in undisturbed.stderr

    settings.append(f"run_dir={tmp_path / 'other'}")
    killed = drive(tmp_path, settings, "step", 7, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    # Only one hears it, both stop: after the same step, the next at which they meet.
    stopped = drive(tmp_path, settings, "step", 5, signal.SIGTERM, rank="1")
    assert stopped.returncode == 143, stopped.stderr
    assert "goes on from there" in stopped.stderr
    resumed = drive(tmp_path, settings)
    assert resumed.returncode == 0, resumed.stderr
    ranks = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert ranks[0].keys() == ranks[1].keys()
    for name, weights in ranks[0].items():
        for key, value in weights.items():
            assert torch.equal(value, ranks[1][name][key]), (name, key)
    assert_same_run(run_dir, tmp_path / "other")
    # Each process has its own noise and its own molecules.
    state = torch.load(run_dir / "checkpoint.pt", weights_only=True)
    assert not torch.equal(*state["rng"])
