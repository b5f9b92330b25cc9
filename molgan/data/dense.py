"""The molecules of a split as the padded tensors that training reads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class DenseMolecules:
    """All molecules of a split, padded to N atoms.

    Attributes:
        atoms: (M, N) uint8 atom types, 0 beyond a molecule's end.
        bonds: (M, N(N-1)/2) uint8 bond types in the order of `torch.triu_indices(N, N, 1)`.
    """

    atoms: Tensor
    bonds: Tensor

    def __len__(self) -> int:
        """Number of molecules."""
        return int(self.atoms.shape[0])

    def to(self, device: torch.device | str) -> DenseMolecules:
        """The same molecules on a device.

        Args:
            device: of torch, such as ``cuda``.
        """
        return DenseMolecules(self.atoms.to(device), self.bonds.to(device))
