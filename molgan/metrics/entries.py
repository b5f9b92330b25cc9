"""The entries of the catalogue of figures; `molgan.metrics.catalogue` looks them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Form = Literal["share", "count", "number", ""]
Better = Literal["up", "down", ""]

STRICT, REPAIRED, LENIENT = "Strict", "After repair", "As MolGAN counted"
MOSES, GUACAMOL, GRAPHS = "MOSES", "GuacaMol", "Graph protocols"
STRUCTURE, MEMORISATION, OTHER = "Structure", "Memorisation", "Other"
GROUPS = (
    STRICT,
    REPAIRED,
    LENIENT,
    MOSES,
    GUACAMOL,
    GRAPHS,
    STRUCTURE,
    MEMORISATION,
    OTHER,
)
# First part of a key -> group; keys without a slash are strict.
PREFIXES = {
    "repaired": REPAIRED,
    "lenient": LENIENT,
    "moses": MOSES,
    "guacamol": GUACAMOL,
    "gdss": GRAPHS,
    "digress": GRAPHS,
    "structure": STRUCTURE,
    "memorisation": MEMORISATION,
}

_MOSES = "Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644"
GUACAMOL_PAPER = "Brown et al. 2019, doi:10.1021/acs.jcim.8b00839"
_FCD = "Preuer et al. 2018, doi:10.1021/acs.jcim.8b00234"
_GDSS = "Jo et al. 2022, arXiv:2202.02514"
_DIGRESS = "Vignac et al. 2023, arXiv:2209.14734"
_NSPDK = "Costa and De Grave 2010; protocol: " + _GDSS
_MOLGAN = "De Cao and Kipf 2018, arXiv:1805.11973"
_MURCKO = "Bemis and Murcko 1996, doi:10.1021/jm9602928"
_QED = "Bickerton et al. 2012, doi:10.1038/nchem.1243"
_LOGP = "Wildman and Crippen 1999, doi:10.1021/ci990307l"
_SA = "Ertl and Schuffenhauer 2009, doi:10.1186/1758-2946-1-8"


@dataclass(frozen=True)
class Metric:
    """What is known of one figure.

    Attributes:
        key: As in `Figures`.
        label: Its name in a table, in lower case unless it is a proper name.
        group: One of `GROUPS`.
        form: A `share` is 0 to 1 and shown in percent, a `count` is a whole number; empty where
            it is not known.
        better: Which way is better: `up`, `down`, or empty where neither is.
        about: One sentence: what is counted, over what.
        source: Where the definition was published.
        detail: True for what is shown beside another figure, such as a ceiling, and has no row of
            its own.
    """

    key: str
    label: str
    group: str = OTHER
    form: Form = ""
    better: Better = ""
    about: str = ""
    source: str = ""
    detail: bool = False

    @property
    def arrow(self) -> str:
        """The direction as a sign: ↑, ↓ or nothing."""
        return {"up": "↑", "down": "↓", "": ""}[self.better]

    @property
    def full_label(self) -> str:
        """The label with its group, for where it stands alone."""
        return (
            self.label if self.group in (STRICT, LENIENT, GRAPHS) else f"{self.group} {self.label}"
        )


def _m(
    key: str,
    label: str,
    form: Form,
    better: Better,
    about: str,
    source: str = "",
    *,
    detail: bool = False,
) -> Metric:
    group = PREFIXES[key.partition("/")[0]] if "/" in key else STRICT
    return Metric(key, label, group, form, better, about, source, detail)


CEILING = "what as many draws with replacement from the training molecules would give"
_WASSERSTEIN = "1-D Wasserstein distance between the values of the sample and of the test set"
_SF = "the scaffold test set, whose scaffolds are not in the training set"

# The order is the order of every table.
ENTRIES: tuple[Metric, ...] = (
    _m("n", "molecules drawn", "count", "", "entries of the sample, valid or not"),
    _m(
        "valid",
        "valid (strict)",
        "share",
        "up",
        "of all drawn: sanitised by RDKit, one fragment, no dummy atoms",
    ),
    _m("n_valid", "valid molecules", "count", "", "valid molecules, repeats included", detail=True),
    _m("unique", "unique, of valid", "share", "up", "distinct molecules, of the valid ones"),
    _m("ceiling_unique", "unique: ceiling", "share", "", CEILING, detail=True),
    _m("unique_at_1k", "unique@1k", "share", "up", "distinct ones of the first 1,000 valid"),
    _m("ceiling_unique_at_1k", "unique@1k: ceiling", "share", "", CEILING, detail=True),
    _m("unique_at_10k", "unique@10k", "share", "up", "distinct ones of the first 10,000 valid"),
    _m("ceiling_unique_at_10k", "unique@10k: ceiling", "share", "", CEILING, detail=True),
    _m("novel", "novel, of unique", "share", "up", "distinct molecules not in the training set"),
    _m("vun", "valid x unique x novel", "share", "up", "distinct, novel, valid; of all drawn"),
    _m("n_unique", "distinct molecules", "count", "", "distinct valid molecules"),
    _m(
        "scaffolds",
        "distinct Murcko scaffolds",
        "count",
        "up",
        "Bemis-Murcko scaffolds of the valid molecules, acyclic ones not counted; grows with n",
        _MURCKO,
    ),
    _m(
        "int_div",
        "internal diversity",
        "number",
        "up",
        "1 - mean Tanimoto similarity over all pairs (Morgan radius 2, 1,024 bits)",
        _MOSES,
    ),
    _m("mean_atoms", "mean heavy atoms", "number", "", "over the valid molecules"),
    _m("fcd", "FCD", "number", "down", "Fréchet ChemNet distance to the reference split", _FCD),
    _m("fcd_n", "FCD: molecules", "count", "", "valid molecules in the distance", detail=True),
    _m("fcd_reference_n", "FCD: reference", "count", "", "reference molecules", detail=True),
    _m("qed", "mean QED", "number", "", "drug-likeness, 0 to 1, over the valid molecules", _QED),
    _m("logp", "mean logP", "number", "", "octanol-water, by atom contributions", _LOGP),
    _m("sa", "mean SA score", "number", "", "1 easy to 10 hard to make", _SA),
    _m("reward", "mean reward", "number", "up", "total score over all drawn, invalid ones 0"),
    _m(
        "lenient/valid",
        "valid, as MolGAN counted",
        "share",
        "up",
        "of all drawn: RDKit sanitises the whole; fragments and dummy atoms pass",
        _MOLGAN,
    ),
    _m(
        "lenient/unique",
        "unique, as MolGAN counted",
        "share",
        "up",
        "distinct strings, of the lenient valid ones",
        _MOLGAN,
    ),
    _m(
        "lenient/novel",
        "novel, as MolGAN counted",
        "share",
        "up",
        "of the lenient valid ones, repeats included: not in the training set",
        _MOLGAN,
    ),
    _m("moses/valid", "valid", "share", "up", "of all drawn: RDKit reads it", _MOSES),
    _m("moses/unique_at_1k", "unique@1k", "share", "up", "of the first 1,000 valid", _MOSES),
    _m("moses/unique_at_10k", "unique@10k", "share", "up", "of the first 10,000 valid", _MOSES),
    _m(
        "moses/fcd_test",
        "FCD, test",
        "number",
        "down",
        "Fréchet ChemNet distance to the test set",
        _FCD,
    ),
    _m(
        "moses/fcd_test_scaffolds",
        "FCD, scaffold test",
        "number",
        "down",
        f"Fréchet ChemNet distance to {_SF}",
        _FCD,
    ),
    _m(
        "moses/snn_test",
        "SNN, test",
        "number",
        "up",
        "mean Tanimoto similarity of a valid molecule to the nearest one of the test set",
        _MOSES,
    ),
    _m(
        "moses/snn_test_scaffolds",
        "SNN, scaffold test",
        "number",
        "up",
        f"mean similarity to the nearest molecule of {_SF}",
        _MOSES,
    ),
    _m(
        "moses/frag_test",
        "Frag, test",
        "number",
        "up",
        "cosine similarity of BRICS fragment counts to the test set",
        _MOSES,
    ),
    _m(
        "moses/frag_test_scaffolds",
        "Frag, scaffold test",
        "number",
        "up",
        f"cosine similarity of BRICS fragment counts to {_SF}",
        _MOSES,
    ),
    _m(
        "moses/scaf_test",
        "Scaf, test",
        "number",
        "up",
        "cosine similarity of Murcko scaffold counts (two rings or more) to the test set",
        _MOSES,
    ),
    _m(
        "moses/scaf_test_scaffolds",
        "Scaf, scaffold test",
        "number",
        "up",
        f"cosine similarity of Murcko scaffold counts to {_SF}",
        _MOSES,
    ),
    _m("moses/int_div", "IntDiv1", "number", "up", "1 - mean pairwise similarity", _MOSES),
    _m(
        "moses/int_div2",
        "IntDiv2",
        "number",
        "up",
        "1 - root mean square pairwise similarity",
        _MOSES,
    ),
    _m(
        "moses/filters",
        "Filters",
        "share",
        "up",
        "of the valid molecules: pass the MCF and PAINS structural filters",
        _MOSES,
    ),
    _m("moses/logp", "logP distance", "number", "down", _WASSERSTEIN, _MOSES),
    _m("moses/sa", "SA distance", "number", "down", _WASSERSTEIN, _MOSES),
    _m("moses/qed", "QED distance", "number", "down", _WASSERSTEIN, _MOSES),
    _m("moses/weight", "weight distance, g/mol", "number", "down", _WASSERSTEIN, _MOSES),
    _m(
        "moses/novel",
        "novelty",
        "share",
        "up",
        "distinct valid ones not in the training set",
        _MOSES,
    ),
    _m(
        "guacamol/validity",
        "validity",
        "share",
        "up",
        "of all drawn: RDKit reads it",
        GUACAMOL_PAPER,
    ),
    _m(
        "guacamol/uniqueness",
        "uniqueness",
        "share",
        "up",
        "distinct ones among as many valid molecules as were asked for",
        GUACAMOL_PAPER,
    ),
    _m(
        "guacamol/novelty",
        "novelty",
        "share",
        "up",
        "of distinct valid molecules: not in the training set",
        GUACAMOL_PAPER,
    ),
    _m(
        "guacamol/kl",
        "KL score",
        "number",
        "up",
        "mean of exp(-KL divergence) over ten descriptors, 0 to 1",
        GUACAMOL_PAPER,
    ),
    _m(
        "guacamol/fcd_score",
        "FCD score",
        "number",
        "up",
        "exp(-0.2 FCD) to the training set, 0 to 1",
        GUACAMOL_PAPER,
    ),
    _m(
        "gdss/valid_without_correction",
        "GDSS: valid without correction",
        "share",
        "up",
        "passes the valence check before bonds are corrected; disconnected graphs count as valid",
        _GDSS,
    ),
    _m("gdss/unique", "GDSS: unique", "share", "up", "distinct ones after correction", _GDSS),
    _m("gdss/novel", "GDSS: novel", "share", "up", "distinct ones not in the training set", _GDSS),
    _m(
        "gdss/nspdk",
        "GDSS: NSPDK MMD",
        "number",
        "down",
        "maximum mean discrepancy to the test graphs under the neighbourhood subgraph kernel",
        _NSPDK,
    ),
    _m("gdss/fcd", "GDSS: FCD", "number", "down", "after correction, to the test set", _GDSS),
    _m("digress/valid", "DiGress: valid", "share", "up", "sanitised, no charges given", _DIGRESS),
    _m(
        "digress/relaxed_valid",
        "DiGress: relaxed valid",
        "share",
        "up",
        "sanitised after N, O and S one above their valence got a charge of +1",
        _DIGRESS,
    ),
    _m("digress/unique", "DiGress: unique", "share", "up", "of relaxed valid ones", _DIGRESS),
    _m("digress/novel", "DiGress: novel", "share", "up", "of distinct ones", _DIGRESS),
    _m("digress/fcd", "DiGress: FCD", "number", "down", "to the test set", _DIGRESS),
    _m("structure/scaffolds", "Murcko scaffolds", "count", "", "distinct ones", _MURCKO),
    _m(
        "structure/generic_scaffolds",
        "generic scaffolds",
        "count",
        "",
        "distinct Murcko scaffolds with all atoms carbon and all bonds single",
        _MURCKO,
    ),
    _m(
        "structure/ring_systems",
        "ring systems",
        "count",
        "",
        "distinct ones, rings that share atoms",
    ),
    _m(
        "structure/new_ring_systems",
        "new ring systems",
        "count",
        "",
        "distinct ring systems that the training set does not have",
    ),
    _m(
        "memorisation/copies",
        "copies of training molecules",
        "share",
        "down",
        "of the valid molecules: exactly in the training set",
    ),
    _m(
        "memorisation/nearest_mean",
        "similarity to nearest training molecule",
        "number",
        "",
        "mean Tanimoto similarity of a valid molecule to the nearest training molecule",
    ),
    _m(
        "memorisation/auc",
        "nearer than test molecules (AUC)",
        "number",
        "",
        "chance that a generated molecule is nearer to the training set than a test molecule is; "
        "0.5 is no nearer",
    ),
)
