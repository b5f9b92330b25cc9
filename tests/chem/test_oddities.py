from __future__ import annotations

import gzip
from itertools import islice
from pathlib import Path

import pytest
from rdkit import Chem

from molgan.chem.oddities import ODDITIES, find_oddities

# Of each rule: molecules that it catches, and near misses that exist and pass altogether.
CASES: dict[str, tuple[list[str], list[str]]] = {
    "N-N-N chain": (["CN(C)N(C)N(C)C"], ["CN=NN(C)C", "CN=[N+]=[N-]", "c1c[nH]nn1"]),
    "O-O chain": (["CC(=O)OO", "COOC"], ["COCOC", "OCCO"]),
    "N-O-N chain": (["CN(C)ON(C)C", "CC=NON=CC"], ["c1cnon1", "CON"]),
    "O-N-O chain": (["CON(C)OC"], ["CCO[N+](=O)[O-]", "CON=O", "C[N+](=O)[O-]"]),
    "N, O or S halide": (["CC(=O)NCl", "COCl", "CSCl"], ["CS(=O)(=O)F", "CC(=O)Cl"]),
    "oxirene or like": (["C1=CO1", "CC1=C(C)N1"], ["C1CO1", "C1=NC1C"]),
    "cyclobutadiene": (["C1=CC=C1", "CC1=CC=N1"], ["C1=CCC1", "c1ccc2c(c1)-c1ccccc1-2"]),
    "gem-diol": (["CC(C)(O)O"], ["OC(O)(C(F)(F)F)C(F)(F)F", "CC(O)CO"]),
    "open hemiacetal": (["CC(O)OC"], ["OC1CCCCO1", "CC(OC)OC"]),
    "hemiaminal": (["CC(O)NC"], ["CC(=O)NCO", "NCCO"]),
    "halogen next to OH or NH": (["CC(O)Cl", "CC(Cl)NC"], ["CC(Cl)OC", "OCCCl"]),
    "enol": (["CC=C(C)O"], ["CC(=O)C=C(C)O", "Oc1ccccc1", "CC=C(C)OC"]),
    "N-H imine": (["CC(C)=N"], ["CC(N)=N", "CC(C)=NC"]),
    "carbamic acid": (["CNC(=O)O", "COC(=O)O"], ["CNC(=O)OC", "CC(=O)O"]),
    "ketene": (["CC=C=O"], ["CN=C=O", "CC=C=C"]),
    "sulphur(IV)": (["CS(C)(C)C", "CS(C)=C"], ["CS(C)=O", "CS(C)=NC"]),
    "sulphur(VI)": (["CS(C)(C)(C)(C)C"], ["FS(F)(F)(F)(F)c1ccccc1", "CS(C)(=O)=O"]),
    "phosphorus(V)": (["CP(C)(C)(C)C", "CP(C)(C)=C"], ["CP(C)(C)=O", "CP(C)C"]),
    "hypervalent halogen": (["CI(C)C", "O=Cl(=O)(=O)O"], ["CCl", "CI"]),
    "carbon ion": (["C[CH-]C", "C[C+](C)C"], ["C[N+]#[C-]", "CC=[N+]=[N-]", "C[N+](C)=C"]),
    "oxonium": (["C[O+](C)C"], ["c1cc[o+]cc1", "COC"]),
    "Bredt double bond": (
        ["C1CC2=CCC1C2", "C1CC2=NCC1C2", "C1CC2=CCC1CC2"],
        # Bicyclo[3.3.1]non-1-ene was made; the others have no double bond at a bridgehead.
        ["C1CC2=CCCC(C1)C2", "C1=CC2CCC1C2", "C1CCC2=CCCCC2C1", "C1CC2CCC1C2=O"],
    ),
    "bridged aromatic ring": (
        ["C1Cc2ccc1cc2", "C1CCc2cccc1c2"],
        ["C1CCCCCCCCc2ccc1cc2", "c1ccc2c(c1)C1CCC2CC1"],
    ),
    "small-ring cumulene": (["C1=C=CCCC1", "C1=C=CCCCCC1"], ["C1=C=CCCCCCC1", "C=C=C1CCC1"]),
    "small-ring alkyne": (["C1#CCCCC1"], ["C1#CCCCCCC1", "CC#CC1CC1"]),
    "fused cyclopropene": (["C1CC2=C1C2", "C1CC2=CC2C1"], ["CC1=CC1", "C1CCC2CC2C1"]),
    "cyclopropaarene": (["c1ccc2c(c1)C2"], ["c1ccc2c(c1)CC2", "C1CC1c1ccccc1"]),
    "fused three-membered ring": (["C1C2CC12", "C1CC2CC12"], ["C1CC12CC2", "C1C2CC1C2"]),
    "radical": (["C[CH2]", "CC(C)(C)N([O])C(C)(C)C"], ["C=C", "CN(C)O"]),
}


def names(smiles: str) -> list[str]:
    mol = Chem.MolFromSmiles(smiles)
    assert mol is not None, smiles
    return [alert.name for alert in find_oddities(mol)]


def test_every_rule_has_a_case() -> None:
    assert set(CASES) == set(ODDITIES)


@pytest.mark.parametrize("name", ODDITIES)
def test_a_rule_catches_what_it_should_and_lets_near_misses_pass(name: str) -> None:
    caught, passed = CASES[name]
    for smiles in caught:
        assert name in names(smiles), smiles
    for smiles in passed:
        assert names(smiles) == [], smiles


@pytest.mark.parametrize(
    ("drug", "smiles"),
    [
        ("imatinib", "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"),
        ("morphine", "CN1CCC23c4c5ccc(O)c4OC2C(O)C=CC3C1C5"),
        ("penicillin G", "CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)O"),
        ("saxagliptin", "N#CC1CC2CC2N1C(=O)C(N)C12CC3CC(CC(O)(C3)C1)C2"),
        ("cocaine", "COC(=O)C1C(OC(=O)c2ccccc2)CC2CCC1N2C"),
        ("glucose", "OCC1OC(O)C(O)C(O)C1O"),
        ("dacarbazine", "CN(C)N=Nc1[nH]cnc1C(N)=O"),
        ("losartan", "CCCCc1nc(Cl)c(CO)n1Cc1ccc(-c2ccccc2-c2nnn[nH]2)cc1"),
        ("azidothymidine", "Cc1cn(C2CC(N=[N+]=[N-])C(CO)O2)c(=O)[nH]c1=O"),
    ],
)
def test_drugs_pass(drug: str, smiles: str) -> None:
    assert names(smiles) == [], drug


def test_atoms_are_those_of_the_oddity_all_places_together() -> None:
    (alert,) = find_oddities(Chem.MolFromSmiles("COOCCOOC"))
    assert (alert.catalogue, alert.name) == ("oddity", "O-O chain")
    assert alert.atoms == (1, 2, 5, 6)
    (alert,) = find_oddities(Chem.MolFromSmiles("CCC1CC2=CCC1C2"))
    assert alert.atoms == (4, 5)


def test_purchasable_molecules_have_hardly_any(shared_data: Path) -> None:
    with gzip.open(shared_data / "zinc250k_smiles.csv.gz", "rt") as table:
        smiles = [line.strip() for line in islice(table, 1, None, 250)]
    odd = [text for text in smiles if names(text)]
    assert len(smiles) > 900
    assert len(odd) < 0.005 * len(smiles), odd
