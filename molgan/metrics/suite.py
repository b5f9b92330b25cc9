"""Measuring a library by a protocol: every group of figures on its own, none stops the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from molgan.errors import MolganError
from molgan.metrics.identity import HashedIdentities
from molgan.metrics.reporting.report import Report
from molgan.metrics.samples import Sample

if TYPE_CHECKING:
    from molgan.metrics.features import Features
    from molgan.metrics.protocols import Protocol
    from molgan.metrics.reference import Reference

Rows = npt.NDArray[np.int64]

#: FCD of fewer molecules is mostly the bias of a small sample.
FEW_FOR_FCD = 5_000


@dataclass
class Bench:
    """One library being measured: what groups of figures read, and where they write.

    Attributes:
        sample: the molecules drawn that the protocol looks at.
        reference: what to compare with, or None.
        report: where figures go.
        errors: whether standard errors are wanted.
        seed: of the bootstrap.
        n_jobs: worker processes for RDKit.
        device: for ChemNet; None takes the GPU if there is one.
        progress: show progress bars.
        distances: FCD and error by molecules and split: several groups ask for the same.
    """

    sample: Sample
    reference: Reference | None
    report: Report
    errors: bool = True
    seed: int = 0
    n_jobs: int = 1
    device: str | None = None
    progress: bool = False
    distances: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    _features: list[Features] = field(default_factory=list)
    _means: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)

    @cached_property
    def valid(self) -> Features:
        """Features of the strictly valid molecules, repeats included."""
        return self.features(self.sample.valid)

    @cached_property
    def training(self) -> HashedIdentities | None:
        """Identities of the training molecules, if they are known."""
        if self.reference is None or not self.reference.train:
            return None
        return HashedIdentities.from_smiles(self.reference.train)

    def features(self, smiles: Sequence[str]) -> Features:
        """Features of a list of molecules; the same list is never described twice."""
        from molgan.metrics.features import Features

        for known in self._features:
            if known.smiles == smiles:
                return known
        made = Features(
            smiles,
            n_jobs=self.n_jobs,
            progress=self.progress,
            label=self.sample.name,
            device=self.device,
        )
        self._features.append(made)
        return made

    def row_means(self, power: int) -> npt.NDArray[np.float64]:
        """(n,) mean similarity^power of each valid molecule to all of them, repeats included."""
        from molgan.metrics.similarity import mean_similarities

        if power not in self._means:
            bits = self.valid.bits()[self.valid.inverse]
            self._means[power] = mean_similarities(bits, power)
        return self._means[power]

    def add(self, key: str, value: float, error: float | None = None) -> None:
        """Write down a figure; one that is not a number is written as missing."""
        if np.isnan(value):
            self.report.missing.setdefault(key, "not defined for this library")
            return
        self.report.figures[key] = float(value)
        if error is not None and np.isfinite(error):
            self.report.errors[key] = float(error)

    def resampled(
        self, statistic: Callable[[Rows], float], n: int, resamples: int = 100
    ) -> float | None:
        """Bootstrap standard error of a statistic of n rows, if errors are wanted."""
        from molgan.metrics.uncertainty import bootstrap_error

        if not self.errors or n < 2:
            return None
        return bootstrap_error(statistic, n, resamples=resamples, seed=self.seed)

    @contextmanager
    def part(self, key: str) -> Iterator[None]:
        """A stretch whose failure costs only the figures `key...`: the report says why."""
        try:
            yield
        except MolganError as error:
            self.report.missing[key] = str(error)


def measure(
    sample: Sample,
    reference: Reference | None = None,
    protocol: Protocol | None = None,
    *,
    errors: bool = True,
    seed: int = 0,
    n_jobs: int = 1,
    device: str | None = None,
    progress: bool = False,
) -> Report:
    """Measure a library by a protocol.

    Args:
        sample: from `sample_from_file`, `sample_from_smiles` or `sample_from_model`.
        reference: what to compare with; without it only figures that need no other molecules.
        protocol: which figures; default: all of them on the whole library.
        errors: also standard errors, by bootstrap or in closed form.
        seed: of the bootstrap.
        n_jobs: worker processes for RDKit.
        device: for ChemNet; None takes the GPU if there is one.
        progress: show progress bars.

    Returns:
        Figures with errors, what is missing and why, examples and data for plots.
    """
    from molgan.metrics.groups import COMPUTE
    from molgan.metrics.protocols import GROUPS, Protocol

    protocol = protocol or Protocol("full", GROUPS)
    looked_at = sample.first(protocol.n)
    report = Report(sample.name)
    report.notes += [*protocol.description, *sample.notes]
    bench = Bench(looked_at, reference, report, errors, seed, n_jobs, device, progress)
    _note_what_differs(bench, protocol)
    for group in protocol.groups:
        with bench.part(group):
            COMPUTE[group](bench)
    if looked_at.examples:
        report.examples["not valid"] = list(looked_at.examples)
    report.smiles = looked_at.valid[:_SHOWN]
    return report


_SHOWN = 48


def _note_what_differs(bench: Bench, protocol: Protocol) -> None:
    """Say where this measurement is not the one that was published."""
    notes, sample, reference = bench.report.notes, bench.sample, bench.reference
    if protocol.n is not None and len(sample) < protocol.n:
        notes.append(
            f"the protocol wants {protocol.n:,} molecules and this library has {len(sample):,}: "
            "distances of fewer molecules are larger"
        )
    if reference is None:
        notes.append("no reference: no novelty and no distances")
        return
    notes += reference.notes
    if protocol.reference is not None and reference.name != protocol.reference:
        notes.append(
            f"published figures of this protocol are against {protocol.reference}, these are "
            f"against {reference.name}: not comparable"
        )
    foreign = elements(sample.valid) - elements(reference.test)
    if foreign:
        notes.append(
            f"{', '.join(sorted(foreign))} in the library, but not in {reference.name}: distances "
            "tell mostly that"
        )


def elements(smiles: Sequence[str]) -> set[str]:
    """Elements that occur in canonical SMILES, without parsing them as molecules."""
    import re

    # Two-letter elements outside brackets are only Cl and Br; aromatic atoms are in lower case.
    pattern = re.compile(r"\[\d*([A-Z][a-z]?|[a-z][a-z]?)|(Cl|Br|[BCNOPSFI]|[bcnops])")
    found: set[str] = set()
    for text in set(smiles):
        found.update(a or b for a, b in pattern.findall(text))
    return {name.capitalize() for name in found}
