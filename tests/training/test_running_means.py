"""Means of the steps' statistics: of the steps that had them, once, and across a resume."""

from __future__ import annotations

import torch

from molgan.training.running_means import RunningMeans


def test_a_mean_is_of_the_steps_that_had_the_figure():
    means = RunningMeans()
    means.add({"loss": torch.tensor(1.0)})
    means.add({"loss": torch.tensor(3.0), "penalty": torch.tensor(5.0)})
    assert means.take() == {"loss": 2.0, "penalty": 5.0}
    assert means.take() == {}


def test_a_step_may_write_into_the_tensors_of_the_last_one():
    means, loss = RunningMeans(), torch.tensor(1.0)
    means.add({"loss": loss})
    loss.fill_(2.0)
    means.add({"loss": loss})
    assert means.take() == {"loss": 1.5}


def test_they_go_on_after_a_resume():
    means, again = RunningMeans(), RunningMeans()
    means.add({"loss": torch.tensor(1.0)})
    again.load_state_dict(means.state_dict(), torch.device("cpu"))
    again.add({"loss": torch.tensor(4.0)})
    assert again.take() == {"loss": 2.5}
