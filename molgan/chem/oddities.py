"""Oddities: what a valid graph can hold and a chemist would not believe.

Generators that put graphs together atom by atom, as enumerations do, make molecules that obey every
valence and yet cannot be kept: strained rings, chains of nitrogen and oxygen, groups that fall
apart with water. Purchasable molecules hardly have any.
"""

from __future__ import annotations

from functools import cache

from rdkit import Chem

from molgan.chem.alerts import Alert
from molgan.chem.oddity_rings import RING_ODDITIES, Rings

SMARTS_ODDITIES = {
    # Three nitrogens by single bonds: triazanes lose N2 or ammonia. Triazenes, azides and triazoles
    # have double or aromatic bonds there.
    "N-N-N chain": "[N;X3]-[N;X3]-[N;X3]",
    # Peroxides break at the O-O bond (about 35 kcal/mol). Artemisinin is a famous exception.
    "O-O chain": "[O;X2]-[O;X1,X2]",
    # Anhydrides of hydroxylamines and oximes; in furazans and oxadiazoles the bonds are aromatic.
    "N-O-N chain": "[#7;!a]-[O;X2;!a]-[#7;!a]",
    # Two oxygens at one amine nitrogen; nitro groups, nitrates and nitrites have a double bond.
    "O-N-O chain": "[O;X2]-[N;X3;+0]-[O;X1,X2]",
    # Hypohalites and haloamines are oxidants, sulphenyl halides hydrolyse. S(VI) fluorides pass.
    "N, O or S halide": "[#7,O,$([S;X2])]-[F,Cl,Br,I]",
    # Oxirene, 1H-azirine, thiirene: four pi electrons in a three-membered ring.
    "oxirene or like": "[#6]1=[#6]-[O,N,S;!$(S=O)]1",
    # Cyclobutadienes: antiaromatic; benzo-fused ones have aromatic bonds there.
    "cyclobutadiene": "*1=*-*=*-1",
    # Two leaving groups at one carbon: water, an amine or an alcohol goes and leaves C=O or C=N.
    # Electron-poor carbons (CF3 next to it) keep their hydrates, rings (sugars) their hemiacetals.
    "gem-diol": "[C;X4;!$(C-C(F)(F)F)](-[O;H1])-[O;H1]",
    "open hemiacetal": "[C;X4;!R;!$(C-C(F)(F)F)](-[O;H1])-[O;X2;H0;!$(O-C=O)]",
    "hemiaminal": "[C;X4;!$(C-C(F)(F)F)](-[O;H1])-[N;X3;!$(N-[C,S,P]=[O,N,S]);!$(N-[#6]:[#7])]",
    "halogen next to OH or NH": "[C;X4](-[O,N;!H0;!$(N-C=O)])-[F,Cl,Br,I;!$(FC(F)F)]",
    # Enols become ketones unless a carbonyl or the like holds the hydrogen or the charge.
    "enol": "[C;X3;!$(C-C=[O,N]);!$(C-[C,S]#,=*);!R]=[C;X3;!$(C-C=O);!$(C-C#N)]-[O;H1]",
    # Imines with a free hydrogen and no nitrogen at the carbon hydrolyse; amidines keep.
    "N-H imine": "[C;X3;!$(C-[#7,O,S])]=[N;X2;H1]",
    # Carbamic and carbonic acids lose CO2.
    "carbamic acid": "[#7,O;X3,X2]-C(=O)-[O;H1,-]",
    # Ketenes react with anything that has a hydrogen.
    "ketene": "[C;X3]=C=[O,S;X1]",
    # Valences that RDKit allows and that are rare beyond oxides, imides and SF5.
    "sulphur(IV)": "[S;v4;+0;!$(S=[O,N,S])]",
    "sulphur(VI)": "[S;v6;+0;!$(S=[O,N]);!$(S(F)(F)(F)(F)F)]",
    "phosphorus(V)": "[P;v5;+0;!$(P=[O,N,S])]",
    "hypervalent halogen": "[Cl,Br,I;!v0;!v1]",
    # Carbon ions; isocyanides, diazo compounds, nitrile oxides and ring-stabilised ones are left.
    "carbon ion": "[C;+,-;!$([C-]#[N,O;+]);!$([C-]-[N+]#N);!$(C=[N+]=[N-]);!$([C+](N)N)]",
    "oxonium": "[O,F,Cl,Br,I;+;!a;!$(O#[C-])]",
}
"""Patterns by name; the comments say what is wrong with each."""

ODDITIES = (*SMARTS_ODDITIES, *RING_ODDITIES, "radical")
"""Names of all oddities."""


def find_oddities(mol: Chem.Mol) -> list[Alert]:
    """Return all oddities of a molecule as alerts of the catalogue ``oddity``.

    Each name once, with the atoms of all its places.

    Args:
        mol: Sanitised molecule without explicit hydrogens.
    """
    found: dict[str, set[int]] = {}
    for name, query in _queries():
        for match in mol.GetSubstructMatches(query):
            found.setdefault(name, set()).update(match)
    if mol.GetRingInfo().NumRings():
        rings = Rings.of(mol)
        for name, rule in RING_ODDITIES.items():
            for atoms in rule(mol, rings):
                found.setdefault(name, set()).update(atoms)
    radicals = {atom.GetIdx() for atom in mol.GetAtoms() if atom.GetNumRadicalElectrons()}
    if radicals:
        found["radical"] = radicals
    return [Alert("oddity", name, tuple(sorted(atoms))) for name, atoms in found.items()]


@cache
def _queries() -> tuple[tuple[str, Chem.Mol], ...]:
    return tuple((name, Chem.MolFromSmarts(smarts)) for name, smarts in SMARTS_ODDITIES.items())
