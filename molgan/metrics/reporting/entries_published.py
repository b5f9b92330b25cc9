"""The entries of the catalogue for figures by the published protocols.

Only names and one sentence each; the modules that compute them give the definitions.
"""

from __future__ import annotations

from molgan.metrics.reporting.entries import FCD_PAPER, MOSES_PAPER, Metric, entry

GUACAMOL_PAPER = "Brown et al. 2019, doi:10.1021/acs.jcim.8b00839"
_GDSS = "Jo et al. 2022, arXiv:2202.02514"
_DIGRESS = "Vignac et al. 2023, arXiv:2209.14734"
_NSPDK = "Costa and De Grave 2010; protocol: " + _GDSS

_WASSERSTEIN = "1-D Wasserstein distance between the values of the sample and of the test set"
_SF = "the scaffold test set, whose scaffolds are not in the training set"

# Within a group, the order is the order of every table.
PUBLISHED: tuple[Metric, ...] = (
    entry("moses/valid", "valid", "share", "up", "of all drawn: RDKit reads it", MOSES_PAPER),
    entry(
        "moses/unique_at_1k", "unique@1k", "share", "up", "of the first 1,000 valid", MOSES_PAPER
    ),
    entry(
        "moses/unique_at_10k", "unique@10k", "share", "up", "of the first 10,000 valid", MOSES_PAPER
    ),
    entry(
        "moses/fcd_test",
        "FCD, test",
        "number",
        "down",
        "Fréchet ChemNet distance to the test set",
        FCD_PAPER,
    ),
    entry(
        "moses/fcd_test_scaffolds",
        "FCD, scaffold test",
        "number",
        "down",
        f"Fréchet ChemNet distance to {_SF}",
        FCD_PAPER,
    ),
    entry(
        "moses/snn_test",
        "SNN, test",
        "number",
        "up",
        "mean Tanimoto similarity of a valid molecule to the nearest one of the test set",
        MOSES_PAPER,
    ),
    entry(
        "moses/snn_test_scaffolds",
        "SNN, scaffold test",
        "number",
        "up",
        f"mean similarity to the nearest molecule of {_SF}",
        MOSES_PAPER,
    ),
    entry(
        "moses/frag_test",
        "Frag, test",
        "number",
        "up",
        "cosine similarity of BRICS fragment counts to the test set",
        MOSES_PAPER,
    ),
    entry(
        "moses/frag_test_scaffolds",
        "Frag, scaffold test",
        "number",
        "up",
        f"cosine similarity of BRICS fragment counts to {_SF}",
        MOSES_PAPER,
    ),
    entry(
        "moses/scaf_test",
        "Scaf, test",
        "number",
        "up",
        "cosine similarity of Murcko scaffold counts (two rings or more) to the test set",
        MOSES_PAPER,
    ),
    entry(
        "moses/scaf_test_scaffolds",
        "Scaf, scaffold test",
        "number",
        "up",
        f"cosine similarity of Murcko scaffold counts to {_SF}",
        MOSES_PAPER,
    ),
    entry("moses/int_div", "IntDiv1", "number", "up", "1 - mean pairwise similarity", MOSES_PAPER),
    entry(
        "moses/int_div2",
        "IntDiv2",
        "number",
        "up",
        "1 - root mean square pairwise similarity",
        MOSES_PAPER,
    ),
    entry(
        "moses/filters",
        "Filters",
        "share",
        "up",
        "of the valid molecules: pass the MCF and PAINS structural filters",
        MOSES_PAPER,
    ),
    entry("moses/logp", "logP distance", "number", "down", _WASSERSTEIN, MOSES_PAPER),
    entry("moses/sa", "SA distance", "number", "down", _WASSERSTEIN, MOSES_PAPER),
    entry("moses/qed", "QED distance", "number", "down", _WASSERSTEIN, MOSES_PAPER),
    entry("moses/weight", "weight distance, g/mol", "number", "down", _WASSERSTEIN, MOSES_PAPER),
    entry(
        "moses/novel",
        "novelty",
        "share",
        "up",
        "distinct valid ones not in the training set",
        MOSES_PAPER,
    ),
    entry(
        "guacamol/validity",
        "validity",
        "share",
        "up",
        "of all drawn: RDKit reads it",
        GUACAMOL_PAPER,
    ),
    entry(
        "guacamol/uniqueness",
        "uniqueness",
        "share",
        "up",
        "distinct ones among as many valid molecules as were asked for",
        GUACAMOL_PAPER,
    ),
    entry(
        "guacamol/novelty",
        "novelty",
        "share",
        "up",
        "of distinct valid molecules: not in the training set",
        GUACAMOL_PAPER,
    ),
    entry(
        "guacamol/kl",
        "KL score",
        "number",
        "up",
        "mean of exp(-KL divergence) over ten descriptors, 0 to 1",
        GUACAMOL_PAPER,
    ),
    entry(
        "guacamol/fcd_score",
        "FCD score",
        "number",
        "up",
        "exp(-0.2 FCD) to the training set, 0 to 1",
        GUACAMOL_PAPER,
    ),
    entry(
        "gdss/valid_without_correction",
        "GDSS: valid without correction",
        "share",
        "up",
        "passes the valence check before bonds are corrected; disconnected graphs count as valid",
        _GDSS,
    ),
    entry(
        "gdss/valid_without_correction_published",
        "GDSS: same, as published",
        "share",
        "up",
        "the number above over the molecules that RDKit reads after correction; can exceed 100 %",
        _GDSS,
    ),
    entry("gdss/valid", "GDSS: valid after correction", "share", "up", "of all drawn", _GDSS),
    entry("gdss/unique", "GDSS: unique", "share", "up", "distinct ones after correction", _GDSS),
    entry(
        "gdss/novel", "GDSS: novel", "share", "up", "distinct ones not in the training set", _GDSS
    ),
    entry(
        "gdss/nspdk",
        "GDSS: NSPDK MMD",
        "number",
        "down",
        "maximum mean discrepancy to the test graphs under the neighbourhood subgraph kernel",
        _NSPDK,
    ),
    entry(
        "gdss/nspdk_floor",
        "GDSS: NSPDK MMD of a perfect model",
        "number",
        "",
        "what as many molecules drawn like the test molecules would score",
        _NSPDK,
    ),
    entry("gdss/fcd", "GDSS: FCD", "number", "down", "after correction, to the test set", _GDSS),
    entry(
        "digress/valid", "DiGress: valid", "share", "up", "sanitised, no charges given", _DIGRESS
    ),
    entry(
        "digress/relaxed_valid",
        "DiGress: relaxed valid",
        "share",
        "up",
        "sanitised after N, O and S one above their valence got a charge of +1",
        _DIGRESS,
    ),
    entry("digress/unique", "DiGress: unique", "share", "up", "of relaxed valid ones", _DIGRESS),
    entry("digress/novel", "DiGress: novel", "share", "up", "of distinct ones", _DIGRESS),
    entry(
        "digress/components",
        "DiGress: components",
        "number",
        "",
        "mean number of fragments of the valid graphs",
        _DIGRESS,
    ),
    entry("digress/fcd", "DiGress: FCD", "number", "down", "to the test set", _DIGRESS),
)
