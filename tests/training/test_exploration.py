"""Molecules of latent points, judged in training: the same as sampling makes of them."""

from __future__ import annotations

import torch

from molgan.graphs import pack_pairs
from molgan.inputs import choice_rng
from molgan.rewards import Objective, Scorer
from molgan.training.exploration import Explorer


def test_a_sampler_that_denoises_looks_again_as_in_sampling(make_trainer, shares):
    trainer = make_trainer(None, *shares, "model.refine_steps=4")
    context, bundle = trainer.context, trainer.bundle
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for weight in bundle.generator.parameters():
            weight.data.normal_(0, 0.5)
    explorer = Explorer(context, bundle.codec, Scorer(Objective({})), bundle.refine_steps)
    state = context.rng.get_state()
    judged = explorer.draw(64, bundle.size_distribution, noise_scale=0.7)

    context.rng.set_state(state)
    weights = torch.as_tensor(bundle.size_distribution)
    sizes = torch.multinomial(weights, 64, True, generator=context.rng)
    noise = context.noise(64)
    drawn = bundle.sampler(noise_scale=0.7).draw(noise, sizes, choice_rng(0))
    assert torch.equal(judged.atoms, torch.from_numpy(drawn.atoms))
    assert torch.equal(judged.bonds, pack_pairs(torch.from_numpy(drawn.bonds)))
    with torch.no_grad():
        points = bundle.generator.latent(0.7 * noise, sizes)
    of_elsewhere = explorer.judge(points, sizes)  # of which nobody knows the noise
    assert not torch.equal(of_elsewhere.bonds, judged.bonds)
