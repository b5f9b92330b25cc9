"""The tables of a screen: read row by row, completed, and turned into other formats."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from molgan.errors import MolganError
from molgan.library.writers import atomic_write, smi_line

FIRST = ("name", "smiles", "inchikey", "row", "copies", "changes")
"""The first columns of hits.csv."""


def carried_names(headings: Sequence[str], taken: Iterable[str]) -> list[str]:
    """Names in our tables for columns of the input: ``input_`` goes before what is taken.

    Capitals do not tell columns apart, as they do not in databases.

    Args:
        headings: Of the input.
        taken: Names of our own columns.
    """
    used = {name.casefold() for name in taken}
    names = []
    for name in headings:
        while name.casefold() in used:
            name = f"input_{name}"
        used.add(name.casefold())
        names.append(name)
    return names


def read_table(path: Path) -> Iterator[dict[str, str]]:
    """Rows of one of our own CSV files, as dictionaries of texts."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def write_hits(source: Path, out: Path, columns: Sequence[str], copies: Mapping[int, int]) -> None:
    """Write hits.csv and hits.smi from the hits as they came, with the number of copies.

    Args:
        source: Hits as they came.
        out: Folder.
        columns: All others, in their order.
        copies: Row -> how often the molecule was in the input, for those with more than once.
    """
    with atomic_write(out / "hits.csv") as table, atomic_write(out / "hits.smi") as smi:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow([*FIRST, *columns])
        for line in read_table(source):
            line["copies"] = str(copies.get(int(line["row"]), 1))
            writer.writerow([line[name] for name in (*FIRST, *columns)])
            smi.write(smi_line(line["smiles"], line["name"]))


def write_selection(hits: Path, out: Path, stem: str, places: Sequence[int]) -> None:
    """Write some rows of hits.csv, in the order given, with their rank from 1.

    Args:
        hits: hits.csv.
        out: Folder.
        stem: Of the names of the two files, .csv and .smi.
        places: Rows of the table, from 0.
    """
    ranks = {place: rank for rank, place in enumerate(places, start=1)}
    found: dict[int, dict[str, str]] = {}
    columns: list[str] = list(FIRST)
    for place, line in enumerate(read_table(hits)):
        columns = list(line)
        if place in ranks:
            found[ranks[place]] = line
    with atomic_write(out / f"{stem}.csv") as table, atomic_write(out / f"{stem}.smi") as smi:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow([*columns, "rank"])
        for rank, line in sorted(found.items()):
            writer.writerow([*line.values(), rank])
            smi.write(smi_line(line["smiles"], line["name"]))


def add_column(path: Path, name: str, values: Sequence[str]) -> None:
    """Add a column at the end of one of our tables, in place of one of the same name."""
    with path.open(encoding="utf-8", newline="") as source, atomic_write(path) as file:
        reader = csv.DictReader(source)
        columns = list(dict.fromkeys([*(reader.fieldnames or ()), name]))
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for line, value in zip(reader, values, strict=True):
            writer.writerow({**line, name: value})


def write_parquet(source: Path, path: Path, numbers: Sequence[str]) -> None:
    """Write a CSV of ours as Parquet, block by block.

    Args:
        source: The CSV.
        path: The .parquet file.
        numbers: Columns that hold numbers; the others are texts.

    Raises:
        MolganError: If pyarrow is missing or the file cannot be written.
    """
    try:
        pa, pa_csv, parquet = map(import_module, ("pyarrow", "pyarrow.csv", "pyarrow.parquet"))
    except ImportError as error:
        raise MolganError(
            'export.parquet=true needs pyarrow: pip install "molgan[parquet]"'
        ) from error
    with source.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    whole = {"row", "copies", "rank"}
    types = {
        name: pa.float64() if name in numbers else pa.int64() if name in whole else pa.string()
        for name in header
    }
    options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    parse = pa_csv.ParseOptions(newlines_in_values=False)
    with atomic_write(path, binary=True) as file:
        schema = pa.schema(list(types.items()))
        with (
            pa_csv.open_csv(source, parse_options=parse, convert_options=options) as reader,
            parquet.ParquetWriter(file, schema) as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
