"""A part that molecules have to contain, written as SMARTS or as SMILES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rdkit import Chem

from molgan.chem.rdkit_log import quiet_rdkit
from molgan.errors import ConfigError

_MOST_PLACES = 64


@dataclass(frozen=True)
class Fragment:
    """A substructure to look for.

    Attributes:
        text: as the user wrote it.
        query: the same as a pattern of RDKit.
    """

    text: str
    query: Any

    @classmethod
    def parse(cls, text: str) -> Fragment:
        """Read SMARTS, or a fragment as SMILES: ``C1=CC=CC=C1`` then finds benzene rings.

        A text with brackets is SMARTS first, where ``[CH3]`` means three hydrogens; one without is
        SMILES first, so that a Kekulé ring is read as what it is.

        Args:
            text: The fragment.

        Raises:
            ConfigError: when RDKit reads it as neither, or it is empty.
        """
        text = text.strip()
        readers: list[Callable[[str], Any]] = [Chem.MolFromSmiles, Chem.MolFromSmarts]
        with quiet_rdkit():
            for read in readers[::-1] if "[" in text else readers:
                query = read(text)
                if query is not None and query.GetNumAtoms():
                    return cls(text, query)
        raise ConfigError(
            f"{text!r} is neither SMARTS nor SMILES that RDKit reads: a fragment is wanted, such "
            "as C1COC1 or [NX3]C(=O)"
        )

    def is_in(self, mol: Chem.Mol | None) -> bool:
        """Whether a molecule contains it; where there is no molecule, it does not.

        Args:
            mol: A sanitised molecule, or None.
        """
        return mol is not None and bool(mol.HasSubstructMatch(self.query))

    def places(self, mol: Chem.Mol) -> list[tuple[int, ...]]:
        """Atoms of a molecule that make it up, once for each place (64 at most).

        Args:
            mol: A sanitised molecule.
        """
        found = mol.GetSubstructMatches(self.query, uniquify=True, maxMatches=_MOST_PLACES)
        return [tuple(match) for match in found]
