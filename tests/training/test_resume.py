"""Stopped anywhere and resumed, a run ends exactly as if nothing had happened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from molgan.errors import BundleError, ConfigError, MolganError, TrainingError
from molgan.training import Phase, checkpoint
from molgan.training.checkpoint import read_checkpoint, write_checkpoint
from molgan.training.trainer import CHECKPOINT


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("undisturbed")


@pytest.fixture
def reference(undisturbed: Path, make_trainer) -> Path:
    """The folder of the same run, never stopped; made once."""
    if not (undisturbed / "done").exists():
        make_trainer(undisturbed).fit()
        (undisturbed / "done").touch()
    return undisturbed


def resume(make_trainer, run_dir: Path, *overrides: str) -> None:
    state = run_dir / CHECKPOINT
    resume_from = state if state.exists() else None
    make_trainer(run_dir, *overrides, resume_from=resume_from).fit()


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(1, id="before-the-first-checkpoint"),
        pytest.param(3, id="just-after-a-checkpoint-of-the-autoencoder"),
        pytest.param(5, id="autoencoder"),
        pytest.param(8, id="between-autoencoder-and-latent"),
        pytest.param(13, id="latent"),
        pytest.param(16, id="between-latent-and-adversarial"),
        pytest.param(23, id="adversarial"),
        pytest.param(24, id="between-adversarial-and-refinement"),
        pytest.param(29, id="refinement"),
    ],
)
def test_a_stopped_run_ends_like_an_undisturbed_one(
    reference, tmp_path, make_trainer, stop_at, stopped, assert_same_run, step
):
    stop_at(step)
    with pytest.raises(stopped):
        make_trainer(tmp_path).fit()
    resume(make_trainer, tmp_path)
    assert_same_run(reference, tmp_path)


def test_stopped_twice(reference, tmp_path, make_trainer, stop_at, stopped, assert_same_run):
    for step in (4, 12):
        stop_at(step)
        with pytest.raises(stopped):
            resume(make_trainer, tmp_path)
    resume(make_trainer, tmp_path)
    assert_same_run(reference, tmp_path)


def test_stopped_while_the_checkpoint_is_written(
    reference, tmp_path, make_trainer, stopped, assert_same_run, monkeypatch
):
    writes = []

    def killed(descriptor: int) -> None:
        writes.append(descriptor)
        if len(writes) == 3:
            raise stopped

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "fsync", killed)
        with pytest.raises(stopped):
            make_trainer(tmp_path).fit()
    resume(make_trainer, tmp_path)
    assert_same_run(reference, tmp_path)


def test_tensorboard_has_the_points_of_metrics_jsonl(
    tmp_path, make_trainer, stop_at, stopped, rows
):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    settings = ["tracker=tensorboard", "trainer.phases.latent=null", "trainer.intervals.log=16"]

    def fit(resume_from: Path | None) -> None:
        trainer = make_trainer(tmp_path, *settings, resume_from=resume_from)
        try:
            trainer.fit()
        finally:
            for tracker in trainer.trackers:
                tracker.close()

    stop_at(5)
    with pytest.raises(stopped):
        fit(None)
    written = max(row["molecules_seen"] for row in rows(tmp_path))
    assert written > read_checkpoint(tmp_path / CHECKPOINT)["molecules_seen"]  # so it comes again
    fit(tmp_path / CHECKPOINT)
    events = reader.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    for key in ("loss/reconstruction", "eval/valid"):
        expected = [row["molecules_seen"] for row in rows(tmp_path) if key in row]
        assert [each.step for each in events.Scalars(key)] == expected


def test_resuming_a_finished_run_changes_nothing(
    reference, tmp_path, make_trainer, assert_same_run
):
    make_trainer(tmp_path).fit()
    resume(make_trainer, tmp_path)
    assert_same_run(reference, tmp_path)


def test_a_finished_run_takes_up_a_further_phase(
    reference, tmp_path, make_trainer, assert_same_run
):
    make_trainer(tmp_path, "trainer.phases.refinement=null").fit()
    resume(make_trainer, tmp_path)
    assert_same_run(reference, tmp_path)


def test_dropout_and_gumbel_noise_are_resumed_too(
    tmp_path, make_trainer, stop_at, stopped, assert_same_run
):
    settings = [
        "trainer.phases.autoencoder=null",
        "trainer.phases.latent=null",
        "trainer.phases.adversarial.discretization=gumbel_straight_through",
        "trainer.phases.adversarial.critic_steps=2",
        "trainer.phases.adversarial.molecules=256",
        "model.critic.dropout=0.3",
        "model.critic.spectral_norm=true",
        "loss=hinge",
    ]
    make_trainer(tmp_path / "one", *settings).fit()
    stop_at(6)
    with pytest.raises(stopped):
        make_trainer(tmp_path / "two", *settings).fit()
    resume(make_trainer, tmp_path / "two", *settings)
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_the_seed_decides(reference, tmp_path, make_trainer, assert_same_run):
    make_trainer(tmp_path / "same").fit()
    assert_same_run(reference, tmp_path / "same")
    make_trainer(tmp_path / "other", "seed=1").fit()
    with pytest.raises(AssertionError):
        assert_same_run(reference, tmp_path / "other")


def test_the_rate_after_a_resume_counts_only_what_was_done_since(
    reference, tmp_path, make_trainer, stop_at, stopped, monkeypatch
):
    clock = iter(float(second) for second in range(10_000))
    monkeypatch.setattr("molgan.training.running_means.time.monotonic", lambda: next(clock))
    stop_at(22)
    with pytest.raises(stopped):
        make_trainer(tmp_path).fit()
    trainer = make_trainer(tmp_path, resume_from=tmp_path / CHECKPOINT)
    rates = []
    monkeypatch.setattr(
        trainer, "_track", lambda name, row: rates.append(row.get("molecules_per_second"))
    )
    trainer.fit()
    assert all(rate <= 64 for rate in rates if rate is not None)


class TestCheckpointFile:
    def test_comes_back_as_it_went(self, tmp_path):
        path = tmp_path / "state.pt"
        write_checkpoint(path, {"a": torch.arange(3), "b": {"c": 1.5, "d": "text"}})
        state = read_checkpoint(path)
        assert torch.equal(state["a"], torch.arange(3))
        assert state["b"] == {"c": 1.5, "d": "text"}
        assert os.listdir(tmp_path) == ["state.pt"]

    def test_missing(self, tmp_path):
        with pytest.raises(BundleError, match=r"no checkpoint .*state\.pt"):
            read_checkpoint(tmp_path / "state.pt")

    @pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
    def test_truncated(self, tmp_path, kept):
        path = tmp_path / "state.pt"
        write_checkpoint(path, {"a": torch.zeros(1000)})
        content = path.read_bytes()
        path.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
        with pytest.raises(BundleError, match=r"state\.pt: it is truncated"):
            read_checkpoint(path)

    def test_foreign(self, tmp_path):
        path = tmp_path / "state.pt"
        path.write_text("CCO ethanol\n")
        with pytest.raises(BundleError, match=r"state\.pt: it is truncated or not one of molgan's"):
            read_checkpoint(path)

    @pytest.mark.parametrize("content", [{"format": 99}, {"weights": 1}, [1, 2]])
    def test_of_another_version(self, tmp_path, content):
        path = tmp_path / "state.pt"
        torch.save(content, path)
        with pytest.raises(BundleError, match=r"state\.pt has format .* reads format 1"):
            read_checkpoint(path)

    def test_runs_no_code(self, tmp_path):
        path = tmp_path / "state.pt"
        torch.save({"format": 1, "function": os.getcwd}, path)
        with pytest.raises(BundleError):
            read_checkpoint(path)

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
    def test_a_full_disk_keeps_the_one_before(self, tmp_path):
        path = tmp_path / "state.pt"
        write_checkpoint(path, {"a": torch.zeros(3)})
        before = path.read_bytes()
        (tmp_path / "state.partial").symlink_to("/dev/full")
        with pytest.raises(TrainingError, match=r"cannot write the checkpoint .*state\.pt"):
            write_checkpoint(path, {"a": torch.ones(100_000)})
        assert path.read_bytes() == before

    def test_a_defect_is_not_taken_for_a_full_disk(self, tmp_path):
        with pytest.raises(Exception, match="pickle") as caught:
            write_checkpoint(tmp_path / "state.pt", {"a": lambda: 0})
        assert not isinstance(caught.value, MolganError)


class TestWhatCannotBeResumed:
    @pytest.fixture
    def half(self, tmp_path, make_trainer, stop_at, stopped) -> Path:
        stop_at(4)
        with pytest.raises(stopped):
            make_trainer(tmp_path).fit()
        return tmp_path

    def test_networks_of_another_size(self, half, make_trainer):
        with pytest.raises(BundleError, match=r"checkpoint\.pt does not fit these settings"):
            resume(make_trainer, half, "model.encoder.width=48")

    def test_other_phases(self, half, make_trainer):
        with pytest.raises(BundleError, match="stopped in phase autoencoder, not in latent"):
            resume(make_trainer, half, "trainer.phases.autoencoder=null")

    def test_another_number_of_processes(self, half, make_trainer):
        state = torch.load(half / CHECKPOINT, weights_only=True)
        torch.save({**state, "rng": state["rng"].repeat(2, 1)}, half / CHECKPOINT)
        with pytest.raises(BundleError, match="written by 2 processes"):
            resume(make_trainer, half)

    def test_a_state_with_parts_missing(self, half, make_trainer):
        state = torch.load(half / CHECKPOINT, weights_only=True)
        del state["averages"]
        torch.save(state, half / CHECKPOINT)
        with pytest.raises(BundleError, match="does not fit"):
            resume(make_trainer, half)


def test_a_phase_with_settings_that_cannot_work_is_refused_before_the_first_runs(
    tmp_path, make_trainer, monkeypatch
):
    monkeypatch.setattr(Phase, "advance", lambda self: pytest.fail("trained"))
    with pytest.raises(ConfigError, match=r"trainer\.phases\.adversarial: .*discretization=hard"):
        make_trainer(tmp_path / "run", "trainer.phases.adversarial.discretization=hard")
    assert not (tmp_path / "run").exists()
