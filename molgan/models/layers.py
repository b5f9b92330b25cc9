"""Building blocks on dense molecular graphs: convolution, aggregation, walk features."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.graphs import MolGraphs, one_hot
from molgan.models.closeness import summed_closeness


class RelationalGraphConv(nn.Module):
    r"""Relational graph convolution on dense graphs (MolGAN, equation 5).

    .. math:: h_i' = W_s h_i + \frac{1}{|N_i|} \sum_{y > 0} \sum_j A_{ijy} W_y h_j

    Bond type 0 ("no bond") sends no messages. ``|N_i|`` is the (soft) number of bonds of atom
    ``i``, at least 1.

    Args:
        in_features: width of ``h``.
        out_features: width of ``h'``.
        num_bond_types: ``Y``, "no bond" included.
        normalize: divide by ``|N_i|`` as the paper does; otherwise sum.
    """

    def __init__(
        self, in_features: int, out_features: int, num_bond_types: int, normalize: bool = True
    ) -> None:
        super().__init__()
        self.normalize = normalize
        self.relations = num_bond_types - 1
        self.message = nn.Linear(in_features, self.relations * out_features, bias=False)
        self.self_loop = nn.Linear(in_features, out_features)

    def forward(self, states: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        """One round of message passing, without activation.

        Args:
            states: ``(B, N, in_features)``.
            edges: ``(B, N, N, Y)``.
            mask: ``(B, N)``.

        Returns:
            ``(B, N, out_features)``, exactly 0 at padding.
        """
        return self.gather(states, neighbour_shares(edges, mask, self.normalize), mask)

    def gather(self, states: Tensor, shares: Tensor, mask: Tensor | None) -> Tensor:
        """The same by shares that a network works out once for all its layers.

        Args:
            states: ``(B, N, in_features)``.
            shares: ``(B, N, N * Y)`` from `neighbour_shares`.
            mask: ``(B, N)``; None where every slot counts.
        """
        batch, slots, _ = states.shape
        # An atom's own state is one more neighbour, by one more relation: one product makes the
        # messages of all relations, another one sums them up.
        weight = torch.cat([self.message.weight, self.self_loop.weight])
        messages = F.linear(states, weight).view(batch, slots * (self.relations + 1), -1)
        gathered: Tensor = torch.baddbmm(self.self_loop.bias, shares, messages)
        return gathered if mask is None else gathered * mask[..., None]

    def extra_repr(self) -> str:
        """Sizes, for ``print(model)``."""
        return f"relations={self.relations}, normalize={self.normalize}"


def neighbour_shares(edges: Tensor, mask: Tensor | None, normalize: bool = True) -> Tensor:
    """How much of each message an atom takes up; the same for all layers of a network.

    Args:
        edges: ``(B, N, N, Y)``.
        mask: ``(B, N)``, who sends messages; None where every slot does.
        normalize: divide by the (soft) number of bonds, at least 1.

    Returns:
        ``(B, N, N * Y)``: for each neighbour its bonds by type 1 to ``Y - 1``, and behind them 1
        for the atom itself.
    """
    bonds = edges[..., 1:]
    if normalize:
        bonds = bonds / bonds.sum((2, 3), keepdim=True).clamp(min=1.0)
    if mask is not None:
        bonds = bonds * mask[:, None, :, None]
    own = torch.eye(edges.shape[1], device=edges.device, dtype=edges.dtype)[None, :, :, None]
    return torch.cat([bonds, own.expand(len(edges), -1, -1, -1)], -1).flatten(2)


class GatedAggregation(nn.Module):
    r"""Graph vector from atom states by gated summation (Li et al. 2016; MolGAN, equation 6).

    .. math:: h_G = \tanh\Big(\sum_i \sigma(W_g [h_i, x_i]) \odot \tanh(W_v [h_i, x_i])\Big)

    Args:
        in_features: width of ``[h, x]``.
        out_features: width of ``h_G``.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.gate = nn.Linear(in_features, out_features)
        self.value = nn.Linear(in_features, out_features)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """``(B, N, in_features)`` under ``mask (B, N)`` to ``(B, out_features)`` in (-1, 1).

        Without a mask every slot counts.
        """
        gated = torch.sigmoid(self.gate(states)) * torch.tanh(self.value(states))
        if mask is not None:
            gated = gated * mask[..., None]
        return torch.tanh(gated.sum(1))


class MinibatchDiscrimination(nn.Module):
    """Closeness of each sample to the others of its batch (Salimans et al. 2016, section 3.2).

    Args:
        in_features: width of the graph vectors.
        kernels: ``B`` of the paper, number of features added.
        kernel_width: ``C`` of the paper, width in which distances are taken.
    """

    def __init__(self, in_features: int, kernels: int = 16, kernel_width: int = 8) -> None:
        super().__init__()
        self.kernels = kernels
        self.project = nn.Linear(in_features, kernels * kernel_width, bias=False)
        self.out_features = in_features + kernels

    def forward(self, vectors: Tensor) -> Tensor:
        """Append ``kernels`` closeness features in [0, 1] to ``vectors (B, in_features)``.

        The mean over the other samples is used instead of the paper's sum, so that the scale does
        not depend on the batch size.
        """
        rows = self.project(vectors).unflatten(1, (self.kernels, -1)).transpose(0, 1)
        closeness = summed_closeness(rows).T - 1
        return torch.cat([vectors, closeness / max(len(vectors) - 1, 1)], 1)


class MinibatchDeviation(nn.Module):
    """Spread of the batch as one more feature (Karras et al. 2018, section 3).

    Args:
        in_features: width of the graph vectors.
        group: samples over which the standard deviation is taken.
    """

    def __init__(self, in_features: int, group: int = 16) -> None:
        super().__init__()
        self.group = group
        self.out_features = in_features + 1

    def forward(self, vectors: Tensor) -> Tensor:
        """Append the mean deviation of the sample's group to ``vectors (B, in_features)``."""
        size = len(vectors)
        group = min(self.group, size)
        # Samples i, i + size/group, ... form a group; a rest that fills no group joins the first
        # ones.
        groups = max(size // group, 1)
        owner = torch.arange(size, device=vectors.device) % groups
        # Counted by arithmetic: bincount would make a GPU wait for the host.
        count = size // groups + (torch.arange(groups, device=vectors.device) < size % groups)
        count = count.to(vectors.dtype)[:, None]
        mean = vectors.new_zeros(groups, vectors.shape[1]).index_add(0, owner, vectors) / count
        square = (vectors - mean[owner]).square()
        variance = vectors.new_zeros(groups, vectors.shape[1]).index_add(0, owner, square) / count
        spread = (variance + 1e-8).sqrt().mean(1, keepdim=True)
        return torch.cat([vectors, spread[owner]], 1)


def make_minibatch_layer(
    name: str, in_features: int
) -> MinibatchDiscrimination | MinibatchDeviation | None:
    """The batch-statistics layer of a critic: ``none``, ``discrimination`` or ``deviation``.

    Raises:
        ValueError: for another name.
    """
    if name == "none":
        return None
    if name == "discrimination":
        return MinibatchDiscrimination(in_features)
    if name == "deviation":
        return MinibatchDeviation(in_features)
    raise ValueError(f"unknown minibatch layer {name!r}: use none, discrimination or deviation")


class ResidualBlock(nn.Module):
    """Pre-normalised residual block of an MLP.

    It starts as the identity, so that deep stacks train at once.

    Args:
        width: features in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, states: Tensor) -> Tensor:
        """``(..., width)`` to ``(..., width)``."""
        update: Tensor = self.outer(F.silu(self.inner(self.norm(states))))
        return states + update


def residual_mlp(in_features: int, width: int, blocks: int, out_features: int) -> nn.Sequential:
    """``in_features -> width -> blocks residual blocks -> out_features``."""
    return nn.Sequential(
        nn.Linear(in_features, width),
        *[ResidualBlock(width) for _ in range(blocks)],
        nn.LayerNorm(width),
        nn.SiLU(),
        nn.Linear(width, out_features),
    )


def random_walk_features(graphs: MolGraphs, steps: int) -> Tensor:
    r"""Structure of each atom that message passing cannot see.

    With ``P`` the random-walk matrix of the (soft) bonds, ``diag(P^k)`` for ``k = 1..steps`` tells
    the rings an atom lies in, and the probability of reaching the rest of the graph tells fragments
    apart (compare RWSE, Dwivedi et al. 2022). Powers of a stochastic matrix stay in [0, 1]; powers
    of the raw adjacency explode.

    Args:
        graphs: the batch.
        steps: longest walk.

    Returns:
        ``(B, N, steps + 3)``: return probabilities, reached share of the molecule, valence / 4,
        degree / 4.
    """
    bonds = graphs.edges[..., 1:]
    adjacency = bonds.sum(-1)
    degree = adjacency.sum(-1)
    eye = torch.eye(adjacency.shape[1], device=adjacency.device, dtype=adjacency.dtype)
    walk = adjacency / degree.clamp(min=1.0)[..., None]
    features = []
    power = walk
    for step in range(steps):
        if step:
            power = power @ walk
        features.append(power.diagonal(dim1=1, dim2=2))
    # A lazy walk of 2^3 steps reaches, with positive probability, all atoms within eight bonds.
    # Probability that the (soft) bonds of an atom leave over stays where it is, so that rows sum
    # to 1 and an atom without bonds reaches exactly itself.
    lazy = (walk + eye * (2 - walk.sum(-1, keepdim=True))) / 2
    for _ in range(3):
        lazy = lazy @ lazy
    atoms = graphs.mask.sum(1, keepdim=True).clamp(min=1.0)
    features.append(1 / lazy.square().sum(-1) / atoms)
    orders = bond_orders(bonds.shape[-1], bonds.device, bonds.dtype)
    features.append((bonds @ orders).sum(-1) / 4)
    features.append(degree / 4)
    return torch.stack(features, -1) * graphs.mask[..., None]


def bond_orders(relations: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """``(relations,)`` bond orders: 1, 2, 3 and 1.5 for aromatic."""
    orders = torch.arange(1, relations + 1, device=device, dtype=dtype)  # nothing to copy to a GPU
    return orders.index_fill_(0, torch.arange(3, max(relations, 3), device=device), 1.5)


def size_one_hot(sizes: Tensor, max_atoms: int) -> Tensor:
    """``(B, max_atoms + 1)`` one-hot form of atom counts ``(B,)``."""
    return one_hot(sizes, max_atoms + 1)


def conditions_or_means(conditions: Tensor | None, num_conditions: int, like: Tensor) -> Tensor:
    """``(B, num_conditions)``: the conditions or, where there are none, their means, which are 0.

    Args:
        conditions: ``(B, num_conditions)``, standardised, or None.
        num_conditions: 0 for a network without.
        like: ``(B, ...)``, of the same kind and device.
    """
    if conditions is None:
        return like.new_zeros(like.shape[0], num_conditions)  # len() would fix an export's batch
    return conditions


def size_mask(sizes: Tensor, max_atoms: int) -> Tensor:
    """``(B, N)`` mask with ones in the first ``sizes[b]`` slots."""
    return (torch.arange(max_atoms, device=sizes.device) < sizes[:, None]).float()


def mlp(widths: Sequence[int], activation: type[nn.Module], dropout: float = 0.0) -> nn.Sequential:
    """Linear layers of the given widths, each followed by the activation and dropout."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), activation()]
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)
