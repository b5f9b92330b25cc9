"""The collapse guard, by figures made by hand and in a run."""

from __future__ import annotations

import logging
import re
from types import SimpleNamespace

import pytest
import torch

from molgan.errors import ConfigError, TrainingError
from molgan.training import CollapseGuard


def figures(unique: float = 0.9, scaffolds: int = 10, gap: float = 0.0) -> dict[str, float]:
    return {"n_valid": 50, "unique": unique, "scaffolds": scaffolds, "critic/gap": gap}


def phase() -> SimpleNamespace:
    return SimpleNamespace(reward_scale=1.0)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"n_valid": 0, "unique": 0.0, "scaffolds": 0}, "no valid molecule"),
        (figures(unique=0.49), r"only 49\.0% of the valid molecules are distinct"),
        (figures(scaffolds=2), "2 distinct scaffolds, down from 10"),
        (
            figures() | {"copied": 0.3},
            r"only 70\.0% of the molecules drawn are not in",
        ),
        (figures(gap=51.0), r"the critic wins by 51\.0"),
        (figures(gap=-51.0), r"the critic wins by -51\.0"),
    ],
)
def test_what_counts_as_collapse(bad, words, caplog):
    guard = CollapseGuard(patience=1, min_novel=0.8)
    assert guard.check(figures() | {"copied": 0.2}, phase()) is None
    with caplog.at_level(logging.WARNING, "molgan"):
        assert guard.check(bad, phase()) is not None
    assert len(caplog.records) == 1
    assert re.search(words, caplog.text)


def test_thresholds_themselves_are_good_enough():
    guard = CollapseGuard(patience=1, action="stop")
    guard.check(figures(scaffolds=10), phase())
    assert guard.check(figures(unique=0.5, scaffolds=3, gap=50.0), phase()) is None


def test_patience_counts_evaluations_in_a_row(caplog):
    guard = CollapseGuard(patience=3, action="stop")
    bad = figures(unique=0.1)
    for each in (bad, bad, figures(), bad, bad):
        guard.check(each, phase())
    assert not caplog.records
    with pytest.raises(TrainingError, match=r"collapsing \(only 10\.0% .*guard\.action=stop"):
        guard.check(bad, phase())


def test_lower_reward_halves_it_each_time_patience_ends():
    guard, running = CollapseGuard(patience=2, action="lower_reward"), phase()
    scales = []
    for _ in range(6):
        guard.check(figures(unique=0.1), running)
        scales.append(running.reward_scale)
    assert scales == [1.0, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_learning_by_heart_is_no_matter_unless_it_is_asked_for():
    assert CollapseGuard(patience=1).check(figures() | {"copied": 0.9}, phase()) is None


def test_lower_reward_only_warns_where_there_is_no_reward(caplog):
    guard = CollapseGuard(patience=1, action="lower_reward")
    guard.check(figures(unique=0.1), SimpleNamespace())
    assert "collapse guard: only 10.0%" in caplog.text


def test_state_survives():
    guard = CollapseGuard(patience=3)
    guard.check(figures(scaffolds=20), phase())
    guard.check(figures(scaffolds=1), phase())
    other = CollapseGuard(patience=3)
    other.load_state_dict(guard.state_dict())
    assert (other.failures, other.most_scaffolds) == (1, 20)


@pytest.mark.parametrize("wrong", [{"action": "panic"}, {"patience": 0}])
def test_settings_that_cannot_work(wrong):
    with pytest.raises(ConfigError, match=rf"trainer\.guard\.{next(iter(wrong))}"):
        CollapseGuard(**wrong)


def test_the_gap_of_a_critic_that_is_through_is_no_trouble(make_trainer):
    trainer, good = make_trainer(None), figures()
    del good["critic/gap"]
    trainer.means.add({"critic/gap": torch.tensor(60.0)})
    trainer._log_losses("adversarial")
    assert trainer.guard.check(good | trainer.figures, phase()) == "the critic wins by 60.0"
    trainer.means.add({"loss/kept": torch.tensor(1.0)})
    trainer._log_losses("refinement")
    assert trainer.guard.check(good | trainer.figures, phase()) is None


# In a run: nothing is ever distinct enough for min_unique=1.1.
COLLAPSED = ("trainer.guard.min_unique=1.1", "trainer.guard.patience=1")


def test_stop_in_a_run_keeps_models_and_checkpoint(tmp_path, make_trainer):
    trainer = make_trainer(tmp_path, *COLLAPSED, "trainer.guard.action=stop")
    with pytest.raises(TrainingError, match="collapsing"):
        trainer.fit()
    assert {"best.molgan", "checkpoint.pt", "last.molgan"} <= {p.name for p in tmp_path.iterdir()}
    # The first evaluation is in the latent phase; nothing was trained after it.
    assert trainer.molecules_seen == 288


def test_lower_reward_in_a_run_and_after_a_resume(
    tmp_path, make_trainer, stop_at, stopped, assert_same_run, caplog
):
    settings = (*COLLAPSED, "trainer.guard.action=lower_reward")
    undisturbed = make_trainer(tmp_path / "one", *settings)
    undisturbed.fit()
    assert undisturbed._phases["adversarial"].reward_scale == 0.25
    assert "the reward's weight is halved" in caplog.text
    stop_at(22)  # after the first of the two evaluations of the adversarial phase
    with pytest.raises(stopped):
        make_trainer(tmp_path / "two", *settings).fit()
    resumed = make_trainer(tmp_path / "two", *settings, resume_from=tmp_path / "two/checkpoint.pt")
    resumed.fit()
    assert resumed._phases["adversarial"].reward_scale == 0.25
    assert_same_run(tmp_path / "one", tmp_path / "two")
