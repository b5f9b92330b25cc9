"""The groups of figures that a protocol is made of, each a function of a `Bench`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from molgan.errors import DataError
from molgan.metrics import guacamol, moses, structure
from molgan.metrics.basic import count_figures
from molgan.metrics.chemnet import frechet_distance, statistics_of
from molgan.metrics.features import Features
from molgan.metrics.lenient import lenient_figures, lenient_smiles, lenient_text
from molgan.metrics.memorisation import exact_copies, memorisation_figures
from molgan.metrics.nspdk import nspdk_floor, nspdk_mean, nspdk_mmd
from molgan.metrics.relaxed import (
    digress_count,
    digress_figures,
    digress_molecules,
    gdss_corrected,
    gdss_count,
    gdss_figures,
)
from molgan.metrics.similarity import nearest
from molgan.metrics.suite import FEW_FOR_FCD, Bench, Rows
from molgan.metrics.summaries import validity_by_size
from molgan.metrics.uncertainty import (
    distinct_error,
    mean_error,
    novelty_error,
    pair_mean_error,
    share_error,
)

_FCD_RESAMPLES = 20  # 0.2 s each
#: Training molecules whose fingerprints are compared; more are drawn at random.
MOST_NEIGHBOURS = 300_000
#: Molecules that GuacaMol looks at.
GUACAMOL_SIZE = 10_000
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
        _diversity(bench, "int_div", 1)
    if reference is not None:
        with bench.part("fcd"):
            value, error = _fcd(bench, valid, "test")
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


def moses_figures(bench: Bench) -> None:
    """MOSES: see `molgan.metrics.moses`."""
    sample, reference = bench.sample, bench.reference
    bench.add("moses/valid", len(sample.valid) / len(sample))
    if not sample.valid:
        raise DataError("there is no valid molecule to measure")
    valid = bench.valid
    valid.require("properties", "bits", "fragments", "ring_scaffolds", "filters")
    for name, k in {"1k": 1_000, "10k": 10_000}.items():
        value = moses.unique_at(valid.smiles, k)
        if math.isnan(value):
            bench.report.missing[f"moses/unique_at_{name}"] = (
                f"needs {k:,} valid molecules and there are {len(valid):,}"
            )
        else:
            bench.add(f"moses/unique_at_{name}", value)
    _diversity(bench, "moses/int_div", 1)
    _diversity(bench, "moses/int_div2", 2)
    passes = np.array([not reason for reason in valid.filters()])[valid.inverse]
    bench.add("moses/filters", float(passes.mean()), share_error(int(passes.sum()), len(passes)))
    if bench.training is None:
        bench.report.missing["moses/novel"] = "needs training molecules"
    else:
        bench.add("moses/novel", moses.novelty(valid.smiles, bench.training))
    if reference is None:
        raise DataError("distances need a reference: give reference=")
    for split in ("test", "test_scaffolds"):
        if not getattr(reference, split):
            for name in ("fcd", "snn", "frag", "scaf"):
                bench.report.missing[f"moses/{name}_{split}"] = (
                    f"the reference {reference.name} has no {split.replace('_', ' ')} set"
                )
            continue
        _moses_distances(bench, valid, split)
    own, other = valid.properties(), reference.features("test").properties()
    for name in ("logp", "sa", "qed", "weight"):
        values, target = own[name][valid.inverse], np.sort(other[name])
        bench.add(
            f"moses/{name}",
            moses.wasserstein(values, target),
            bench.resampled(
                lambda rows, v=values, t=target: moses.wasserstein(v[rows], t),  # type: ignore[misc]
                len(values),
            ),
        )


def guacamol_figures(bench: Bench) -> None:
    """GuacaMol: see `molgan.metrics.guacamol`."""
    sample, reference = bench.sample, bench.reference
    n = len(sample)
    valid = sample.valid[:GUACAMOL_SIZE]
    distinct = list(dict.fromkeys(sample.valid))[:GUACAMOL_SIZE]
    bench.add("guacamol/validity", len(sample.valid) / n, share_error(len(sample.valid), n))
    if not valid:
        raise DataError("there is no valid molecule to measure")
    counts = np.unique(valid, return_counts=True)[1]
    bench.add(
        "guacamol/uniqueness",
        len(counts) / len(valid),
        distinct_error(counts, len(valid)) / len(valid),
    )
    if bench.training is None or reference is None:
        raise DataError("GuacaMol compares with training molecules: give reference=")
    bench.add("guacamol/novelty", moses.novelty(distinct, bench.training))
    size = min(GUACAMOL_SIZE, len(reference.train))
    if size < GUACAMOL_SIZE:
        bench.report.notes.append(
            f"GuacaMol's reference is all {size:,} training molecules; published scores use "
            f"{GUACAMOL_SIZE:,}"
        )
    rows = guacamol.reference_rows(len(reference.train), size)
    chosen = reference.subset("train", rows, "GuacaMol reference")
    target, own = chosen.kl_features(), bench.features(distinct).kl_features()
    score = guacamol.kl_score(target, own)
    bench.add(
        "guacamol/kl",
        score.score,
        bench.resampled(lambda rows: guacamol.kl_score(target, own[rows]).score, len(own)),
    )
    for name, value in score.divergences.items():
        bench.add(f"guacamol/kl_{name}", value)
        if name in score.reasons:
            bench.report.missing[f"guacamol/kl_{name}"] = score.reasons[name]
    with bench.part("guacamol/fcd_score"):
        features = bench.features(valid)
        statistics = statistics_of(features.activations()[features.inverse])
        distance = frechet_distance(statistics, chosen.fcd_statistics())
        bench.add("guacamol/fcd_score", guacamol.fcd_score(distance))


def gdss(bench: Bench) -> None:
    """The protocol of GDSS: see `molgan.metrics.relaxed` and `molgan.metrics.nspdk`."""
    counts = [gdss_count(mol) for mol in bench.sample.raw_molecules()]
    for key, value in gdss_figures(counts, bench.training).items():
        bench.add(key, value)
    valid = sum(count.valid for count in counts)
    _set_error(bench, "gdss/valid_without_correction", share_error(valid, len(counts)))
    reference = bench.reference
    corrected = gdss_corrected(counts)
    if reference is None:
        raise DataError("distances need a reference: give reference=")
    if not corrected:
        raise DataError("there is no molecule after correction")
    features = bench.features(corrected)
    with bench.part("gdss/nspdk"):
        target = reference.features("test").nspdk_mean()
        matrix = features.nspdk()

        def discrepancy(rows: Rows) -> float:
            weights = np.bincount(features.inverse[rows], minlength=matrix.shape[0])
            return nspdk_mmd(nspdk_mean(matrix, weights), target)

        everything = np.arange(len(features))
        bench.report.figures["gdss/nspdk_floor"] = nspdk_floor(
            target, len(reference.test), len(features), len(reference.test)
        )
        bench.add(
            "gdss/nspdk",
            discrepancy(everything),
            bench.resampled(discrepancy, len(features), _FCD_RESAMPLES),
        )
    with bench.part("gdss/fcd"):
        bench.add("gdss/fcd", *_fcd(bench, features, "test"))


def digress(bench: Bench) -> None:
    """The protocol of DiGress: see `molgan.metrics.relaxed`."""
    counts = [digress_count(mol) for mol in bench.sample.raw_molecules()]
    for key, value in digress_figures(counts, bench.training).items():
        bench.add(key, value)
    relaxed = digress_molecules(counts)
    _set_error(bench, "digress/relaxed_valid", share_error(len(relaxed), len(counts)))
    if bench.reference is None:
        raise DataError("distances need a reference: give reference=")
    if not relaxed:
        raise DataError("there is no relaxed valid molecule")
    with bench.part("digress/fcd"):
        bench.add("digress/fcd", *_fcd(bench, bench.features(relaxed), "test"))


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


def _moses_distances(bench: Bench, valid: Features, split: str) -> None:
    """FCD, SNN, Frag and Scaf against one set of the reference."""
    assert bench.reference is not None
    target = bench.reference.features(split)
    target.require("bits", "fragments", "ring_scaffolds", "properties")
    similarity, _ = nearest(valid.bits(), target.bits())
    similarity = similarity[valid.inverse]
    bench.add(f"moses/snn_{split}", moses.snn(similarity), mean_error(similarity))
    counted = {
        "frag": (valid.fragments(), target.fragments()),
        "scaf": (
            [[name] for name in valid.ring_scaffolds()],
            [[name] for name in target.ring_scaffolds()],
        ),
    }
    for name, (own, other) in counted.items():
        features = moses.CountFeatures([own[row] for row in valid.inverse], moses.Counts.of(other))
        key = f"moses/{name}_{split}"
        bench.add(key, features.value(), bench.resampled(features.value, len(valid)))
        if key in bench.report.missing:
            bench.report.missing[key] = "one of the two sets has none"
    with bench.part(f"moses/fcd_{split}"):
        bench.add(f"moses/fcd_{split}", *_fcd(bench, valid, split))


def _fcd(bench: Bench, features: Features, split: str) -> tuple[float, float | None]:
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
            bench.resampled(distance, len(features), _FCD_RESAMPLES),
        )
    return bench.distances[key]


def _diversity(bench: Bench, key: str, power: int) -> None:
    """IntDiv of the valid molecules; computed once for each power."""
    means = bench.row_means(power)
    value = moses.internal_diversity(means, power)
    bench.add(key, value, pair_mean_error(means ** (1 / power)) if bench.errors else None)


def _count_errors(bench: Bench) -> None:
    """Standard errors of the strict counts, in closed form."""
    valid, n = bench.sample.valid, len(bench.sample)
    _set_error(bench, "valid", share_error(len(valid), n))
    if not bench.errors or not valid:
        return
    distinct, counts = np.unique(valid, return_counts=True)
    _set_error(bench, "unique", distinct_error(counts, len(valid)) / len(valid))
    if bench.training is not None:
        novel = ~bench.training.contains(distinct.tolist())
        _set_error(bench, "novel", novelty_error(counts, novel, len(valid)))
        # Draws that are invalid or known are of no kind, but they are draws.
        _set_error(bench, "vun", distinct_error(counts[novel], n) / n)


def _set_error(bench: Bench, key: str, error: float) -> None:
    if bench.errors and key in bench.report.figures and np.isfinite(error):
        bench.report.errors[key] = float(error)


def _some(rows: np.ndarray, count: int) -> np.ndarray:
    """At most so many rows, evenly spread."""
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
