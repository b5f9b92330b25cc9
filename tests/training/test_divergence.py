"""A loss that is no number any more stops the run; what was good stays."""

from __future__ import annotations

import math

import pytest
import torch

from molgan.bundle import Bundle
from molgan.errors import TrainingError
from molgan.training import AdversarialPhase, AutoencoderPhase, LatentPhase, Phase


def poison(monkeypatch: pytest.MonkeyPatch, phase: type[Phase], step: int, value: float) -> None:
    """Make the losses of one step of a phase, and so the weights after it, not finite."""
    original = Phase.update

    def update(self: Phase, loss: torch.Tensor, *names: str) -> torch.Tensor:
        bad = isinstance(self, phase) and self.steps == step
        return original(self, loss * value if bad else loss, *names)

    monkeypatch.setattr(Phase, "update", update)


@pytest.mark.parametrize(
    ("phase", "name", "step", "kept"),
    [
        (AutoencoderPhase, "autoencoder", 5, 96),
        (LatentPhase, "latent", 4, 384),
        (AdversarialPhase, "adversarial", 7, 576),
    ],
)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_the_last_good_checkpoint_is_kept(
    tmp_path, make_trainer, monkeypatch, phase, name, step, kept, value
):
    with monkeypatch.context() as patch:
        poison(patch, phase, step, value)
        with pytest.raises(TrainingError, match=rf"diverged in phase {name} .*checkpoint is kept"):
            make_trainer(tmp_path).fit()
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["molecules_seen"] == kept
    assert all(torch.isfinite(w).all() for net in state["networks"].values() for w in net.values())
    for path in tmp_path.glob("*.molgan"):
        weights = Bundle.load(path).generator.state_dict()
        assert all(torch.isfinite(w).all() for w in weights.values())
    # The fault was of the moment: resumed, the run goes through.
    resumed = make_trainer(tmp_path, resume_from=tmp_path / "checkpoint.pt")
    resumed.fit()
    assert resumed.molecules_seen == 768


def test_broken_weights_are_never_saved_as_the_best(tmp_path, make_trainer, monkeypatch):
    # No row of losses is due before the first evaluation, at 96 molecules.
    poison(monkeypatch, AdversarialPhase, 5, math.nan)
    settings = ["trainer.phases.autoencoder=null", "trainer.phases.latent=null"]
    trainer = make_trainer(tmp_path, *settings, "trainer.intervals.log=1000000")
    with pytest.raises(TrainingError, match="has weights that are not finite"):
        trainer.fit()
    assert {path.name for path in tmp_path.iterdir()} == {"metrics.jsonl", "samples"}


def test_the_message_names_the_figure(tmp_path, make_trainer, monkeypatch):
    poison(monkeypatch, AutoencoderPhase, 1, math.nan)
    with pytest.raises(TrainingError, match=r"after 64 molecules: .*gradient/autoencoder"):
        make_trainer(tmp_path).fit()
