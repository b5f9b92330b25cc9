"""From a generator's logits to a graph that critic and reward network can read.

``soft`` hands over probabilities; ``gumbel`` adds Gumbel noise first; ``straight_through`` is the
hard argmax with the gradient of the softmax; ``gumbel_straight_through`` draws hard samples (Jang
et al. 2017, Maddison et al. 2017). Hard forms keep the critic from telling data and samples apart
by softness alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from molgan.graphs import MolGraphs, one_hot, unpack_pairs

MODES = ("soft", "gumbel", "straight_through", "gumbel_straight_through")
"""Ways from logits to a graph, see `discretize`."""


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

    def rows(self, rows: Tensor) -> GraphLogits:
        """Those of some graphs, ``(R,)`` rows.

        Args:
            rows: ``(R,)`` integers or ``(B,)`` booleans.
        """
        mask = None if self.mask is None else self.mask[rows]
        return GraphLogits(self.nodes[rows], self.pairs[rows], mask)

    @staticmethod
    def cat(parts: Sequence[GraphLogits]) -> GraphLogits:
        """Several batches as one; all of them have a mask, or none.

        Args:
            parts: batches of the same ``N``, ``T`` and ``Y``.
        """
        masks = [part.mask for part in parts if part.mask is not None]
        return GraphLogits(
            torch.cat([part.nodes for part in parts]),
            torch.cat([part.pairs for part in parts]),
            torch.cat(masks) if masks else None,
        )


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
        generator: source of the Gumbel noise, which is drawn on its device, one graph after
            another, so that cutting a batch into parts does not change it.

    Raises:
        ValueError: for an unknown mode or a temperature that is not above 0.
    """
    if mode not in MODES:
        raise ValueError(f"unknown discretisation {mode!r}: use one of {', '.join(MODES)}")
    if not temperature > 0:
        raise ValueError(f"the temperature must be above 0, not {temperature}")
    node_logits, pair_logits = logits.nodes.float(), logits.pairs.float()
    if logits.mask is not None:
        # The slot is known to hold an atom: "no atom" is not an answer.
        node_logits = torch.cat(
            [torch.full_like(node_logits[..., :1], -1e9), node_logits[..., 1:]], -1
        )
    if mode.startswith("gumbel"):
        node_noise, pair_noise = _gumbel_noise(node_logits, pair_logits, generator)
        node_logits, pair_logits = node_logits + node_noise, pair_logits + pair_noise
    hard = mode.endswith("straight_through")
    nodes = _distribution(node_logits, hard, temperature)
    edges = unpack_pairs(_distribution(pair_logits, hard, temperature), nodes.shape[1])
    if logits.mask is not None:
        return MolGraphs(nodes, edges, logits.mask).masked()
    diagonal = torch.eye(nodes.shape[1], device=nodes.device)[None, :, :, None]
    no_bond = one_hot(torch.zeros((), dtype=torch.long, device=nodes.device), edges.shape[-1])
    return MolGraphs(nodes, edges + diagonal * no_bond, 1 - nodes[..., 0])


def most_probable(logits: GraphLogits) -> tuple[Tensor, Tensor]:
    """The most probable graphs as integers: ``discretize(logits, "soft")`` read out, and cheaper.

    Probabilities of all pairs, twice, cost more than the argmax that is wanted of them.

    Args:
        logits: the generator's output.

    Returns:
        ``atoms (B, N)`` and ``bonds (B, N, N)``, uint8; bonds symmetric, without diagonal, and 0
        at slots that the mask rules out. A generator without a mask may put bonds at slots for
        which it chose "no atom".
    """
    if logits.mask is None:
        atoms = logits.nodes.argmax(-1).to(torch.uint8)
        return atoms, unpack_pairs(logits.pairs.argmax(-1).to(torch.uint8), atoms.shape[1])
    mask = logits.mask.to(torch.uint8)
    atoms = (logits.nodes[..., 1:].argmax(-1) + 1).to(torch.uint8) * mask
    bonds = unpack_pairs(logits.pairs.argmax(-1).to(torch.uint8), atoms.shape[1])
    return atoms, bonds * mask[:, :, None] * mask[:, None, :]


def _distribution(logits: Tensor, hard: bool, temperature: float) -> Tensor:
    soft = torch.softmax(logits / temperature, -1)
    if not hard:
        return soft
    chosen = one_hot(soft.argmax(-1), soft.shape[-1])
    # The difference first: it is exactly 0, and the sum exactly one-hot.
    return chosen + (soft - soft.detach())


def _gumbel_noise(
    nodes: Tensor, pairs: Tensor, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Standard Gumbel noise of the shapes of ``nodes`` and ``pairs``."""
    widths = [nodes.shape[1] * nodes.shape[2], pairs.shape[1] * pairs.shape[2]]
    device = nodes.device if generator is None else generator.device
    uniform = torch.rand(len(nodes), sum(widths), generator=generator, device=device)
    noise = -torch.log(-torch.log(uniform.to(nodes.device).clamp(1e-9, 1 - 1e-7)))
    of_nodes, of_pairs = noise.split(widths, 1)
    return of_nodes.view(nodes.shape), of_pairs.view(pairs.shape)
