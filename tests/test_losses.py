"""Objectives, penalties and mixtures against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from molgan.errors import ConfigError
from molgan.graphs import MolGraphs
from molgan.losses import (
    OBJECTIVES,
    AdversarialLoss,
    critic_loss,
    generator_loss,
    mixed_generator_loss,
    reconstruction_loss,
    reward_network_loss,
    wasserstein_penalty,
    zero_centred_penalty,
    zero_centred_point_penalty,
)

REAL, FAKE = [2.0, -1.0], [0.5, 3.0]


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def mean(values) -> float:
    values = list(values)
    return sum(values) / len(values)


BY_HAND = {
    "minimax": (
        mean(softplus(-r) for r in REAL) + mean(softplus(f) for f in FAKE),
        mean(-softplus(f) for f in FAKE),
    ),
    "non_saturating": (
        mean(softplus(-r) for r in REAL) + mean(softplus(f) for f in FAKE),
        mean(softplus(-f) for f in FAKE),
    ),
    "least_squares": ((1 + 4) / 4 + (0.25 + 9) / 4, (0.25 + 4) / 4),
    "hinge": ((0 + 2) / 2 + (1.5 + 4) / 2, -1.75),
    "wasserstein": (1.75 - 0.5, -1.75),
    "relativistic": (
        mean(softplus(f - r) for r, f in zip(REAL, FAKE, strict=True)),
        mean(softplus(r - f) for r, f in zip(REAL, FAKE, strict=True)),
    ),
}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives_by_hand(objective):
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    of_critic, of_generator = BY_HAND[objective]
    assert critic_loss(objective, real, fake).item() == pytest.approx(of_critic, rel=1e-5)
    assert generator_loss(objective, real, fake).item() == pytest.approx(of_generator, rel=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_critic_and_generator_pull_fake_scores_apart(objective):
    real = torch.tensor([0.3, -0.2])
    fake = torch.tensor([0.1, 0.4], requires_grad=True)
    (up,) = torch.autograd.grad(critic_loss(objective, real, fake), fake)
    (down,) = torch.autograd.grad(generator_loss(objective, real, fake), fake)
    assert (up > 0).all()
    assert (down < 0).all()


def test_unknown_names_are_refused():
    scores = torch.zeros(2)
    with pytest.raises(ValueError, match="unknown objective 'gan'"):
        critic_loss("gan", scores, scores)
    with pytest.raises(ValueError, match="use one of minimax"):
        generator_loss("gan", scores, scores)
    with pytest.raises(ConfigError, match=r"loss\.objective"):
        AdversarialLoss(objective="gan")
    with pytest.raises(ConfigError, match=r"loss\.penalty: unknown penalty 'r1'"):
        AdversarialLoss(penalty="r1")
    with pytest.raises(ConfigError, match=r"loss\.penalty_interval"):
        AdversarialLoss(penalty_interval=0)


# ------------------------------------------------------------------ penalties

B, N, T, Y = 3, 2, 2, 2
NODE_WEIGHT, EDGE_WEIGHT = 2.0, 0.5
# Gradient of the linear critic below: 4 node entries and 8 edge entries in each graph.
JOINT_NORM = math.sqrt(4 * NODE_WEIGHT**2 + 8 * EDGE_WEIGHT**2)


def linear(graphs: MolGraphs) -> Tensor:
    return NODE_WEIGHT * graphs.nodes.sum((1, 2)) + EDGE_WEIGHT * graphs.edges.sum((1, 2, 3))


def quadratic(graphs: MolGraphs) -> Tensor:
    return (graphs.nodes.square().sum((1, 2)) + graphs.edges.square().sum((1, 2, 3))) / 2


def one_hot(seed: int) -> MolGraphs:
    rng = torch.Generator().manual_seed(seed)
    atoms = torch.randint(0, T, (B, N), generator=rng)
    bonds = torch.randint(0, Y, (B, 1), generator=rng)
    return MolGraphs.from_indices(atoms, bonds, T, Y)


def test_wasserstein_penalty_takes_one_norm_over_nodes_and_edges():
    penalty = wasserstein_penalty(linear, one_hot(0), one_hot(1), torch.rand(B))
    assert penalty.item() == pytest.approx((JOINT_NORM - 1) ** 2, rel=1e-5)


def test_wasserstein_penalty_is_the_mean_over_graphs_of_norms_at_the_interpolation():
    real, fake = one_hot(0), one_hot(1)
    mix = torch.tensor([1.0, 0.0, 0.25])
    weight = mix[:, None, None]
    nodes = weight * real.nodes + (1 - weight) * fake.nodes
    edges = weight[..., None] * real.edges + (1 - weight[..., None]) * fake.edges
    # The gradient of the quadratic critic is the graph itself.
    norms = (nodes.square().sum((1, 2)) + edges.square().sum((1, 2, 3))).sqrt()
    expected = (norms - 1).square().mean()
    torch.testing.assert_close(wasserstein_penalty(quadratic, real, fake, mix), expected)


def test_interpolated_graphs_end_at_the_graphs_they_came_from():
    seen = []

    def critic(graphs: MolGraphs) -> Tensor:
        seen.append(graphs)
        return linear(graphs)

    real, fake = one_hot(0), one_hot(1)
    wasserstein_penalty(critic, real, fake, torch.ones(B))
    wasserstein_penalty(critic, real, fake, torch.zeros(B))
    for graphs, end in zip(seen, (real, fake), strict=True):
        assert torch.equal(graphs.nodes, end.nodes)
        assert torch.equal(graphs.edges, end.edges)
        assert torch.equal(graphs.mask, end.mask)


def test_zero_centred_penalty_is_the_mean_squared_norm():
    graphs = one_hot(0).requires_grad_()
    penalty = zero_centred_penalty(linear(graphs), graphs)
    assert penalty.item() == pytest.approx(JOINT_NORM**2, rel=1e-5)
    graphs = one_hot(0).requires_grad_()
    # Each slot and each of the four pairs is one-hot: a squared gradient of 2 + 4.
    assert zero_centred_penalty(quadratic(graphs), graphs).item() == pytest.approx(N + N * N)


def test_zero_centred_point_penalty_by_hand():
    points = torch.tensor([[1.0, 2.0], [0.0, -3.0]], requires_grad=True)
    scores = points.square().sum(1) / 2
    assert zero_centred_point_penalty(scores, points).item() == pytest.approx((5 + 9) / 2)


def test_penalties_reach_the_critics_weights():
    weight = torch.tensor(2.0, requires_grad=True)
    graphs = one_hot(0).requires_grad_()
    zero_centred_penalty(weight * linear(graphs), graphs).backward()
    assert weight.grad.item() == pytest.approx(2 * 2.0 * JOINT_NORM**2, rel=1e-5)


# ------------------------------------------------------------------ one critic update


def critic_of(graphs: MolGraphs) -> Tensor:
    return linear(graphs) / 10


@pytest.mark.parametrize("penalty", ["none", "wasserstein", "zero_centred"])
def test_for_critic_adds_the_weighted_penalty(penalty):
    loss = AdversarialLoss("hinge", penalty, penalty_weight=3.0, penalty_interval=2)
    real, fake, mix = one_hot(0), one_hot(1), torch.rand(B)
    total, stats = loss.for_critic(critic_of, real, fake, penalised=loss.penalised(4), mix=mix)
    plain = critic_loss("hinge", critic_of(real), critic_of(fake)).item()
    norm = JOINT_NORM / 10
    # R1 and R2 are halved and added; both are norm**2 for a linear critic.
    amount = {"none": 0.0, "wasserstein": (norm - 1) ** 2, "zero_centred": norm**2}[penalty]
    assert total.item() == pytest.approx(plain + 3.0 * 2 * amount, rel=1e-5)
    assert stats["loss/critic"].item() == pytest.approx(plain, rel=1e-5)
    gap = critic_of(real).mean() - critic_of(fake).mean()
    assert stats["critic/gap"].item() == pytest.approx(gap.item(), abs=1e-6)
    assert ("penalty/critic" in stats) == (penalty != "none")


def test_lazy_penalty_rests_between_its_steps():
    loss = AdversarialLoss("wasserstein", "zero_centred", penalty_weight=3.0, penalty_interval=4)
    real, fake, mix = one_hot(0), one_hot(1), torch.rand(B)
    total, stats = loss.for_critic(critic_of, real, fake, penalised=loss.penalised(5), mix=mix)
    assert "penalty/critic" not in stats
    expected = critic_loss("wasserstein", critic_of(real), critic_of(fake)).item()
    assert total.item() == pytest.approx(expected)


def test_no_gradient_reaches_the_generator_through_the_critics_update():
    fake = one_hot(1)
    nodes = fake.nodes.clone().requires_grad_()
    weight = torch.tensor(1.0, requires_grad=True)
    for penalty in ("none", "wasserstein", "zero_centred"):
        total, _ = AdversarialLoss("hinge", penalty).for_critic(
            lambda graphs: weight * critic_of(graphs),
            one_hot(0),
            MolGraphs(nodes, fake.edges, fake.mask),
            0,
            torch.rand(B),
        )
        total.backward()
    assert nodes.grad is None
    assert weight.grad is not None


# ------------------------------------------------------------------ other losses


def test_reconstruction_loss_by_hand():
    node_logits = torch.tensor([[[0.0, 1.0], [0.0, 2.0], [9.0, 9.0]]])
    pair_logits = torch.tensor([[[0.0, 3.0], [5.0, 5.0], [7.0, 0.0]]])
    atoms, bonds = torch.tensor([[1, 1, 0]]), torch.tensor([[1, 0, 0]])
    # Two atoms and the one pair between them count; the slot of padding does not.
    expected = softplus(-1.0) + softplus(-2.0) + softplus(-3.0)
    loss = reconstruction_loss(node_logits, pair_logits, atoms, bonds)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    twice = reconstruction_loss(
        *(tensor.repeat(2, *[1] * (tensor.dim() - 1)) for tensor in (node_logits, pair_logits)),
        atoms.repeat(2, 1),
        bonds.repeat(2, 1),
    )
    assert twice.item() == pytest.approx(expected, rel=1e-5)


def test_reconstruction_of_single_atoms_has_no_pairs():
    loss = reconstruction_loss(
        torch.zeros(2, 1, 3),
        torch.zeros(2, 0, 2),
        torch.ones(2, 1).long(),
        torch.zeros(2, 0).long(),
    )
    assert loss.item() == pytest.approx(math.log(3))


def test_reconstruction_of_no_molecules_is_nothing():
    none = torch.zeros(0, 3, dtype=torch.long)
    loss = reconstruction_loss(torch.zeros(0, 3, 2), torch.zeros(0, 3, 2), none, none)
    assert loss.item() == 0


def test_reward_network_loss_by_hand():
    loss = reward_network_loss(
        torch.tensor([0.5, 1.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.2]), torch.tensor([0.6])
    )
    assert loss.item() == pytest.approx(0.125 + 0.16)


def test_mixed_loss_by_hand():
    adversarial, reward = torch.tensor(2.0), torch.tensor(-0.5)
    assert mixed_generator_loss(adversarial, reward, 0.0, True).item() == 2.0
    assert mixed_generator_loss(adversarial, reward, 1.0, False).item() == -0.5
    assert mixed_generator_loss(adversarial, reward, 0.25, False).item() == pytest.approx(1.375)
    # alpha = |2 / -0.5| = 4
    assert mixed_generator_loss(adversarial, reward, 0.25, True).item() == pytest.approx(1.0)


def test_rescaling_is_a_number_without_gradient():
    adversarial = torch.tensor(2.0, requires_grad=True)
    reward = torch.tensor(-0.5, requires_grad=True)
    mixed_generator_loss(adversarial, reward, 0.25, True).backward()
    assert adversarial.grad.item() == pytest.approx(0.75)
    assert reward.grad.item() == pytest.approx(0.25 * 4)
    assert math.isfinite(mixed_generator_loss(adversarial, torch.tensor(0.0), 0.5, True).item())
