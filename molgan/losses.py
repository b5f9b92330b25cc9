"""Adversarial objectives, gradient penalties and reward losses as pure functions.

Each takes scores (or a critic and graphs) and returns a scalar tensor. Nothing here calls backward,
logs, or moves data between devices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from molgan.errors import ConfigError
from molgan.graphs import MolGraphs

OBJECTIVES = (
    "minimax",
    "non_saturating",
    "least_squares",
    "hinge",
    "wasserstein",
    "relativistic",
)


PENALTIES = ("none", "wasserstein", "zero_centred")


@dataclass(frozen=True)
class AdversarialLoss:
    """An adversarial objective with its penalty: one file of ``conf/loss``.

    Attributes:
        objective: one of `OBJECTIVES`.
        penalty: one of `PENALTIES`: WGAN-GP, or R1 + R2 with zero-centred gradients.
        penalty_weight: 10 for WGAN-GP in the paper; gamma of R1 + R2 otherwise.
        penalty_interval: take the penalty every so many critic steps, its weight scaled up to match
            ("lazy regularisation", Karras et al. 2020); it costs as much as three plain steps.
    """

    objective: str = "relativistic"
    penalty: str = "zero_centred"
    penalty_weight: float = 0.1
    penalty_interval: int = 1

    def __post_init__(self) -> None:
        """Refuse unknown names.

        Raises:
            ConfigError: naming the key and what it may be.
        """
        if self.objective not in OBJECTIVES:
            raise ConfigError(f"loss.objective: {_unknown(self.objective)}")
        if self.penalty not in PENALTIES:
            raise ConfigError(
                f"loss.penalty: unknown penalty {self.penalty!r}: use one of {', '.join(PENALTIES)}"
            )
        if self.penalty_interval < 1:
            raise ConfigError("loss.penalty_interval must be at least 1")

    def penalised(self, step: int) -> bool:
        """Whether an update of the critic is one with penalty.

        Args:
            step: its number, from 0.
        """
        return self.penalty != "none" and step % self.penalty_interval == 0

    def for_critic(
        self,
        critic: Callable[[MolGraphs], Tensor],
        real: MolGraphs,
        fake: MolGraphs,
        penalised: bool,
        mix: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the critic minimises in an update, and statistics of it.

        Args:
            critic: scores ``(B,)`` of graphs.
            real: ``B`` real graphs.
            fake: ``B`` generated graphs; no gradient flows into them.
            penalised: whether this is an update with penalty, see `penalised`.
            mix: ``(B,)`` in [0, 1], interpolation of WGAN-GP.
        """
        zero_centred = penalised and self.penalty == "zero_centred"
        real = real.requires_grad_() if zero_centred else real.detach()
        fake = fake.requires_grad_() if zero_centred else fake.detach()
        on_real, on_fake = critic(real), critic(fake)
        loss = critic_loss(self.objective, on_real, on_fake)
        stats = {
            "loss/critic": loss.detach(),
            "critic/gap": (on_real.mean() - on_fake.mean()).detach(),
        }
        if penalised:
            if zero_centred:
                penalty = zero_centred_penalty(on_real, real) + zero_centred_penalty(on_fake, fake)
                penalty = 0.5 * penalty
            else:
                penalty = wasserstein_penalty(critic, real, fake, mix)
            stats["penalty/critic"] = penalty.detach()
            loss = loss + self.penalty_weight * self.penalty_interval * penalty
        return loss, stats


def critic_loss(objective: str, real: Tensor, fake: Tensor) -> Tensor:
    """What the critic minimises.

    Args:
        objective: one of `OBJECTIVES`.
        real: ``(B,)`` scores of real graphs.
        fake: ``(B,)`` scores of generated graphs.

    Raises:
        ValueError: for an unknown objective.
    """
    if objective in ("minimax", "non_saturating"):  # Goodfellow et al. 2014, equation 1
        return F.softplus(-real).mean() + F.softplus(fake).mean()
    if objective == "least_squares":  # Mao et al. 2017, equation 9
        return 0.5 * ((real - 1).square().mean() + fake.square().mean())
    if objective == "hinge":  # Lim & Ye 2017
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    if objective == "wasserstein":  # Arjovsky et al. 2017, equation 2
        return fake.mean() - real.mean()
    if objective == "relativistic":  # Jolicoeur-Martineau 2018; paired, as in R3GAN (2025)
        return F.softplus(fake - real).mean()
    raise ValueError(_unknown(objective))


def generator_loss(objective: str, real: Tensor, fake: Tensor) -> Tensor:
    """What the generator minimises; arguments as in `critic_loss`.

    Args:
        objective: as in `critic_loss`.
        real: ``(B,)`` scores of real graphs; only the relativistic objective looks at them.
        fake: ``(B,)`` scores of generated graphs.

    Raises:
        ValueError: for an unknown objective.
    """
    if objective == "minimax":
        return -F.softplus(fake).mean()
    if objective == "non_saturating":  # Goodfellow et al. 2014, section 3
        return F.softplus(-fake).mean()
    if objective == "least_squares":
        return 0.5 * (fake - 1).square().mean()
    if objective in ("hinge", "wasserstein"):
        return -fake.mean()
    if objective == "relativistic":
        return F.softplus(real - fake).mean()
    raise ValueError(_unknown(objective))


def wasserstein_penalty(
    critic: Callable[[MolGraphs], Tensor],
    real: MolGraphs,
    fake: MolGraphs,
    mix: Tensor,
) -> Tensor:
    r"""WGAN-GP: :math:`E[(\lVert\nabla D(\hat G)\rVert_2 - 1)^2]` (Gulrajani et al. 2017).

    MolGAN's code takes a norm for every entry of the tensors along the type axis and averages
    those. Here each graph has one norm, over nodes and edges jointly, which is what the paper's
    equation says.

    Args:
        critic: scores ``(B,)`` of graphs.
        real: ``B`` real graphs.
        fake: ``B`` generated graphs.
        mix: ``(B,)`` in [0, 1], how real each interpolated graph is.
    """
    weight = mix[:, None, None]
    nodes = weight * real.nodes + (1 - weight) * fake.nodes
    edges = weight[..., None] * real.edges + (1 - weight[..., None]) * fake.edges
    # The mask moves along, so that either end of the segment is the very graph that it came from.
    mask = mix[:, None] * real.mask + (1 - mix[:, None]) * fake.mask
    between = MolGraphs(nodes, edges, mask).requires_grad_()
    squared = _squared_gradient(critic(between), between)
    return ((squared + 1e-12).sqrt() - 1).square().mean()


def zero_centred_penalty(scores: Tensor, graphs: MolGraphs) -> Tensor:
    r"""R1 or R2: :math:`E[\lVert\nabla D(G)\rVert_2^2]`, one norm per graph (Mescheder 2018).

    Args:
        scores: ``(B,)`` scores that were computed from ``graphs``.
        graphs: made with `MolGraphs.requires_grad_`; real ones for R1, generated ones for R2.
    """
    return _squared_gradient(scores, graphs).mean()


def zero_centred_point_penalty(scores: Tensor, points: Tensor) -> Tensor:
    """R1 or R2 in a vector space (Mescheder 2018), one norm for each point.

    Args:
        scores: ``(B,)`` scores that were computed from ``points``.
        points: ``(B, D)``, with ``requires_grad``.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
    return gradient.float().square().sum(1).mean()


def reconstruction_loss(
    node_logits: Tensor, pair_logits: Tensor, atoms: Tensor, bonds: Tensor
) -> Tensor:
    """Negative log-likelihood of the molecules, in nats per molecule; 0 for no molecules.

    Args:
        node_logits: ``(B, N, T)``.
        pair_logits: ``(B, P, Y)``.
        atoms: ``(B, N)`` integers, 0 in padding, which does not count.
        bonds: ``(B, P)`` integers; pairs with a padded end do not count.
    """
    present = atoms > 0
    rows, columns = torch.triu_indices(
        atoms.shape[1], atoms.shape[1], 1, device=atoms.device
    ).unbind()
    pairs = present[:, rows] & present[:, columns]
    of_atoms = F.cross_entropy(node_logits.transpose(1, 2), atoms, reduction="none")
    of_bonds = F.cross_entropy(pair_logits.transpose(1, 2), bonds, reduction="none")
    return ((of_atoms * present).sum() + (of_bonds * pairs).sum()) / max(len(atoms), 1)


def reward_network_loss(
    predicted_real: Tensor, score_real: Tensor, predicted_fake: Tensor, score_fake: Tensor
) -> Tensor:
    """Mean squared error of the reward network, real plus generated (MolGAN, section 3.3).

    Args:
        predicted_real: ``(B,)`` guesses for real graphs.
        score_real: ``(B,)`` their scores, 0 to 1.
        predicted_fake: ``(B,)`` guesses for generated graphs.
        score_fake: ``(B,)`` their scores.
    """
    return F.mse_loss(predicted_real, score_real) + F.mse_loss(predicted_fake, score_fake)


def mixed_generator_loss(
    adversarial: Tensor, reward: Tensor, reward_weight: float | Tensor, rescale: bool
) -> Tensor:
    r""":math:`\lambda L_{GAN} + (1 - \lambda) \alpha L_{RL}` (MolGAN, equation 7).

    Args:
        adversarial: the generator's adversarial loss.
        reward: the reward loss, minus the mean predicted reward.
        reward_weight: ``1 - lambda`` in [0, 1].
        rescale: scale the reward loss to the size of the adversarial one, :math:`\alpha = |L_{GAN}
            / L_{RL}|`, as MolGAN's code does; otherwise :math:`\alpha = 1`.
    """
    if not isinstance(reward_weight, Tensor) and reward_weight == 0:
        return adversarial
    scale: Tensor | float = 1.0
    if rescale:
        scale = (adversarial / reward.abs().clamp(min=1e-6)).abs().detach()
    return (1 - reward_weight) * adversarial + reward_weight * scale * reward


def _squared_gradient(scores: Tensor, graphs: MolGraphs) -> Tensor:
    """``(B,)`` squared norms of the scores' gradients, over nodes and edges jointly."""
    to_nodes, to_edges = torch.autograd.grad(
        scores.sum(), (graphs.nodes, graphs.edges), create_graph=True
    )
    return to_nodes.flatten(1).square().sum(1) + to_edges.flatten(1).square().sum(1)


def _unknown(objective: str) -> str:
    return f"unknown objective {objective!r}: use one of {', '.join(OBJECTIVES)}"
