"""Scoring at training speed: each distinct molecule once, on request in worker processes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rdkit import Chem

from molgan.chem import Decoded, quiet_rdkit
from molgan.errors import ConfigError
from molgan.rewards.components import Component, ComponentScores
from molgan.rewards.objective import Objective, ObjectiveResult

_Row = tuple[tuple[float, str | None], ...]  # (score, reason) of each cached component

# Below this many new molecules per worker (about 1 ms each) sending them to other processes costs
# more than it saves.
_MIN_PER_WORKER = 32


class Scorer:
    """An objective with a cache by canonical SMILES and an optional pool of worker processes.

    Components that are functions of one molecule are cached and may run in the pool; those with
    `batch_level` are computed on every call, on the whole batch. Molecules are scored as read back
    from their canonical
    SMILES: atom order moves the last bits of a sum over atoms, and a score must not depend on which
    drawing of a molecule came first, or a resumed run would differ from an uninterrupted one.

    The cache has two generations: when the young one holds half of `cache_size`, it becomes the old
    one and the old one is dropped; a molecule found in the old one moves to the young one. Memory
    is bounded and what is still being drawn stays.

    Args:
        objective: What to score.
        n_jobs: Worker processes; 1 scores in this process, -1 takes all cores.
        cache_size: Largest number of distinct molecules kept, at least 2; 0 turns the cache off.

    Attributes:
        calls: Valid molecules asked for so far.
        hits: Those whose scores were known, from the cache or from a copy in the same batch.

    Raises:
        ConfigError: If `n_jobs` is 0 or `cache_size` is negative.
    """

    def __init__(self, objective: Objective, n_jobs: int = 1, cache_size: int = 200_000) -> None:
        if n_jobs == 0 or n_jobs < -1:
            raise ConfigError(f"n_jobs must be 1 or more, or -1 for all cores, not {n_jobs}")
        if cache_size < 0:
            raise ConfigError(f"the reward's cache_size must be 0 or more, not {cache_size}")
        self.objective = objective
        self.n_jobs = n_jobs
        self.cache_size = cache_size
        self.calls = 0
        self.hits = 0
        self._cached = {
            name: part for name, part in objective.components.items() if not part.batch_level
        }
        self._young: dict[str, _Row] = {}
        self._old: dict[str, _Row] = {}

    def __call__(self, decoded: Sequence[Decoded]) -> ObjectiveResult:
        """Score a batch of B decoded molecules; equals `objective(decoded)` up to rounding."""
        scores: dict[str, ComponentScores] = {}
        if self._cached:
            scores.update(self._cached_scores(decoded))
        for name, part in self.objective.components.items():
            if name not in scores:
                scores[name] = part(decoded)
        return self.objective.combine(decoded, scores)

    def stats(self) -> dict[str, float]:
        """Return `calls`, `hits` and `hit_rate` (0 to 1) so far, for the log."""
        rate = self.hits / self.calls if self.calls else 0.0
        return {"calls": float(self.calls), "hits": float(self.hits), "hit_rate": rate}

    def _cached_scores(self, decoded: Sequence[Decoded]) -> dict[str, ComponentScores]:
        rows: dict[str, _Row] = {}
        new: dict[str, None] = {}  # ordered set
        for item in decoded:
            smiles = item.smiles
            if smiles is None:
                continue
            self.calls += 1
            if smiles in rows or smiles in new:
                self.hits += 1
            elif (known := self._look_up(smiles)) is not None:
                self.hits += 1
                rows[smiles] = known
            else:
                new[smiles] = None
        for smiles, row in zip(new, self._score_new(list(new)), strict=True):
            rows[smiles] = row
            self._store(smiles, row)
        invalid = [item for item in decoded if item.smiles is None]
        return {
            name: _gather(decoded, rows, column, part(invalid))
            for column, (name, part) in enumerate(self._cached.items())
        }

    def _score_new(self, smiles: list[str]) -> list[_Row]:
        """Score distinct SMILES, in the pool if there are enough of them."""
        if self.n_jobs == 1 or len(smiles) < 2 * _MIN_PER_WORKER:
            return _score_smiles(self._cached, smiles)
        from joblib import Parallel, delayed, effective_n_jobs

        workers = int(effective_n_jobs(self.n_jobs))
        size = max(_MIN_PER_WORKER, math.ceil(len(smiles) / (4 * workers)))
        chunks = [smiles[start : start + size] for start in range(0, len(smiles), size)]
        results: list[list[_Row]] = Parallel(n_jobs=workers)(
            delayed(_score_smiles)(self._cached, chunk) for chunk in chunks
        )
        return [row for chunk in results for row in chunk]

    def _look_up(self, smiles: str) -> _Row | None:
        row = self._young.get(smiles)
        if row is None and (row := self._old.get(smiles)) is not None:
            self._store(smiles, row)
        return row

    def _store(self, smiles: str, row: _Row) -> None:
        if self.cache_size == 0:
            return
        if len(self._young) >= max(1, self.cache_size // 2):
            self._old, self._young = self._young, {}
        self._young[smiles] = row


def _score_smiles(components: Mapping[str, Component], smiles: Sequence[str]) -> list[_Row]:
    """Score each SMILES with each component (runs in worker processes)."""
    with quiet_rdkit():
        molecules = [_read(text) for text in smiles]
        scores = [part(molecules) for part in components.values()]
    return [
        tuple((float(part.values[row]), part.reasons[row]) for part in scores)
        for row in range(len(smiles))
    ]


def _read(smiles: str) -> Decoded:
    mol: Any = Chem.MolFromSmiles(smiles)
    if mol is None:
        return Decoded(None, None, "RDKit cannot read back its SMILES")
    return Decoded(mol, smiles, None)


def _gather(
    decoded: Sequence[Decoded], rows: Mapping[str, _Row], column: int, invalid: ComponentScores
) -> ComponentScores:
    """Spread the scores of distinct molecules over the batch, those of invalid ones in between."""
    rest = zip(invalid.values, invalid.reasons, strict=True)
    entries = [
        rows[item.smiles][column] if item.smiles is not None else next(rest) for item in decoded
    ]
    values = np.array([value for value, _ in entries], dtype=np.float64)
    return ComponentScores(values, tuple(reason for _, reason in entries))
