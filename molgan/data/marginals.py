"""How often each size, atom type and bond type occurs in a set of molecules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgan.data.storage import MoleculeTable


@dataclass(frozen=True)
class Marginals:
    """Relative frequencies; each array sums to 1.

    Attributes:
        sizes: (N+1,) share of molecules with 0, 1, ..., N atoms.
        atoms: (T,) share of each atom type among all atoms; entry 0 (no atom) is 0.
        bonds: (Y,) share of each bond type among all pairs of atoms of one molecule; entry 0 (no
            bond) is by far the largest. All zero but entry 0 if no molecule has a second atom.
    """

    sizes: NDArray[np.float64]
    atoms: NDArray[np.float64]
    bonds: NDArray[np.float64]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, for a bundle's JSON."""
        return {name: getattr(self, name).tolist() for name in ("sizes", "atoms", "bonds")}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Marginals:
        """Inverse of `to_dict`.

        Args:
            plain: what `to_dict` gave.
        """
        return cls(**{name: np.asarray(plain[name]) for name in ("sizes", "atoms", "bonds")})


def table_marginals(
    table: MoleculeTable,
    indices: NDArray[np.int64],
    max_atoms: int,
    num_atom_types: int,
    num_bond_types: int,
) -> Marginals:
    """Count sizes, atom types and bond types of some molecules of a table.

    Args:
        table: the molecules.
        indices: (B,) those to count, B >= 1.
        max_atoms: N.
        num_atom_types: T, with "no atom".
        num_bond_types: Y, with "no bond".
    """
    wanted = np.zeros(len(table), dtype=bool)
    wanted[indices] = True
    sizes = table.sizes[wanted].astype(np.int64)
    of_atoms = np.repeat(wanted, table.sizes)
    of_bonds = np.repeat(wanted, table.bond_counts)

    size_counts = np.bincount(sizes, minlength=max_atoms + 1).astype(np.float64)
    atom_counts = np.bincount(table.atoms[of_atoms], minlength=num_atom_types).astype(np.float64)
    bond_counts = np.bincount(table.bond_types[of_bonds], minlength=num_bond_types)
    bond_counts = bond_counts.astype(np.float64)
    # Pairs of atoms without a bond; a set of single atoms has no pairs at all.
    bond_counts[0] = max((sizes * (sizes - 1) // 2).sum() - bond_counts.sum(), 0.0)
    if bond_counts.sum() == 0.0:
        bond_counts[0] = 1.0
    return Marginals(
        sizes=size_counts / size_counts.sum(),
        atoms=atom_counts / atom_counts.sum(),
        bonds=bond_counts / bond_counts.sum(),
    )
