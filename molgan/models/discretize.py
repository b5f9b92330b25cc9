"""From a generator's logits to a graph that critic and reward network can read.

``soft`` hands over probabilities; ``gumbel`` adds Gumbel noise first; ``straight_through`` is the
hard argmax with the gradient of the softmax; ``gumbel_straight_through`` draws hard samples (Jang
et al. 2017, Maddison et al. 2017). Hard forms keep the critic from telling data and samples apart
by softness alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from molgan.graphs import MolGraphs, unpack_pairs

MODES = ("soft", "gumbel", "straight_through", "gumbel_straight_through")


@dataclass(frozen=True)
class GraphLogits:
    """What a generator puts out: unnormalised log-probabilities of types.

    Attributes:
        nodes: ``(B, N, T)``.
        pairs: ``(B, N(N-1)/2, Y)``, one row for each unordered pair of slots, so bonds are
            symmetric by construction.
        mask: ``(B, N)`` where the number of atoms is given; None where the generator itself chooses
            "no atom".
    """

    nodes: Tensor
    pairs: Tensor
    mask: Tensor | None = None


def discretize(
    logits: GraphLogits,
    mode: str,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> MolGraphs:
    """Graphs from logits.

    Args:
        logits: the generator's output.
        mode: one of `MODES`.
        temperature: of the softmax, above 0.
        generator: source of the Gumbel noise.

    Raises:
        ValueError: for an unknown mode.
    """
    if mode not in MODES:
        raise ValueError(f"unknown discretisation {mode!r}: use one of {', '.join(MODES)}")
    node_logits = logits.nodes.float()
    if logits.mask is not None:
        # The slot is known to hold an atom: "no atom" is not an answer.
        node_logits = torch.cat(
            [torch.full_like(node_logits[..., :1], -1e9), node_logits[..., 1:]], -1
        )
    nodes = _sample(node_logits, mode, temperature, generator)
    pairs = _sample(logits.pairs.float(), mode, temperature, generator)
    edges = unpack_pairs(pairs, nodes.shape[1])
    diagonal = torch.eye(nodes.shape[1], device=nodes.device)[None, :, :, None]
    no_bond = F.one_hot(torch.zeros((), dtype=torch.long, device=nodes.device), edges.shape[-1])
    edges = edges + diagonal * no_bond
    if logits.mask is not None:
        return MolGraphs(nodes, edges, logits.mask).masked()
    return MolGraphs(nodes, edges, 1 - nodes[..., 0])


def _sample(
    logits: Tensor, mode: str, temperature: float, generator: torch.Generator | None
) -> Tensor:
    if mode.startswith("gumbel"):
        uniform = torch.rand(logits.shape, generator=generator, device=logits.device)
        logits = logits - torch.log(-torch.log(uniform.clamp(1e-9, 1 - 1e-7)))
    soft = torch.softmax(logits / temperature, -1)
    if not mode.endswith("straight_through"):
        return soft
    hard = F.one_hot(soft.argmax(-1), soft.shape[-1]).to(soft.dtype)
    return hard + soft - soft.detach()
