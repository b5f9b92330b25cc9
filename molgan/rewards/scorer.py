"""Scoring at training speed: each distinct molecule once, on request in worker processes."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rdkit import Chem

from molgan.chem import Decoded, quiet_rdkit
from molgan.chem.parallel import run_tasks
from molgan.errors import ConfigError
from molgan.rewards.components import Component, ComponentScores
from molgan.rewards.objective import Objective, ObjectiveResult
from molgan.rewards.scores import REMEMBERED
from molgan.rewards.store import Row, Store

# Below this many new molecules per worker (about 1 ms each) sending them to other processes costs
# more than it saves.
_MIN_PER_WORKER = 32


class Scorer:
    """An objective with a cache by canonical SMILES and an optional pool of worker processes.

    Components that are functions of one molecule are cached and may run in the pool; those with
    `own_workers` are called here, on all new molecules at once; those with `batch_level` are
    computed on every call, on the whole batch. Molecules are scored as read back from their
    canonical SMILES: atom order moves the last bits of a sum over atoms, and a score must not
    depend on which drawing of a molecule came first, or a resumed run would differ from an
    uninterrupted one.

    The cache has two generations: when the young one holds half of `cache_size`, it becomes the old
    one and the old one is dropped; a molecule found in the old one moves to the young one. Memory
    is bounded and what is still being drawn stays. The training set's molecules are kept apart, in
    a `Store`, which outlives the run.

    Args:
        objective: What to score.
        n_jobs: Worker processes; 1 scores in this process, -1 takes all cores.
        cache_size: Largest number of distinct molecules kept, at least 2; 0 turns the cache off.
        store: Scores of the training set.

    Attributes:
        calls: Valid molecules asked for so far.
        hits: Those whose scores were known, from the cache or from a copy in the same batch.
        seconds: Time spent on the others.

    Raises:
        ConfigError: If `n_jobs` is 0 or `cache_size` is negative.
    """

    def __init__(
        self,
        objective: Objective,
        n_jobs: int = 1,
        cache_size: int = 200_000,
        store: Store | None = None,
    ) -> None:
        if n_jobs == 0 or n_jobs < -1:
            raise ConfigError(f"n_jobs must be 1 or more, or -1 for all cores, not {n_jobs}")
        if cache_size < 0:
            raise ConfigError(f"the reward's cache_size must be 0 or more, not {cache_size}")
        self.objective = objective
        self.n_jobs = n_jobs
        self.cache_size = cache_size
        self.store = store
        self.calls = 0
        self.hits = 0
        self.seconds = 0.0
        self._lap = (0, 0, 0.0)
        self._resumed = 0
        self._cached = {
            name: part for name, part in objective.components.items() if not part.batch_level
        }
        self._young: dict[str, Row] = {}
        self._old: dict[str, Row] = {}

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
        """Return `calls`, `hits`, `hit_rate` (0 to 1) and new molecules `per_second` so far."""
        rates = self._rates((self._resumed, 0, 0.0))
        return {"calls": float(self.calls), "hits": float(self.hits)} | rates

    def lap(self) -> dict[str, float]:
        """Return `calls` so far, and `hit_rate` and `per_second` since the last lap, for the log.

        A rate of nothing is left out; all are without any call since then.
        """
        before, self._lap = self._lap, (self.calls, self.hits, self.seconds)
        if self.calls == before[0]:
            return {}
        rates = self._rates((max(before[0], self._resumed), *before[1:]))
        if rates["per_second"] == 0:
            del rates["per_second"]
        return {"calls": float(self.calls)} | rates

    def state_dict(self) -> dict[str, int]:
        """What a resumed run goes on counting from."""
        return {"calls": self.calls, "lap": self._lap[0]}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Take up what `state_dict` gave; the cache of the earlier process is lost.

        Args:
            state: Counts by name; a missing one is 0.
        """
        self.calls = self._resumed = state.get("calls", 0)
        self._lap = (state.get("lap", 0), self.hits, self.seconds)

    def save(self) -> None:
        """Keep what is known of the training set for other runs."""
        if self.store is not None:
            self.store.save()

    def _rates(self, before: tuple[int, int, float]) -> dict[str, float]:
        calls, hits = self.calls - before[0], self.hits - before[1]
        seconds = self.seconds - before[2]
        return {
            "hit_rate": hits / calls if calls else 0.0,
            "per_second": round((calls - hits) / seconds, 1) if seconds else 0.0,
        }

    def _cached_scores(self, decoded: Sequence[Decoded]) -> dict[str, ComponentScores]:
        rows: dict[str, Row] = {}
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
        if new:
            began = time.perf_counter()
            for smiles, row in zip(new, self._score_new(list(new)), strict=True):
                rows[smiles] = row
                self._keep(smiles, row)
            self.seconds += time.perf_counter() - began
        invalid = [item for item in decoded if item.smiles is None]
        return {
            name: _gather(decoded, rows, column, part(invalid))
            for column, (name, part) in enumerate(self._cached.items())
        }

    def _score_new(self, smiles: list[str]) -> list[Row]:
        """Score distinct SMILES with all cached components, in their order."""
        alone = {
            name: part for name, part in self._cached.items() if getattr(part, "own_workers", False)
        }
        pooled = {name: part for name, part in self._cached.items() if name not in alone}
        parts = [(pooled, self._pooled(pooled, smiles))]
        if alone:
            # All molecules at once: they have workers of their own to keep busy.
            parts.append((alone, _score_smiles(alone, smiles, block=len(smiles))))
        columns = {
            name: [row[place] for row in found]
            for group, found in parts
            for place, name in enumerate(group)
        }
        return [
            tuple(columns[name][place] for name in self._cached) for place in range(len(smiles))
        ]

    def _pooled(self, components: Mapping[str, Component], smiles: list[str]) -> list[Row]:
        """Score in the pool, if there are enough molecules."""
        if self.n_jobs == 1 or len(smiles) < 2 * _MIN_PER_WORKER or not components:
            return _score_smiles(components, smiles)
        from joblib import effective_n_jobs

        workers = int(effective_n_jobs(self.n_jobs))
        size = max(_MIN_PER_WORKER, math.ceil(len(smiles) / (4 * workers)))
        tasks = [(components, smiles[at : at + size]) for at in range(0, len(smiles), size)]
        return [row for rows in run_tasks(_score_smiles, tasks, workers) for row in rows]

    def _look_up(self, smiles: str) -> Row | None:
        if self.store is not None and (row := self.store.get(smiles)) is not None:
            return row
        row = self._young.get(smiles)
        if row is None and (row := self._old.get(smiles)) is not None:
            self._remember(smiles, row)
        return row

    def _keep(self, smiles: str, row: Row) -> None:
        if self.store is None or not self.store.put(smiles, row):
            self._remember(smiles, row)

    def _remember(self, smiles: str, row: Row) -> None:
        if self.cache_size == 0:
            return
        if len(self._young) >= max(1, self.cache_size // 2):
            self._old, self._young = self._young, {}
        self._young[smiles] = row


def _score_smiles(
    components: Mapping[str, Component], smiles: Sequence[str], block: int = REMEMBERED
) -> list[Row]:
    """Score each SMILES with each component (runs in worker processes).

    Block by block, so that components which share work find it done.
    """
    rows: list[Row] = []
    with quiet_rdkit():
        for start in range(0, len(smiles), block):
            molecules = [_read(text) for text in smiles[start : start + block]]
            scores = [part(molecules) for part in components.values()]
            rows += [
                tuple((float(part.values[row]), part.reasons[row]) for part in scores)
                for row in range(len(molecules))
            ]
    return rows


def _read(smiles: str) -> Decoded:
    mol: Any = Chem.MolFromSmiles(smiles)
    if mol is None:
        return Decoded(None, None, "RDKit cannot read back its SMILES")
    return Decoded(mol, smiles, None)


def _gather(
    decoded: Sequence[Decoded], rows: Mapping[str, Row], column: int, invalid: ComponentScores
) -> ComponentScores:
    """Spread the scores of distinct molecules over the batch, those of invalid ones in between."""
    rest = zip(invalid.values, invalid.reasons, strict=True)
    entries = [
        rows[item.smiles][column] if item.smiles is not None else next(rest) for item in decoded
    ]
    values = np.array([value for value, _ in entries], dtype=np.float64)
    return ComponentScores(values, tuple(reason for _, reason in entries))
