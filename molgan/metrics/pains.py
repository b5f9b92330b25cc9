"""PAINS as the MOSES filters have them, faster than RDKit's whole catalogue.

PAINS (Baell and Holloway, J. Med. Chem. 53, 2719, 2010) are RDKit's catalogues PAINS_A, _B and _C,
480 patterns. RDKit corrected some of them in 2019 (pull request 2272), MOSES has the older table.
Of the 17 that differ, two decide on molecules of ZINC: here they are as in MOSES, the others as in
RDKit; see `PAINS_AS_IN_MOSES`.

Most patterns need atoms or bonds that a given molecule has not got. They are screened out, see
`molgan.chem.prescreen`; the decisions stay the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from rdkit import Chem
from rdkit.Chem.FilterCatalog import (
    FilterCatalog,
    FilterCatalogEntry,
    FilterCatalogParams,
    SmartsMatcher,
)

from molgan.chem.alerts import pattern_of
from molgan.chem.prescreen import Prescreen

PAINS_AS_IN_MOSES = {
    # Any nitrogen at the benzylic carbon; RDKit now wants a second alkyl group there.
    "anil_di_alk_D(198)": (
        "[C;X4]-N(-[C;X4])-c:1:c:c:c(:c:c:1)-[C;X4]-[#7,$([#8;!H0]),$([#6]=[#6;!H0])]"
    ),
    # An iminothiazoline that is not aromatic, but RDKit makes all of them aromatic: none.
    "thiaz_ene_A(128)": None,
}
"""PAINS patterns that are not RDKit's, by RDKit's names; None is left out."""


def pains_name(mol: Chem.Mol) -> str | None:
    """Return the name of the first PAINS pattern in the molecule, ``azo_A(324)`` say, or None.

    Args:
        mol: Sanitised molecule without explicit hydrogens (RDKit's patterns count them instead of
            matching them, so that nothing changes by leaving them out).
    """
    entries, screen = _patterns()
    for index in screen.candidates(mol):
        if entries[index].HasFilterMatch(mol):
            return str(entries[index].GetDescription())
    return None


@cache
def _patterns() -> tuple[list[Any], Prescreen]:
    """Return the patterns in RDKit's order, and what screens them."""
    everything = FilterCatalog(FilterCatalogParams(FilterCatalogParams.FilterCatalogs.PAINS))
    entries = []
    for index in range(everything.GetNumEntries()):
        entry = everything.GetEntry(index)
        name = entry.GetDescription()
        if name in PAINS_AS_IN_MOSES:
            smarts = PAINS_AS_IN_MOSES[name]
            if smarts is None:
                continue
            entry = FilterCatalogEntry(name, SmartsMatcher(name, smarts, 1))
        entries.append(entry)
    return entries, Prescreen([pattern_of(entry) for entry in entries])
