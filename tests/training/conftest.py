"""Tiny trainers made without the command line, and helpers to compare what runs leave behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import instantiate

from molgan import building
from molgan.config import compose
from molgan.training import Phase, Trainer

MakeTrainer = Callable[..., Trainer]

# Figures about the machine or the scores' cache rather than about the molecules.
_OF_THE_MACHINE = ("per_second", "training_seconds", "oracle/hit_rate", "oracle/hits")


# Of runs that begin with a finished model: quiet, on the CPU, looked at often.
_LATER = (
    "device=cpu",
    "precision=32-true",
    "progress=false",
    "trainer.evaluation.samples=24",
    "trainer.intervals={log: 64, evaluate: 96, checkpoint: 96}",
)


# Networks with a share of the latent for each atom, a tenth of their size; a sampler that denoises.
_SHARES = (
    "model.generator.latent_dim=4",
    "model.generator.per_atom=true",
    "model.generator.decoder={network: SlotDecoder, width: 24, blocks: 1}",
    "model.generator.sampler={network: DenoisingSampler, width: 24, blocks: 1, steps: 3, "
    "weaker: {width: 12, blocks: 1}}",
    "model.encoder._target_=molgan.models.SlotEncoder",
    "model.encoder.width=24",
    "model.latent_critic._target_=molgan.models.SlotLatentCritic",
    "model.latent_critic.width=24",
    "+model.latent_critic.trunk_blocks=1",
    "trainer.phases.denoising={_target_: molgan.training.DenoisingPhase, _partial_: true, "
    "molecules: 96, batch_size: 16, learning_rate: 0.003, like_sized: 3, "
    "weaker_molecules: 64}",
)


@pytest.fixture
def shares() -> tuple[str, ...]:
    """Settings of networks with a share of the latent for each atom, and a denoising phase."""
    return _SHARES


def _build(settings: Sequence[str], run_dir: Path | None, resume_from: Path | None) -> Trainer:
    cfg = compose(settings)
    fabric = building.build_fabric(cfg)
    fabric.launch()
    return building.build_trainer(cfg, instantiate(cfg.data), fabric, run_dir, resume_from)


@pytest.fixture(scope="session")
def make_trainer(tiny_settings: list[str]) -> MakeTrainer:
    """Make a trainer with the tiny settings and further overrides."""

    def make(run_dir: Path | None, *overrides: str, resume_from: Path | None = None) -> Trainer:
        return _build([*tiny_settings, *overrides], run_dir, resume_from)

    return make


@pytest.fixture(scope="session")
def make_later_trainer() -> MakeTrainer:
    """Make a trainer that begins with a finished model, which the overrides name."""

    def make(run_dir: Path | None, *overrides: str, resume_from: Path | None = None) -> Trainer:
        return _build([*_LATER, *overrides], run_dir, resume_from)

    return make


class Stopped(BaseException):
    """What the tests raise in the middle of a run; nothing in molgan may catch it."""


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make training stop, as if killed, when it is about to take the given step (from 0)."""

    def arm(step: int) -> None:
        taken = 0
        original = Phase.advance

        def advance(self: Phase) -> dict[str, torch.Tensor]:
            nonlocal taken
            if taken == step:
                monkeypatch.setattr(Phase, "advance", original)
                raise Stopped
            taken += 1
            return original(self)

        monkeypatch.setattr(Phase, "advance", advance)

    return arm


@pytest.fixture
def stopped() -> type[Stopped]:
    return Stopped


def read_rows(run_dir: Path) -> list[dict[str, Any]]:
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture
def rows() -> Callable[[Path], list[dict[str, Any]]]:
    """Reader of all rows of a run's metrics.jsonl."""
    return read_rows


@pytest.fixture
def assert_same_run() -> Callable[[Path, Path], None]:
    """Compare weights, resume state, figures and molecules of two runs, bit for bit."""

    def compare(one: Path, other: Path) -> None:
        states = [torch.load(each / "checkpoint.pt", weights_only=True) for each in (one, other)]
        _assert_equal(*states, where="checkpoint")
        figures = [[_comparable(row) for row in read_rows(each)] for each in (one, other)]
        assert figures[0] == figures[1]
        names = [
            sorted(path.name for path in (each / "samples").iterdir()) for each in (one, other)
        ]
        assert names[0] == names[1]
        for name in names[0]:
            assert (one / "samples" / name).read_text() == (other / "samples" / name).read_text()

    return compare


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if not any(m in key for m in _OF_THE_MACHINE)}


def _assert_equal(one: Any, other: Any, where: str) -> None:
    assert type(one) is type(other), where
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for key, value in one.items():
            _assert_equal(value, other[key], f"{where}/{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for index, (first, second) in enumerate(zip(one, other, strict=True)):
            _assert_equal(first, second, f"{where}/{index}")
    else:
        assert one == other or (one != one and other != other), where
