"""Scores from a table that another program made, joined to molecules by name."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from molgan.errors import DataError

_MISSING = frozenset({"", "na", "n/a", "nan", "none", "null", "-"})


@dataclass(frozen=True)
class ImportedScores:
    """One score for each molecule that was asked for.

    Attributes:
        values: (M,) floats, NaN where the table has none.
        rows: Of the table with a score.
        unknown: Names in the table that are none of the molecules, each once, in order.
    """

    values: npt.NDArray[np.float64]
    rows: int
    unknown: list[str]


def import_scores(
    path: str | Path,
    names: Sequence[str],
    *,
    score: str,
    name: str = "name",
    better: str = "min",
    aliases: Mapping[str, str] | None = None,
) -> ImportedScores:
    """Read a column of scores from a CSV file (comma, semicolon or tab) and join it by name.

    Several rows of one molecule, such as poses or protonation states, count as the best of them.

    Args:
        path: UTF-8, with a header line.
        names: Of the molecules, in the order wanted.
        score: Header of the column of scores. Empty fields and NA are missing scores.
        name: Header of the column of names.
        better: "min" where lower is better, as for docking energies, or "max".
        aliases: Other name -> name of the molecule, such as `aliases_from_index` gives.

    Raises:
        DataError: the file, a column or a number cannot be read; it names the line.
    """
    path = Path(path)
    if better not in ("min", "max"):
        raise DataError(f"better is min or max, not {better!r}")
    wanted = {one: row for row, one in enumerate(names)}
    values = np.full(len(names), np.nan)
    pick = np.fmin if better == "min" else np.fmax
    rows, unknown = 0, dict[str, None]()
    for line, record in _records(path, (name, score)):
        key = record[name].strip()
        text = record[score].strip()
        if text.lower() in _MISSING:
            continue
        try:
            value = float(text)
        except ValueError as error:
            raise DataError(
                f"{path}, line {line}: the score {text!r} of {key!r} is no number"
            ) from error
        rows += 1
        if key not in wanted and aliases:
            key = aliases.get(key, key)
        if key in wanted:
            values[wanted[key]] = pick(values[wanted[key]], value)
        else:
            unknown[key] = None
    return ImportedScores(values, rows, list(unknown))


def aliases_from_index(path: str | Path) -> dict[str, str]:
    """Name of every ligand, and of its file with and without ending -> name of its molecule.

    Args:
        path: The `index.csv` that `molgan.library.docking_export` wrote.

    Raises:
        DataError: it cannot be read.
    """
    aliases = {}
    for _, record in _records(Path(path), ("name", "parent", "pdbqt")):
        file = PurePosixPath(record["pdbqt"])
        for alias in (record["pdbqt"], file.name, file.stem, record["name"]):
            aliases[alias] = record["parent"]
    aliases.pop("", None)
    return aliases


def _records(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """(line, columns asked for) of every row that is not blank."""
    try:
        # Excel marks its UTF-8 with three bytes that are no part of the first header.
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=head.count)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            header = [one.strip() for one in next(reader, [])]
            for column in columns:
                if column not in header:
                    there = ", ".join(header) or "nothing"
                    raise DataError(f"{path} has no column {column!r}; its header has: {there}")
            places = {column: header.index(column) for column in columns}
            found = []
            for row in reader:
                if not any(row):
                    continue
                if len(row) <= max(places.values()):
                    raise DataError(
                        f"{path}, line {reader.line_num}: {len(row)} fields where the header has "
                        f"{len(header)}"
                    )
                found.append((reader.line_num, {key: row[at] for key, at in places.items()}))
            return found
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it as UTF-8 and try again") from error
    except csv.Error as error:
        raise DataError(f"{path} is no table that can be read: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
