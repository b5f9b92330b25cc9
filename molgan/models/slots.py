"""Encoder and decoder with a state for each atom: for molecules too large for one big linear layer.

Atoms come in canonical order, depth-first, so nearly every atom hangs from its predecessor, and
many rings close after five steps. `molgan.models.autoencoder` has to learn each of the
``N(N-1)/2`` pairs by itself; here one bilinear form scores all of them, from the states of both
atoms and their distance in that order. On ZINC250k this learns in a minute what the other does not
in ten (docs/experiments.md).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.errors import ConfigError
from molgan.graphs import MolGraphs
from molgan.models.configured import rebuildable
from molgan.models.discretize import GraphLogits
from molgan.models.layers import bond_orders, conditions_or_means, size_mask
from molgan.models.slot_layers import BondMessages, PairPlaces, SlotMixer

# By how much a bond is more probable than none where an atom would else hang from nothing.
_MARGIN = 0.1


@rebuildable
class SlotEncoder(nn.Module):
    """Molecule in canonical atom order to a normalised latent point, by way of atom states.

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        max_atoms: ``N``.
        latent_dim: width of the latent.
        width: features of an atom.
        rounds: rounds of messages along bonds.
        blocks: residual blocks that mix all slots.
        readout: features of each atom that reach the latent.
    """

    def __init__(
        self,
        num_atom_types: int,
        num_bond_types: int,
        max_atoms: int,
        latent_dim: int = 128,
        width: int = 96,
        rounds: int = 3,
        blocks: int = 2,
        readout: int = 16,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.atoms = nn.Linear(num_atom_types, width)
        self.slots = nn.Parameter(0.3 * torch.randn(max_atoms, width))
        self.bonds = nn.Linear((num_bond_types - 1) * (2 * max_atoms - 1), width)
        self.messages = nn.ModuleList(BondMessages(width, num_bond_types) for _ in range(rounds))
        self.mixers = nn.ModuleList(SlotMixer(max_atoms, width) for _ in range(blocks))
        self.readout = nn.Linear(width, readout)
        self.out = nn.Linear(max_atoms * readout, latent_dim)
        self.register_buffer("offsets", _offset_places(max_atoms), persistent=False)
        earlier = torch.ones(max_atoms, max_atoms).tril(-1)[..., None]
        self.register_buffer("earlier", earlier, persistent=False)

    offsets: Tensor
    earlier: Tensor

    def forward(self, graphs: MolGraphs) -> Tensor:
        """Latent points ``(B, latent_dim)``, each of zero mean and unit variance.

        Args:
            graphs: ``B`` one-hot graphs in canonical atom order.
        """
        bonds = graphs.edges[..., 1:]
        states = self.atoms(graphs.nodes) + self.slots + self.bonds(self._by_offset(bonds))
        directed = torch.cat([bonds * self.earlier, bonds * self.earlier.transpose(0, 1)], -1)
        for messages in self.messages:
            states = messages(states, directed)
        for mixer in self.mixers:
            states = mixer(states)
        kept = self.readout(states) * graphs.mask[..., None]
        latent = self.out(kept.flatten(1)).float()
        return F.layer_norm(latent, (self.latent_dim,))

    def _by_offset(self, bonds: Tensor) -> Tensor:
        """``(B, N, (2N-1)(Y-1))``: bonds of each atom by how far the other one is."""
        flat = F.pad(bonds.flatten(1, 2), (0, 0, 0, 1))
        return flat.index_select(1, self.offsets.flatten()).view(*bonds.shape[:2], -1)


class SlotTrunk(nn.Module):
    """Latent point and number of atoms to atom states: the first half of a `SlotDecoder`.

    Args:
        max_atoms: ``N``.
        latent_dim: width of the latent.
        width: features of an atom.
        blocks: residual blocks that mix all slots.
        readin: features that each atom gets from the latent for itself.
    """

    def __init__(
        self, max_atoms: int, latent_dim: int, width: int, blocks: int, readin: int
    ) -> None:
        super().__init__()
        self.max_atoms = max_atoms
        self.each = nn.Linear(latent_dim, max_atoms * readin)
        self.read = nn.Linear(readin, width)
        self.all = nn.Linear(latent_dim, width)
        self.slots = nn.Parameter(0.3 * torch.randn(max_atoms, width))
        self.sizes = nn.Embedding(max_atoms + 1, width)
        self.mixers = nn.ModuleList(SlotMixer(max_atoms, width) for _ in range(blocks))

    def forward(self, latent: Tensor, sizes: Tensor) -> Tensor:
        """``(B, latent_dim)`` and ``(B,)`` to ``(B, N, width)``."""
        own = self.each(latent).unflatten(1, (self.max_atoms, -1))
        states: Tensor = self.read(F.silu(own)) + self.all(latent)[:, None]
        states = states + self.slots + self.sizes(sizes)[:, None]
        for mixer in self.mixers:
            states = mixer(states)
        return states


@rebuildable
class SlotDecoder(nn.Module):
    """Latent point and number of atoms to the logits of a molecule, by way of atom states.

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        max_atoms: ``N``.
        latent_dim: width of the latent.
        width: features of an atom.
        blocks: residual blocks that mix all slots.
        readin: features that each atom gets from the latent for itself.
        rank: of the bilinear form of a bond type.
        corrections: rounds in which the network sees its own bond probabilities, and the valence
            that they make, and corrects them: independent bonds would else each be probable and
            together be too many.
        connected: leave no atom but the first without a bond to an earlier one: where all are
            improbable, the best is made the more probable. Every molecule is one fragment by
            construction.
    """

    def __init__(
        self,
        num_atom_types: int,
        num_bond_types: int,
        max_atoms: int,
        latent_dim: int = 128,
        width: int = 96,
        blocks: int = 4,
        readin: int = 16,
        rank: int = 24,
        corrections: int = 1,
        connected: bool = True,
    ) -> None:
        super().__init__()
        self.max_atoms = max_atoms
        self.num_atom_types = num_atom_types
        self.num_bond_types = num_bond_types
        self.connected = connected
        self.places = PairPlaces(max_atoms)
        self.trunk = SlotTrunk(max_atoms, latent_dim, width, blocks, readin)
        self.head = _Head(num_atom_types, num_bond_types, max_atoms, width, rank, 3.0)
        self.corrections = nn.ModuleList(
            _Correction(num_atom_types, num_bond_types, max_atoms, width, rank)
            for _ in range(corrections)
        )

    def forward(self, latent: Tensor, sizes: Tensor) -> GraphLogits:
        """Logits of atoms and bonds.

        Args:
            latent: ``(B, latent_dim)``.
            sizes: ``(B,)`` integers, number of atoms of each molecule.
        """
        mask = size_mask(sizes, self.max_atoms)
        states = self.trunk(latent, sizes)
        nodes, pairs = self.head(states, self.places)
        for correction in self.corrections:
            states, more_nodes, more_pairs = correction(states, nodes, pairs, mask, self.places)
            nodes, pairs = nodes + more_nodes, pairs + more_pairs
        if self.connected:
            pairs = self._connected(pairs)
        return GraphLogits(nodes, pairs, mask)

    def _connected(self, pairs: Tensor) -> Tensor:
        """Pair logits in which each atom's best bond to an earlier atom beats "no bond"."""
        lead = (pairs[..., 1:].amax(-1) - pairs[..., 0]).detach()
        square = self.places.square(lead[..., None] - lead.min())[..., 0]
        best, owner = square.max(-1)
        lacking = (_MARGIN - (best + lead.min())).clamp(min=0)
        # Without a gradient of its own: the bond is still taught to become probable by itself.
        raised = torch.zeros_like(square).scatter_(2, owner[..., None], lacking[..., None])
        return torch.cat(
            [pairs[..., :1] - self.places.packed(raised[..., None]), pairs[..., 1:]], -1
        )


class _Head(nn.Module):
    """Atom states to logits of atoms, and of bonds by a bilinear form for each bond type."""

    def __init__(
        self,
        num_atom_types: int,
        num_bond_types: int,
        max_atoms: int,
        width: int,
        rank: int,
        prior: float,
    ) -> None:
        super().__init__()
        self.num_bond_types, self.rank = num_bond_types, rank
        self.norm = nn.LayerNorm(width)
        self.atoms = nn.Linear(width, num_atom_types)
        self.as_later = nn.Linear(width, num_bond_types * rank)
        self.as_earlier = nn.Linear(width, num_bond_types * rank)
        self.offset = nn.Embedding(max_atoms, num_bond_types)
        # Most pairs are not bonded, and most neighbours in canonical order are.
        nn.init.zeros_(self.offset.weight)
        with torch.no_grad():
            self.offset.weight[:, 0] = prior
            if prior:
                self.offset.weight[1:2, :2] = torch.tensor([-1.0, 1.0])

    def forward(self, states: Tensor, places: PairPlaces) -> tuple[Tensor, Tensor]:
        """``(B, N, width)`` to ``(B, N, T)`` and ``(B, P, Y)``."""
        states = self.norm(states)
        shape = (self.num_bond_types, self.rank)
        later = self.as_later(states).unflatten(-1, shape).transpose(1, 2)
        earlier = self.as_earlier(states).unflatten(-1, shape).transpose(1, 2)
        scores = (later @ earlier.transpose(-1, -2)).float() * self.rank**-0.5
        pairs = places.packed(scores.permute(0, 2, 3, 1))
        return self.atoms(states).float(), pairs + self.offset(places.later - places.earlier)


class _Correction(nn.Module):
    """Reads the bond probabilities, passes messages along them, and adds to the logits."""

    def __init__(
        self, num_atom_types: int, num_bond_types: int, max_atoms: int, width: int, rank: int
    ) -> None:
        super().__init__()
        relations = 2 * (num_bond_types - 1)
        self.seen = nn.Linear(num_atom_types + relations + 1, width)
        self.messages = BondMessages(width, num_bond_types)
        self.mixer = SlotMixer(max_atoms, width)
        self.head = _Head(num_atom_types, num_bond_types, max_atoms, width, rank, 0.0)

    def forward(
        self, states: Tensor, nodes: Tensor, pairs: Tensor, mask: Tensor, places: PairPlaces
    ) -> tuple[Tensor, Tensor, Tensor]:
        """New states, and what is added to the logits of atoms and of bonds."""
        present = (mask[:, places.later] * mask[:, places.earlier])[..., None]
        bonds = places.directed(torch.softmax(pairs, -1)[..., 1:] * present)
        by_type = bonds.sum(2)
        orders = bond_orders(pairs.shape[-1] - 1, pairs.device, by_type.dtype).repeat(2)
        valence = (by_type @ orders)[..., None] / 4
        seen = torch.cat([torch.softmax(nodes, -1), by_type, valence], -1)
        states = self.mixer(self.messages(states + self.seen(seen), bonds))
        return states, *self.head(states, places)


def _offset_places(slots: int) -> Tensor:
    """``(N, 2N-1)``: where in a flat ``(N * N + 1)`` matrix the bond to slot ``i + o`` stands.

    ``o`` runs from ``-(N-1)`` to ``N-1``; beyond the molecule it is the last, empty place.
    """
    own = torch.arange(slots)[:, None]
    other = own + torch.arange(-slots + 1, slots)
    inside = (other >= 0) & (other < slots)
    return torch.where(inside, own * slots + other, slots * slots)


@rebuildable
class SlotLatentCritic(nn.Module):
    """Realness score of a latent point, seen through the eyes of the decoder.

    In a latent space of a hundred dimensions a plain critic takes long to find what matters. The
    decoder knows: its first half, copied and not trained any further, turns the point into atom
    states, and only what reads them learns (compare "projected GANs", Sauer et al. 2021).

    Args:
        latent_dim: width of the latent.
        max_atoms: ``N``.
        width: features of an atom, as in the decoder.
        trunk_blocks: ``blocks`` of the decoder.
        readin: as in the decoder.
        blocks: residual blocks of its own.
        hidden: width of the vector that is scored.
        num_conditions: ``C``, properties that the point is judged by as well.
    """

    def __init__(
        self,
        latent_dim: int,
        max_atoms: int,
        width: int = 96,
        trunk_blocks: int = 4,
        readin: int = 16,
        blocks: int = 1,
        hidden: int = 128,
        num_conditions: int = 0,
    ) -> None:
        super().__init__()
        self.num_conditions = num_conditions
        self.trunk = SlotTrunk(max_atoms, latent_dim, width, trunk_blocks, readin)
        self.trunk.requires_grad_(False)
        self.norm = nn.LayerNorm(width)
        self.mixers = nn.ModuleList(SlotMixer(max_atoms, width) for _ in range(blocks))
        self.read = nn.Linear(width, hidden // 2)
        inputs = hidden + num_conditions
        self.score = nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, 1))

    def adopt(self, decoder: SlotDecoder) -> None:
        """Take over the first half of a decoder.

        Args:
            decoder: of the same width and depth; it is not changed.

        Raises:
            ConfigError: when it has other sizes.
        """
        try:
            self.trunk.load_state_dict(decoder.trunk.state_dict())
        except RuntimeError as error:
            raise ConfigError(
                "model.latent_critic must have the width, trunk_blocks and readin of the decoder "
                f"({str(error).splitlines()[-1].strip()})"
            ) from error

    def forward(self, latent: Tensor, sizes: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``.

        Args:
            latent: ``(B, latent_dim)``.
            sizes: ``(B,)`` atom counts.
            conditions: ``(B, C)``, standardised; None: their means.
        """
        states = self.norm(self.trunk(latent, sizes))
        for mixer in self.mixers:
            states = mixer(states)
        read = F.silu(self.read(states))
        given = conditions_or_means(conditions, self.num_conditions, latent)
        pooled = torch.cat([read.mean(1), read.square().mean(1), given], -1)
        scores: Tensor = self.score(pooled)
        return scores.float().squeeze(-1)
