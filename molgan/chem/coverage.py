"""What became of a set of molecules on the way in: kept, or dropped for a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EXAMPLES_PER_REASON = 5

REASON_TEXTS = {
    "parse": "RDKit cannot read it",
    "empty": "no atoms",
    "fragments": "more than one fragment (salts, mixtures)",
    "size": "more heavy atoms than allowed",
    "element": "an element that is not in the vocabulary",
    "charge": "a formal charge that is not in the vocabulary",
    "bond": "a bond type that is not in the vocabulary",
    "kekulize": "no Kekulé structure",
    "roundtrip": "not recovered from its graph (radicals, unusual hydrogen counts)",
    "duplicate": "the same molecule as an earlier one, stereochemistry aside",
}


@dataclass
class CoverageReport:
    """Counts of molecules kept and dropped.

    Attributes:
        total: Molecules offered.
        kept: Molecules encoded.
        dropped: Reason -> count.
        details: Reason -> what exactly (e.g. element or atom type) -> count of molecules.
        examples: Reason -> the first few inputs dropped for it.
    """

    total: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    details: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def keep(self, count: int = 1) -> None:
        """Count molecules that were encoded.

        Args:
            count: How many.
        """
        self.total += count
        self.kept += count

    def drop(self, reason: str, detail: str | None = None, example: str | None = None) -> None:
        """Count one molecule that was dropped.

        Args:
            reason: In words; molecules are counted by it.
            detail: What exactly, such as the element; counted within the reason.
            example: The molecule, as it was given; the first few of each reason are kept.
        """
        self.total += 1
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        if detail is not None:
            counts = self.details.setdefault(reason, {})
            counts[detail] = counts.get(detail, 0) + 1
        if example is not None:
            shown = self.examples.setdefault(reason, [])
            if len(shown) < EXAMPLES_PER_REASON:
                shown.append(example[:200])

    def summary(self) -> str:
        """Write the report for a person, one line per reason, most frequent first."""
        lines = [f"{self.kept:,} of {self.total:,} molecules kept"]
        for reason, count in sorted(self.dropped.items(), key=lambda item: (-item[1], item[0])):
            line = f"  {count:,} dropped: {REASON_TEXTS.get(reason, reason)}"
            details = sorted(self.details.get(reason, {}).items(), key=lambda kv: (-kv[1], kv[0]))
            if details:
                line += " (" + ", ".join(f"{name} {n:,}" for name, n in details[:8]) + ")"
            if self.examples.get(reason):
                line += f", e.g. {self.examples[reason][0]}"
            lines.append(line)
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "total": self.total,
            "kept": self.kept,
            "dropped": dict(self.dropped),
            "details": {reason: dict(counts) for reason, counts in self.details.items()},
            "examples": {reason: list(texts) for reason, texts in self.examples.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CoverageReport:
        """Read what `to_dict` returns.

        Args:
            data: With `to_dict`'s keys.
        """
        return cls(
            total=int(data["total"]),
            kept=int(data["kept"]),
            dropped=dict(data["dropped"]),
            details={reason: dict(counts) for reason, counts in data["details"].items()},
            examples={reason: list(texts) for reason, texts in data["examples"].items()},
        )
