"""The stability rules of the bundled set: what each forbids, and the chemical reason.

A molecule is in the set if it is a neutral, closed-shell, connected molecule of C, N, O and F in
which every atom has its normal valence (C 4, N 3, O 2, F 1) and which breaks none of `RULES`. The
rules look at the finished molecule only, so they do not depend on how it was found;
`bundled_enumeration` skips whole families early, but only those that one of these rules forbids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

from rdkit import Chem

MAX_RINGS = 3


@dataclass(frozen=True)
class Rule:
    """One stability rule.

    Attributes:
        name: short name, used in reports.
        reason: why molecules that break it are not kept.
        broken_by: tells whether a sanitised molecule breaks the rule.
    """

    name: str
    reason: str
    broken_by: Callable[[Chem.Mol], bool]


def _has(*smarts: str) -> Callable[[Chem.Mol], bool]:
    """Return a test for the presence of any of the SMARTS patterns."""
    patterns = [Chem.MolFromSmarts(text) for text in smarts]

    def found(mol: Chem.Mol) -> bool:
        return any(mol.HasSubstructMatch(pattern) for pattern in patterns)

    return found


def _too_many_rings(mol: Chem.Mol) -> bool:
    return bool(mol.GetNumBonds() - mol.GetNumAtoms() + 1 > MAX_RINGS)


def _inverted_carbon(mol: Chem.Mol) -> bool:
    for atom in mol.GetAtoms():
        if atom.GetDegree() == 4 and all(bond.IsInRing() for bond in atom.GetBonds()):
            rest = Chem.RWMol(mol)
            rest.RemoveAtom(atom.GetIdx())
            if len(Chem.GetMolFrags(rest)) == 1:
                return True
    return False


def _double_bond_in_small_ring(mol: Chem.Mol) -> bool:
    return any(
        mol.GetBondWithIdx(index).GetBondType() == Chem.BondType.DOUBLE
        for ring in mol.GetRingInfo().BondRings()
        if len(ring) <= 4
        for index in ring
    )


def _anti_bredt(mol: Chem.Mol) -> bool:
    """Tell whether an atom of a double bond in a ring, or an aromatic atom, is a bridgehead."""
    rings = [set(ring) for ring in mol.GetRingInfo().AtomRings()]
    bridged = [(one, two) for one, two in combinations(rings, 2) if len(one & two) > 2]
    if not bridged:
        return False
    for bond in mol.GetBonds():
        if bond.IsInRing() and bond.GetBondType() != Chem.BondType.SINGLE:
            for atom in (bond.GetBeginAtom(), bond.GetEndAtom()):
                if sum(b.IsInRing() for b in atom.GetBonds()) < 3:
                    continue
                if any(atom.GetIdx() in one & two for one, two in bridged):
                    return True
    return False


def _bridged_aromatic_ring(mol: Chem.Mol) -> bool:
    rings = [set(ring) for ring in mol.GetRingInfo().AtomRings()]
    aromatic = [r for r in rings if all(mol.GetAtomWithIdx(i).GetIsAromatic() for i in r)]
    return any(len(a & r) > 2 for a in aromatic for r in rings if r is not a)


_OXIME_OH = "$([OX2H]-[NX2]=[#6])"
_NOT_CONJUGATED_N = "[NX3;!$(N-C=[O,N]);!$(N-C=C-C=[O,N]);!$(N-C=C-C#N)]"

RULES: tuple[Rule, ...] = (
    # -- rings --
    Rule(
        "more than three rings",
        "Four or more rings on eight atoms make cages (prismane, cubane, quadricyclane) in "
        "which most atoms sit in several three- and four-membered rings; strain of 300 kJ/mol "
        "and more.",
        _too_many_rings,
    ),
    Rule(
        "an atom in two three-membered rings",
        "Bicyclobutane, spiropentane, tetrahedrane: four bond angles near 60 degrees at one "
        "atom; the strain (260 kJ/mol and more) opens them with heat, acid or nucleophiles.",
        _has("*1~*2~*~1~*~2", "*12(~*~*~1)~*~*~2"),
    ),
    Rule(
        "four ring bonds at a carbon that is not a spiro centre",
        "Propellanes and fenestranes: in systems as small as this the four bonds cannot point "
        "to the corners of a tetrahedron (flattened or inverted carbon), so the central bonds "
        "break.",
        _inverted_carbon,
    ),
    Rule(
        "small ring on an aromatic ring",
        "An aromatic ring of three or four atoms does not exist as such; one fused to a three- "
        "or four-membered ring has its angles bent by 30 degrees or more.",
        _has("[a;r3,r4]"),
    ),
    Rule(
        "bridged aromatic ring",
        "A bridge of so few atoms across an aromatic ring forces it out of plane and ends the "
        "aromaticity.",
        _bridged_aromatic_ring,
    ),
    Rule(
        "aromatic rings fused by a non-aromatic bond",
        "Two five-membered rings written aromatic only through charge separation (pseudo- "
        "azulenes): no neutral closed-shell structure with two intact sextets.",
        _has("a-@a"),
    ),
    Rule(
        "aromatic ring of eight atoms",
        "Azocine-like rings with ten electrons: angles of 135 degrees and, with N and O in the "
        "ring, open to closure into two small rings; none is a stable parent ring.",
        _has("[a;r8]"),
    ),
    # -- multiple bonds and strain --
    Rule(
        "cumulated double bonds",
        "Allenes isomerise or dimerise; ketenes, isocyanates and carbodiimides add water and "
        "amines.",
        _has("*=*=*"),
    ),
    Rule(
        "triple bond in a ring",
        "A ring of eight or fewer atoms cannot hold four atoms in line.",
        _has("*#@*"),
    ),
    Rule(
        "double bond inside a three- or four-membered ring",
        "Cyclopropenes, azirines, azetes, oxetes, cyclobutadiene: sp2 angles of 120 degrees "
        "forced to 60-90.",
        _double_bond_in_small_ring,
    ),
    Rule(
        "double bond at a three-membered ring",
        "Cyclopropanones, alpha-lactams, methylenecyclopropanes: an sp2 atom in a three- "
        "membered ring; they add nucleophiles or open.",
        _has("[r3]=*"),
    ),
    Rule(
        "ring double bond at the fusion with a small ring",
        "An sp2 atom with all three bonds in rings, one of them four-membered, cannot have "
        "planar 120 degree angles.",
        _has("[x3;r3,r4;$(*=;@*)]"),
    ),
    Rule(
        "anti-Bredt double bond",
        "A double bond at a bridgehead of a bicycle of eight or fewer atoms is twisted: its p "
        "orbitals do not overlap.",
        _anti_bredt,
    ),
    Rule(
        "open-chain or exocyclic C=C",
        "They polymerise, take up oxygen and nucleophiles, and their bond shifts along the "
        "chain; compound collections for screening filter them as reactive. Kept: C=C held in a "
        "ring of five or more atoms. The strictest rule here: simple alkenes such as propene "
        "can be stored.",
        _has("[#6]=;!@[#6]"),
    ),
    # -- bonds between heteroatoms --
    Rule(
        "bond between heteroatoms",
        "Peroxides, hydroxylamines, hydrazines, azo and nitroso compounds, N-F and O-F: weak "
        "bonds (140-280 kJ/mol) next to lone pairs; oxidants or sources of N2. Kept: aromatic "
        "N-N, N=N and N-O, and oximes C=N-OH.",
        _has(f"[!#6;!{_OXIME_OH}]!:[!#6;!{_OXIME_OH}]", "[#8]~[#8]"),
    ),
    Rule(
        "single bond between pyrrole-type heteroatoms",
        "Pyrazolones, isoxazolones and their imines written with three-bonded N next to three- "
        "bonded N or to O in the ring: aromatic on paper only, and tautomers (or N-substituted "
        "forms of tautomers) of the hydroxy or amino heteroarene, which is in the set.",
        _has("[nX3][nX3,o]"),
    ),
    Rule(
        "five heteroatoms in a row",
        "Pentazoles, pentazines, oxatetrazoles: explosive, they lose N2 below room temperature "
        "or nearly so.",
        _has("[!#6]~[!#6]~[!#6]~[!#6]~[!#6]"),
    ),
    Rule(
        "hydroximate",
        "O-C=N-OH, the iminol form of a hydroxamic acid or its ester, goes back to the acyl form.",
        _has("[#8]C=N-O"),
    ),
    # -- several heteroatoms on one carbon --
    Rule(
        "hemiacetal or gem-diol",
        "C(OH)O and C(OH)N lose water or alcohol to give the carbonyl compound.",
        _has("[CX4]([OX2H])[#7,#8]"),
    ),
    Rule(
        "aminal",
        "N-C-N and N-C-O at an sp3 carbon fall apart to an iminium ion and amine or alcohol in "
        "water.",
        _has("[CX4](~[#7])~[#7,#8]"),
    ),
    Rule(
        "orthoester",
        "Three O on an sp3 carbon hydrolyse at once to the ester.",
        _has("[CX4](~[#8])(~[#8])~[#8]"),
    ),
    Rule(
        "acetal in a small ring",
        "An acetal carbon in a three- or four-membered ring (alkoxy-epoxide, 1,3-dioxetane, "
        "cyclopropanone acetal): the ring strain drives the opening that acetals undergo "
        "anyway.",
        _has("[CX4;r3,r4]([OX2])[OX2]"),
    ),
    Rule(
        "fluorine elsewhere than in CF3 or on an aromatic ring",
        "Hydrogen fluoride, acyl and vinyl fluorides, F next to N or O, and alkyl mono- and "
        "difluorides lose fluoride or HF; CF3 and aryl fluorides are inert.",
        _has("[FH]", "F[!$([CX4](F)(F)F);!c]", "F[CX4][#7,#8]"),
    ),
    # -- tautomers, hydrolysis and other ways to fall apart --
    Rule(
        "enol or enol ether",
        "A non-aromatic C=C-OH is the minor tautomer of a ketone or aldehyde; C=C-OR hydrolyses "
        "to it in dilute acid.",
        _has("[OX2]C=C"),
    ),
    Rule(
        "enamine",
        "N on a non-aromatic C=C is a tautomer of the imine (N-H) or hydrolyses to the ketone "
        "(N-R), unless an acyl, imidoyl or nitrile group takes up the lone pair (enamides, "
        "vinylogous amides).",
        _has(f"{_NOT_CONJUGATED_N}C=C"),
    ),
    Rule(
        "simple imine",
        "C=N with only C or H on the carbon hydrolyses to the carbonyl compound and trimerises; "
        "N or O on the carbon (amidines, imidates, guanidines) or OH on the nitrogen (oximes) "
        "stabilises it.",
        _has("[C;!$(C-[#7,#8])]=[N;!$(N-O)]"),
    ),
    Rule(
        "activated imine",
        "C=N whose nitrogen carries C=O, C=N or C=C (acylimines, 1,3-diazadienes, 2-azadienes) "
        "adds water and undergoes cycloadditions.",
        _has("C=N-C=*"),
    ),
    Rule(
        "imidic acid",
        "HO-C=N is the minor tautomer of the amide O=C-NH.",
        _has("[OX2H]C=N"),
    ),
    Rule(
        "ynol, ynamine, cyanate, cyanamide",
        "O, N or F on a triple bond: tautomers of ketenes and carbodiimides, or strongly "
        "electrophilic.",
        _has("[#7,#8,#9]-[CX2]#*"),
    ),
    Rule(
        "anhydride or isoimide",
        "Acyl-O-acyl hydrolyses to two acids; acyl-O-C=N rearranges to the imide (Mumm) or "
        "hydrolyses likewise.",
        _has("O=C-O-C=[O,N]"),
    ),
    Rule(
        "carbamic or carbonic acid",
        "HO-C(=O)-N and HO-C(=O)-O lose CO2.",
        _has("[#7,#8]C(=O)[OX2H]"),
    ),
    Rule(
        "beta-keto acid",
        "HO-C(=O)-C-C=O with an aldehyde or ketone loses CO2 through a six-membered transition "
        "state on gentle warming.",
        _has("[OX2H]C(=O)[CX4][CX3;!$(C-[#7,#8])]=[O,N]"),
    ),
    Rule(
        "primary amine and aldehyde",
        "They condense with each other, within the molecule or between two, to imines and "
        "polymers.",
        _has("[NX3H2;$(N-[CX4])].[CX3H1](=O)[#6]"),
    ),
)


# SMARTS run in C++ and reject most molecules, so they go before the rules written in Python.
_FAST_FIRST = sorted(RULES, key=lambda rule: rule.broken_by.__name__ != "found")


def broken_rules(mol: Chem.Mol) -> list[str]:
    """Return the names of the rules that a sanitised molecule breaks, in the order of `RULES`."""
    return [rule.name for rule in RULES if rule.broken_by(mol)]


def is_stable(mol: Chem.Mol) -> bool:
    """Tell whether a sanitised molecule breaks no rule (stops at the first broken one)."""
    return not any(rule.broken_by(mol) for rule in _FAST_FIRST)


def markdown_table() -> str:
    """Return the rules as the table that data/README.md shows."""
    rows = [f"| {number} | {rule.name} | {rule.reason} |" for number, rule in enumerate(RULES, 1)]
    return "\n".join(["| | not kept | because |", "|---|---|---|", *rows])
