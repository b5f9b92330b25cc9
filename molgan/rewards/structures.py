"""Components that look at the structure: substructures, alerts, scaffolds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rdkit import Chem

from molgan.chem import murcko_scaffold, quiet_rdkit
from molgan.chem.alerts import Alerts
from molgan.errors import ConfigError
from molgan.metrics.frameworks import generic_scaffold
from molgan.rewards.components import MoleculeComponent
from molgan.rewards.references import read_references
from molgan.rewards.transforms import Identity, Linear, Step, Transform

_UNSAID = Identity()  # told from any other by being this object

RELATIONS = ("equal", "contains", "different")


@dataclass(frozen=True)
class Substructure(MoleculeComponent):
    """How many of some SMARTS patterns a molecule holds; wanted or unwanted.

    Attributes:
        smarts: One pattern or several.
        wanted: True: a molecule with any of them scores 1, else 0. False: a molecule with none of
            them scores 1, else 0. There is no default: the direction has to be said.
        every: With `wanted`: all patterns are asked for, not only any.
        transform: Of the number of patterns found, instead of the above.

    Raises:
        ConfigError: If a pattern is no SMARTS, or there is none.
    """

    smarts: str | Sequence[str]
    wanted: bool
    every: bool = False
    transform: Transform = _UNSAID

    def __post_init__(self) -> None:
        """Compile the patterns, and choose the transform."""
        listed = (self.smarts,) if isinstance(self.smarts, str) else tuple(self.smarts)
        object.__setattr__(self, "smarts", listed)
        if not isinstance(self.wanted, bool):
            raise ConfigError(f"substructure: wanted={self.wanted} must be true or false")
        if not listed:
            raise ConfigError("substructure: smarts=[] holds no pattern")
        if self.every and not self.wanted:
            raise ConfigError("substructure: every=true goes with wanted=true only")
        for text in listed:
            if _pattern(text) is None:
                raise ConfigError(f"substructure: smarts={text!r} is no SMARTS that RDKit reads")
        if self.transform is _UNSAID:
            least = len(listed) if self.every else 1
            step = Step(low=float(least)) if self.wanted else Step(high=0.0)
            object.__setattr__(self, "transform", step)

    def score(self, mol: Chem.Mol) -> float:
        """Return the number of patterns that the molecule holds."""
        return float(sum(mol.HasSubstructMatch(_pattern(text)) for text in self.smarts))


@dataclass(frozen=True)
class AlertPenalty(MoleculeComponent):
    """Number of structural alerts; fewer is better. See `molgan.chem.alerts` for the catalogues.

    Attributes:
        catalogues: Names, such as PAINS, BRENK, NIH, ZINC, CHEMBL.
        smarts_files: Own patterns, `SMARTS name` a line.
        transform: 1 without an alert, 0.5 with one, 0 from two on, unless replaced.

    Raises:
        ConfigError: If a catalogue is unknown, or nothing is asked for.
        DataError: If a file cannot be read, or one of its lines is no SMARTS.
    """

    catalogues: Sequence[str] = ("PAINS", "BRENK")
    smarts_files: Sequence[str] = ()
    transform: Transform = field(default_factory=lambda: Linear(worst=2.0, best=0.0))
    alerts: Alerts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the names and read the files."""
        if isinstance(self.catalogues, str) or isinstance(self.smarts_files, str):
            raise ConfigError("alerts: catalogues and smarts_files are lists: [PAINS,BRENK]")
        if not self.catalogues and not self.smarts_files:
            raise ConfigError("alerts needs catalogues=[...] or smarts_files=[...]")
        alerts = Alerts(tuple(self.catalogues), tuple(self.smarts_files))
        object.__setattr__(self, "alerts", alerts)

    def identity(self) -> dict[str, Any]:
        """What decides the scores: names, and the lines of the files."""
        lines = [list(line) for line in self.alerts.own]
        return {
            "catalogues": list(self.alerts.catalogues),
            "own": lines,
            "transform": self.transform,
        }

    def score(self, mol: Chem.Mol) -> float:
        """Return the number of alerts."""
        return float(len(self.alerts.find(mol)))


@dataclass(frozen=True)
class Scaffold(MoleculeComponent):
    """1 if the Bemis-Murcko scaffold of a molecule is as wanted, else 0.

    Attributes:
        relation: "equal": the scaffold is that of a reference molecule. "contains": a scaffold of
            theirs is part of the molecule. "different": the scaffold is none of theirs; molecules
            without rings count as different.
        smiles: Reference molecules, whole or scaffolds: one SMILES or several; or
        path: a file of them.
        generic: Compare the frameworks only: every atom a carbon, every bond single. Not with
            "contains".
        transform: Identity.

    Raises:
        ConfigError: If the relation is unknown, or a reference molecule has no ring.
        DataError: If the file cannot be used.
    """

    relation: str
    smiles: str | Sequence[str] | None = None
    path: str | None = None
    generic: bool = False
    transform: Transform = field(default_factory=Identity)
    scaffolds: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the reference molecules and take their scaffolds."""
        if self.relation not in RELATIONS:
            raise ConfigError(
                f"scaffold: relation={self.relation} is unknown; use {', '.join(RELATIONS)}"
            )
        if self.generic and self.relation == "contains":
            raise ConfigError("scaffold: generic=true does not go with relation=contains")
        found = [self._scaffold(mol) for mol in read_references("scaffold", self.smiles, self.path)]
        scaffolds = frozenset(found) - {""}
        if not scaffolds or (self.path is None and "" in found):
            raise ConfigError("scaffold: a reference molecule without a ring has no scaffold")
        object.__setattr__(self, "scaffolds", scaffolds)

    def identity(self) -> dict[str, Any]:
        """What decides the scores."""
        return {
            "relation": self.relation,
            "generic": self.generic,
            "scaffolds": sorted(self.scaffolds),
            "transform": self.transform,
        }

    def score(self, mol: Chem.Mol) -> float:
        """Return 1 or 0."""
        if self.relation == "contains":
            return float(any(mol.HasSubstructMatch(_molecule(one)) for one in self.scaffolds))
        return float((self._scaffold(mol) in self.scaffolds) == (self.relation == "equal"))

    def _scaffold(self, mol: Chem.Mol) -> str:
        return generic_scaffold(mol) if self.generic else murcko_scaffold(mol)


# Compiled once in each process; the texts are what travels to workers.
@lru_cache(maxsize=1024)
def _pattern(smarts: str) -> Any:
    with quiet_rdkit():
        return Chem.MolFromSmarts(smarts)


@lru_cache(maxsize=4096)
def _molecule(smiles: str) -> Any:
    with quiet_rdkit():
        return Chem.MolFromSmiles(smiles)
