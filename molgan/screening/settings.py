"""What a screen does to molecules: plain settings, checked before any work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rdkit import Chem

from molgan.chem.standardize import Standardizer
from molgan.data.files import file_sha256, user_path
from molgan.errors import ConfigError, DataError
from molgan.metrics.similarity import N_BITS, RADIUS
from molgan.screening.reward import check_reward, more_columns

if TYPE_CHECKING:
    from molgan.chem.rules import RuleSet
    from molgan.rewards import Objective
    from molgan.screening.work import Reason

RESERVED = ("name", "smiles", "inchikey", "row", "copies", "changes", "rank", "vina")
"""Columns of the tables that are no scores."""

ODDITIES = ("reject", "flag", "off")

Range = tuple[float | None, float | None]


@dataclass(frozen=True)
class OtherScores:
    """Scores that another program made, joined to the molecules by their names in the input.

    Attributes:
        file: CSV with a header line.
        column: Header of the scores.
        name: Header of the names.
        better: "min" or "max": which of several rows of one molecule counts.
        index: `docking/index.csv` of an earlier screen, where rows are files or states of it.
    """

    file: str
    column: str = "score"
    name: str = "name"
    better: str = "min"
    index: str | None = None

    def read(self, names: Sequence[str]) -> dict[str, float]:
        """Name -> score, for those that have one.

        Args:
            names: Of the molecules, as the screen has named them.

        Raises:
            DataError: If the file or a number in it cannot be read, or no score is of any of them.
        """
        from molgan.docking import aliases_from_index, import_scores

        aliases = None
        if self.index is not None:
            aliases = aliases_from_index(user_path(self.index, "scores.index"))
        found = import_scores(
            user_path(self.file, "scores.file"),
            names,
            score=self.column,
            name=self.name,
            better=self.better,
            aliases=aliases,
        )
        pairs = zip(names, found.values.tolist(), strict=True)
        scores = {name: value for name, value in pairs if value == value}
        if not scores:
            theirs = f"such as {found.unknown[0]!r}" if found.unknown else "and there is no score"
            ours = f"such as {names[0]!r}" if names else "of which none has a name"
            raise DataError(
                f"scores.file={self.file} has no score of a molecule of the input: its column "
                f"{self.name!r} holds other names ({theirs}) than the input ({ours}); scores.name= "
                "says which column it is, scores.index= names the docking/index.csv of an earlier "
                "screen"
            )
        return scores


@dataclass(frozen=True)
class Screen:
    """The settings of a screen; what they cannot be is said by `check`.

    Attributes:
        standardizer: Clean-up before anything else.
        max_atoms: Larger molecules are not looked at: what describes drugs does not describe them.
        descriptors: RDKit's, or of `molgan.chem.EXTRA_SCORES`, by name; columns of their own.
        elements: Symbols of the elements that molecules may consist of; None is any.
        ranges: Score or descriptor -> (lowest, highest); None is open.
        rules: Rule sets by name, such as "lipinski".
        alerts: Catalogues of unwanted structures by name: a match rejects.
        smarts: Files of unwanted structures, `SMARTS name` a line: a match rejects.
        oddities: Ring and valence oddities "reject", only "flag", or "off".
        flags: Catalogues whose matches are only noted in the column `flags`.
        actives: File of molecules to be similar to: columns `similarity` and `nearest_active`.
        known: File of molecules that are not novel: column `novel`.
        novel: Whether known molecules are rejected.
        other: Scores that another program made; their header becomes a column.
        scaffolds: Whether hits carry their Murcko scaffold.
        reward: Objective of which hits carry the scores; ranges of its columns reject as well.
    """

    standardizer: Standardizer = field(default_factory=Standardizer)
    max_atoms: int = 500
    descriptors: tuple[str, ...] = ()
    elements: tuple[str, ...] | None = None
    ranges: Mapping[str, Range] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    smarts: tuple[str, ...] = ()
    oddities: str = "reject"
    flags: tuple[str, ...] = ()
    actives: str | None = None
    known: str | None = None
    novel: bool = False
    other: OtherScores | None = None
    scaffolds: bool = False
    reward: Objective | None = None

    def columns(self) -> tuple[str, ...]:
        """Names of the columns of scores and notes, in their order."""
        from molgan.chem.scores import SCORES

        names = [*SCORES, *self.descriptors]
        if self.other is not None:
            names.append(self.other.column)
        if self.actives:
            names += ["similarity", "nearest_active"]
        if self.known:
            names.append("novel")
        if self.scaffolds:
            names.append("scaffold")
        if self.flags or self.oddities == "flag":
            names.append("flags")
        return (*names, *more_columns(self.reward, names))

    def numbers(self) -> tuple[str, ...]:
        """Those of the columns that hold numbers."""
        texts = ("nearest_active", "scaffold", "flags", "reward_note")
        return tuple(name for name in self.columns() if name not in texts)

    def check(self) -> None:
        """Refuse settings that cannot work, with the key and the choices.

        Raises:
            ConfigError: For the first one found.
            DataError: For a SMARTS file that cannot be read; it names file and line.
        """
        from molgan.chem.scores import EXTRA_SCORES

        if self.max_atoms < 1:
            raise ConfigError(f"max_atoms={self.max_atoms}: a whole number from 1 up is wanted")
        if self.oddities not in ODDITIES:
            raise ConfigError(f"oddities={self.oddities}: choose from {', '.join(ODDITIES)}")
        if self.novel and not self.known:
            raise ConfigError("novel=true needs known=FILE: the molecules that are not novel")
        columns = self.columns()
        for name in columns:
            hidden = name in EXTRA_SCORES and name not in self.descriptors
            if columns.count(name) > 1 or name in RESERVED or hidden:
                raise ConfigError(f"there would be two columns {name!r}: rename one of them")
        tools = self.tools()
        numbers = self.numbers()
        for name in self.ranges:
            if name not in numbers:
                raise ConfigError(
                    f"ranges.{name}: there is no such score; there are {', '.join(numbers)}, and "
                    "any RDKit descriptor that descriptors= names; a column of a table of your own "
                    f"comes with scores.file=TABLE.csv scores.column={name} scores.name=NAMES"
                )
        mol = Chem.MolFromSmiles("CCO")
        scores = {**dict.fromkeys(numbers, 0.0), **tools.describe(mol)}
        for _ in tools.filters(mol, scores):
            pass  # a rule that asks for what there is not says so now
        if self.reward is not None:
            check_reward(self.reward, known=self.known is not None)

    def identity(self) -> dict[str, Any]:
        """What decides the results, as plain values; files by their content."""
        plain = asdict(replace(self, reward=None))
        if self.reward is not None:
            plain["reward"] = {**self.reward.describe(), "sha256": self.reward.digest()}
        plain["ranges"] = {key: list(limits) for key, limits in self.ranges.items()}
        plain["smarts"] = [_digest(path, "smarts") for path in self.smarts]
        plain["actives"] = None if self.actives is None else _digest(self.actives, "actives")
        plain["known"] = None if self.known is None else _digest(self.known, "known")
        if self.other is not None:
            plain["other"]["file"] = _digest(self.other.file, "scores.file")
            if self.other.index is not None:
                plain["other"]["index"] = _digest(self.other.index, "scores.index")
        plain["fingerprint"] = f"Morgan, radius {RADIUS}, {N_BITS} bits"
        return plain

    def tools(self) -> Tools:
        """What the settings name, loaded; takes a second with all catalogues."""
        return Tools(self)


class Tools:
    """Scores and filters of a screen, ready for use in one process."""

    def __init__(self, screen: Screen) -> None:
        from molgan.chem.alerts import Alerts
        from molgan.chem.fast_scores import describe
        from molgan.chem.oddities import find_oddities
        from molgan.chem.rule_sets import rule_set
        from molgan.chem.rules import Elements, property_ranges
        from molgan.chem.scores import EXTRA_SCORES, extra_score

        self._screen = screen
        self._describe = describe
        self._rules = {name: rule_set(name) for name in screen.rules}
        asked = {score for rule in self._rules.values() for score in rule.scores}
        self._also = tuple(
            dict.fromkeys([*screen.descriptors, *(name for name in EXTRA_SCORES if name in asked)])
        )
        for name in self._also:
            extra_score(name)  # one that is not known is said now
        own = set(more_columns(screen.reward, replace(screen, reward=None).columns()))
        before = {name: pair for name, pair in screen.ranges.items() if name not in own}
        after = {name: pair for name, pair in screen.ranges.items() if name in own}
        self._ranges = property_ranges(before)
        self._reward_ranges = property_ranges(after)
        self._elements = None if screen.elements is None else Elements(screen.elements)
        self._alerts = (
            Alerts(screen.alerts, screen.smarts) if screen.alerts or screen.smarts else None
        )
        self._flags = Alerts(screen.flags) if screen.flags else None
        self._find_oddities = find_oddities

    def describe(self, mol: Chem.Mol) -> dict[str, float]:
        """All scores of one molecule, with the descriptors and what the rules ask for."""
        return self._describe(mol, self._also)

    def filters(
        self, mol: Chem.Mol, scores: Mapping[str, float]
    ) -> Iterator[tuple[str, list[Reason]]]:
        """Stages in their order, cheap ones first, each with what the molecule broke there."""
        from molgan.screening.work import Reason

        if self._elements is not None:
            yield (
                "elements",
                [
                    Reason(failure, _atoms_of(mol, failure.rpartition(" ")[2]))
                    for failure in self._elements.failures(mol)
                ],
            )
        if self._ranges.limits:
            yield "ranges", _outside(self._ranges, scores)
        if self._rules:
            yield (
                "rules",
                [
                    Reason(name, (), "; ".join(failures))
                    for name, rule in self._rules.items()
                    if (failures := rule.failures(scores))
                ],
            )
        if self._screen.novel:
            yield "novelty", [Reason("known")] if not scores["novel"] else []
        if self._screen.oddities == "reject":
            yield "oddities", _reasons(self._find_oddities(mol))
        if self._alerts is not None:
            yield "alerts", _reasons(self._alerts.find(mol))

    def unrewarded(self, scores: Mapping[str, float]) -> list[Reason]:
        """Ranges of the reward's columns that a molecule breaks; checked last, being costly."""
        return _outside(self._reward_ranges, scores)

    def flags(self, mol: Chem.Mol) -> list[Reason]:
        """What is only noted."""
        found = _reasons(self._flags.find(mol)) if self._flags is not None else []
        if self._screen.oddities == "flag":
            found += _reasons(self._find_oddities(mol))
        return found


def _outside(ranges: RuleSet, scores: Mapping[str, float]) -> list[Reason]:
    from molgan.screening.work import Reason

    failures = [(limit.score, limit.failure(scores)) for limit in ranges.limits]
    return [Reason(name, (), failure) for name, failure in failures if failure]


def _atoms_of(mol: Chem.Mol, symbol: str) -> tuple[int, ...]:
    return tuple(atom.GetIdx() for atom in mol.GetAtoms() if atom.GetSymbol() == symbol)


def _reasons(alerts: Sequence[Any]) -> list[Reason]:
    from molgan.screening.work import Reason

    return [Reason(f"{alert.catalogue}: {alert.name}", tuple(alert.atoms)) for alert in alerts]


def _digest(path: str, key: str) -> str:
    return file_sha256(user_path(path, key))
