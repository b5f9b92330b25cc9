"""From the compact table to the collated form of PyTorch Geometric, vectorised."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from molgan.data.storage import MoleculeTable


def collated(table: MoleculeTable) -> tuple[Data, dict[str, Tensor]]:
    """All molecules as one `Data`, and where each begins, as PyG's in-memory datasets hold them.

    Args:
        table: ``M`` molecules.
    """
    ends = table.bond_ends.astype(np.int64)
    # Each bond in both directions, one after the other.
    edge_index = np.stack([ends, ends[::-1]], axis=2).reshape(2, -1)
    data = Data(
        x=torch.from_numpy(table.atoms.astype(np.int64)),
        edge_index=torch.from_numpy(edge_index),
        edge_attr=torch.from_numpy(np.repeat(table.bond_types.astype(np.int64), 2)),
        idx=torch.arange(len(table)),
    )
    atoms = torch.from_numpy(np.concatenate([[0], np.cumsum(table.sizes)]))
    bonds = torch.from_numpy(np.concatenate([[0], np.cumsum(2 * table.bond_counts)]))
    each = torch.arange(len(table) + 1)
    return data, {"x": atoms, "edge_index": bonds, "edge_attr": bonds, "idx": each}
