"""The denoising phase: what it learns from, what it leaves alone, and its refusals."""

from __future__ import annotations

import pytest
import torch

from molgan.errors import ConfigError
from molgan.models import DenoisingSampler
from molgan.training import DenoisingPhase
from molgan.training.trainer import CHECKPOINT


def test_a_run_denoises_then_meets_the_critics(make_trainer, shares, tmp_path):
    trainer = make_trainer(tmp_path, *shares)
    names = list(trainer._phases)
    assert names.index("autoencoder") < names.index("denoising") < names.index("latent")
    trainer.fit()
    assert (tmp_path / "last.molgan").exists()


def test_only_the_sampler_learns_and_it_learns(make_trainer, shares):
    phase = make_trainer(None, *shares)._phases["denoising"]
    assert isinstance(phase, DenoisingPhase)
    phase.begin()
    decoder = {k: v.clone() for k, v in phase.generator.decoder.state_dict().items()}
    losses = [float(phase.step()["loss/denoising"]) for _ in range(40)]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])
    assert all(v.equal(decoder[k]) for k, v in phase.generator.decoder.state_dict().items())


def test_an_untrained_sampler_has_the_loss_of_a_blank_guess(make_trainer, shares):
    """The loss counts each atom's numbers alike and leaves absent atoms out."""
    phase = make_trainer(None, *shares)._phases["denoising"]
    assert isinstance(phase.sampler, DenoisingSampler)
    for layer in (phase.sampler.out, phase.sampler.skip):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    _, optimizer, _ = phase._optimizers["sampler"]
    optimizer.param_groups[0]["lr"] = 0.0
    phase.begin()
    losses = [float(phase.step()["loss/denoising"]) for _ in range(20)]
    # The velocity has unit variance wherever there is an atom.
    assert sum(losses) / len(losses) == pytest.approx(1.0, abs=0.1)


def test_it_goes_on_where_it_was_stopped(make_trainer, shares, tmp_path, stop_at, stopped):
    stop_at(10)
    with pytest.raises(stopped):
        make_trainer(tmp_path / "a", *shares).fit()
    again = make_trainer(tmp_path / "a", *shares, resume_from=tmp_path / "a" / CHECKPOINT)
    again.fit()
    whole = make_trainer(tmp_path / "b", *shares)
    whole.fit()
    for one, other in zip(
        again.context.networks.generator.parameters(),
        whole.context.networks.generator.parameters(),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_it_needs_a_sampler_that_denoises(make_trainer, shares):
    with pytest.raises(ConfigError, match=r"sampler\.network=DenoisingSampler"):
        make_trainer(None, shares[-1])
    with pytest.raises(ConfigError, match="must be above 0"):
        make_trainer(None, *shares, "+trainer.phases.denoising.noise_level=0")
