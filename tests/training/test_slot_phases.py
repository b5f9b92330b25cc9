"""The phases with the networks of ZINC250k: what the latent phase takes over at its start."""

from __future__ import annotations

import pytest
import torch

from molgan.models import SlotLatentCritic
from molgan.models.latent import LinearStart
from molgan.training.trainer import CHECKPOINT

PLAIN = "+trainer.phases.autoencoder.optimizer={_target_: torch.optim.SGD, _partial_: true}"


def test_all_phases_run_with_slot_networks(make_trainer, slots, tmp_path):
    trainer = make_trainer(tmp_path, *slots, PLAIN)
    trainer.fit()
    assert trainer.figures["valid"] >= 0
    assert (tmp_path / "last.molgan").exists()


def test_a_phase_may_bring_its_optimizer(make_trainer, slots):
    phases = make_trainer(None, *slots, PLAIN)._phases
    kinds = {
        name: {type(entry[1]) for entry in phase._optimizers.values()}
        for name, phase in phases.items()
    }
    assert kinds.pop("autoencoder") == {torch.optim.SGD}
    assert set().union(*kinds.values()) == {torch.optim.Adam}


def test_the_latent_phase_starts_from_the_latents_and_the_decoder(make_trainer, slots):
    phase = make_trainer(None, *slots, PLAIN)._phases["latent"]
    sampler, critic = phase.generator.sampler, phase.critic
    assert isinstance(sampler, LinearStart)
    assert isinstance(critic, SlotLatentCritic)
    phase.begin()
    torch.testing.assert_close(sampler.linear.bias, phase._latents.mean(0))
    trunk = phase.generator.decoder.trunk.state_dict()
    assert all(value.equal(trunk[key]) for key, value in critic.trunk.state_dict().items())


def test_a_resumed_latent_phase_does_not_start_again(
    make_trainer, slots, tmp_path, stop_at, stopped
):
    stop_at(13)  # the latent phase starts at step 8 and saves at step 9 and 12
    with pytest.raises(stopped):
        make_trainer(tmp_path, *slots, PLAIN).fit()
    trainer = make_trainer(tmp_path, *slots, PLAIN, resume_from=tmp_path / CHECKPOINT)
    phase = trainer._phases["latent"]
    assert phase.steps > 0
    before = phase.generator.sampler.linear.bias.clone()
    phase.begin()
    assert phase.generator.sampler.linear.bias.equal(before)
    assert not torch.allclose(before, phase._latents.mean(0), rtol=0, atol=1e-7)
