"""Structural alerts: RDKit's published catalogues and a user's own SMARTS, with the atoms they hit.

An alert is a warning, not a verdict: many drugs carry one. What each catalogue is for:

* ``PAINS`` (480 patterns; ``PAINS_A``, ``_B``, ``_C`` by how often they were seen): frequent
  hitters in assays. Baell and Holloway, J. Med. Chem. 53, 2719 (2010), as RDKit corrected them;
  `molgan.metrics.pains` has them as in MOSES.
* ``BRENK`` (105): toxic, reactive or metabolically unstable groups. Brenk et al., ChemMedChem 3,
  435 (2008).
* ``NIH`` (180): reactive groups. Jadhav et al., J. Med. Chem. 53, 37 (2010); Doveston et al., Org.
  Biomol. Chem. 13, 859 (2015).
* ``ZINC`` (50): what ZINC leaves out as not drug-like; loose, and partly counts of atoms.
* ``CHEMBL`` (770; ``CHEMBL_BMS``, ``_Dundee``, ``_Glaxo``, ``_Inpharmatica``, ``_LINT``,
  ``_MLSMR``, ``_SureChEMBL``): seven lists that ChEMBL collected. Strict: they hit half of ZINC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from rdkit import Chem
from rdkit.Chem.FilterCatalog import (
    FilterCatalog,
    FilterCatalogEntry,
    FilterCatalogParams,
    SmartsMatcher,
)

from molgan.chem.prescreen import Prescreen
from molgan.chem.rdkit_log import quiet_rdkit
from molgan.errors import ConfigError, DataError

_BUILT_IN = {
    name: value for name, value in FilterCatalogParams.FilterCatalogs.names.items() if name != "ALL"
}

CATALOGUES: tuple[str, ...] = tuple(_BUILT_IN)
"""Names that `Alerts` knows, catalogues and their parts."""


@dataclass(frozen=True)
class Alert:
    """One alert that a molecule raises.

    Attributes:
        catalogue: Where it is from, as exactly as is known: ``PAINS_A``, ``CHEMBL_Glaxo``, ``NIH``,
            the name of a user's file, or ``oddity``.
        name: Of the pattern.
        atoms: Indices of all atoms it matches, ascending; all matches together.
    """

    catalogue: str
    name: str
    atoms: tuple[int, ...]

    def __str__(self) -> str:
        """Return catalogue and name."""
        return f"{self.catalogue} {self.name}"


@dataclass(frozen=True)
class Alerts:
    """Finder of structural alerts.

    It travels to worker processes as plain text; patterns are compiled once in each process.

    Args:
        catalogues: Names from `CATALOGUES`, in capitals or not. An alert that several of them list
            is reported once for each.
        smarts_files: Paths of own files, one ``SMARTS name`` a line; the name may hold spaces and
            may be missing (then it is the SMARTS). Empty lines, and lines that begin with ``#``,
            are skipped. Files are read at once.

    Raises:
        ConfigError: If a catalogue is unknown.
        DataError: If a file cannot be read, or one of its lines is no SMARTS; it names both.
    """

    catalogues: tuple[str, ...] = ("PAINS", "BRENK", "NIH", "ZINC", "CHEMBL")
    smarts_files: tuple[str | Path, ...] = ()
    own: tuple[tuple[str, str, str], ...] = field(init=False, repr=False)
    """Lines of the files: name of the file, SMARTS, name."""

    def __post_init__(self) -> None:
        """Check the names and read the files."""
        names = tuple(_catalogue(name) for name in self.catalogues)
        object.__setattr__(self, "catalogues", names)
        object.__setattr__(self, "smarts_files", tuple(self.smarts_files))
        own = tuple(line for path in self.smarts_files for line in _read_smarts(Path(path)))
        object.__setattr__(self, "own", own)

    def find(self, mol: Chem.Mol) -> list[Alert]:
        """Return all alerts of a molecule, in the order of catalogues, files and their entries.

        About 1 ms for a drug-like molecule and all five catalogues, a tenth of what RDKit's
        catalogue takes for the same answer: docs/results.md.

        Args:
            mol: Sanitised molecule without explicit hydrogens.
        """
        patterns = _compiled(self.catalogues, self.own)
        found: list[tuple[int, Alert]] = []
        for index in patterns.prescreen.candidates(mol):
            entry, pattern, places = patterns.distinct[index]
            if entry.HasFilterMatch(mol):
                where = _atoms(entry, pattern, mol)
                found += [(place, Alert(source, name, where)) for place, source, name in places]
        return [alert for _, alert in sorted(found, key=lambda item: item[0])]


def pattern_of(entry: Any) -> Chem.Mol | None:
    """Return the query of a catalogue's entry, or None where it cannot be known.

    RDKit shows the query of an entry only once it has matched something. It is in the entry's
    serialised form, though: the length of a pickled molecule, the molecule, and the smallest number
    of matches. Anything that does not look like that is left alone.
    """
    data: bytes = entry.Serialize()
    start = data.find(_PICKLE)
    head = re.search(rb" (\d+) $", data[:start]) if start > 0 else None
    if head is None:
        return None
    end = start + int(head.group(1))
    if not re.match(rb" [1-9]\d* \d+ ", data[end:]):  # "at most" would have 0 here
        return None
    try:
        pattern: Chem.Mol = Chem.Mol(data[start:end])  # type: ignore[call-overload]
        return pattern
    except RuntimeError:
        return None


_PICKLE = b"\xef\xbe\xad\xde"


@dataclass(frozen=True)
class _Patterns:
    """Entries with the same query once, each with the places where it is listed."""

    distinct: list[tuple[Any, Chem.Mol | None, list[tuple[int, str, str]]]]
    prescreen: Prescreen


@lru_cache(maxsize=8)
def _compiled(catalogues: Sequence[str], own: Sequence[tuple[str, str, str]]) -> _Patterns:
    with quiet_rdkit():
        entries = [
            (_source(entry, name), entry.GetDescription(), entry)
            for name in catalogues
            for entry in _entries(name)
        ]
        entries += [
            (file, name, FilterCatalogEntry(name, SmartsMatcher(name, smarts, 1)))
            for file, smarts, name in own
        ]
        distinct: dict[Any, tuple[Any, Chem.Mol | None, list[tuple[int, str, str]]]] = {}
        for place, (source, name, entry) in enumerate(entries):
            pattern = pattern_of(entry)
            key = place if pattern is None else (pattern.ToBinary(), _count(entry))
            distinct.setdefault(key, (entry, pattern, []))[2].append((place, source, name))
        patterns = [pattern for _, pattern, _ in distinct.values()]
        return _Patterns(list(distinct.values()), Prescreen(patterns))


def _atoms(entry: Any, pattern: Chem.Mol | None, mol: Chem.Mol) -> tuple[int, ...]:
    """Return the atoms of all matches; the entry itself tells only those that it needs."""
    atoms: set[int] = set()
    if pattern is not None:
        atoms.update(*mol.GetSubstructMatches(pattern))
    else:
        for match in entry.GetFilterMatches(mol):
            atoms.update(pair.target for pair in match.atomPairs)
    return tuple(sorted(atoms))


def _entries(name: str) -> Iterable[Any]:
    catalogue = FilterCatalog(FilterCatalogParams(_BUILT_IN[name]))
    return [catalogue.GetEntry(index) for index in range(catalogue.GetNumEntries())]


def _source(entry: Any, name: str) -> str:
    """Return the most exact name of where an entry is from."""
    part: str = entry.GetProp("FilterSet") if "FilterSet" in list(entry.GetPropList()) else name
    part = part.replace("ChEMBL23_", "CHEMBL_")
    return str(part) if part in _BUILT_IN else name


def _count(entry: Any) -> bytes:
    """Return the part of a serialised entry that holds the smallest and largest count."""
    data: bytes = entry.Serialize()
    start = data.find(_PICKLE)
    length = int(data[:start].split()[-1])
    return b" ".join(data[start + length :].split(b" ", 3)[1:3])


def _catalogue(name: str) -> str:
    for known in CATALOGUES:
        if known.lower() == str(name).lower():
            return known
    raise ConfigError(f"there is no catalogue of alerts {name!r}; known: {', '.join(CATALOGUES)}")


def _read_smarts(path: Path) -> list[tuple[str, str, str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise DataError(f"there is no file of alerts {path}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8; save it as such") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    own = []
    for number, line in enumerate(lines, start=1):
        words = line.split(maxsplit=1)
        if not words or words[0].startswith("#"):
            continue
        with quiet_rdkit():
            pattern = Chem.MolFromSmarts(words[0])
        if pattern is None:
            raise DataError(
                f"{path}, line {number}: {words[0]!r} is no SMARTS; a line is 'SMARTS name'"
            )
        own.append((path.name, words[0], words[1].strip() if len(words) > 1 else words[0]))
    return own
