"""Figures of a sample: strict basics, MolGAN's lenient counting, Fréchet ChemNet distance."""

from __future__ import annotations

from molgan.metrics.basic import Figures, evaluate, expected_distinct, internal_diversity
from molgan.metrics.chemnet import FCDStatistics, fcd, fcd_statistics
from molgan.metrics.identity import HashedIdentities, hash64, hash_all
from molgan.metrics.lenient import evaluate_lenient, lenient_smiles
from molgan.metrics.table import format_table

__all__ = [
    "FCDStatistics",
    "Figures",
    "HashedIdentities",
    "evaluate",
    "evaluate_lenient",
    "expected_distinct",
    "fcd",
    "fcd_statistics",
    "format_table",
    "hash64",
    "hash_all",
    "internal_diversity",
    "lenient_smiles",
]
