"""PAINS as the MOSES filters have them, about three times as fast as RDKit's whole catalogue.

PAINS (Baell and Holloway, J. Med. Chem. 53, 2719, 2010) are RDKit's catalogues PAINS_A, _B and _C,
480 patterns. RDKit corrected some of them in 2019 (pull request 2272), MOSES has the older table.
Of the 17 that differ, two decide on molecules of ZINC: here they are as in MOSES, the others as in
RDKit; see `PAINS_AS_IN_MOSES`.

Most patterns need elements or bonds that a given molecule has not got. What each needs is read
from RDKit's table of SMARTS, and only the others are tried; the decisions stay the same.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from rdkit import Chem, RDConfig
from rdkit.Chem.FilterCatalog import (
    FilterCatalog,
    FilterCatalogEntry,
    FilterCatalogParams,
    SmartsMatcher,
)

PAINS_AS_IN_MOSES = {
    # Any nitrogen at the benzylic carbon; RDKit now wants a second alkyl group there.
    "anil_di_alk_D(198)": (
        "[C;X4]-N(-[C;X4])-c:1:c:c:c(:c:c:1)-[C;X4]-[#7,$([#8;!H0]),$([#6]=[#6;!H0])]"
    ),
    # An iminothiazoline that is not aromatic, but RDKit makes all of them aromatic: none.
    "thiaz_ene_A(128)": None,
}
"""PAINS patterns that are not RDKit's, by RDKit's names; None is left out."""

_BOND_SIGNS = {
    Chem.BondType.SINGLE: "-",
    Chem.BondType.DOUBLE: "=",
    Chem.BondType.TRIPLE: "#",
    Chem.BondType.AROMATIC: ":",
}


def pains_name(mol: Chem.Mol) -> str | None:
    """Return the name of the first PAINS pattern in the molecule, ``azo_A(324)`` say, or None.

    Args:
        mol: Sanitised molecule without explicit hydrogens (RDKit's patterns count them instead of
            matching them, so that nothing changes by leaving them out).
    """
    features = _features(mol)
    for needed, catalog in _patterns():
        if needed <= features:
            match = catalog.GetFirstMatch(mol)
            if match is not None:
                return str(match.GetDescription())
    return None


@cache
def _patterns() -> tuple[tuple[frozenset[str], FilterCatalog], ...]:
    """Return the patterns in RDKit's order, each with the features it needs, as small catalogues.

    A catalogue of one: RDKit does not show the query itself.
    """
    everything = FilterCatalog(FilterCatalogParams(FilterCatalogParams.FilterCatalogs.PAINS))
    needs = _needs()
    patterns = []
    for index in range(everything.GetNumEntries()):
        entry = everything.GetEntry(index)
        name = entry.GetDescription()
        needed = needs.get(name, frozenset())
        if name in PAINS_AS_IN_MOSES:
            smarts = PAINS_AS_IN_MOSES[name]
            if smarts is None:
                continue
            entry = FilterCatalogEntry(name, SmartsMatcher(name, smarts, 1))
            needed = _needed(smarts)
        single = FilterCatalog()
        single.AddEntry(entry)
        patterns.append((needed, single))
    return tuple(patterns)


def _needs() -> dict[str, frozenset[str]]:
    """Return what each pattern needs, by its name.

    RDKit's catalogue does not show its SMARTS; they are read from the table that it was made from.
    Without that file every pattern is tried.
    """
    table = Path(RDConfig.RDDataDir) / "Pains" / "wehi_pains.csv"
    if not table.is_file():
        return {}
    needs = {}
    for line in table.read_text().splitlines():
        _, smarts, _, name, _ = line.split('"')
        name = name.removeprefix("<regId=").removesuffix(">")
        needs[name] = _needed(smarts)
    return needs


def _features(mol: Chem.Mol) -> frozenset[str]:
    """Return what a molecule has: ``N2`` for two nitrogens or more, ``C=N`` for such a bond."""
    symbols = [atom.GetSymbol() for atom in mol.GetAtoms()]
    features = {f"{symbol}{k}" for symbol, n in Counter(symbols).items() for k in range(1, n + 1)}
    for bond in mol.GetBonds():
        sign = _BOND_SIGNS.get(bond.GetBondType(), "~")
        first, second = symbols[bond.GetBeginAtomIdx()], symbols[bond.GetEndAtomIdx()]
        features.add(f"{first}{sign}{second}" if first < second else f"{second}{sign}{first}")
    return frozenset(features)


def _needed(smarts: str) -> frozenset[str]:
    """Return those features (see `_features`) without which a molecule cannot match.

    Atoms and bonds that match several things, and hydrogens, count for nothing.
    """
    query = Chem.MolFromSmarts(smarts)
    symbols = [_element(atom) for atom in query.GetAtoms()]
    counts = Counter(symbol for symbol in symbols if symbol)
    features = {f"{symbol}{n}" for symbol, n in counts.items()}
    for bond in query.GetBonds():
        sign = bond.GetSmarts()  # type: ignore[call-arg]  # "" for "single or aromatic"
        first, second = sorted((symbols[bond.GetBeginAtomIdx()], symbols[bond.GetEndAtomIdx()]))
        if first and sign in _BOND_SIGNS.values():
            features.add(f"{first}{sign}{second}")
    return frozenset(features)


def _element(query_atom: Any) -> str:
    """Return the one element other than hydrogen that a query atom can match, or ""."""
    lines = query_atom.DescribeQuery().splitlines()
    # One condition, or several of which all must hold, one level below.
    conditions = [line[2:] for line in lines[1:]] if lines[0] == "AtomAnd" else lines[:1]
    for condition in conditions:
        words = condition.split(" ")
        if words[0] in ("AtomAtomicNum", "AtomType") and words[2:] == ["=", "val"]:
            number = int(words[1]) % 1000  # an AtomType is 1000 higher for aromatic atoms
            return Chem.GetPeriodicTable().GetElementSymbol(number) if number > 1 else ""
    return ""
