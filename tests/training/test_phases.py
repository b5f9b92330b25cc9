"""What one step of each phase changes, and that training improves what it should."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from molgan.errors import ConfigError
from molgan.graphs import unpack_pairs
from molgan.models import discretize
from molgan.training import AdversarialPhase, Phase, Trainer
from molgan.training.phase import frozen, learning_rate_factor
from molgan.training.repair_targets import repair_targets


def weights(module: nn.Module | None) -> list[torch.Tensor]:
    assert module is not None
    return [p.detach().clone() for p in module.parameters()]


def moved(before: list[torch.Tensor], module: nn.Module) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


def parts(trainer: Trainer) -> dict[str, nn.Module]:
    networks = trainer.context.networks
    generator = networks.generator
    found = {"sampler": generator.sampler, "decoder": generator.decoder}
    found |= {name: net for name, net in networks.items() if name != "generator"}
    return found


def one_step(trainer: Trainer, name: str) -> tuple[Phase, dict[str, torch.Tensor]]:
    phase = trainer._phases[name]
    phase.begin()
    return phase, phase.advance()


@pytest.mark.parametrize(
    ("name", "changed", "figures"),
    [
        (
            "autoencoder",
            {"encoder", "decoder"},
            {"loss/reconstruction", "autoencoder/bonds_missed", "gradient/autoencoder"},
        ),
        (
            "latent",
            {"sampler", "latent_critic"},
            {"loss/latent_critic", "loss/latent_generator", "penalty/latent", "critic/latent_gap"},
        ),
        (
            "adversarial",
            {"sampler", "decoder", "critic", "latent_critic", "reward"},
            {"loss/critic", "loss/generator", "critic/gap", "loss/reward", "reward/generated"}
            | {"loss/latent_critic", "penalty/latent"},
        ),
        (
            "refinement",
            {"encoder", "decoder"},
            {"loss/reconstruction", "loss/kept", "refinement/broken", "gradient/refinement"},
        ),
    ],
)
def test_one_step(make_trainer, name: str, changed: set[str], figures: set[str]):
    trainer = make_trainer(None)
    before = {key: weights(net) for key, net in parts(trainer).items()}
    average = weights(trainer.context.averages.generator)
    phase, stats = one_step(trainer, name)
    after = parts(trainer)
    assert {key for key in after if moved(before[key], after[key])} == changed
    assert figures <= set(stats)
    assert all(value.ndim == 0 and torch.isfinite(value) for value in stats.values())
    assert (phase.steps, phase.seen) == (1, phase.molecules_per_step)
    assert moved(average, trainer.context.averages.generator)
    assert all(p.requires_grad for net in after.values() for p in net.parameters())


def test_critic_steps_each_see_new_molecules(make_trainer):
    trainer = make_trainer(None, "trainer.phases.adversarial.critic_steps=3")
    phase, _ = one_step(trainer, "adversarial")
    assert phase.seen == 3 * 16


def test_gradients_are_clipped(make_trainer):
    settings = "trainer.phases.autoencoder.gradient_clip"
    trainer = make_trainer(None, f"{settings}=0.001")
    _, stats = one_step(trainer, "autoencoder")
    assert stats["gradient/autoencoder"] > 0.001  # as it was before
    encoder = trainer.context.networks.encoder
    norm = torch.stack([p.grad.norm() for p in encoder.parameters()]).norm()
    assert norm.item() == pytest.approx(0.001, rel=1e-3)


def test_learning_rate_factor():
    assert learning_rate_factor(0.0, 0.0, 1.0) == 1.0
    assert learning_rate_factor(0.5, 0.0, 1.0) == 1.0
    assert learning_rate_factor(0.5, 0.0, 0.0) == pytest.approx(0.5)
    assert learning_rate_factor(1.0, 0.1, 0.05) == pytest.approx(0.05)
    assert learning_rate_factor(0.1, 0.1, 0.05) == pytest.approx(1.0)
    rising = [learning_rate_factor(p, 0.1, 0.0) for p in np.linspace(0, 0.1, 11)]
    assert rising == sorted(rising)
    assert 0 < rising[0] < 0.02


def test_frozen_lets_gradients_through_but_not_in():
    layer = nn.Linear(2, 1)
    fixed = nn.Linear(1, 1).requires_grad_(False)
    point = torch.ones(1, 2, requires_grad=True)
    with frozen(layer, fixed, None):
        layer(point).sum().backward()
    assert point.grad is not None
    assert layer.weight.grad is None
    assert layer.weight.requires_grad
    assert not fixed.weight.requires_grad


# ---------------------------------------------------------------- improvement

QUICK = (
    "model.encoder.width=128",
    "model.generator.decoder_width=128",
    "model.generator.latent_dim=16",
    "model.generator.sampler_width=64",
    "model.latent_critic.width=64",
    "trainer.phases.autoencoder.molecules=40000",
    "trainer.phases.autoencoder.batch_size=64",
    "trainer.phases.autoencoder.latent_noise=0.5",
    "trainer.phases.latent.molecules=20000",
    "trainer.phases.latent.batch_size=64",
    "trainer.phases.refinement.batch_size=64",
    "trainer.averaging_half_life=2000",
    "trainer.evaluation.samples=300",
    "trainer.intervals.log=1000",
    "trainer.intervals.evaluate=10000",
    "trainer.intervals.checkpoint=1000000",
)


def test_a_small_set_is_learnt(make_trainer, tmp_path, rows):
    trainer = make_trainer(tmp_path, *QUICK)
    trainer.fit()
    losses = [row["loss/reconstruction"] for row in rows(tmp_path) if "loss/reconstruction" in row]
    assert losses[-1] < 0.1 * losses[0]
    assert trainer.figures["valid"] > 0.9
    assert trainer.figures["unique"] > 0.04  # more than half of the 22 training molecules


# ----------------------------------------------------------------- refinement


def test_broken_graphs_have_the_repaired_ones_as_targets(make_trainer):
    trainer = make_trainer(None)
    context, codec = trainer.context, trainer.bundle.codec
    sizes = context.data.sizes[:16].repeat(8)
    with torch.no_grad():
        logits = context.networks.generator(context.noise(len(sizes)), sizes)
    graphs = discretize(logits, "straight_through")
    targets = repair_targets(codec, logits, graphs)
    atoms, bonds = (part.numpy() for part in graphs.to_indices())
    valid = [item.smiles is not None for item in codec.decode(atoms, bonds)]
    assert targets.valid.tolist() == np.flatnonzero(valid).tolist()
    assert not set(targets.broken.tolist()) & set(targets.valid.tolist())
    assert len(targets.broken) > 0  # untrained networks make them
    assert np.array_equal(targets.atoms.numpy(), atoms[targets.broken])
    wanted = unpack_pairs(targets.bonds, atoms.shape[1]).numpy().astype(np.uint8)
    mended = codec.decode(targets.atoms.numpy().astype(np.uint8), wanted)
    assert all(item.smiles is not None for item in mended)


def test_refinement_mends_what_the_generator_breaks(make_trainer: Callable[..., Trainer]):
    others = [f"trainer.phases.{name}=null" for name in ("autoencoder", "latent", "adversarial")]
    budget = "trainer.phases.refinement.molecules=15000"
    rate = "trainer.phases.refinement.decoder_learning_rate=null"  # as fast as the encoder
    trainer = make_trainer(None, *QUICK, *others, budget, rate)

    def valid() -> float:
        decoded = [item for draw in trainer.sampler.stream(300, 5) for item in draw.decoded]
        return float(np.mean([item.smiles is not None for item in decoded]))

    before = valid()
    trainer.fit()
    assert before < 0.3, before  # untrained
    assert valid() > 0.6


# --------------------------------------------------------------------- reward


def adversarial(make_trainer, *overrides: str) -> AdversarialPhase:
    phase = make_trainer(None, *overrides)._phases["adversarial"]
    assert isinstance(phase, AdversarialPhase)
    return phase


@pytest.mark.parametrize(
    ("seen", "expected"), [(0, 0.0), (16, 0.15), (32, 0.3), (64, 0.3), (128, 0.3)]
)
def test_the_reward_rises_over_its_ramp(make_trainer, seen: int, expected: float):
    phase = adversarial(make_trainer, "trainer.phases.adversarial.reward_ramp=0.25")
    phase.seen = seen  # of 128
    assert phase._current_reward_weight() == pytest.approx(expected)
    phase.reward_scale = 0.5
    assert phase._current_reward_weight() == pytest.approx(expected / 2)


@pytest.mark.parametrize(("progress", "expected"), [(0.0, 0.1), (0.5, 0.4), (1.0, 1.6)])
def test_the_latent_penalty_grows_by_a_constant_factor(make_trainer, progress, expected):
    trainer = make_trainer(None, "trainer.phases.latent.final_penalty_weight=1.6")
    phase = trainer._phases["latent"]
    phase.seen = int(progress * phase.molecules)
    assert phase.gamma == pytest.approx(expected)


def test_without_a_ramp_the_reward_is_there_at_once(make_trainer):
    phase = adversarial(make_trainer, "trainer.phases.adversarial.reward_ramp=0")
    assert phase._current_reward_weight() == 0.3


@pytest.mark.parametrize("mode", ["straight_through", "gumbel_straight_through", "gumbel", "soft"])
def test_reward_network_and_rdkit_judge_the_same_graph(make_trainer, monkeypatch, mode: str):
    phase = adversarial(make_trainer, f"trainer.phases.adversarial.discretization={mode}")
    phase.begin()
    seen: dict[str, list] = {"reward": [], "rdkit": []}
    forward: Callable = phase.reward.forward
    decode: Callable = phase.codec.decode

    def watched_forward(graphs):
        seen["reward"].append([each.numpy() for each in graphs.detach().to_indices()])
        return forward(graphs)

    def watched_decode(atoms, bonds, **kwargs):
        seen["rdkit"].append((atoms, bonds))
        return decode(atoms, bonds, **kwargs)

    monkeypatch.setattr(phase.reward, "forward", watched_forward)
    monkeypatch.setattr(type(phase.codec), "decode", lambda self, *a, **k: watched_decode(*a, **k))
    phase._reward_step()
    assert len(seen["reward"]) == len(seen["rdkit"]) == 2  # real and generated
    for (atoms, bonds), (same_atoms, same_bonds) in zip(*seen.values(), strict=True):
        assert np.array_equal(atoms, same_atoms)
        assert np.array_equal(bonds, same_bonds)


def test_critic_and_reward_network_judge_the_same_graph(make_trainer, monkeypatch):
    phase = adversarial(
        make_trainer,
        "trainer.phases.adversarial.discretization=gumbel_straight_through",
        "trainer.phases.adversarial.reward_ramp=0",
    )
    phase.begin()
    graphs: dict[str, list] = {"critic": [], "reward": []}
    for name, network in (("critic", phase.critic), ("reward", phase.reward)):
        monkeypatch.setattr(
            network,
            "forward",
            lambda g, name=name, f=network.forward: (graphs[name].append(g), f(g))[1],
        )
    phase._generator_step(True, 0.3)
    assert graphs["critic"][0] is graphs["reward"][0]


def test_the_reward_network_learns_rdkits_scores(make_trainer):
    trainer = make_trainer(
        None,
        "reward=logp",
        "reward.weights.uniqueness=0",
        "trainer.phases.adversarial.reward_batch_size=32",
        "trainer.phases.adversarial.reward_learning_rate=0.01",
    )
    phase = trainer._phases["adversarial"]
    phase.begin()
    rows = torch.arange(len(trainer.context.data))
    graphs = trainer.context.data.graphs(rows)
    scores = phase._scores(graphs)

    def correlation() -> float:
        with torch.no_grad():
            return float(np.corrcoef(phase.reward(graphs), scores)[0, 1])

    before = correlation()
    for _ in range(60):
        phase._reward_step()
    assert correlation() > max(0.9, before)


def test_the_generator_climbs_the_reward(make_trainer):
    trainer = make_trainer(
        None,
        "reward=logp",
        "trainer.phases.adversarial.reward_weight=1.0",
        "trainer.phases.adversarial.reward_ramp=0",
        "trainer.phases.adversarial.latent_weight=0",
        "trainer.phases.adversarial.reconstruction_weight=0",
        "trainer.phases.adversarial.learning_rate=0.003",
    )
    phase = trainer._phases["adversarial"]
    phase.begin()
    predicted = [phase._generator_step(True, 1.0)["reward/predicted"].item() for _ in range(30)]
    assert predicted[-1] > predicted[0]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("adversarial.discretization=hard", "discretization=hard is unknown"),
        ("adversarial.temperature=0", "temperature=0"),
        ("adversarial.critic_steps=0", "critic_steps=0"),
        ("adversarial.reward_interval=0", "reward_interval=0"),
        ("adversarial.reward_batch_size=0", "reward_batch_size=0"),
        ("adversarial.reward_weight=1.5", "reward_weight=1.5"),
        ("latent.objective=minimacks", "objective=minimacks is unknown"),
        ("latent.penalty_interval=0", "penalty_interval=0"),
        ("latent.final_penalty_weight=0", "final_penalty_weight=0"),
        ("autoencoder.batch_size=0", "batch_size=0"),
        ("autoencoder.learning_rate=-1", "learning_rate=-1"),
        ("autoencoder.batch_size=null", "autoencoder"),
    ],
)
def test_settings_that_cannot_work(make_trainer, override: str, words: str):
    phase = override.split(".")[0]
    with pytest.raises(ConfigError, match=rf"trainer\.phases\.{phase}: ") as caught:
        make_trainer(None, f"trainer.phases.{override}")
    assert words in str(caught.value)


def test_a_reward_that_is_not_there(make_trainer):
    with pytest.raises(ConfigError, match="reward_weight is above 0 but there is no reward"):
        make_trainer(None, "reward=none")


def test_intervals_and_samples_of_nothing(make_trainer):
    with pytest.raises(Exception, match=r"trainer\.intervals\.log=0 must be above 0"):
        make_trainer(None, "trainer.intervals.log=0")
    with pytest.raises(Exception, match=r"trainer\.evaluation\.samples=0"):
        make_trainer(None, "trainer.evaluation.samples=0")


def test_the_workers_of_the_scores_decode_and_measure_too(make_trainer):
    assert make_trainer(None, "n_jobs=2").sampler.n_jobs == 2


def test_no_phase_at_all(make_trainer):
    names = ("autoencoder", "latent", "adversarial", "refinement")
    none = [f"trainer.phases.{name}=null" for name in names]
    with pytest.raises(ConfigError, match=r"trainer\.phases is empty"):
        make_trainer(None, *none)
