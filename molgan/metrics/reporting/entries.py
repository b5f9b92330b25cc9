"""The entries of the catalogue for this project's own figures, and what an entry is.

`molgan.metrics.reporting.catalogue` looks them up; those of published protocols are next door.
"""

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

MOSES_PAPER = "Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644"
FCD_PAPER = "Preuer et al. 2018, doi:10.1021/acs.jcim.8b00234"
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
        alone = self.group in (STRICT, LENIENT, GRAPHS, OTHER) or self.label == self.key
        return self.label if alone else f"{self.group}: {self.label}"


def entry(
    key: str,
    label: str,
    form: Form,
    better: Better,
    about: str,
    source: str = "",
    *,
    detail: bool = False,
) -> Metric:
    """Return an entry whose group follows from its key."""
    group = PREFIXES[key.partition("/")[0]] if "/" in key else STRICT
    return Metric(key, label, group, form, better, about, source, detail)


CEILING = "what as many draws with replacement from the training molecules would give"

# Within a group, the order is the order of every table.
ENTRIES: tuple[Metric, ...] = (
    entry("n", "molecules drawn", "count", "", "entries of the sample, valid or not"),
    entry(
        "valid",
        "valid (strict)",
        "share",
        "up",
        "of all drawn: sanitised by RDKit, one fragment, no dummy atoms",
    ),
    entry(
        "n_valid", "valid molecules", "count", "", "valid molecules, repeats included", detail=True
    ),
    entry("unique", "unique, of valid", "share", "up", "distinct molecules, of the valid ones"),
    entry("ceiling_unique", "unique: ceiling", "share", "", CEILING, detail=True),
    entry("unique_at_1k", "unique@1k", "share", "up", "distinct ones of the first 1,000 valid"),
    entry("ceiling_unique_at_1k", "unique@1k: ceiling", "share", "", CEILING, detail=True),
    entry("unique_at_10k", "unique@10k", "share", "up", "distinct ones of the first 10,000 valid"),
    entry("ceiling_unique_at_10k", "unique@10k: ceiling", "share", "", CEILING, detail=True),
    entry("novel", "novel, of unique", "share", "up", "distinct molecules not in the training set"),
    entry("vun", "valid x unique x novel", "share", "up", "distinct, novel, valid; of all drawn"),
    entry("n_unique", "distinct molecules", "count", "", "distinct valid molecules"),
    entry(
        "scaffolds",
        "distinct Murcko scaffolds",
        "count",
        "up",
        "Bemis-Murcko scaffolds of the valid molecules, acyclic ones not counted; grows with n",
        _MURCKO,
    ),
    entry(
        "int_div",
        "internal diversity",
        "number",
        "up",
        "1 - mean Tanimoto similarity over all pairs (Morgan radius 2, 1,024 bits)",
        MOSES_PAPER,
    ),
    entry("mean_atoms", "mean heavy atoms", "number", "", "over the valid molecules"),
    entry(
        "fcd", "FCD", "number", "down", "Fréchet ChemNet distance to the reference split", FCD_PAPER
    ),
    entry("fcd_n", "FCD: molecules", "count", "", "valid molecules in the distance", detail=True),
    entry("fcd_reference_n", "FCD: reference", "count", "", "reference molecules", detail=True),
    entry("qed", "mean QED", "number", "", "drug-likeness, 0 to 1, over the valid molecules", _QED),
    entry("logp", "mean logP", "number", "", "octanol-water, by atom contributions", _LOGP),
    entry("sa", "mean SA score", "number", "", "1 easy to 10 hard to make", _SA),
    entry("reward", "mean reward", "number", "up", "total score over all drawn, invalid ones 0"),
    entry(
        "lenient/valid",
        "valid, as MolGAN counted",
        "share",
        "up",
        "of all drawn: RDKit sanitises the whole; fragments and dummy atoms pass",
        _MOLGAN,
    ),
    entry(
        "lenient/unique",
        "unique, as MolGAN counted",
        "share",
        "up",
        "distinct strings, of the lenient valid ones",
        _MOLGAN,
    ),
    entry(
        "lenient/novel",
        "novel, as MolGAN counted",
        "share",
        "up",
        "of the lenient valid ones, repeats included: not in the training set",
        _MOLGAN,
    ),
    entry(
        "structure/scaffold_molecules", "molecules with a ring", "share", "", "of the valid ones"
    ),
    entry("structure/scaffold_distinct", "Murcko scaffolds", "count", "", "distinct ones", _MURCKO),
    entry(
        "structure/scaffold_generic_distinct",
        "generic scaffolds",
        "count",
        "",
        "distinct Murcko scaffolds with all atoms carbon and all bonds single",
        _MURCKO,
    ),
    entry(
        "structure/scaffold_single",
        "scaffolds met once",
        "share",
        "",
        "of the distinct scaffolds: occur in one molecule only",
    ),
    entry(
        "structure/scaffold_novel",
        "new scaffolds",
        "share",
        "",
        "of the distinct scaffolds: in no training molecule",
    ),
    entry(
        "structure/scaffold_generic_novel",
        "new generic scaffolds",
        "share",
        "",
        "of the distinct generic scaffolds: in no training molecule",
    ),
    entry(
        "structure/scaffold_novel_molecules",
        "molecules with a new scaffold",
        "share",
        "",
        "of the valid ones: their scaffold is in no training molecule",
    ),
    entry(
        "structure/ring_system_distinct",
        "ring systems",
        "count",
        "",
        "distinct ones; rings that share an atom are one system",
    ),
    entry("structure/ring_system_mean", "ring systems per molecule", "number", "", "mean"),
    entry(
        "structure/ring_system_novel",
        "new ring systems",
        "share",
        "",
        "of the distinct ring systems: in no training molecule",
    ),
    entry(
        "structure/ring_system_novel_molecules",
        "molecules with a new ring system",
        "share",
        "",
        "of the valid ones: a ring system that is in no training molecule",
    ),
    entry("structure/ring_size_none", "molecules without a ring", "share", "", "of the valid ones"),
    *(
        entry(
            f"structure/ring_size_{size}",
            f"molecules with a ring of {size}",
            "share",
            "",
            "of the valid ones: at least one ring of that many atoms",
        )
        for size in ("3", "4", "5", "6", "7", "8+")
    ),
    entry(
        "memorisation/copied",
        "copies of training molecules",
        "share",
        "down",
        "of the valid molecules, repeats included: exactly in the training set",
    ),
    entry("memorisation/copies", "copies", "count", "", "valid ones in training", detail=True),
    entry(
        "memorisation/distinct_copied",
        "copies, of distinct",
        "share",
        "down",
        "of the distinct valid molecules: exactly in the training set",
    ),
    entry(
        "memorisation/distinct_copies",
        "distinct copies",
        "count",
        "",
        "distinct valid ones in training",
        detail=True,
    ),
    entry(
        "memorisation/nearest_generated",
        "nearest in training: generated",
        "number",
        "",
        "mean Tanimoto similarity of generated molecules to the nearest training molecule",
    ),
    entry(
        "memorisation/nearest_test",
        "nearest in training: test",
        "number",
        "",
        "the same for test molecules, which no model saw",
    ),
    entry(
        "memorisation/nearer",
        "nearer than median test molecule",
        "share",
        "",
        "of the generated molecules; near 50 % where they are like test molecules",
    ),
    entry(
        "memorisation/auc",
        "nearer than test molecules (AUC)",
        "number",
        "",
        "chance that a generated molecule is nearer to the training set than a test molecule is: "
        "0.5 like molecules never seen, towards 1 memorised",
    ),
)
