"""Encoder with a state for each atom: for molecules too large for one big linear layer.

Atoms come in canonical order, depth-first, so nearly every atom hangs from its predecessor, and
many rings close after five steps: places near each other in that order are near in the molecule.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgan.graphs import MolGraphs
from molgan.models.configured import rebuildable
from molgan.models.slot_layers import BondMessages, SlotMixer, normalised_shares, occupied, share_of


@rebuildable
class SlotEncoder(nn.Module):
    """Molecule in canonical atom order to a latent point of which every atom has a share.

    What belongs to an atom stays with it, so a sampler has less to disentangle than in one point
    for the whole molecule (docs/experiments.md). Each share is normalised.

    Args:
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        max_atoms: ``N``.
        latent_dim: width of the latent, ``N`` times that of a share.
        width: features of an atom.
        rounds: rounds of messages along bonds.
        blocks: residual blocks that mix all slots.

    Raises:
        ConfigError: for shares that do not add up to the latent.
    """

    FORMER: ClassVar[dict[str, Any]] = {"per_atom": True, "mixing": "relative", "readout": 16}

    def __init__(
        self,
        num_atom_types: int,
        num_bond_types: int,
        max_atoms: int,
        latent_dim: int,
        width: int = 96,
        rounds: int = 3,
        blocks: int = 2,
    ) -> None:
        super().__init__()
        self.atoms = nn.Linear(num_atom_types, width)
        self.slots = nn.Parameter(0.3 * torch.randn(max_atoms, width))
        self.bonds = nn.Linear((num_bond_types - 1) * (2 * max_atoms - 1), width)
        self.messages = nn.ModuleList(BondMessages(width, num_bond_types) for _ in range(rounds))
        self.mixers = nn.ModuleList(SlotMixer(max_atoms, width) for _ in range(blocks))
        self.readout = nn.Linear(width, share_of(latent_dim, max_atoms))
        self.max_atoms = max_atoms
        self.register_buffer("offsets", _offset_places(max_atoms, max_atoms), persistent=False)
        earlier = torch.ones(max_atoms, max_atoms).tril(-1)[..., None]
        self.register_buffer("earlier", earlier, persistent=False)

    offsets: Tensor
    earlier: Tensor

    def forward(self, graphs: MolGraphs) -> Tensor:
        """Latent points ``(B, latent_dim)``: shares of zero mean and unit variance.

        Those of atoms that are not there are 0.

        Args:
            graphs: ``B`` one-hot graphs in canonical atom order.
        """
        slots = occupied(graphs.num_atoms, self.max_atoms)
        nodes, mask = graphs.nodes[:, :slots], graphs.mask[:, :slots]
        bonds = graphs.edges[:, :slots, :slots, 1:]
        states = self.atoms(nodes) + self.slots[:slots] + self.bonds(self._by_offset(bonds))
        earlier = self.earlier[:slots, :slots]
        directed = torch.cat([bonds * earlier, bonds * earlier.transpose(0, 1)], -1)
        for messages in self.messages:
            states = messages(states, directed)
        for mixer in self.mixers:
            states = mixer(states, mask)
        shares = F.pad(self.readout(states).float(), (0, 0, 0, self.max_atoms - slots))
        return normalised_shares(shares.flatten(1), graphs.mask)

    def _by_offset(self, bonds: Tensor) -> Tensor:
        """``(B, n, (2N-1)(Y-1))``: bonds of each atom by how far the other one is."""
        flat, slots = F.pad(bonds.flatten(1, 2), (0, 0, 0, 1)), bonds.shape[1]
        offsets = self.offsets
        if slots < self.max_atoms:  # on a CPU only, see `occupied`
            offsets = _offset_places(slots, self.max_atoms)
        return flat.index_select(1, offsets.flatten()).view(*bonds.shape[:2], -1)


@functools.cache
def _offset_places(slots: int, max_atoms: int) -> Tensor:
    """``(n, 2N-1)``: where in a flat ``(n * n + 1)`` matrix the bond to slot ``i + o`` stands.

    ``o`` runs from ``-(N-1)`` to ``N-1``; beyond the molecule it is the last, empty place.
    """
    own = torch.arange(slots)[:, None]
    other = own + torch.arange(-max_atoms + 1, max_atoms)
    inside = (other >= 0) & (other < slots)
    return torch.where(inside, own * slots + other, slots * slots)
