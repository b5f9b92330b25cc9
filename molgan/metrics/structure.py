"""Scaffolds and ring systems of a library, counted as a chemist would ask.

`structure` looks at one molecule; everything else counts what it found. Lists of structures are
samples: in the order drawn, repeats included, so that shares are shares of molecules drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.chem import murcko_scaffold
from molgan.metrics.basic import Figures
from molgan.metrics.frameworks import generic_scaffold, ring_systems
from molgan.metrics.identity import HashedIdentities

RING_SIZES = ("3", "4", "5", "6", "7", "8+")
"""Ring sizes told apart."""

_LARGEST = 8


@dataclass(frozen=True, slots=True)
class Structure:
    """Frameworks of one molecule; SMILES are canonical and without stereochemistry.

    Attributes:
        scaffold: Bemis-Murcko scaffold (rings, linkers, atoms doubly bonded to them); "" where the
            molecule has no ring.
        generic: Its graph, see `molgan.metrics.frameworks.generic_scaffold`; "" likewise.
        ring_systems: Each ring system once per occurrence, sorted; see
            `molgan.metrics.frameworks.ring_systems`.
        ring_sizes: Sizes of the smallest rings as RDKit finds them, increasing; symmetric rings all
            count, so that bicyclo[2.2.2]octane has three.
    """

    scaffold: str
    generic: str
    ring_systems: tuple[str, ...]
    ring_sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Frequent:
    """One line of a table of the most frequent frameworks.

    Attributes:
        smiles: The framework.
        count: Molecules that hold it.
        share: count / molecules, 0 to 1.
        known: Whether it occurs in the training set; None where that is not known.
    """

    smiles: str
    count: int
    share: float
    known: bool | None


@dataclass(frozen=True)
class KnownFrameworks:
    """Frameworks of the training set, as hashes: 8 bytes each, cached as plain arrays.

    Attributes:
        scaffolds: Bemis-Murcko scaffolds.
        generic: Generic scaffolds.
        ring_systems: Ring systems.
    """

    scaffolds: HashedIdentities
    generic: HashedIdentities
    ring_systems: HashedIdentities

    @classmethod
    def of(cls, structures: Iterable[Structure]) -> KnownFrameworks:
        """Collect the frameworks of the training molecules."""
        scaffolds: set[str] = set()
        generic: set[str] = set()
        systems: set[str] = set()
        for item in structures:
            scaffolds.add(item.scaffold)
            generic.add(item.generic)
            systems.update(item.ring_systems)
        return cls(
            HashedIdentities.from_smiles(scaffolds - {""}),
            HashedIdentities.from_smiles(generic - {""}),
            HashedIdentities.from_smiles(systems),
        )

    def arrays(self) -> dict[str, npt.NDArray[np.uint64]]:
        """Return the hashes by name, for `numpy.savez`; `KnownFrameworks.load` reads them."""
        return {
            "scaffolds": self.scaffolds.array,
            "generic": self.generic.array,
            "ring_systems": self.ring_systems.array,
        }

    @classmethod
    def load(cls, arrays: dict[str, npt.NDArray[np.uint64]]) -> KnownFrameworks:
        """Rebuild from what `arrays` returned."""
        return cls(
            HashedIdentities(arrays["scaffolds"]),
            HashedIdentities(arrays["generic"]),
            HashedIdentities(arrays["ring_systems"]),
        )


def structure(mol: Chem.Mol) -> Structure:
    """Return the frameworks of one sanitised molecule; about 0.2 ms for QM9, 0.5 ms for ZINC."""
    rings = mol.GetRingInfo().AtomRings()
    if not rings:
        return Structure("", "", (), ())
    sizes = tuple(sorted(len(ring) for ring in rings))
    return Structure(murcko_scaffold(mol), generic_scaffold(mol), ring_systems(mol), sizes)


def scaffold_figures(
    structures: Sequence[Structure], training: KnownFrameworks | None = None
) -> Figures:
    """Count scaffolds.

    Figures (a share without molecules to count is left out):

    * `scaffold/molecules`: share of molecules that have a scaffold, that is a ring
    * `scaffold/distinct`, `scaffold/generic_distinct`: distinct scaffolds and generic scaffolds
    * `scaffold/single`: share of the distinct scaffolds that occur in one molecule only
    * `scaffold/novel`, `scaffold/generic_novel`: share of the distinct ones not in training
    * `scaffold/novel_molecules`: share of all molecules whose scaffold is not in training
    """
    counts = Counter(item.scaffold for item in structures if item.scaffold)
    generic = {item.generic for item in structures if item.generic}
    figures: Figures = {"scaffold/distinct": len(counts), "scaffold/generic_distinct": len(generic)}
    if structures:
        figures["scaffold/molecules"] = counts.total() / len(structures)
    if counts:
        figures["scaffold/single"] = sum(n == 1 for n in counts.values()) / len(counts)
        if training is not None:
            new = _new(counts, training.scaffolds)
            figures["scaffold/novel"] = len(new) / len(counts)
            figures["scaffold/generic_novel"] = len(_new(generic, training.generic)) / len(generic)
            novel = sum(counts[smiles] for smiles in new)
            figures["scaffold/novel_molecules"] = novel / len(structures)
    return figures


def ring_figures(
    structures: Sequence[Structure], training: KnownFrameworks | None = None
) -> Figures:
    """Count ring systems and ring sizes.

    Figures (a share without molecules to count is left out):

    * `ring_system/distinct`; `ring_system/mean`: ring systems per molecule
    * `ring_system/novel`: share of the distinct ones not in training
    * `ring_system/novel_molecules`: share of all molecules with a ring system not in training
    * `ring_size/none`, `ring_size/3` ... `ring_size/8+`: share of molecules with no ring, with at
      least one ring of that size; a molecule can count under several
    """
    n = len(structures)
    distinct = {smiles for item in structures for smiles in item.ring_systems}
    figures: Figures = {"ring_system/distinct": len(distinct)}
    if n == 0:
        return figures
    figures["ring_system/mean"] = sum(len(item.ring_systems) for item in structures) / n
    if training is not None and distinct:
        new = _new(distinct, training.ring_systems)
        figures["ring_system/novel"] = len(new) / len(distinct)
        strange = sum(not new.isdisjoint(item.ring_systems) for item in structures)
        figures["ring_system/novel_molecules"] = strange / n
    sizes = [{min(size, _LARGEST) for size in item.ring_sizes} for item in structures]
    figures["ring_size/none"] = sum(not item for item in sizes) / n
    for name in RING_SIZES:
        size = int(name.rstrip("+"))
        figures[f"ring_size/{name}"] = sum(size in item for item in sizes) / n
    return figures


def frequent(
    frameworks: Iterable[Iterable[str]],
    training: HashedIdentities | None = None,
    *,
    top: int = 10,
    only_new: bool = False,
) -> list[Frequent]:
    """Return the most frequent frameworks, ties in alphabetical order.

    Args:
        frameworks: For each molecule its frameworks, such as `[item.scaffold]` or
            `item.ring_systems`; one that occurs twice in a molecule counts once, "" not at all.
        training: Frameworks of the training set, such as `KnownFrameworks.scaffolds`.
        top: Largest number of lines.
        only_new: Whether to list only those not in training; without `training` nothing is known
            to be new and the list is empty.
    """
    counts: Counter[str] = Counter()
    n = 0
    for names in frameworks:
        counts.update(set(names) - {""})
        n += 1
    new = None if training is None else _new(counts, training)
    if only_new:
        counts = Counter({name: counts[name] for name in new or ()})
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]
    return [
        Frequent(name, count, count / n, None if new is None else name not in new)
        for name, count in ranked
    ]


def _new(names: Iterable[str], training: HashedIdentities) -> set[str]:
    names = list(names)
    return {name for name, known in zip(names, training.contains(names), strict=True) if not known}
