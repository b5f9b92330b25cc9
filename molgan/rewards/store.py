"""Scores of the training set on disk: worked out once for a set of molecules and an objective.

Filled as molecules are asked for: an objective that docks could never afford all of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import molgan
from molgan.errors import MolganError
from molgan.rewards.identity import digest_of, identity_of
from molgan.rewards.objective import Objective

log = logging.getLogger("molgan")

Row = tuple[tuple[float, str | None], ...]
"""(score, reason) of each component that is a function of one molecule."""


class Store:
    """Rows of scores by SMILES, for a fixed set of molecules.

    Failed scores are not written: a command that hung today may answer tomorrow.

    Args:
        path: The file; there may be none yet. One that cannot be read is made anew.
        smiles: The molecules, canonical.
        columns: Number of scores in a row.
    """

    def __init__(self, path: Path, smiles: Iterable[str], columns: int) -> None:
        self.path = path
        self._members = frozenset(smiles)
        self._columns = columns
        self._rows = {s: row for s, row in self._read().items() if s in self._members}
        self._changed = False

    def __len__(self) -> int:
        """Return the number of molecules whose scores are known."""
        return len(self._rows)

    def get(self, smiles: str) -> Row | None:
        """Return the scores of a molecule, if they are known."""
        return self._rows.get(smiles)

    def put(self, smiles: str, row: Row) -> bool:
        """Keep the scores of a molecule of the set; returns whether it is one."""
        if smiles not in self._members:
            return False
        self._rows[smiles] = row
        self._changed = True
        return True

    def save(self) -> None:
        """Write what is known, whole or not at all; a cache that cannot be written is no error."""
        if not self._changed:
            return
        from molgan.data.storage import write_atomic

        # Another run may have written meanwhile.
        rows = {**self._read(), **self._rows}
        complete = {s: row for s, row in rows.items() if all(why is None for _, why in row)}
        # The shape is said: no numbers at all, of an objective of the batch alone, show none.
        shape = len(complete), self._columns
        values = np.array([[value for value, _ in row] for row in complete.values()]).reshape(shape)
        try:
            write_atomic(self.path, _packed(list(complete), values))
        except MolganError as error:
            log.warning("the scores of the training set are not kept: %s", error)
        self._changed = False

    def _read(self) -> dict[str, Row]:
        with contextlib.suppress(OSError, ValueError, KeyError):
            content = self.path.read_bytes()
            if hashlib.sha256(content[32:]).digest() == content[:32]:
                return _unpacked(content[32:], self._columns)
        return {}


def open_store(objective: Objective, content_hash: str, smiles: Iterable[str], root: Path) -> Store:
    """The store of a training set and an objective in the cache.

    Weights, transforms and the aggregation do not matter: raw scores are kept.

    Args:
        objective: Whose components decide the scores.
        content_hash: Of the data set.
        smiles: Its molecules.
        root: Cache folder.
    """
    import rdkit

    components = [part for part in objective.components.values() if not part.batch_level]
    raw = [_without_transform(identity_of(part)) for part in components]
    key = digest_of([content_hash, raw, molgan.__version__, rdkit.__version__])
    return Store(root / "scores" / f"{key[:32]}.scores", smiles, len(components))


def _without_transform(identity: Any) -> Any:
    settings = identity["settings"]
    if isinstance(settings, dict):
        settings = {key: value for key, value in settings.items() if key != "transform"}
    return {**identity, "settings": settings}


def _packed(smiles: list[str], values: np.ndarray) -> bytes:
    """Digest, number of bytes of the SMILES, SMILES by line, float64 scores."""
    text = "\n".join(smiles).encode()
    body = len(text).to_bytes(8, "little") + text + values.astype("<f8").tobytes()
    return hashlib.sha256(body).digest() + body


def _unpacked(body: bytes, columns: int) -> dict[str, Row]:
    end = 8 + int.from_bytes(body[:8], "little")
    smiles = body[8:end].decode().split("\n") if end > 8 else []
    values = np.frombuffer(body[end:], dtype="<f8").reshape(len(smiles), columns)
    return {
        text: tuple((value, None) for value in row)
        for text, row in zip(smiles, values.tolist(), strict=True)
    }
