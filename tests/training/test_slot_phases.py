"""The phases with the networks of ZINC250k: what the latent phase takes over at its start."""

from __future__ import annotations

import torch

from molgan.models import SlotLatentCritic

PLAIN = "+trainer.phases.autoencoder.optimizer={_target_: torch.optim.SGD, _partial_: true}"


def test_a_phase_may_bring_its_optimizer(make_trainer, shares):
    phases = make_trainer(None, *shares, PLAIN)._phases
    kinds = {
        name: {type(entry[1]) for entry in phase._optimizers.values()}
        for name, phase in phases.items()
    }
    assert kinds.pop("autoencoder") == {torch.optim.SGD}
    assert set().union(*kinds.values()) == {torch.optim.Adam}


def test_the_latent_critic_sees_through_the_decoder(make_trainer, shares):
    phase = make_trainer(None, *shares)._phases["latent"]
    critic = phase.critic
    assert isinstance(critic, SlotLatentCritic)
    phase.begin()
    trunk = phase.generator.decoder.trunk.state_dict()
    assert all(value.equal(trunk[key]) for key, value in critic.trunk.state_dict().items())
