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


def test_the_weaker_network_learns_first_and_then_rests(make_trainer, shares):
    phase = make_trainer(None, *shares)._phases["denoising"]
    weaker = phase.sampler.weaker
    phase.begin()
    learnt = []
    for _ in range(6):  # 16 molecules each, of which 64 are the weaker network's
        before = [p.clone() for p in weaker.parameters()]
        stats = phase.advance()
        moved = any(not p.equal(b) for p, b in zip(weaker.parameters(), before, strict=True))
        assert moved == ("loss/weaker" in stats)
        learnt.append(moved)
    assert learnt == [True] * 4 + [False] * 2


def test_each_network_has_its_own_loss_and_optimiser(make_trainer, shares):
    phase = make_trainer(None, *shares)._phases["denoising"]
    # As a finished model that is trained further comes: all of it may learn.
    phase.sampler.requires_grad_()
    again = DenoisingPhase(
        phase.context, molecules=96, batch_size=16, learning_rate=3e-3, optimizer=torch.optim.Adam
    )
    theirs = {id(p) for p in phase.sampler.weaker.parameters()}
    for one in (phase, again):
        _, of_sampler, _ = one._optimizers["sampler"]
        _, of_weaker, _ = one._optimizers["weaker"]
        assert not theirs & {id(p) for g in of_sampler.param_groups for p in g["params"]}
        assert theirs == {id(p) for g in of_weaker.param_groups for p in g["params"]}


def test_what_is_frozen_keeps_its_weaker_network(make_trainer, shares):
    with pytest.raises(ConfigError, match=r"trainer\.phases\.denoising: all that it trains"):
        make_trainer(None, *shares, "trainer.frozen=[generator.sampler]")


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
