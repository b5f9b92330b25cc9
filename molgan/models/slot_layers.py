"""Blocks of networks that keep one state for each slot of a molecule in canonical atom order."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.errors import ConfigError

# Where sizes can be looked at without waiting for a device, and no step is recorded.
TRIMMED_ON = ("cpu",)


def occupied(sizes: Tensor, max_atoms: int) -> int:
    """How many slots a batch needs: those of its largest molecule, at least 2.

    Nothing that is empty takes part in anything, so what lies beyond need not be worked out. On a
    GPU it is all the same: to look would make the device wait.

    Args:
        sizes: ``(B,)`` atom counts.
        max_atoms: ``N``.
    """
    if sizes.device.type not in TRIMMED_ON or not len(sizes):
        return max_atoms
    return max(2, int(sizes.max()))


class SlotMixer(nn.Module):
    """Mixes the slots by how far apart they are, then the features of each slot.

    In canonical order it matters that an atom stands six places back, not that it stands at place
    eleven: one weight for each distance, for each group of features, is learnt from every place of
    every molecule; a weight for each pair of places was worse (docs/experiments.md). A gate lets an
    atom choose what it takes up. With ``attention``, atoms also find each other by what they are,
    such as the two ends of a ring (Vaswani et al. 2017). All parts start as the identity.

    Args:
        slots: ``N``.
        width: features of a slot, a multiple of ``heads``.
        heads: groups of features with distances of their own.
        attention: heads of the attention; 0: none.

    Raises:
        ConfigError: for a width that cannot be split into so many groups.
    """

    distances: Tensor

    def __init__(self, slots: int, width: int, heads: int = 12, attention: int = 0) -> None:
        super().__init__()
        if width % heads:
            raise ConfigError(
                f"width={width} must be a multiple of {heads}: atoms are mixed in {heads} groups "
                "of features"
            )
        self.heads = heads
        self.weights = nn.Parameter(0.05 * torch.randn(heads, 2 * slots - 1))
        self.register_buffer("distances", _distances(slots), persistent=False)
        self.across_norm = nn.LayerNorm(width)
        self.values = nn.Linear(width, 2 * width)
        self.mixed = nn.Linear(width, width)
        _zero(self.mixed)
        self.attention = SlotAttention(slots, width, attention) if attention else None
        self.within_norm = nn.LayerNorm(width)
        self.within = _residual(width, 2 * width)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """``(B, n, width)`` to ``(B, n, width)``.

        Args:
            states: of the first ``n`` slots, see `occupied`.
            mask: ``(B, n)``, 1 where there is an atom. Others are heard by none.
        """
        states = states + self._across(self.across_norm(states), mask)
        if self.attention is not None:
            states = states + self.attention(states, mask)
        updated: Tensor = states + self.within(self.within_norm(states))
        return updated

    def _across(self, states: Tensor, mask: Tensor) -> Tensor:
        batch, slots, width = states.shape
        values, gate = self.values(states).chunk(2, -1)
        values = values * mask[..., None].to(values.dtype)
        # All molecules of a batch side by side: one product for each head.
        columns = values.view(batch, slots, self.heads, -1).permute(2, 1, 0, 3)
        weights = self.weights[:, self.distances[:slots, :slots]].to(values.dtype)
        mixed = torch.bmm(weights, columns.reshape(self.heads, slots, -1))
        rows = mixed.view(self.heads, slots, batch, -1).permute(2, 1, 0, 3)
        out: Tensor = self.mixed(rows.reshape(batch, slots, width) * F.silu(gate))
        return out


class SlotAttention(nn.Module):
    """Each atom takes up from others by what they are and how far apart they are.

    Args:
        slots: ``N``.
        width: features of a slot, a multiple of ``heads``.
        heads: of the attention.

    Raises:
        ConfigError: for a width that cannot be split into so many heads.
    """

    distances: Tensor

    def __init__(self, slots: int, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ConfigError(f"width={width} must be a multiple of the {heads} heads of attention")
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width)
        self.taken = nn.Linear(width, width)
        _zero(self.taken)
        self.nearness = nn.Parameter(torch.zeros(heads, 2 * slots - 1))
        self.register_buffer("distances", _distances(slots), persistent=False)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """What is added to the states ``(B, n, width)``.

        Args:
            states: ``(B, n, width)``.
            mask: ``(B, n)``, 1 where there is an atom.
        """
        slots = states.shape[1]
        asked = self.asked(self.norm(states)).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = asked.permute(2, 0, 3, 1, 4)
        nearness = self.nearness[:, self.distances[:slots, :slots]]
        # Not minus infinity: a molecule of no atoms would make it a division of 0 by 0.
        bias = nearness + (mask[:, None, None] - 1) * 1e4
        scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
        taken = torch.softmax(scores + bias.to(scores.dtype), -1) @ values
        out: Tensor = self.taken(taken.transpose(1, 2).flatten(2))
        return out


class BondMessages(nn.Module):
    """Messages along (soft) bonds, of another kind for each bond type and direction.

    "Towards later atoms" and "towards earlier ones" are different: in canonical order an atom hangs
    from an earlier one.

    Args:
        width: features of a slot.
        num_bond_types: ``Y``.
    """

    def __init__(self, width: int, num_bond_types: int) -> None:
        super().__init__()
        self.relations = 2 * (num_bond_types - 1)
        half = max(width // 2, 1)
        self.norm = nn.LayerNorm(width)
        self.message = nn.Linear(width, self.relations * half)
        self.gathered = nn.Linear(half, width)
        _zero(self.gathered)
        self.within_norm = nn.LayerNorm(width)
        self.within = _residual(width, 2 * width)

    def forward(self, states: Tensor, bonds: Tensor) -> Tensor:
        """``states (B, N, width)`` and ``bonds (B, N, N, relations)`` to ``(B, N, width)``."""
        batch, slots, _ = states.shape
        messages = self.message(self.norm(states)).view(batch, slots * self.relations, -1)
        incoming = bonds.reshape(batch, slots, slots * self.relations).to(messages.dtype)
        states = states + self.gathered(F.silu(torch.bmm(incoming, messages)))
        updated: Tensor = states + self.within(self.within_norm(states))
        return updated


class _Triangle(torch.autograd.Function):
    """Entries of ``(B, N * N, Y)`` at given places; its gradient is a gather, too.

    Autograd's own backward of an indexed read adds up entry by entry, which costs more than the
    rest of the decoder on a CPU. The places must all be different.
    """

    @staticmethod
    def forward(ctx: Any, full: Tensor, places: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return full.index_select(1, places)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (inverse,) = ctx.saved_tensors
        return F.pad(gradients[0], (0, 0, 0, 1)).index_select(1, inverse), None, None


class _Square(torch.autograd.Function):
    """The reverse of `_Triangle`: zeros everywhere else."""

    @staticmethod
    def forward(ctx: Any, packed: Tensor, places: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        return F.pad(packed, (0, 0, 0, 1)).index_select(1, inverse)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        return gradients[0].index_select(1, places), None, None


class PairPlaces(nn.Module):
    """Between packed pairs ``(B, P, ...)`` and matrices whose row is the later atom of a pair.

    Args:
        slots: ``N``.
    """

    later: Tensor
    earlier: Tensor
    places: Tensor
    inverse: Tensor

    def __init__(self, slots: int) -> None:
        super().__init__()
        self.slots = slots
        earlier, later = torch.triu_indices(slots, slots, 1).unbind()
        places = later * slots + earlier
        inverse = torch.full((slots * slots,), len(places))
        inverse[places] = torch.arange(len(places))
        # Smaller ones, for the first slots only: see `first`.
        self._smaller: dict[int, PairPlaces] = {}
        buffers = {"later": later, "earlier": earlier, "places": places, "inverse": inverse}
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor, persistent=False)

    def first(self, slots: int) -> PairPlaces:
        """The same for the first slots.

        Args:
            slots: ``n``, at most ``N``; less than that on a CPU only, see `occupied`.
        """
        if slots == self.slots:
            return self
        if slots not in self._smaller:
            self._smaller[slots] = PairPlaces(slots)
        return self._smaller[slots]

    def widened(self, pairs: Tensor, slots: int) -> Tensor:
        """``(B, p, Y)``, packed for the first slots, as ``(B, P, Y)`` for all; 0 elsewhere.

        Args:
            pairs: packed, of `first`.
            slots: ``n``.
        """
        if slots == self.slots:
            return pairs
        inner = (self.later < slots).nonzero()[:, 0]
        whole = pairs.new_zeros(len(pairs), len(self.later), pairs.shape[2])
        return whole.index_copy(1, inner, pairs)

    def packed(self, square: Tensor) -> Tensor:
        """``(B, N, N, Y)``, read below the diagonal, to ``(B, P, Y)``."""
        return _apply(_Triangle, square.flatten(1, 2), self.places, self.inverse)

    def square(self, packed: Tensor) -> Tensor:
        """``(B, P, Y)`` to ``(B, N, N, Y)``: entry (later, earlier); 0 elsewhere."""
        full = _apply(_Square, packed, self.places, self.inverse)
        return full.reshape(len(full), self.slots, self.slots, full.shape[-1])

    def directed(self, bonds: Tensor) -> Tensor:
        """``(B, P, R)`` to ``(B, N, N, 2R)``: bonds of an atom to earlier, then to later ones."""
        square = self.square(bonds)
        return torch.cat([square, square.transpose(1, 2)], -1)


def share_of(latent_dim: int, max_atoms: int) -> int:
    """Width of each atom's share of a latent point.

    Raises:
        ConfigError: when the shares do not add up.
    """
    if latent_dim % max_atoms:
        raise ConfigError(
            f"latent_dim={latent_dim} cannot be shared out evenly among {max_atoms} atoms"
        )
    return latent_dim // max_atoms


def normalised_shares(points: Tensor, mask: Tensor) -> Tensor:
    """``(B, N * share)`` points with each atom's share normalised, and 0 where there is no atom.

    Args:
        points: ``(B, N * share)``.
        mask: ``(B, N)``.
    """
    shares = points.unflatten(1, (mask.shape[1], -1))
    return (F.layer_norm(shares, shares.shape[2:]) * mask[..., None]).flatten(1)


def _apply(function: type[torch.autograd.Function], *arguments: Tensor) -> Tensor:
    """``function.apply``, which torch leaves without types."""
    out: Tensor = function.apply(*arguments)
    return out


def _distances(slots: int) -> Tensor:
    """``(N, N)``: how far each slot is behind each other one, counted from the least."""
    place = torch.arange(slots)
    return place[:, None] - place + slots - 1


def _residual(features: int, hidden: int) -> nn.Sequential:
    outer = nn.Linear(hidden, features)
    _zero(outer)
    return nn.Sequential(nn.Linear(features, hidden), nn.SiLU(), outer)


def _zero(linear: nn.Linear) -> None:
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
