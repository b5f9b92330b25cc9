"""The groups of figures that a protocol is made of, each a function of a `Bench`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from molgan.errors import DataError
from molgan.metrics import structure
from molgan.metrics.basic import count_figures
from molgan.metrics.group_parts import diversity, fcd, set_error
from molgan.metrics.groups_published import digress, gdss, guacamol_figures, moses_figures
from molgan.metrics.lenient import lenient_figures, lenient_smiles, lenient_text
from molgan.metrics.memorisation import exact_copies, memorisation_figures
from molgan.metrics.similarity import nearest
from molgan.metrics.suite import Bench
from molgan.metrics.summaries import validity_by_size
from molgan.metrics.uncertainty import (
    distinct_error,
    mean_error,
    novelty_error,
    share_error,
)

#: Training molecules whose fingerprints are compared; more are drawn at random.
MOST_NEIGHBOURS = 300_000
_TOP = 12
_PAIRS = 12


def strict(bench: Bench) -> None:
    """Counts, FCD to the test molecules, the same counts after repair."""
    sample, reference = bench.sample, bench.reference
    training = bench.training
    figures = count_figures(sample.smiles, sample.reasons, training)
    for key, value in figures.items():
        bench.add(key, value)
    _count_errors(bench)
    for name, k in {"1k": 1_000, "10k": 10_000}.items():
        if len(sample.valid) < k:
            bench.report.missing[f"unique_at_{name}"] = (
                f"needs {k:,} valid molecules and there are {len(sample.valid):,}"
            )
    if training is None:
        why = "needs training molecules: give reference="
        bench.report.missing |= {"novel": why, "vun": why}
    if sample.repaired is not None:
        repaired = count_figures(sample.repaired, ["not repaired"] * len(sample), training)
        for key, value in repaired.items():
            bench.add(f"repaired/{key}", value)
    if not sample.valid:
        raise DataError("there is no valid molecule to measure")
    valid = bench.valid
    valid.require("properties", "bits")
    properties = valid.properties()
    for name in ("qed", "logp", "sa"):
        values = properties[name][valid.inverse]
        bench.add(name, float(values.mean()), mean_error(values))
        bench.report.properties[name] = values
    bench.report.properties["weight"] = properties["weight"][valid.inverse]
    atoms = properties["heavy_atoms"][valid.inverse]
    bench.report.properties["heavy_atoms"] = atoms
    bench.add("mean_atoms", float(atoms.mean()), mean_error(atoms))
    if len(valid) > 1:
        diversity(bench, "int_div", 1)
    if reference is not None:
        with bench.part("fcd"):
            value, error = fcd(bench, valid, "test")
            bench.add("fcd", value, error)
            bench.report.figures |= {"fcd_n": len(valid), "fcd_reference_n": len(reference.test)}


def lenient(bench: Bench) -> None:
    """Valid, unique and novel as MolGAN's code counted them, dummy atoms and fragments allowed."""
    sample = bench.sample
    if sample.atoms is not None:
        assert sample.bonds is not None
        assert sample.vocabulary is not None
        smiles = [
            lenient_smiles(atoms, bonds, sample.vocabulary)
            for atoms, bonds in zip(sample.atoms, sample.bonds, strict=True)
        ]
    else:
        assert sample.texts is not None
        smiles = [lenient_text(text) for text in sample.texts]
    for key, value in lenient_figures(smiles, bench.training).items():
        bench.add(key, value)


def structures(bench: Bench) -> None:
    """Scaffolds, ring systems, validity by size."""
    sample = bench.sample
    if sample.atoms is not None:
        sizes = validity_by_size(
            (sample.atoms > 0).sum(axis=1), [text is not None for text in sample.smiles]
        )
        bench.report.size_validity = {
            int(size): (int(drawn), int(valid))
            for size, drawn, valid in zip(sizes.sizes, sizes.drawn, sizes.valid, strict=True)
        }
    if not sample.valid:
        raise DataError("there is no valid molecule to measure")
    distinct = bench.valid.structures()
    items = [distinct[row] for row in bench.valid.inverse]
    known = None
    if bench.reference is not None and bench.reference.train:
        known = bench.reference.features("train").known_frameworks()
    figures = structure.scaffold_figures(items, known) | structure.ring_figures(items, known)
    for key, value in figures.items():
        bench.add(f"structure/{key.replace('/', '_')}", value)
    lines = structure.frequent(
        [[item.scaffold] for item in items], None if known is None else known.scaffolds, top=_TOP
    )
    bench.report.tables["scaffolds"] = [(line.smiles, line.count) for line in lines]
    if known is not None:
        lines = structure.frequent(
            [item.ring_systems for item in items], known.ring_systems, top=_TOP, only_new=True
        )
        bench.report.tables["new_ring_systems"] = [(line.smiles, line.count) for line in lines]


def memorisation(bench: Bench) -> None:
    """Copies of training molecules, and how near the others are to them."""
    reference, training = bench.reference, bench.training
    if reference is None or training is None:
        raise DataError("memorisation needs training molecules: give reference=")
    if not bench.sample.valid:
        raise DataError("there is no valid molecule to measure")
    valid = bench.valid
    for key, value in exact_copies(valid.smiles, training).items():
        bench.add(key, value)
    known = reference.train
    if len(known) > MOST_NEIGHBOURS:
        rows = np.random.default_rng(0).choice(len(known), MOST_NEIGHBOURS, replace=False)
        rows.sort()
        neighbours = reference.subset("train", rows, "neighbours")
        bench.report.notes.append(
            f"nearest training molecules are looked up among {MOST_NEIGHBOURS:,} random ones"
        )
    else:
        neighbours = reference.features("train")
    similarity, index = nearest(valid.bits(), neighbours.bits())
    bench.report.properties["nearest"] = similarity[valid.inverse]
    novel = ~training.contains(valid.distinct)
    shown = np.flatnonzero(novel)[:_PAIRS]
    bench.report.nearest = [
        (valid.distinct[row], neighbours.distinct[index[row]], float(similarity[row]))
        for row in shown
    ]
    if reference.test and reference.test != reference.train:
        held_out = _some(reference.features("test").bits(), 10_000)
        of_test, _ = nearest(held_out, neighbours.bits())
        figures = memorisation_figures(similarity, of_test)
        error = figures.pop("memorisation/auc_error", None)
        for key, value in figures.items():
            bench.add(key, value, error if key == "memorisation/auc" else None)
    else:
        bench.report.missing["memorisation/auc"] = "needs held-out test molecules"


COMPUTE: dict[str, Callable[[Bench], None]] = {
    "strict": strict,
    "lenient": lenient,
    "moses": moses_figures,
    "guacamol": guacamol_figures,
    "gdss": gdss,
    "digress": digress,
    "structure": structures,
    "memorisation": memorisation,
}
"""Name of a group, as in `molgan.metrics.protocols.GROUPS` -> what computes it."""


def _count_errors(bench: Bench) -> None:
    """Standard errors of the strict counts, in closed form."""
    valid, n = bench.sample.valid, len(bench.sample)
    set_error(bench, "valid", share_error(len(valid), n))
    if not bench.errors or not valid:
        return
    distinct, counts = np.unique(valid, return_counts=True)
    set_error(bench, "unique", distinct_error(counts, len(valid)) / len(valid))
    if bench.training is not None:
        novel = ~bench.training.contains(distinct.tolist())
        set_error(bench, "novel", novelty_error(counts, novel, len(valid)))
        # Draws that are invalid or known are of no kind, but they are draws.
        set_error(bench, "vun", distinct_error(counts[novel], n) / n)


def _some(rows: np.ndarray, count: int) -> np.ndarray:
    """At most so many rows, evenly spread."""
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
