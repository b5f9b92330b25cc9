"""Reference sets of a screen: known actives, and known molecules that are not novel."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from molgan.chem import identity, quiet_rdkit
from molgan.data.files import user_path
from molgan.data.streaming import Row, stream_rows
from molgan.errors import DataError
from molgan.metrics.identity import HashedIdentities, hash64, hash_all
from molgan.metrics.similarity import molecule_bits
from molgan.screening.engines import run_chunks
from molgan.screening.isolation import Lost
from molgan.screening.settings import Screen
from molgan.screening.work import References, read_row

SAMPLE = 2000
"""Known molecules whose scores the report shows beside those of the hits."""

_CHUNK = 500


def load_references(
    screen: Screen, rows: Callable[[], Iterator[Row]], **engine: Any
) -> tuple[References, list[str]]:
    """Read what `screen` compares molecules with, standardised as they are.

    Args:
        screen: The settings.
        rows: Gives the rows of the input, for their names.
        **engine: As for `molgan.screening.engines.run_chunks`.

    Returns:
        The references, and SMILES of `SAMPLE` known molecules chosen by their hashes.

    Raises:
        DataError: If a file cannot be read or holds no molecule.
    """
    actives, names = None, tuple[str, ...]()
    if screen.actives is not None:
        actives, names = _actives(screen)
    known, sample = None, list[str]()
    if screen.known is not None:
        known, sample = _known(screen, engine)
    other = {}
    if screen.other is not None:
        other = screen.other.read(list(dict.fromkeys(row.name for row in rows() if row.name)))
    return References(actives, names, known, other), sample


def chunks_of(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """Lists of `size` rows; the last one may be shorter."""
    while chunk := list(islice(rows, size)):
        yield chunk


class Identify:
    """Standardises rows and gives (identity without stereochemistry, SMILES), or None."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def __call__(self, rows: Sequence[Row]) -> list[tuple[str, str] | None]:
        """One entry for each row."""
        with quiet_rdkit():
            return [self._one(row) for row in rows]

    def _one(self, row: Row) -> tuple[str, str] | None:
        mol = None if row.reason else read_row(row.text)[0]
        if mol is None:
            return None
        clean = self._screen.standardizer(mol)
        if clean.mol is None or clean.smiles is None:
            return None
        text = identity(clean.mol)
        return None if text is None else (text, clean.smiles)


def _known(screen: Screen, engine: dict[str, Any]) -> tuple[HashedIdentities, list[str]]:
    rows = stream_rows(user_path(str(screen.known), "known"))
    hashes: list[Any] = []
    # The smallest hashes are a fair sample of a stream of unknown length, the same every time.
    smallest: list[tuple[int, str]] = []
    work = Identify(screen)
    for _, results in run_chunks(work, chunks_of(rows, _CHUNK), **engine):
        found = [one for one in results if one is not None and not isinstance(one, Lost)]
        hashes.append(hash_all(text for text, _ in found))
        for text, smiles in found:
            entry = (-hash64(text), smiles)
            if len(smallest) < SAMPLE:
                heapq.heappush(smallest, entry)
            elif entry > smallest[0]:
                heapq.heappushpop(smallest, entry)
    known = HashedIdentities(np.concatenate(hashes) if hashes else np.empty(0, np.uint64))
    if not len(known):
        raise DataError(f"known={screen.known} holds no molecule that can be read")
    sample = sorted(set(smallest), reverse=True)
    return known, [smiles for _, smiles in sample]


def _actives(screen: Screen) -> tuple[Any, tuple[str, ...]]:
    path = user_path(str(screen.actives), "actives")
    bits, names = [], []
    with quiet_rdkit():
        for row in stream_rows(Path(path)):
            mol = None if row.reason else read_row(row.text)[0]
            clean = None if mol is None else screen.standardizer(mol)
            if clean is not None and clean.mol is not None and clean.smiles is not None:
                bits.append(molecule_bits(clean.mol))
                names.append(row.name or clean.smiles)
    if not bits:
        raise DataError(f"actives={screen.actives} holds no molecule that can be read")
    return np.stack(bits), tuple(names)
