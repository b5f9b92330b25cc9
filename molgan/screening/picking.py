"""Choosing among the hits: Pareto front, caps per scaffold, and a diverse few of what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from molgan.errors import ConfigError
from molgan.library import picking
from molgan.metrics.identity import hash64
from molgan.metrics.similarity import N_BITS
from molgan.screening.tables import read_table

METHODS = ("maxmin", "sphere", "butina", "best")


@dataclass(frozen=True)
class Pick:
    """How to choose among the hits; each step works on what the one before has left.

    Attributes:
        pareto: Scores -> "max" or "min": only molecules that no other beats in all of them.
        per_scaffold: At most so many with the same Murcko scaffold, best of `by` first.
        method: "maxmin" (each as different as possible from those before), "sphere" (no two as
            similar as `threshold`), "butina" (centres of clusters), "best" (by the score `by`);
            None: all that are left.
        n: At most so many; None is no limit, except for "maxmin" and "best", which need one.
        threshold: Tanimoto similarity, 0 to 1, for "sphere" and "butina".
        by: The score that says which of two is better; None: the order of the input.
        seed: Of random first picks.
    """

    pareto: Mapping[str, str] = field(default_factory=dict)
    per_scaffold: int | None = None
    method: str | None = None
    n: int | None = None
    threshold: float = 0.65
    by: str | None = None
    seed: int = 0

    @property
    def wanted(self) -> bool:
        """Whether anything is chosen at all."""
        return bool(self.method or self.pareto or self.per_scaffold or self.n)

    @property
    def needs_bits(self) -> bool:
        """Whether it compares fingerprints."""
        return self.method in ("maxmin", "sphere", "butina")

    def check(self, numbers: tuple[str, ...]) -> None:
        """Refuse what cannot work.

        Args:
            numbers: Names of the scores there are.

        Raises:
            ConfigError: Naming the key and the choices.
        """
        if self.method is not None and self.method not in METHODS:
            raise ConfigError(f"pick.method={self.method}: choose from {', '.join(METHODS)}")
        if self.n is not None and self.n < 1:
            raise ConfigError(f"pick.n={self.n}: a whole number from 1 up is wanted")
        if self.method in ("maxmin", "best") and self.n is None:
            raise ConfigError(f"pick.method={self.method} needs pick.n: how many to pick")
        if self.method == "best" and self.by is None:
            raise ConfigError("pick.method=best needs pick.by: the score to go by")
        if self.per_scaffold is not None and self.per_scaffold < 1:
            raise ConfigError(
                f"pick.per_scaffold={self.per_scaffold}: a whole number from 1 up is wanted"
            )
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"pick.threshold={self.threshold}: a number from 0 to 1 is wanted")
        for key, names in {"by": [self.by] if self.by else [], "pareto": list(self.pareto)}.items():
            for name in names:
                if name not in numbers:
                    raise ConfigError(
                        f"pick.{key}: there is no score {name!r}; choose from {', '.join(numbers)}"
                    )
        for name, direction in self.pareto.items():
            if direction not in ("max", "min"):
                raise ConfigError(f"pick.pareto.{name}={direction}: choose max or min")

    def identity(self) -> dict[str, Any]:
        """The settings as plain values."""
        return {**asdict(self), "pareto": dict(self.pareto)}

    def choose(self, hits: Path, bits: Path | None) -> npt.NDArray[np.int64]:
        """Return places in the table of hits, from 0, in the order of picking.

        Args:
            hits: CSV with the columns of scores.
            bits: Packed fingerprints of the same molecules, one after the other.
        """
        names = [*self.pareto, *([self.by] if self.by else [])]
        if self.per_scaffold is not None:
            names.append("scaffold")
        columns: dict[str, list[Any]] = {name: [] for name in dict.fromkeys(names)}
        count = 0
        for line in read_table(hits):
            count += 1
            for name, values in columns.items():
                text = line[name]
                if name == "scaffold":
                    values.append(hash64(text))
                else:
                    values.append(float(text) if text else np.nan)
        order = np.arange(count)
        if self.by is not None:
            order = order[np.argsort(-self._goodness(columns[self.by]), kind="stable")]
        if self.pareto:
            scores = np.array([columns[name] for name in self.pareto], dtype=np.float64).T
            front = picking.pareto_front(
                scores.reshape(count, len(self.pareto)), list(self.pareto.values())
            )
            order = order[np.isin(order, front)]
        if self.per_scaffold is not None:
            order = picking.cap_per_scaffold(columns["scaffold"], order.tolist(), self.per_scaffold)
        if not self.needs_bits or bits is None:
            return order[: self.n].astype(np.int64)
        table = np.memmap(bits, np.uint8, "r").reshape(-1, N_BITS // 8) if count else None
        return self._diverse(order, table)

    def _diverse(
        self, order: npt.NDArray[np.int64], table: npt.NDArray[np.uint8] | None
    ) -> npt.NDArray[np.int64]:
        if table is None or not len(order):
            return np.empty(0, dtype=np.int64)
        chosen = np.ascontiguousarray(table[order])
        if self.method == "maxmin":
            assert self.n is not None
            # With a score to go by, the best molecule is the first; else a random one.
            first = [0] if self.by is not None else []
            rows = picking.maxmin(chosen, self.n, self.seed, first=first)
        elif self.method == "sphere":
            by_score = list(range(len(order))) if self.by is not None else None
            rows = picking.sphere_exclusion(
                chosen, self.threshold, self.n, self.seed, order=by_score
            )
        else:
            rows = picking.butina(chosen, self.threshold)
        return order[rows[: self.n]].astype(np.int64)

    def _goodness(self, values: list[float]) -> npt.NDArray[np.float64]:
        """Higher is better; what is unknown comes last."""
        from molgan.chem.scores import SCORES

        assert self.by is not None
        info = SCORES.get(self.by)
        sign = -1.0 if info is not None and info.better == "lower" else 1.0
        return np.nan_to_num(sign * np.asarray(values, dtype=np.float64), nan=-np.inf)
