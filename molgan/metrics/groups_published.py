"""The groups of figures that papers defined: MOSES, GuacaMol, GDSS, DiGress."""

from __future__ import annotations

import math

import numpy as np

from molgan.errors import DataError
from molgan.metrics import guacamol, moses
from molgan.metrics.chemnet import frechet_distance, statistics_of
from molgan.metrics.features import Features
from molgan.metrics.group_parts import FCD_RESAMPLES, diversity, fcd, set_error
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
from molgan.metrics.suite import Bench, Rows
from molgan.metrics.uncertainty import distinct_error, mean_error, share_error

#: Molecules that GuacaMol looks at.
GUACAMOL_SIZE = 10_000


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
    diversity(bench, "moses/int_div", 1)
    diversity(bench, "moses/int_div2", 2)
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
    set_error(bench, "gdss/valid_without_correction", share_error(valid, len(counts)))
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
            bench.resampled(discrepancy, len(features), FCD_RESAMPLES),
        )
    with bench.part("gdss/fcd"):
        bench.add("gdss/fcd", *fcd(bench, features, "test"))


def digress(bench: Bench) -> None:
    """The protocol of DiGress: see `molgan.metrics.relaxed`."""
    counts = [digress_count(mol) for mol in bench.sample.raw_molecules()]
    for key, value in digress_figures(counts, bench.training).items():
        bench.add(key, value)
    relaxed = digress_molecules(counts)
    set_error(bench, "digress/relaxed_valid", share_error(len(relaxed), len(counts)))
    if bench.reference is None:
        raise DataError("distances need a reference: give reference=")
    if not relaxed:
        raise DataError("there is no relaxed valid molecule")
    with bench.part("digress/fcd"):
        bench.add("digress/fcd", *fcd(bench, bench.features(relaxed), "test"))


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
        bench.add(f"moses/fcd_{split}", *fcd(bench, valid, split))
