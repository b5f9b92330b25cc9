"""What several groups of figures have in common: FCD, internal diversity, errors of counts."""

from __future__ import annotations

import numpy as np

from molgan.errors import DataError
from molgan.metrics import moses
from molgan.metrics.chemnet import frechet_distance, statistics_of
from molgan.metrics.features import Features
from molgan.metrics.suite import FEW_FOR_FCD, Bench, Rows
from molgan.metrics.uncertainty import pair_mean_error

#: Resamples where one costs 0.1 s and more.
FCD_RESAMPLES = 20


def fcd(bench: Bench, features: Features, split: str) -> tuple[float, float | None]:
    """FCD to a set of the reference, with its bootstrap error."""
    assert bench.reference is not None
    if len(features) < 2:
        raise DataError(f"FCD needs at least 2 molecules and there is {len(features)}")
    if len(features) < FEW_FOR_FCD:
        note = (
            f"FCD of {len(features):,} molecules: the distance grows as samples shrink, "
            "published ones are of 10,000 and more"
        )
        if note not in bench.report.notes:
            bench.report.notes.append(note)
    key = f"{id(features)}:{split}"
    if key not in bench.distances:
        activations = features.activations()
        target = bench.reference.features(split).fcd_statistics()
        inverse = features.inverse

        def distance(rows: Rows) -> float:
            return frechet_distance(statistics_of(activations[inverse[rows]]), target)

        value = distance(np.arange(len(features)))
        bench.distances[key] = (
            value,
            bench.resampled(distance, len(features), FCD_RESAMPLES),
        )
    return bench.distances[key]


def diversity(bench: Bench, key: str, power: int) -> None:
    """IntDiv of the valid molecules; computed once for each power."""
    means = bench.row_means(power)
    value = moses.internal_diversity(means, power)
    bench.add(key, value, pair_mean_error(means ** (1 / power)) if bench.errors else None)


def set_error(bench: Bench, key: str, error: float) -> None:
    """Write down the standard error of a figure that is there, if errors are wanted."""
    if bench.errors and key in bench.report.figures and np.isfinite(error):
        bench.report.errors[key] = float(error)
