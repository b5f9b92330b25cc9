"""The share of carbon among the heavy atoms, as a reward component for molgan."""

from __future__ import annotations

from dataclasses import dataclass, field

from rdkit import Chem

from molgan.rewards import Identity, MoleculeComponent, Transform


@dataclass(frozen=True)
class CarbonShare(MoleculeComponent):
    """Share of carbon among the heavy atoms, 0 to 1.

    Attributes:
        power: Exponent of the share.
        transform: Identity: much carbon is good.
    """

    power: float = 1.0
    transform: Transform = field(default_factory=Identity)

    def score(self, mol: Chem.Mol) -> float:
        """Return the share to the power asked for."""
        carbons = sum(atom.GetSymbol() == "C" for atom in mol.GetAtoms())
        return float((carbons / mol.GetNumHeavyAtoms()) ** self.power)
