"""The scores of one molecule: what each is, its unit or range, and which way is better."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from rdkit import Chem

from molgan.errors import ConfigError


class ScoreInfo(NamedTuple):
    """What a score is.

    Attributes:
        label: For tables and axes.
        unit: Unit, or range of a score without one.
        better: ``higher``, ``lower``, or ``""`` where neither is better in itself.
        source: Definition or paper.
    """

    label: str
    unit: str
    better: str
    source: str


_COUNT = "count"
_RDKIT = "RDKit"

SCORES: dict[str, ScoreInfo] = {
    "qed": ScoreInfo("QED", "0 to 1", "higher", "Bickerton et al., Nat. Chem. 4, 90 (2012)"),
    "sa": ScoreInfo(
        "SA score", "1 to 10", "lower", "Ertl and Schuffenhauer, J. Cheminf. 1, 8 (2009)"
    ),
    "np": ScoreInfo("NP score", "-5 to 5", "", "Ertl et al., J. Chem. Inf. Model. 48, 68 (2008)"),
    "logp": ScoreInfo(
        "logP", "log10", "", "Wildman and Crippen, J. Chem. Inf. Comput. Sci. 39, 868 (1999)"
    ),
    "weight": ScoreInfo("Molecular weight", "g/mol", "", "average over isotopes"),
    "exact_weight": ScoreInfo("Exact mass", "Da", "", "most frequent isotopes"),
    "tpsa": ScoreInfo("TPSA", "Å²", "", "Ertl et al., J. Med. Chem. 43, 3714 (2000)"),
    "hba": ScoreInfo("H-bond acceptors", _COUNT, "", _RDKIT),
    "hbd": ScoreInfo("H-bond donors", _COUNT, "", _RDKIT),
    "rotatable_bonds": ScoreInfo("Rotatable bonds", _COUNT, "", "RDKit, strict definition"),
    "rings": ScoreInfo("Rings", _COUNT, "", "smallest set of smallest rings"),
    "aromatic_rings": ScoreInfo("Aromatic rings", _COUNT, "", _RDKIT),
    "fsp3": ScoreInfo("Fsp3", "0 to 1", "", "Lovering et al., J. Med. Chem. 52, 6752 (2009)"),
    "formal_charge": ScoreInfo("Formal charge", "e", "", "sum over atoms"),
    "heavy_atoms": ScoreInfo("Heavy atoms", _COUNT, "", "atoms other than hydrogen"),
    "stereocentres": ScoreInfo("Stereocentres", _COUNT, "", "RDKit, unassigned ones included"),
}
"""Keys of `molgan.chem.fast_scores.describe`, in its order."""


def rdkit_descriptor(name: str) -> Callable[[Chem.Mol], float]:
    """Return one of RDKit's descriptors as a function of a molecule.

    Args:
        name: As in ``rdkit.Chem.Descriptors``: ``BertzCT``, ``MaxPartialCharge``, ...

    Raises:
        ConfigError: There is no such descriptor; near names are given.
    """
    known = _descriptors()
    if name not in known:
        lower = {each.lower(): each for each in known}
        near = [lower[each] for each in difflib.get_close_matches(name.lower(), lower, 3, 0.6)]
        hint = f"did you mean {', '.join(near)}?" if near else "see rdkit.Chem.Descriptors"
        raise ConfigError(f"RDKit has no descriptor {name!r}; {hint}")
    return known[name]


@cache
def _descriptors() -> dict[str, Callable[[Chem.Mol], float]]:
    from rdkit.Chem import Descriptors

    return dict(Descriptors.descList)
