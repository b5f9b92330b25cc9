"""Results into files: each row of the input in exactly one of hits, rejected, duplicates."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from molgan.data.streaming import MAX_FIELD, Row, one_line
from molgan.library.ledger import Ledger
from molgan.library.writers import molecule_name
from molgan.metrics.identity import hash64
from molgan.screening.isolation import Lost
from molgan.screening.work import READ, Reason, Result, lost

REJECTED_COLUMNS = ("row", "name", "smiles", "stage", "rule", "atoms", "detail", "standardized")
DUPLICATE_COLUMNS = ("row", "name", "smiles", "inchikey", "first_row")
HIT_COLUMNS = ("row", "name", "smiles", "inchikey", "changes")

_LONGEST = 20_000  # characters of a SMILES as given that rejected.csv repeats
_LONGEST_NAME = 100


class Sorter:
    """Sorts results into the files of a screen, chunk by chunk, in the order of the input.

    Identities are 64-bit hashes of InChIKeys: among a million molecules the chance that any two
    are merged wrongly is 1e12 / 2 / 2^64 = 3e-8.

    Args:
        out: Folder of the results.
        columns: Of the scores.
        carried: Names for the further columns of the input, which come last in every table.
        identity: What must be the same for an interrupted run to be gone on with.
        bits: Whether fingerprints of the hits are kept for picking.

    Attributes:
        counts: "in", "hits", "rejected", "duplicates", "unreadable", and "stage:<name>" of the
            rejected ones.
        work: The folder of what is needed only while the run goes on.
    """

    def __init__(
        self,
        out: Path,
        columns: Sequence[str],
        carried: Sequence[str],
        identity: dict[str, Any],
        *,
        bits: bool,
    ) -> None:
        self.work = out / ".work"
        self.counts: Counter[str] = Counter()
        files = {
            "hits": self.work / "hits.csv",
            "rejected": out / "rejected.csv",
            "duplicates": out / "duplicates.csv",
            "seen": self.work / "seen.bin",
            "names": self.work / "names.bin",
            "copies": self.work / "copies.bin",
            **({"bits": self.work / "bits.bin"} if bits else {}),
        }
        heads = {
            "hits": _lines([[*HIT_COLUMNS, *columns, *carried]]),
            "rejected": _lines([[*REJECTED_COLUMNS, *carried]]),
            "duplicates": _lines([[*DUPLICATE_COLUMNS, *carried]]),
        }
        self.files = files
        self._ledger = Ledger(self.work, files, heads, identity)
        self._bits = bits
        self._carried = len(carried)
        self._first: dict[int, int] = {}
        self._names: dict[int, int] = {}

    @property
    def rows(self) -> int:
        """Rows of the input that are done."""
        return self._ledger.rows

    @property
    def resumed(self) -> bool:
        """Whether an interrupted run is gone on with."""
        return self._ledger.resumed

    def start(self, resume: bool) -> None:
        """Open the files; see `Ledger.start`."""
        self._ledger.start(resume)
        self.counts.update(self._ledger.counts)
        if self.resumed:
            seen = np.fromfile(self.files["seen"], dtype=np.uint64).reshape(-1, 2)
            self._first = dict(zip(seen[:, 0].tolist(), seen[:, 1].tolist(), strict=True))
            names = np.fromfile(self.files["names"], dtype=np.uint64)
            self._names = dict.fromkeys(names.tolist(), 2)

    def append(self, rows: Sequence[Row], results: Sequence[Result | Lost]) -> None:
        """Sort one chunk and commit it."""
        tables: dict[str, list[Sequence[Any]]] = {"hits": [], "rejected": [], "duplicates": []}
        numbers: dict[str, list[int]] = {"seen": [], "names": [], "copies": []}
        bits: list[bytes] = []
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, Lost):
                result = lost(*result)
            self.counts["in"] += 1
            smiles = one_line(result.given or row.text, _LONGEST)
            if "\n" in row.text and not result.given:
                smiles = ""  # an SDF record that could not be read
            others = self._others(row)
            if result.smiles:
                key = hash64(result.inchikey or result.smiles)
                first = self._first.setdefault(key, row.number)
                if first != row.number:
                    self.counts["duplicates"] += 1
                    numbers["copies"].append(first)
                    tables["duplicates"].append(
                        [row.number, row.name, smiles, result.inchikey, first, *others]
                    )
                    continue
                numbers["seen"] += [key, row.number]
            if result.stage is None:
                self.counts["hits"] += 1
                name, hashed = self._unique(row)
                numbers["names"].append(hashed)
                bits.append(result.bits)
                made = (result.smiles, result.inchikey, result.changes, *result.values)
                tables["hits"].append((row.number, name, *made, *others))
                continue
            if result.stage == READ:
                self.counts["unreadable"] += 1
            else:
                self.counts["rejected"] += 1
                self.counts[f"stage:{result.stage}"] += 1
            tables["rejected"].append([*_rejected(row, smiles, result), *others])
        for name, lines in tables.items():
            self._ledger.write(name, _lines(lines))
        for name, values in numbers.items():
            self._ledger.write(name, np.array(values, dtype=np.uint64).tobytes())
        if self._bits:
            self._ledger.write("bits", b"".join(bits))
        self._ledger.commit(self.rows + len(rows), self.counts)

    def close(self) -> None:
        """Close the files."""
        self._ledger.close()

    def copies(self) -> dict[int, int]:
        """Row of each molecule that came more than once -> how often."""
        first, counts = np.unique(
            np.fromfile(self.files["copies"], dtype=np.uint64), return_counts=True
        )
        return {int(row): int(count) + 1 for row, count in zip(first, counts, strict=True)}

    def _others(self, row: Row) -> list[str]:
        """Fields of the further columns; empty where the row ends early."""
        fields = [one_line(text, MAX_FIELD) for text in row.others]
        return fields + [""] * (self._carried - len(fields))

    def _unique(self, row: Row) -> tuple[str, int]:
        """A name that no other hit has, fit for .smi files and file names; and its hash."""
        base = re.sub(r"[^\w.+=#@()\[\]-]+", "_", row.name).strip("_.")[:_LONGEST_NAME]
        base = base or molecule_name("mol", row.number)
        hashed = hash64(base)
        if hashed not in self._names:
            self._names[hashed] = 2
            return base, hashed
        suffix = self._names[hashed]
        while hash64(f"{base}_{suffix}") in self._names:
            suffix += 1
        self._names[hashed] = suffix + 1
        name = f"{base}_{suffix}"
        self._names[hash64(name)] = 2
        return name, hash64(name)


def _rejected(row: Row, smiles: str, result: Result) -> list[Any]:
    reasons = result.reasons or (Reason("unknown"),)
    detail = "; ".join(reason.detail for reason in reasons if reason.detail)
    if result.stage == READ:
        detail = f"{row.where}: {detail}"
    return [
        row.number,
        row.name,
        smiles,
        result.stage,
        "; ".join(reason.rule for reason in reasons),
        "; ".join(" ".join(map(str, reason.atoms)) for reason in reasons).strip("; "),
        detail,
        result.smiles,
    ]


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
