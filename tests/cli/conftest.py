"""Running a command in this process and looking at what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def learnt_run(tmp_path_factory: pytest.TempPathFactory, tiny_settings: list[str]) -> Path:
    """The folder of a run long enough for valid molecules."""
    from molgan.train import main

    run_dir = tmp_path_factory.mktemp("runs") / "learnt"
    longer = [
        "trainer.phases.autoencoder.molecules=16000",
        "trainer.phases.latent.molecules=8000",
        "trainer.averaging_half_life=500",
        "model.generator.decoder_width=96",
        "model.encoder.width=96",
        "trainer.phases.autoencoder.latent_noise=0.5",
        "trainer.intervals.evaluate=8000",
        "trainer.intervals.checkpoint=8000",
        "trainer.intervals.log=4000",
    ]
    assert main([*tiny_settings, *longer, f"run_dir={run_dir}"]) == 0
    return run_dir


Refused = Callable[[Callable[[Sequence[str]], int], Sequence[str], int], str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must fail, with one message and no traceback; returns the message."""

    def run(main: Callable[[Sequence[str]], int], arguments: Sequence[str], code: int) -> str:
        returned = main(arguments)
        printed = capsys.readouterr().err
        errors = [line for line in printed.splitlines() if line.startswith("error: ")]
        assert (returned, len(errors)) == (code, 1), printed
        assert "Traceback" not in printed
        return errors[0].removeprefix("error: ")

    return run
