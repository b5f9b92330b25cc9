"""Figures of a sample: strict basics, and every metric by which the field compares generators.

What training needs is imported at once; the measuring bench, which is heavier, when it is first
asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from molgan.lazy import lazy_names
from molgan.metrics.basic import (
    Figures,
    count_figures,
    evaluate,
    expected_distinct,
    internal_diversity,
)
from molgan.metrics.chemnet import FCDStatistics, fcd, fcd_statistics
from molgan.metrics.identity import HashedIdentities, hash64, hash_all
from molgan.metrics.lenient import evaluate_lenient, lenient_smiles
from molgan.metrics.reporting.table import format_table

if TYPE_CHECKING:
    from molgan.metrics.features import Features
    from molgan.metrics.protocols import Protocol
    from molgan.metrics.reference import (
        Reference,
        benchmark_reference,
        dataset_reference,
        file_reference,
        moses_reference,
        no_reference,
    )
    from molgan.metrics.reporting.report import Comparison, Report
    from molgan.metrics.samples import (
        Sample,
        sample_from_file,
        sample_from_model,
        sample_from_smiles,
    )
    from molgan.metrics.suite import measure

_HOMES = {
    "Comparison": "reporting.report",
    "Features": "features",
    "Protocol": "protocols",
    "Reference": "reference",
    "Report": "reporting.report",
    "Sample": "samples",
    "benchmark_reference": "reference",
    "dataset_reference": "reference",
    "file_reference": "reference",
    "measure": "suite",
    "moses_reference": "reference",
    "no_reference": "reference",
    "sample_from_file": "samples",
    "sample_from_model": "samples",
    "sample_from_smiles": "samples",
}

__all__ = [
    "Comparison",
    "FCDStatistics",
    "Features",
    "Figures",
    "HashedIdentities",
    "Protocol",
    "Reference",
    "Report",
    "Sample",
    "benchmark_reference",
    "count_figures",
    "dataset_reference",
    "evaluate",
    "evaluate_lenient",
    "expected_distinct",
    "fcd",
    "fcd_statistics",
    "file_reference",
    "format_table",
    "hash64",
    "hash_all",
    "internal_diversity",
    "lenient_smiles",
    "measure",
    "moses_reference",
    "no_reference",
    "sample_from_file",
    "sample_from_model",
    "sample_from_smiles",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
