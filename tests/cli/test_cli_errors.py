"""The wrapper of all commands: one clear message, the right exit code, nothing lost."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.utils import instantiate

from molgan import cli, config
from molgan.errors import ConfigError, DataError

Task = Callable[[object], object]


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A small command: its own settings, molgan's own behaviour of runs (conf/hydra)."""
    folder = tmp_path / "conf"
    (folder / "data").mkdir(parents=True)
    (folder / "hydra").symlink_to(config.config_dir() / "hydra")
    run_dir = tmp_path / "runs" / "here"
    (folder / "train.yaml").write_text(
        f"defaults:\n  - _self_\n  - data: small\n  - hydra: default\nrun_dir: {run_dir}\nseed: 0\n"
    )
    (folder / "generate.yaml").write_text("defaults:\n  - _self_\n  - hydra: base\nn: 10\n")
    (folder / "data" / "small.yaml").write_text("path: small.smi\n")
    (folder / "data" / "file.yaml").write_text("path: ???\n")
    return folder


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "here"


def raising(error: BaseException) -> Task:
    def task(cfg: object) -> None:
        raise error

    return task


def test_a_run_that_works(conf: Path, run_dir: Path, capsys: pytest.CaptureFixture[str]):
    seen = []
    log = logging.getLogger("molgan.train")

    def task(cfg: object) -> None:
        log.info("hello")
        seen.append(cfg)

    assert cli.run(task, "train", ["seed=3"], conf) == 0
    assert seen[0].seed == 3
    assert "hydra" not in seen[0]
    assert capsys.readouterr().err == "hello\n"
    assert "INFO molgan.train: hello" in (run_dir / "train.log").read_text()
    assert (run_dir / ".hydra" / "overrides.yaml").read_text() == "- seed=3\n"


def test_the_process_is_as_before_afterwards(conf: Path):
    root = logging.getLogger()
    before = (list(root.handlers), root.level, list(sys.argv), dict(os.environ), Path.cwd())
    assert cli.run(raising(DataError("no")), "train", [], conf) == 1
    assert (list(root.handlers), root.level, list(sys.argv), dict(os.environ), Path.cwd()) == before


def test_a_command_without_run_folder_writes_nothing(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert cli.run(lambda cfg: None, "generate", ["n=3"], conf) == 0
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("data.smi line 3: nothing"), 1, "error: data.smi line 3: nothing"),
        (ConfigError("seed must be positive"), 2, "error: seed must be positive"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x.smi"), 1, "x.smi"),
        (PermissionError(errno.EACCES, "Permission denied", "y.smi"), 1, "denied: y.smi"),
        (OSError(errno.ENOSPC, "No space left on device", "z.smi"), 1, "no space left"),
        (OSError(errno.ENOSPC, "No space left on device", "z.smi"), 1, "z.smi"),
        (MemoryError(), 1, "out of memory"),
        (KeyboardInterrupt(), 130, "stopped by Ctrl-C; everything saved so far is in"),
    ],
)
def test_errors_the_user_can_mend(
    conf: Path, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, message: str
):
    assert cli.run(raising(error), "train", [], conf) == code
    printed = capsys.readouterr().err
    assert message in printed
    assert "Traceback" not in printed
    assert len(printed.strip().splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_named_with_its_setting(conf: Path, tmp_path, capsys):
    (tmp_path / "notes").touch()
    wanted = tmp_path / "notes" / "run"
    assert cli.run(raising(AssertionError()), "train", [f"run_dir={wanted}"], conf) == 1
    said = f"error: cannot write run_dir={wanted}: a part of its path is a file, not a folder"
    assert capsys.readouterr().err.strip() == said


@pytest.mark.parametrize("saved", [True, False])
def test_ctrl_c_says_whether_one_can_go_on(conf: Path, run_dir: Path, capsys, saved: bool):
    def task(cfg: object) -> None:
        if saved:
            (run_dir / "checkpoint.pt").touch()
        raise KeyboardInterrupt

    assert cli.run(task, "train", [], conf) == 130
    words = "goes on from there" if saved else "no checkpoint yet: the same command begins anew"
    assert words in capsys.readouterr().err


def test_what_to_type_next_is_quoted_for_the_shell(tmp_path: Path, capsys):
    folder = tmp_path / "my run (1)"
    folder.mkdir()
    (folder / "checkpoint.pt").touch()
    assert cli.report(KeyboardInterrupt(), folder=folder) == 130
    assert f"with 'run_dir={folder}' goes on" in capsys.readouterr().err


def test_a_defect_shows_its_traceback(conf: Path, run_dir: Path, capsys):
    assert cli.run(raising(ZeroDivisionError("by nought")), "train", [], conf) == 1
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert "ZeroDivisionError: by nought (this is a defect of molgan" in printed
    assert "by nought" in (run_dir / "train.log").read_text()


def test_the_log_holds_the_traceback_of_a_mendable_error(conf: Path, run_dir: Path):
    cli.run(raising(DataError("bad line")), "train", [], conf)
    assert "Traceback" in (run_dir / "train.log").read_text()


@pytest.mark.parametrize("way", ["argument", "environment"])
def test_traceback_on_request(conf: Path, capsys, monkeypatch: pytest.MonkeyPatch, way: str):
    if way == "environment":
        monkeypatch.setenv("MOLGAN_TRACEBACK", "1")
    arguments = ["traceback=true"] if way == "argument" else []
    assert cli.run(raising(DataError("bad line")), "train", arguments, conf) == 1
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert printed.endswith("error: bad line\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sed=1"], "'sed'; did you mean seed?"),
        (["data=smal"], "did you mean data=small?"),
        (["seed=many"], "seed=many: a number is wanted"),
        (["data=file"], "data.path must be given: add data.path=... to the command"),
        (["what is this"], "'what is this'"),
        (["seed=1,2"], "seed=1,2"),
        (["--multirun", "sed=1,2"], "'sed'"),
    ],
)
def test_unusable_settings_end_before_the_run_begins(
    conf: Path, run_dir: Path, capsys, arguments: list[str], message: str
):
    called = []
    assert cli.run(called.append, "train", arguments, conf) == 2
    assert not called
    assert not run_dir.exists()
    printed = capsys.readouterr().err
    assert message in printed
    assert len(printed.strip().splitlines()) == 1


def test_a_constructors_own_words_come_through_instantiate(conf: Path, capsys):
    def task(cfg: object) -> None:
        instantiate({"data": {"_target_": "fractions.Fraction", "numerator": "x"}})

    assert cli.run(task, "train", [], conf) == 2
    assert capsys.readouterr().err == "error: data: Invalid literal for Fraction: 'x'\n"


def test_a_molgan_error_comes_through_instantiate(conf: Path, capsys):
    def task(cfg: object) -> None:
        instantiate({"a": {"_target_": "molgan.config.compose", "config_name": "nowhere"}})

    assert cli.run(task, "train", [], conf) == 2
    assert capsys.readouterr().err.startswith("error: there is no settings file nowhere.yaml")


def test_help_explains_the_settings(conf: Path, run_dir: Path, capsys):
    assert cli.run(raising(DataError("not run")), "train", ["--help"], conf) == 0
    printed = capsys.readouterr().out
    assert "usage: python -m molgan.train [KEY=VALUE ...]" in printed
    assert "      file, small" in printed
    assert "seed: 0" in printed
    assert not run_dir.exists()


@pytest.mark.parametrize("typed", ["--data", "--seed=5", "--small.smi"])
def test_dashes_are_refused_with_what_to_type(conf: Path, run_dir: Path, capsys, typed: str):
    assert cli.run(raising(DataError("not run")), "train", [typed, "x"], conf) == 2
    assert f"no option {typed}: settings are typed without dashes" in capsys.readouterr().err
    assert not run_dir.exists()


def test_settings_can_be_shown_without_running(conf: Path, capsys):
    assert cli.run(raising(DataError("not run")), "train", ["--cfg", "job", "seed=8"], conf) == 0
    assert "seed: 8" in capsys.readouterr().out


def test_multirun_runs_each_job_in_its_own_folder(conf: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seeds = []
    task = lambda cfg: seeds.append(cfg.seed)  # noqa: E731
    assert cli.run(task, "train", ["--multirun", "seed=1,2"], conf) == 0
    assert seeds == [1, 2]
    logs = [path.parent.name for path in tmp_path.glob("runs/multirun/**/train.log")]
    assert sorted(logs) == ["0", "1"]


def test_a_reader_that_goes_away_is_no_error(conf: Path):
    code = (
        "import sys; from pathlib import Path; from molgan import cli\n"
        "def task(cfg):\n"
        "    for i in range(200000): print('C' * 50)\n"
        f"sys.exit(cli.run(task, 'generate', [], Path({str(conf)!r})))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 141
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_disk_that_is_really_full(conf: Path, capsys):
    def task(cfg: object) -> None:
        with open("/dev/full", "w") as stream:
            stream.write("C" * 100_000)

    assert cli.run(task, "train", [], conf) == 1
    assert "no space left on the disk" in capsys.readouterr().err
