"""MOSES Filters: ring size, charge, elements, medicinal-chemistry filters (MCF) and PAINS.

The rules are those of `mol_passes_filters` in molecularsets/moses (`moses/metrics/utils.py`;
Polykovskiy et al., Front. Pharmacol. 11, 565644, 2020), which made the MOSES sets: every MOSES
molecule passes them. The SMARTS here are written from what each of the 22 MCFs describes, for
molecules without explicit hydrogen (MOSES adds hydrogens first; the queries here count them).

Three MCFs of the program are written with fixed double bonds, while RDKit sees such rings as
aromatic: those for furans (MCF12) and anilines (MCF15) never match, and that for thiophenes (MCF13)
only their S-oxides. The published tables were made that way, so the same is done here.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

from rdkit import Chem

from molgan.metrics.pains import pains_name

MAX_RING_SIZE = 7
ELEMENTS = frozenset({"H", "C", "N", "O", "F", "S", "Cl", "Br"})

HALOGEN_LIMITS = {"Br": (2, "MCF20"), "Cl": (3, "MCF21"), "F": (6, "MCF22")}
"""Largest allowed number of atoms, and the filter that counts them."""

MCF_SMARTS = {
    "MCF1 acrylonitrile": "[#6]=!@[#6]C#N",
    "MCF2 vinyl sulfonyl": "[#6]=!@[#6][#16](=O)=O",
    "MCF3 acrylamide": "[#6]=!@[CH]-!@C(=O)-!@[#7]",
    "MCF4 primary halide": "[#6][CH2][F,Cl,Br,I]",
    "MCF5 epoxide": "C1OC1",
    "MCF6 isocyanate": "[#6]N=C=O",
    "MCF7 aldehyde": "[#6;!H0]=O",
    "MCF8 unsubstituted imine": "[#7;!H0]=!@[#6]-!@[#6,#7,#8,#16]",
    "MCF9 aziridine": "C1NC1",
    "MCF10 hydrazine": "[#6]~!@[#7]~!@[#7]~!@[#6]",
    "MCF11 azo": "[#7]=!@[#7]",
    "MCF13 thiophene S-oxide": "[CH]1=[CH]C=CS1",
    "MCF14 2-halo heteroarene": "[Cl,Br,I]c:[!#6]",
    "MCF16 disulfide": "[#16]~[#16]",
    "MCF17 triazene": "[#7]~!@[#7]~!@[#7]",
    "MCF18 aminal": "[#7]-!@[CH2]-!@[#7]",
    "MCF19 acetal": "[#8]-!@[#6;!H0]-!@[#8]",
}


def filter_reason(mol: Chem.Mol) -> str | None:
    """Return why a molecule fails the MOSES filters, or None if it passes.

    Args:
        mol: Sanitised molecule without explicit hydrogens.

    Returns:
        The first of: ``empty``; ``ring`` (eight or more atoms); ``charge`` (on any atom);
        ``element X``; ``MCFn name``; ``PAINS name``.
    """
    if mol.GetNumAtoms() == 0:
        return "empty"
    if any(len(ring) > MAX_RING_SIZE for ring in mol.GetRingInfo().AtomRings()):
        return "ring"
    elements: Counter[str] = Counter()
    for atom in mol.GetAtoms():
        if atom.GetFormalCharge():
            return "charge"
        elements[atom.GetSymbol()] += 1
    for symbol in elements:
        if symbol not in ELEMENTS:
            return f"element {symbol}"
    for symbol, (limit, name) in HALOGEN_LIMITS.items():
        if elements[symbol] > limit:
            return f"{name} more than {limit} {symbol}"
    for name, query in _mcf_queries():
        if mol.HasSubstructMatch(query):
            return name
    pains = pains_name(mol)
    return None if pains is None else f"PAINS {pains}"


@cache
def _mcf_queries() -> tuple[tuple[str, Chem.Mol], ...]:
    return tuple((name, Chem.MolFromSmarts(smarts)) for name, smarts in MCF_SMARTS.items())
