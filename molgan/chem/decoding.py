"""Arrays to molecules, strictly: every graph becomes a sanitised molecule or a reason.

What can be told from the arrays is decided for the whole batch in numpy; only graphs that pass
reach RDKit, which costs several times more per molecule than everything here together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rdkit import Chem

from molgan.chem.connectivity import is_connected
from molgan.chem.rdkit_log import quiet_rdkit
from molgan.chem.reading import parse
from molgan.chem.vocabulary import Vocabulary

DECODE_REASONS = ("empty", "valence", "fragments", "kekulize", "sanitize")
"""Why a graph is not a molecule, in the order in which it is checked."""

# An aromatic bond is 1 or 2 in a Kekulé structure: 1 is what it takes up at least.
MIN_BOND_ORDER = np.array([0, 1, 2, 3, 1], dtype=np.uint8)

_BOND_TYPES = np.array(
    [
        Chem.BondType.ZERO,  # never built: "none" is the absence of a bond
        Chem.BondType.SINGLE,
        Chem.BondType.DOUBLE,
        Chem.BondType.TRIPLE,
        Chem.BondType.AROMATIC,
    ],
    dtype=object,
)

_WRITE = Chem.SmilesWriteParams()

# For molecules of these atom types only (halogens with one bond), RDKit's SMILES has never been
# seen to fail on reading back, on any real, mutated or random graph; others are read back.
_PLAIN_TYPES = frozenset(
    {
        *((symbol, 0) for symbol in ("B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I")),
        *(("N", 1), ("C", -1), ("N", -1), ("O", -1), ("S", -1)),
    }
)
_HALOGENS = frozenset({"F", "Cl", "Br", "I"})

CHUNK = 2048
"""Graphs checked at once: enough to hide numpy's overhead, small enough for the cache."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded graph: either a molecule with its SMILES, or the reason why there is none.

    Attributes:
        mol: Sanitised, connected, without stereochemistry. Treat as read-only.
        smiles: Canonical SMILES without stereochemistry: the molecule's identity.
        reason: One of `DECODE_REASONS`, or None for a valid molecule.
    """

    mol: Chem.Mol | None
    smiles: str | None
    reason: str | None

    @property
    def valid(self) -> bool:
        """Whether there is a molecule."""
        return self.reason is None


def _atom_templates(vocabulary: Vocabulary) -> np.ndarray:
    """Make one RDKit atom per atom type; adding it to a molecule copies it."""
    # Index 0, the absence of an atom, is never built.
    templates = np.array([None] * vocabulary.num_atom_types, dtype=object)
    for k, kind in enumerate(vocabulary.atoms, start=1):
        atom = Chem.Atom(kind.symbol)
        atom.SetFormalCharge(kind.charge)
        templates[k] = atom
    return templates


class Decoder:
    """Decodes batches for one vocabulary; see `molgan.chem.Codec.decode`."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._templates = _atom_templates(vocabulary)
        self._max_valence = vocabulary.max_valence()
        # Largest valence up to which an atom is plain.
        plain = [
            0 if (a.symbol, a.charge) not in _PLAIN_TYPES else 1 if a.symbol in _HALOGENS else 255
            for a in vocabulary.atoms
        ]
        self._plain_valence = np.array([255, *plain], dtype=np.int16)
        self._exotic = np.array([False, *(limit == 0 for limit in plain)])

    def decode(self, atoms: np.ndarray, bonds: np.ndarray) -> list[Decoded]:
        """Decode in chunks on this process.

        Args:
            atoms: (B, N) uint8.
            bonds: (B, N, N) uint8; the part above the diagonal is read.
        """
        result: list[Decoded] = []
        with quiet_rdkit():
            for start in range(0, len(atoms), CHUNK):
                end = start + CHUNK
                result.extend(self._decode_chunk(atoms[start:end], bonds[start:end]))
        return result

    def _decode_chunk(self, atoms: np.ndarray, bonds: np.ndarray) -> list[Decoded]:
        present = atoms != 0
        batch, n = atoms.shape
        # Bonds to absent atoms are no bonds: the same masking as MolGraphs.masked().
        real = (bonds != 0) & present[:, :, None] & present[:, None, :]
        real &= np.triu(np.ones((n, n), dtype=bool), 1)
        # The flat form of nonzero() is several times faster than the three-dimensional one.
        graph, pair = np.divmod(np.flatnonzero(real), n * n)
        first, second = np.divmod(pair, n)
        kinds = bonds[graph, first, second]

        orders = MIN_BOND_ORDER[kinds]
        size = batch * n
        used = np.bincount(graph * n + first, weights=orders, minlength=size)
        used += np.bincount(graph * n + second, weights=orders, minlength=size)
        used = used.reshape(batch, n)
        overfull = (used > self._max_valence[atoms]).any(axis=1)
        doubtful = (self._exotic[atoms] | (used > self._plain_valence[atoms])).any(axis=1)
        connected = is_connected(real | real.transpose(0, 2, 1), present)

        reasons = np.full(batch, -1, dtype=np.int8)
        reasons[~connected] = DECODE_REASONS.index("fragments")
        reasons[overfull] = DECODE_REASONS.index("valence")
        reasons[~present.any(axis=1)] = DECODE_REASONS.index("empty")

        passed = reasons == -1
        keep = passed[graph]
        # Slots may have gaps; RDKit numbers atoms without.
        number = np.cumsum(present, axis=1) - 1
        candidates = self._build(
            atoms[passed],
            np.bincount(graph[keep], minlength=batch)[passed],
            number[graph[keep], first[keep]],
            number[graph[keep], second[keep]],
            kinds[keep],
            doubtful[passed].tolist(),
        )
        return [next(candidates) if r < 0 else _FAILED[DECODE_REASONS[r]] for r in reasons.tolist()]

    def _build(
        self,
        atoms: np.ndarray,
        num_bonds: np.ndarray,
        first: np.ndarray,
        second: np.ndarray,
        kinds: np.ndarray,
        doubtful: list[bool],
    ) -> Iterator[Decoded]:
        """Build and sanitise candidates one by one: the loop that has to be in Python.

        Args:
            atoms: (C, N) atom types.
            num_bonds: (C,) bonds of each candidate.
            first: (E,) first atom of each bond, all candidates one after the other.
            second: (E,) second atom.
            kinds: (E,) bond types.
            doubtful: C flags, whether to check that the SMILES can be read back.
        """
        # Flat lists, made by numpy: no Python object per bond, which would also feed the
        # garbage collector.
        atom_list = self._templates[atoms[atoms != 0]].tolist()
        firsts, seconds = first.tolist(), second.tolist()
        kind_list = _BOND_TYPES[kinds].tolist()
        atom_ends = np.concatenate(([0], np.cumsum((atoms != 0).sum(axis=1)))).tolist()
        bond_ends = np.concatenate(([0], np.cumsum(num_bonds))).tolist()
        sanitize, write, new_mol = Chem.SanitizeMol, Chem.MolToSmiles, Chem.RWMol
        everything = Chem.SanitizeFlags.SANITIZE_ALL
        spans = zip(pairwise(atom_ends), pairwise(bond_ends), doubtful, strict=True)
        for (a, b), (c, d), doubt in spans:
            mol = new_mol()
            add_atom, add_bond = mol.AddAtom, mol.AddBond
            for atom in atom_list[a:b]:
                add_atom(atom)
            for i, j, kind in zip(firsts[c:d], seconds[c:d], kind_list[c:d], strict=True):
                # An aromatic bond also marks itself and its two atoms as aromatic.
                add_bond(i, j, kind)
            failure = sanitize(mol, everything, True)  # True: report errors, do not raise
            if failure:
                yield _FAILED[reason_of(failure)]
                continue
            smiles = write(mol, _WRITE)
            if doubt and not _reads_back(smiles):
                yield _FAILED["sanitize"]
            else:
                yield Decoded(mol, smiles, None)


def _reads_back(smiles: str) -> bool:
    """Whether RDKit reads its own SMILES and writes it the same again."""
    mol: Chem.Mol | None = parse(smiles)
    if mol is None or Chem.SanitizeMol(mol, catchErrors=True):
        return False
    return bool(Chem.MolToSmiles(mol) == smiles)


_FAILED = {reason: Decoded(None, None, reason) for reason in DECODE_REASONS}


def reason_of(flag: Chem.SanitizeFlags) -> str:
    """The reason that goes with the step at which RDKit's sanitisation gave up."""
    if flag == Chem.SanitizeFlags.SANITIZE_PROPERTIES:
        return "valence"
    if flag == Chem.SanitizeFlags.SANITIZE_KEKULIZE:
        return "kekulize"
    return "sanitize"
