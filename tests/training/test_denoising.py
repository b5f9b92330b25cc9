"""The denoising phase: what it learns from, what it leaves alone, and its refusals."""

from __future__ import annotations

import pytest
import torch

from molgan.errors import ConfigError
from molgan.models import DenoisingSampler
from molgan.training import DenoisingPhase
from molgan.training.trainer import CHECKPOINT

DENOISING = (
    "model.generator.latent_dim=4",
    "+model.generator.per_atom=true",
    "model.generator.decoder={network: SlotDecoder, width: 24, blocks: 1, mixing: relative}",
    "+model.generator.sampler={network: DenoisingSampler, width: 24, blocks: 1, steps: 3}",
    "model.encoder._target_=molgan.models.SlotEncoder",
    "model.encoder.width=24",
    "+model.encoder.mixing=relative",
    "model.latent_critic._target_=molgan.models.SlotLatentCritic",
    "model.latent_critic.width=24",
    "+model.latent_critic.trunk_blocks=1",
    "+model.latent_critic.mixing=relative",
    "trainer.phases.denoising={_target_: molgan.training.DenoisingPhase, _partial_: true, "
    "molecules: 96, batch_size: 16, learning_rate: 0.003}",
)


def test_a_run_denoises_then_meets_the_critics(make_trainer, tmp_path):
    trainer = make_trainer(tmp_path, *DENOISING)
    names = list(trainer._phases)
    assert names.index("autoencoder") < names.index("denoising") < names.index("latent")
    trainer.fit()
    assert (tmp_path / "last.molgan").exists()


def test_only_the_sampler_learns_and_it_learns(make_trainer):
    phase = make_trainer(None, *DENOISING)._phases["denoising"]
    assert isinstance(phase, DenoisingPhase)
    phase.begin()
    decoder = {k: v.clone() for k, v in phase.generator.decoder.state_dict().items()}
    losses = [float(phase.step()["loss/denoising"]) for _ in range(40)]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])
    assert all(v.equal(decoder[k]) for k, v in phase.generator.decoder.state_dict().items())


def test_an_untrained_sampler_has_the_loss_of_a_blank_guess(make_trainer):
    """The loss counts each atom's numbers alike and leaves absent atoms out."""
    phase = make_trainer(None, *DENOISING)._phases["denoising"]
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


def test_it_goes_on_where_it_was_stopped(make_trainer, tmp_path, stop_at, stopped):
    stop_at(10)
    with pytest.raises(stopped):
        make_trainer(tmp_path / "a", *DENOISING).fit()
    again = make_trainer(tmp_path / "a", *DENOISING, resume_from=tmp_path / "a" / CHECKPOINT)
    again.fit()
    whole = make_trainer(tmp_path / "b", *DENOISING)
    whole.fit()
    for one, other in zip(
        again.context.networks.generator.parameters(),
        whole.context.networks.generator.parameters(),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_it_needs_a_sampler_that_denoises(make_trainer):
    with pytest.raises(ConfigError, match=r"sampler\.network=DenoisingSampler"):
        make_trainer(None, DENOISING[-1])
    with pytest.raises(ConfigError, match="must be above 0"):
        make_trainer(None, *DENOISING, "+trainer.phases.denoising.noise_level=0")
