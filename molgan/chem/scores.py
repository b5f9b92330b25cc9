"""The scores of one molecule: what each is, its unit or range, and which way is better."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

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
_LIPINSKI = "Lipinski et al., Adv. Drug Deliv. Rev. 23, 3 (1997)"

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
"""Keys of `molgan.chem.describe`, in its order."""

EXTRA_SCORES: dict[str, ScoreInfo] = {
    "lipinski_hbd": ScoreInfo("N-H and O-H bonds", _COUNT, "", _LIPINSKI),
    "lipinski_hba": ScoreInfo("N and O atoms", _COUNT, "", _LIPINSKI),
    "molar_refractivity": ScoreInfo(
        "Molar refractivity", "cm³/mol", "", "Wildman and Crippen, as logP"
    ),
    "atoms": ScoreInfo("Atoms", _COUNT, "", "hydrogens included"),
}
"""What some rule sets ask for besides `SCORES`; `describe` adds them where it is told to."""


def extra_score(name: str) -> Callable[[Chem.Mol], float]:
    """Return one of `EXTRA_SCORES`, or of RDKit's descriptors, as a function of a molecule.

    Raises:
        ConfigError: There is neither; near names of descriptors are given.
    """
    return _EXTRA_FUNCTIONS.get(name) or rdkit_descriptor(name)


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


_EXTRA_FUNCTIONS: dict[str, Callable[[Chem.Mol], float]] = {
    "lipinski_hbd": rdMolDescriptors.CalcNumLipinskiHBD,
    "lipinski_hba": rdMolDescriptors.CalcNumLipinskiHBA,
    "molar_refractivity": lambda mol: rdMolDescriptors.CalcCrippenDescriptors(mol)[1],
    "atoms": lambda mol: mol.GetNumAtoms(onlyExplicit=False),
}
