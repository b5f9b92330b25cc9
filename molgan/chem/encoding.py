"""Molecules to arrays. The arrays are a function of the molecule's identity alone.

A molecule is written as canonical SMILES, read back, and its atoms keep the order in which the
SMILES names them: depth-first, so that neighbours stay near, and the same for every input of that
molecule.
"""

from __future__ import annotations

import re

import numpy as np
from rdkit import Chem

from molgan.chem.reading import parse
from molgan.chem.vocabulary import AtomType, Vocabulary
from molgan.errors import ChemistryError

ENCODE_REASONS = (
    "parse",
    "empty",
    "fragments",
    "size",
    "element",
    "charge",
    "bond",
    "kekulize",
    "roundtrip",
)
"""Why a molecule cannot be encoded."""

_ATOM_TOKEN = re.compile(r"\[[^\]]*\]|Br|Cl|[BCNOPSFIbcnops*]")
_AROMATIC = 4


class EncodingError(ChemistryError):
    """A molecule does not fit the vocabulary or the size; `reason` is from `ENCODE_REASONS`."""

    def __init__(self, reason: str, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[EncodingError], tuple[str, str, str | None]]:
        """Survive the way back from a worker process."""
        return type(self), (self.reason, str(self), self.detail)


class Encoder:
    """Encodes single molecules for one vocabulary; see `molgan.chem.Codec.encode`."""

    def __init__(self, vocabulary: Vocabulary, max_atoms: int) -> None:
        self._vocabulary = vocabulary
        self._max_atoms = max_atoms
        # SMILES atom token -> atom type index, filled as tokens turn up; there are few of them.
        self._tokens: dict[str, int] = {}

    def encode(
        self, mol: Chem.Mol | None, reason: str | None, name: str, kekule: bool = False
    ) -> tuple[np.ndarray, np.ndarray, str]:
        """Encode what `molgan.chem.reading` returned.

        Args:
            mol: A standardised molecule, or None.
            reason: Why there is none.
            name: What to call the molecule in an error.
            kekule: Write a Kekulé structure even where aromatic bonds are a type.

        Returns:
            (n,) atom types, (n, n) bond types, canonical SMILES.

        Raises:
            EncodingError: the molecule does not fit.
        """
        if mol is None:
            texts = {
                "parse": "RDKit cannot read it",
                "empty": "it has no atoms",
                "fragments": "it has more than one fragment",
                "size": f"it has more than {self._max_atoms} heavy atoms",
            }
            assert reason is not None
            raise EncodingError(reason, f"cannot encode {name[:100]!r}: {texts[reason]}")
        smiles: str = Chem.MolToSmiles(mol, isomericSmiles=False)
        ordered = parse(smiles)
        if ordered is None:
            raise EncodingError("roundtrip", f"RDKit cannot read its own SMILES {smiles[:100]!r}")
        atoms = self._encode_atoms(ordered, smiles)
        if self._vocabulary.aromatic and not kekule:
            bonds = self._aromatic_bonds(ordered, smiles)
        else:
            bonds = self._kekule_bonds(ordered, smiles)
        return atoms, bonds, smiles

    def _encode_atoms(self, mol: Chem.Mol, smiles: str) -> np.ndarray:
        names = _ATOM_TOKEN.findall(smiles)
        if len(names) != mol.GetNumAtoms():
            raise EncodingError("roundtrip", f"cannot tell the atoms of {smiles[:100]!r}")
        tokens = self._tokens
        try:
            return np.array([tokens[name] for name in names], dtype=np.uint8)
        except KeyError:
            self._learn(mol, names, smiles)
            return np.array([tokens[name] for name in names], dtype=np.uint8)

    def _learn(self, mol: Chem.Mol, names: list[str], smiles: str) -> None:
        """Look up tokens not met before, or raise where the vocabulary has no such atom."""
        unknown_charge: str | None = None
        for name, atom in zip(names, mol.GetAtoms(), strict=True):
            kind = AtomType(atom.GetSymbol(), atom.GetFormalCharge())
            index = self._vocabulary.atom_index(kind.symbol, kind.charge)
            if index is not None:
                self._tokens[name] = index
            elif kind.symbol not in self._vocabulary.elements:
                raise EncodingError(
                    "element",
                    f"cannot encode {smiles[:100]!r}: no element {kind.symbol} in the vocabulary",
                    kind.symbol,
                )
            elif unknown_charge is None:
                unknown_charge = str(kind)
        if unknown_charge is not None:
            raise EncodingError(
                "charge",
                f"cannot encode {smiles[:100]!r}: no atom type {unknown_charge} in the vocabulary",
                unknown_charge,
            )

    def _kekule_bonds(self, mol: Chem.Mol, smiles: str) -> np.ndarray:
        try:
            Chem.Kekulize(mol, clearAromaticFlags=True)
        except Chem.KekulizeException as error:
            raise EncodingError("kekulize", f"no Kekulé structure for {smiles[:100]!r}") from error
        orders = Chem.GetAdjacencyMatrix(mol, useBO=True, force=True)
        bonds: np.ndarray = orders.astype(np.uint8)
        # Dative and hydrogen bonds count 1 or 0 in that matrix: their SMILES signs give them away.
        if bonds.max() > 3 or ">" in smiles or "<" in smiles or "~" in smiles:
            raise EncodingError("bond", f"a bond of {smiles[:100]!r} is not in the vocabulary")
        return bonds

    def _aromatic_bonds(self, mol: Chem.Mol, smiles: str) -> np.ndarray:
        """Aromatic bonds as such, but for those at atoms whose hydrogen they would hide.

        A pyrrole-like [nH] has no room for a hydrogen with two aromatic bonds (RDKit would not
        know which atom holds it), so the bonds at such atoms are written as the single bonds
        they are in every Kekulé structure.
        """
        aromatic = np.array([bond.GetIsAromatic() for bond in mol.GetBonds()], dtype=bool)
        pairs = np.array(
            [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()],
            dtype=np.intp,
        ).reshape(-1, 2)
        hydrogens = np.array(
            [atom.GetIsAromatic() and atom.GetNumExplicitHs() > 0 for atom in mol.GetAtoms()],
            dtype=bool,
        )
        bonds = self._kekule_bonds(mol, smiles)
        donor = hydrogens & (bonds.max(axis=1, initial=0) < 2)
        pairs = pairs[aromatic]
        pairs = pairs[~donor[pairs].any(axis=1)]
        bonds[pairs[:, 0], pairs[:, 1]] = _AROMATIC
        bonds[pairs[:, 1], pairs[:, 0]] = _AROMATIC
        return bonds
