"""The coverage report of a data set: the chemistry's counts, and what was changed on the way in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from molgan.chem import CoverageReport


@dataclass
class SetCoverage(CoverageReport):
    """Counts of rows kept and dropped, with notes on what the kept ones lost.

    `total` counts all rows of the source, those that could not be read as text included; `kept`
    counts distinct molecules.

    Attributes:
        notes: sentences for a person, such as how many molecules had stereochemistry.
    """

    notes: list[str] = field(default_factory=list)

    def merge(self, part: CoverageReport, max_examples: int) -> None:
        """Add the counts of a batch."""
        self.total += part.total
        self.kept += part.kept
        for reason, count in part.dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + count
        for reason, details in part.details.items():
            mine = self.details.setdefault(reason, {})
            for what, count in details.items():
                mine[what] = mine.get(what, 0) + count
        for reason, examples in part.examples.items():
            known = self.examples.setdefault(reason, [])
            known.extend(examples[: max(max_examples - len(known), 0)])

    def summary(self) -> str:
        """The report for a person: counts, reasons, notes."""
        return "\n".join([super().summary(), *(f"  {note}" for note in self.notes)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {**super().to_dict(), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SetCoverage:
        """Read what `to_dict` returns."""
        plain = CoverageReport.from_dict(data)
        return cls(**vars(plain), notes=[str(note) for note in data.get("notes", [])])
