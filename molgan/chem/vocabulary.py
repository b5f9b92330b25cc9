"""Vocabulary: which atom and bond types the arrays of a data set speak of.

An atom type is an element with its formal charge; hydrogens are implicit. Bond types are the orders
of a Kekulé structure, plus an aromatic type where that is asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from rdkit import Chem

from molgan.chem.rdkit_log import quiet_rdkit
from molgan.chem.reading import read_smiles, standard_copy
from molgan.errors import ChemistryError

BOND_NAMES = ("none", "single", "double", "triple", "aromatic")
"""All bond types there are; index 0 is "no bond", and "aromatic" is optional."""

VALENCE_LIMIT = 12
"""Valences are probed up to here. RDKit sets no limit for most metals: they get this number."""

_ATOM_TYPE = re.compile(r"([A-Z][a-z]?)(?:([+-])(\d*))?")


@dataclass(frozen=True, order=True)
class AtomType:
    """An element with a formal charge.

    Attributes:
        symbol: Element symbol, e.g. ``"N"``.
        charge: Formal charge in elementary charges.
    """

    symbol: str
    charge: int = 0

    def __str__(self) -> str:
        """Write the type as ``C``, ``N+``, ``O-``, ``S+2``."""
        if self.charge == 0:
            return self.symbol
        sign = "+" if self.charge > 0 else "-"
        return f"{self.symbol}{sign}{abs(self.charge) if abs(self.charge) > 1 else ''}"

    @classmethod
    def parse(cls, text: str) -> AtomType:
        """Read what ``str()`` writes.

        Args:
            text: Such as ``C``, ``N+`` or ``S+2``.

        Raises:
            ChemistryError: `text` is not an element symbol with an optional charge.
        """
        match = _ATOM_TYPE.fullmatch(text)
        if match is None or not _is_element(match[1]):
            raise ChemistryError(
                f"'{text}' is not an atom type; write an element with its charge, like C, N+ or S+2"
            )
        charge = 0 if match[2] is None else int(f"{match[2]}{match[3] or 1}")
        return cls(match[1], charge)


@dataclass(frozen=True)
class Vocabulary:
    """Atom and bond types, numbered. Index 0 on both axes stands for "nothing".

    Attributes:
        atoms: Atom types; `atoms[k]` has index ``k + 1``.
        bonds: Bond names; `bonds[k]` has index `k`, and ``bonds[0]`` is ``"none"``.

    Raises:
        ChemistryError: a type twice, more than 255 of them, or bonds other than the two sets
            ``BOND_NAMES[:4]`` and ``BOND_NAMES``.
    """

    atoms: tuple[AtomType, ...]
    bonds: tuple[str, ...] = BOND_NAMES[:4]

    def __post_init__(self) -> None:
        """Check what later code relies on."""
        if self.bonds not in (BOND_NAMES[:4], BOND_NAMES):
            raise ChemistryError(f"bond types must be {BOND_NAMES[:4]} or {BOND_NAMES}")
        if len(set(self.atoms)) != len(self.atoms):
            raise ChemistryError("an atom type occurs twice in the vocabulary")
        if not 0 < len(self.atoms) < 256:
            raise ChemistryError(f"a vocabulary holds 1 to 255 atom types, not {len(self.atoms)}")

    @property
    def num_atom_types(self) -> int:
        """Number of node types, "no atom" included."""
        return 1 + len(self.atoms)

    @property
    def num_bond_types(self) -> int:
        """Number of edge types, "none" included."""
        return len(self.bonds)

    @property
    def aromatic(self) -> bool:
        """Whether aromatic bonds are a type of their own."""
        return "aromatic" in self.bonds

    @cached_property
    def _index(self) -> dict[tuple[str, int], int]:
        return {(a.symbol, a.charge): k for k, a in enumerate(self.atoms, start=1)}

    @cached_property
    def elements(self) -> frozenset[str]:
        """Element symbols that occur with at least one charge."""
        return frozenset(a.symbol for a in self.atoms)

    def atom_index(self, symbol: str, charge: int) -> int | None:
        """Return the index of an atom type (from 1), or None where it is not in the vocabulary.

        Args:
            symbol: Of the element, such as ``N``.
            charge: Formal charge.
        """
        return self._index.get((symbol, charge))

    def max_valence(self) -> np.ndarray:
        """Return the largest total bond order RDKit accepts, per atom type.

        Read off RDKit by trying, so that it always agrees with the installed version. Types for
        which RDKit knows no limit (most metals) get `VALENCE_LIMIT`.

        Returns:
            (num_atom_types,) uint8; 0 for index 0.
        """
        limits = [0, *(_probe_valence(a.symbol, a.charge) for a in self.atoms)]
        return np.array(limits, dtype=np.uint8)

    def to_dict(self) -> dict[str, list[str]]:
        """Return plain JSON data: ``{"atoms": ["C", "N+"], "bonds": ["none", ...]}``."""
        return {"atoms": [str(a) for a in self.atoms], "bonds": list(self.bonds)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Vocabulary:
        """Read what `to_dict` returns.

        Args:
            data: With the lists ``atoms`` (as `AtomType.parse` reads them) and ``bonds`` (names).

        Raises:
            ChemistryError: a key is missing or a type cannot be read.
        """
        try:
            atoms = tuple(AtomType.parse(str(text)) for text in data["atoms"])
            bonds = tuple(str(name) for name in data["bonds"])
        except (KeyError, TypeError) as error:
            raise ChemistryError(
                "a vocabulary is a mapping with the lists 'atoms' and 'bonds'"
            ) from error
        return cls(atoms, bonds)

    @classmethod
    def from_smiles(
        cls, smiles: Iterable[str], *, aromatic: bool = False, min_count: int = 1
    ) -> Vocabulary:
        """Learn a vocabulary from SMILES; those that RDKit refuses are passed over.

        Args:
            smiles: SMILES strings.
            aromatic: Make aromatic bonds a type of their own.
            min_count: Atom types in fewer molecules' atoms than this are left out.

        Raises:
            ChemistryError: no atom type is left.
        """
        counts: Counter[tuple[str, int]] = Counter()
        with quiet_rdkit():
            for text in smiles:
                mol, _ = read_smiles(text)
                if mol is not None:
                    _count_atoms(mol, counts)
        return cls._from_counts(counts, aromatic, min_count)

    @classmethod
    def from_mols(
        cls, mols: Iterable[Chem.Mol], *, aromatic: bool = False, min_count: int = 1
    ) -> Vocabulary:
        """Learn a vocabulary from molecules; see `from_smiles`.

        Args:
            mols: Molecules; those that cannot be sanitised are passed over.
            aromatic: As for `from_smiles`.
            min_count: As for `from_smiles`.

        Raises:
            ChemistryError: no atom type is left.
        """
        counts: Counter[tuple[str, int]] = Counter()
        with quiet_rdkit():
            for mol in mols:
                copy, _ = standard_copy(mol)
                if copy is not None:
                    _count_atoms(copy, counts)
        return cls._from_counts(counts, aromatic, min_count)

    @classmethod
    def _from_counts(
        cls, counts: Counter[tuple[str, int]], aromatic: bool, min_count: int
    ) -> Vocabulary:
        # Hydrogens that RDKit keeps as atoms (H2, hydrides) and dummies never become a type.
        kept = [
            (-count, AtomType(symbol, charge))
            for (symbol, charge), count in counts.items()
            if count >= min_count and symbol not in ("H", "*")
        ]
        if not kept:
            raise ChemistryError(
                "no atom type found: no molecule could be read, or min_count is too high"
            )
        kept.sort(key=lambda item: (item[0], str(item[1])))
        return cls(tuple(atom for _, atom in kept), BOND_NAMES if aromatic else BOND_NAMES[:4])


def _count_atoms(mol: Chem.Mol, counts: Counter[tuple[str, int]]) -> None:
    counts.update((a.GetSymbol(), a.GetFormalCharge()) for a in mol.GetAtoms())


def _is_element(symbol: str) -> bool:
    try:
        return bool(Chem.GetPeriodicTable().GetAtomicNumber(symbol) > 0)
    except RuntimeError:
        return False


@lru_cache(maxsize=1024)
def _probe_valence(symbol: str, charge: int) -> int:
    """Largest number of single bonds (0 to VALENCE_LIMIT) that RDKit lets such an atom have."""
    best = 0
    with quiet_rdkit():
        for order in range(VALENCE_LIMIT + 1):
            mol = Chem.RWMol()
            center = Chem.Atom(symbol)
            center.SetFormalCharge(charge)
            mol.AddAtom(center)
            for k in range(order):
                mol.AddAtom(Chem.Atom("F"))
                mol.AddBond(0, k + 1, Chem.BondType.SINGLE)
            flags = Chem.SanitizeFlags.SANITIZE_PROPERTIES
            if not Chem.SanitizeMol(mol, flags, catchErrors=True):
                best = order
    return best
