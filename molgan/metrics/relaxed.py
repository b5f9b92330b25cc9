"""What the graph-generation papers count as valid, for comparison with their tables only.

Both protocols look at a graph of heavy atoms (no hydrogens, no charges, Kekulé bonds) and are
looser than `evaluate`. Nothing here is mixed with the strict figures.

*GDSS* (harryjo97/GDSS, `utils/mol_utils.py` and `sampler.py`; the same functions in GruM):

1. Bonds are added one by one (by the larger of their two atom numbers, then by the smaller). After
   each, the first atom that RDKit finds overfull gets charge +1 if it is N, O or S and exceeds
   3, 2 or 2 by exactly 1. S never does: RDKit lets it have 6. There are no negative charges.
2. "Valid without correction": RDKit's valence check alone passes. No aromaticity, no
   kekulisation; fragments are allowed, and so is a graph without any atom.
3. Correction: while an atom is overfull, the first such atom's bond of highest order loses one
   order (a single bond vanishes). Charges from step 1 stay. Nothing else is mended.
4. Of several fragments the one with the longest SMILES stays, and is read anew, sanitised.
5. Unique and novel are MOSES': distinct / corrected molecules, new distinct / distinct.

*DiGress* (cvignac/DiGress, `src/analysis/rdkit_functions.py`):

* "Valid": full sanitisation of the uncharged graph, which also turns five-valent nitro groups into
  charged ones. Fragments are allowed; the one with most atoms stays. SPECTRE's validity
  (KarolisMart/SPECTRE, `util/molecular_eval.py`) is the same, on all fragments together.
* "Relaxed valid": the same after step 1 of GDSS, with bonds in order of the smaller atom number.
  It mostly lets more through, but not always: a nitro group whose N reaches four bonds on the way
  is charged and then fails.
* Unique and novel are counted on the relaxed valid molecules: distinct / relaxed valid, new
  distinct / distinct.

Our models state charges themselves; the papers' have none. A charged atom keeps its charge, counts
with RDKit's valence for that charge, and is never touched by step 1, which is for neutral atoms.
Atoms `*` and bonds that are not single, double, triple or aromatic do not exist there: invalid.
GDSS has no aromatic bonds either: they are kekulised, and invalid where that is impossible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from rdkit import Chem

from molgan.chem import quiet_rdkit
from molgan.chem.raw import Bond, graph_of, kekulized
from molgan.chem.reading import identity
from molgan.metrics.basic import Figures
from molgan.metrics.identity import HashedIdentities

__all__ = [
    "DiGressCount",
    "GDSSCount",
    "digress_count",
    "digress_figures",
    "digress_molecules",
    "digress_relaxed",
    "digress_smiles",
    "gdss_correct",
    "gdss_corrected",
    "gdss_count",
    "gdss_figures",
    "gdss_valid",
]

_LOWER = {
    Chem.BondType.TRIPLE: Chem.BondType.DOUBLE,
    Chem.BondType.DOUBLE: Chem.BondType.SINGLE,
    Chem.BondType.SINGLE: None,
}
_MAY_BE_CHARGED = {7: 3, 8: 2, 16: 2}  # N, O, S: valence that may be exceeded by one
_PROPERTIES = Chem.SanitizeFlags.SANITIZE_PROPERTIES


class GDSSCount(NamedTuple):
    """One graph in GDSS's counting.

    Attributes:
        valid: The valence check passes without correction.
        parsed: After correction RDKit reads the largest fragment; a graph without atoms is read,
            too. Published shares are over these.
        smiles: The corrected largest fragment, canonical SMILES without stereochemistry; None where
            it cannot be read or has no atoms.
    """

    valid: bool
    parsed: bool
    smiles: str | None


class DiGressCount(NamedTuple):
    """One graph in DiGress's counting.

    Attributes:
        smiles: SMILES of the largest fragment if the uncharged graph is valid, else None.
        relaxed: The same with the +1 rule.
        fragments: Number of connected components if valid, else 0.
    """

    smiles: str | None
    relaxed: str | None
    fragments: int


_NO_GDSS = GDSSCount(False, False, None)
_NO_DIGRESS = DiGressCount(None, None, 0)


def gdss_count(mol: Chem.Mol | None) -> GDSSCount:
    """Count one graph as GDSS does; a module-level function for worker pools.

    Args:
        mol: From `raw_molecule` or `raw_molecule_from_smiles`; not changed. None, where there is no
            graph at all, is invalid.
    """
    if mol is None:
        return _NO_GDSS
    with quiet_rdkit():
        try:
            return _gdss_count(mol)
        except (ValueError, RuntimeError):  # all that RDKit's Python functions raise
            return _NO_GDSS


def gdss_valid(mol: Chem.Mol | None) -> bool:
    """Whether a graph is valid without correction for GDSS; see `gdss_count`."""
    return gdss_count(mol).valid


def gdss_correct(mol: Chem.Mol | None) -> str | None:
    """Return the SMILES of the corrected largest fragment as GDSS; see `gdss_count`."""
    return gdss_count(mol).smiles


def digress_count(mol: Chem.Mol | None) -> DiGressCount:
    """Count one graph as DiGress does; a module-level function for worker pools.

    A graph without atoms, which cannot be drawn there, is invalid.

    Args:
        mol: As for `gdss_count`.
    """
    if mol is None:
        return _NO_DIGRESS
    with quiet_rdkit():
        try:
            return _digress_count(mol)
        except (ValueError, RuntimeError):
            return _NO_DIGRESS


def digress_smiles(mol: Chem.Mol | None) -> str | None:
    """Return the largest fragment's SMILES if DiGress calls the graph valid, else None."""
    return digress_count(mol).smiles


def digress_relaxed(mol: Chem.Mol | None) -> str | None:
    """Return the largest fragment's SMILES if DiGress calls it relaxed valid, else None."""
    return digress_count(mol).relaxed


def gdss_figures(counts: Sequence[GDSSCount], training: HashedIdentities | None = None) -> Figures:
    """Figures of a sample in GDSS's counting, shares 0 to 1, 0 where the denominator is 0.

    * `gdss/valid_without_correction`: share of all drawn
    * `gdss/valid_without_correction_published`: the same number over those that RDKit reads after
      correction, as `sampler.py` divides; it can exceed the share above (GDSS issue 3), and 1
    * `gdss/valid`: share of all drawn that has a corrected molecule. The papers' "validity" after
      correction is 1 by construction, because the rest is thrown away before
    * `gdss/unique`: distinct / all corrected molecules
    * `gdss/novel`: share of the distinct ones that are not in `training`. The papers compare with
      training SMILES that keep their stereochemistry, which no generated molecule has: for ZINC250k
      their novelty is too high. `training` here is stereo-free.

    Args:
        counts: One for each sample drawn, in order, invalid ones included.
        training: Identities of the training molecules; without them no novelty.
    """
    corrected = gdss_corrected(counts)
    valid = sum(count.valid for count in counts)
    # A line that is no SMILES was never a graph: drawn, but not in their denominator.
    parsed = sum(count.parsed for count in counts)
    return {
        "gdss/valid_without_correction": _share(valid, len(counts)),
        "gdss/valid_without_correction_published": _share(valid, parsed),
        "gdss/valid": _share(len(corrected), len(counts)),
        **_unique_and_novel("gdss", corrected, training),
    }


def gdss_corrected(counts: Sequence[GDSSCount]) -> list[str]:
    """The corrected molecules, repeats included: what GDSS computes FCD, NSPDK and MOSES on."""
    return [count.smiles for count in counts if count.smiles is not None]


def digress_figures(
    counts: Sequence[DiGressCount], training: HashedIdentities | None = None
) -> Figures:
    """Figures of a sample in DiGress's counting, shares 0 to 1, 0 where the denominator is 0.

    * `digress/valid`, `digress/relaxed_valid`: shares of all drawn
    * `digress/unique`: distinct / all relaxed valid molecules
    * `digress/novel`: share of the distinct ones that are not in `training`. DiGress's own training
      list comes from graphs without charges; charged molecules are missing there or differ
    * `digress/components`: mean number of connected components of the valid graphs; left out where
      there is none

    Args:
        counts: One for each sample drawn, in order, invalid ones included.
        training: Identities of the training molecules; without them no novelty.
    """
    relaxed = digress_molecules(counts)
    valid = [count for count in counts if count.smiles is not None]
    figures: Figures = {
        "digress/valid": _share(len(valid), len(counts)),
        "digress/relaxed_valid": _share(len(relaxed), len(counts)),
        **_unique_and_novel("digress", relaxed, training),
    }
    if valid:
        figures["digress/components"] = float(np.mean([count.fragments for count in valid]))
    return figures


def digress_molecules(counts: Sequence[DiGressCount]) -> list[str]:
    """The relaxed valid largest fragments, repeats included."""
    return [count.relaxed for count in counts if count.relaxed is not None]


def _unique_and_novel(
    prefix: str, smiles: Sequence[str], training: HashedIdentities | None
) -> Figures:
    distinct = list(dict.fromkeys(smiles))
    figures: Figures = {f"{prefix}/unique": _share(len(distinct), len(smiles))}
    if training is not None:
        new = int(np.count_nonzero(~training.contains(distinct)))
        figures[f"{prefix}/novel"] = _share(new, len(distinct))
    return figures


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _gdss_count(mol: Chem.Mol) -> GDSSCount:
    kekule = kekulized(mol)
    graph = None if kekule is None else graph_of(kekule)
    if graph is None:
        return _NO_GDSS
    atoms, bonds = graph
    if not atoms:
        return GDSSCount(True, True, None)
    built = _with_charges(atoms, sorted((max(i, j), min(i, j), kind) for i, j, kind in bonds))
    valid = _first_overfull(built) is None
    if not valid and not _drop_bonds(built):
        return _NO_GDSS
    # max() takes the first of the longest, as their stable sort does.
    largest = max(Chem.MolToSmiles(built).split("."), key=len)
    read: Chem.Mol | None = Chem.MolFromSmiles(largest)
    if read is None:
        return GDSSCount(valid, False, None)
    return GDSSCount(valid, True, identity(read))


def _digress_count(mol: Chem.Mol) -> DiGressCount:
    graph = graph_of(mol)
    if graph is None or not graph[0]:
        return _NO_DIGRESS
    atoms, bonds = graph
    bonds = sorted((min(i, j), max(i, j), kind) for i, j, kind in bonds)
    plain = _built(atoms, bonds)
    overfull = _first_overfull(plain) is not None
    smiles, fragments = _sanitized_largest(plain)
    relaxed = smiles
    if overfull:
        relaxed, _ = _sanitized_largest(_with_charges(atoms, bonds))
    return DiGressCount(smiles, relaxed, fragments)


def _sanitized_largest(mol: Chem.RWMol) -> tuple[str | None, int]:
    """Sanitise in place; SMILES of the fragment with most atoms and the number of fragments."""
    if Chem.SanitizeMol(mol, catchErrors=True):
        return None, 0
    smiles: str = Chem.MolToSmiles(mol)
    if "." not in smiles:
        return smiles, 1
    fragments = Chem.GetMolFrags(mol, asMols=True, sanitizeFrags=True)
    largest = max(fragments, key=lambda fragment: fragment.GetNumAtoms())
    return Chem.MolToSmiles(largest), len(fragments)


def _drop_bonds(mol: Chem.RWMol) -> bool:
    """Lower bonds until no atom is overfull; False if an atom is so without any bond."""
    while (index := _first_overfull(mol)) is not None:
        bonds = mol.GetAtomWithIdx(index).GetBonds()
        if not bonds:
            # A charge that allows nothing. The published loop would not end.
            return False
        # The first of the highest; a lowered bond goes to the end of its atoms' lists.
        bond = max(bonds, key=lambda bond: bond.GetBondTypeAsDouble())
        start, end, lower = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), _LOWER[bond.GetBondType()]
        mol.RemoveBond(start, end)
        if lower is not None:
            mol.AddBond(start, end, lower)
    return True


def _with_charges(atoms: Sequence[Chem.Atom], bonds: Sequence[Bond]) -> Chem.RWMol:
    """Build a molecule under the +1 rule, which depends on the order of the bonds."""
    mol = _built(atoms, bonds)
    if _first_overfull(mol) is None:
        # Valence only grows with bonds: no atom was overfull on the way.
        return mol
    mol = _built(atoms, ())
    for start, end, kind in bonds:
        mol.AddBond(start, end, kind)
        index = _first_overfull(mol)
        if index is None:
            continue
        atom = mol.GetAtomWithIdx(index)
        limit = _MAY_BE_CHARGED.get(atom.GetAtomicNum())
        if limit is not None and atom.GetFormalCharge() == 0 and _valence(atom) == limit + 1:
            atom.SetFormalCharge(1)
    return mol


def _valence(atom: Chem.Atom) -> int:
    # RDKit rounds up halves, which come from aromatic bonds.
    orders = sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds())
    return int(orders + atom.GetNumExplicitHs() + 0.5)


def _first_overfull(mol: Chem.RWMol) -> int | None:
    """Number of the first atom that fails RDKit's valence check, or None."""
    try:
        Chem.SanitizeMol(mol, _PROPERTIES)
    except Chem.AtomValenceException as error:
        problem: Any = error  # RDKit's type hints lack its `cause`
        return int(problem.cause.GetAtomIdx())
    return None


def _built(atoms: Sequence[Chem.Atom], bonds: Sequence[Bond]) -> Chem.RWMol:
    mol = Chem.RWMol()
    for atom in atoms:
        mol.AddAtom(atom)
    for start, end, kind in bonds:
        mol.AddBond(start, end, kind)
    return mol
