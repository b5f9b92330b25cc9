"""`MolGraphs`: a batch of molecular graphs as dense tensors, the one type that all networks speak.

Dense rather than sparse because the graphs are small (9 to about 40 atoms) and a generator has to
put a probability on *every* possible bond. Index 0 of both type axes means "nothing": no atom, no
bond.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch_geometric.data import Batch, Data


@dataclass(frozen=True)
class MolGraphs:
    """A batch of ``B`` molecular graphs with at most ``N`` atoms each.

    Entries may be one-hot (a molecule) or soft (a generator's probabilities). Methods never change
    their object; they return a new one.

    Attributes:
        nodes: ``(B, N, T)``, distribution over atom types; type 0 is "no atom".
        edges: ``(B, N, N, Y)``, distribution over bond types, symmetric in the two atom axes; type
            0 is "no bond".
        mask: ``(B, N)``, 1 where a slot holds an atom and 0 where it is padding.
    """

    nodes: Tensor
    edges: Tensor
    mask: Tensor

    def __post_init__(self) -> None:
        """Refuse tensors that do not describe the same batch.

        Raises:
            ValueError: when shapes disagree.
        """
        batch, slots = self.mask.shape
        if self.nodes.shape[:2] != (batch, slots) or self.edges.shape[:3] != (batch, slots, slots):
            raise ValueError(
                f"nodes {tuple(self.nodes.shape)}, edges {tuple(self.edges.shape)} and mask "
                f"{tuple(self.mask.shape)} do not describe one batch"
            )

    # ------------------------------------------------------------------ making

    @classmethod
    def from_indices(
        cls,
        atoms: Tensor,
        bonds: Tensor,
        num_atom_types: int,
        num_bond_types: int,
    ) -> MolGraphs:
        """One-hot graphs from integer types.

        Args:
            atoms: ``(B, N)`` integers, atom types, 0 in padding.
            bonds: ``(B, N, N)`` symmetric integers, or ``(B, N(N-1)/2)``, the upper triangle in the
                order of ``torch.triu_indices(N, N, 1)``.
            num_atom_types: ``T``, "no atom" included.
            num_bond_types: ``Y``, "no bond" included.
        """
        if bonds.dim() == 2:
            bonds = unpack_pairs(bonds, atoms.shape[1])
        nodes, edges = one_hot(atoms, num_atom_types), one_hot(bonds, num_bond_types)
        return cls(nodes, edges, (atoms > 0).float())

    @classmethod
    def from_pyg(
        cls, batch: Batch | Data, num_atom_types: int, num_bond_types: int, max_atoms: int
    ) -> MolGraphs:
        """Dense graphs from a PyG batch whose ``x`` are atom types and ``edge_attr`` bond types.

        Args:
            batch: ``x`` ``(V,)``, ``edge_index`` ``(2, E)`` in both directions, ``edge_attr``
                ``(E,)``.
            num_atom_types: ``T``.
            num_bond_types: ``Y``.
            max_atoms: ``N``.

        Raises:
            ValueError: for a graph of more than ``max_atoms`` atoms.
        """
        from torch_geometric.utils import to_dense_adj, to_dense_batch

        owner = batch.batch
        if owner is None:
            owner = torch.zeros(batch.x.shape[0], dtype=torch.long, device=batch.x.device)
        graphs = int(getattr(batch, "num_graphs", 1))
        largest = int(torch.bincount(owner, minlength=1).max())
        if largest > max_atoms:  # PyG would cut the rest off without a word
            raise ValueError(f"a graph of {largest} atoms does not fit into max_atoms={max_atoms}")
        atoms, _ = to_dense_batch(batch.x, owner, max_num_nodes=max_atoms, batch_size=graphs)
        bonds = to_dense_adj(
            batch.edge_index,
            owner,
            edge_attr=batch.edge_attr,
            max_num_nodes=max_atoms,
            batch_size=graphs,
        )
        return cls.from_indices(atoms, bonds, num_atom_types, num_bond_types)

    def to_pyg_list(self) -> list[Data]:
        """One PyG ``Data`` a graph, in the form that `from_pyg` reads.

        Soft graphs are read out by their most probable types. Empty slots are left out, wherever
        they lie, so the atoms of a graph with holes move up.
        """
        from torch_geometric.data import Data

        atoms, bonds = self.to_indices()
        graphs = []
        for types, adjacency in zip(atoms.long(), bonds.long(), strict=True):
            slots = types.nonzero().squeeze(1)
            bonded = adjacency[slots][:, slots]
            index = bonded.nonzero().T.contiguous()
            graphs.append(
                Data(x=types[slots], edge_index=index, edge_attr=bonded[index[0], index[1]])
            )
        return graphs

    # ----------------------------------------------------------------- reading

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        return self.nodes.device

    @property
    def num_atoms(self) -> Tensor:
        """``(B,)`` integers: atoms of each graph."""
        return self.mask.sum(1).round().long()

    def __len__(self) -> int:
        """Number of graphs."""
        return self.nodes.shape[0]

    def __getitem__(self, index: slice | Tensor) -> MolGraphs:
        """The graphs chosen by a slice, an index tensor or a boolean mask."""
        return MolGraphs(self.nodes[index], self.edges[index], self.mask[index])

    def to_indices(self) -> tuple[Tensor, Tensor]:
        """The most probable types.

        Returns:
            ``atoms (B, N)`` and ``bonds (B, N, N)``, uint8; bonds symmetric, without diagonal, and
            0 wherever one end is padding. Slots that the mask allows may still be "no atom".
        """
        with torch.no_grad():
            atoms = self.nodes.argmax(-1) * (self.mask > 0.5)
            scores = self.edges + self.edges.transpose(1, 2)
            present = atoms > 0
            pairs = present[:, :, None] & present[:, None, :]
            pairs = pairs & ~torch.eye(atoms.shape[1], dtype=torch.bool, device=self.device)
            bonds = scores.argmax(-1) * pairs
        return atoms.to(torch.uint8), bonds.to(torch.uint8)

    # ---------------------------------------------------------------- changing

    def to(self, device: torch.device | str) -> MolGraphs:
        """The same graphs on another device."""
        return MolGraphs(self.nodes.to(device), self.edges.to(device), self.mask.to(device))

    def detach(self) -> MolGraphs:
        """The same graphs, cut off from the autograd graph."""
        return MolGraphs(self.nodes.detach(), self.edges.detach(), self.mask.detach())

    def requires_grad_(self) -> MolGraphs:
        """A detached copy whose nodes and edges record gradients (for gradient penalties)."""
        return replace(
            self,
            nodes=self.nodes.detach().requires_grad_(True),
            edges=self.edges.detach().requires_grad_(True),
            mask=self.mask.detach(),
        )

    def permute(self, order: Tensor) -> MolGraphs:
        """Renumber atoms.

        Args:
            order: ``(N,)`` or ``(B, N)``: new slot ``i`` takes the atom of old slot ``order[...,
                i]``.
        """
        if order.dim() == 1:
            order = order.expand(len(self), -1)
        batch = torch.arange(len(self), device=self.device)[:, None]
        edges = self.edges[batch[:, :, None], order[:, :, None], order[:, None, :]]
        return MolGraphs(self.nodes[batch, order], edges, self.mask[batch, order])

    def symmetrized(self) -> MolGraphs:
        """Edges replaced by the mean of both directions (equation 1 of MolGAN, section 3.1)."""
        return replace(self, edges=(self.edges + self.edges.transpose(1, 2)) / 2)

    def masked(self) -> MolGraphs:
        """Padding, the diagonal and pairs with a padded end set to exactly "nothing"."""
        nodes = _nothing_where(self.nodes, self.mask)
        pairs = self.mask[:, :, None] * self.mask[:, None, :]
        pairs = pairs * (1 - torch.eye(self.mask.shape[1], device=self.device, dtype=pairs.dtype))
        return MolGraphs(nodes, _nothing_where(self.edges, pairs), self.mask)


def concatenate(batches: list[MolGraphs]) -> MolGraphs:
    """One batch holding the graphs of several, in order."""
    return MolGraphs(
        torch.cat([b.nodes for b in batches]),
        torch.cat([b.edges for b in batches]),
        torch.cat([b.mask for b in batches]),
    )


def pack_pairs(pairs: Tensor) -> Tensor:
    """Upper triangle ``(B, N(N-1)/2, ...)`` of symmetric ``(B, N, N, ...)``."""
    rows, columns = torch.triu_indices(
        pairs.shape[1], pairs.shape[1], 1, device=pairs.device
    ).unbind()
    return pairs[:, rows, columns]


def unpack_pairs(packed: Tensor, num_atoms: int) -> Tensor:
    """Symmetric ``(B, N, N, ...)`` with zero diagonal from its packed upper triangle.

    Written as one gather, because an indexed assignment in both triangles costs two scatters in the
    backward pass and is the slowest step of a small generator on CPU.

    Args:
        packed: ``(B, P, ...)`` with ``P = N(N-1)/2``.
        num_atoms: ``N``.
    """
    source = _pair_slots(num_atoms, packed.device)
    padded = torch.cat([packed, packed.new_zeros(packed.shape[0], 1, *packed.shape[2:])], 1)
    full: Tensor = padded[:, source].unflatten(1, (num_atoms, num_atoms))
    return full


def one_hot(types: Tensor, count: int) -> Tensor:
    """``(..., count)`` floats: 1 at each of the integers ``types (...)``, 0 elsewhere.

    Without the look at the values that `torch.nn.functional.one_hot` takes, for which a device
    would have to wait: a type outside of 0 to ``count - 1`` gives no 1 at all.
    """
    numbers = torch.arange(count, device=types.device, dtype=types.dtype)
    return (types[..., None] == numbers).float()


def _pair_slots(num_atoms: int, device: torch.device) -> Tensor:
    """``(N*N,)``: place of each matrix entry in the packed triangle; P on the diagonal."""
    rows, columns = torch.triu_indices(num_atoms, num_atoms, 1, device=device).unbind()
    count = rows.numel()
    slots = torch.full((num_atoms, num_atoms), count, dtype=torch.long, device=device)
    numbers = torch.arange(count, device=device)
    slots[rows, columns] = numbers
    slots[columns, rows] = numbers
    return slots.flatten()


def _nothing_where(types: Tensor, keep: Tensor) -> Tensor:
    """Replace the distributions at positions where ``keep`` is 0 by certainty of type 0."""
    nothing = one_hot(torch.zeros((), dtype=torch.long, device=types.device), types.shape[-1])
    keep = keep[..., None]
    return types * keep + nothing * (1 - keep)
