from __future__ import annotations

import csv
import gzip
import pickle
from itertools import islice
from pathlib import Path

import pytest
from rdkit import Chem, RDConfig

from molgan.chem import read_smiles
from molgan.metrics.moses_filters import MCF_SMARTS, filter_reason
from molgan.metrics.pains import PAINS_AS_IN_MOSES, pains_name


def reason(smiles: str) -> str | None:
    mol, _ = read_smiles(smiles)
    assert mol is not None
    return filter_reason(mol)


# For each filter a molecule that it catches and a near miss that passes everything.
CAUGHT_AND_MISSED = {
    "MCF1 acrylonitrile": ("CC=CC#N", "CC1=C(C#N)CCCC1"),  # a double bond in a ring is let through
    "MCF2 vinyl sulfonyl": ("C=CS(=O)(=O)CC", "CCS(=O)(=O)CC"),
    "MCF3 acrylamide": ("CC=CC(=O)NC", "CC=C(C)C(=O)NC"),  # no hydrogen at the alpha carbon
    "MCF4 primary halide": ("CCCCl", "CC(C)Cl"),
    "MCF5 epoxide": ("CC1OC1C", "CC1OCC1"),
    "MCF6 isocyanate": ("CCN=C=O", "CCNC=C=O"),
    "MCF7 aldehyde": ("CCC=O", "CCC(C)=O"),
    "MCF8 unsubstituted imine": ("CCC(C)=N", "CCC(C)=NC"),
    "MCF9 aziridine": ("CC1NC1C", "CC1NCC1"),
    "MCF10 hydrazine": ("CNNC", "C1CNNC1"),  # in a ring it is let through
    "MCF11 azo": ("CC(N)=NN=N", "C1CN=NC1"),
    "MCF13 thiophene S-oxide": ("CC1=CC=CS1(=O)=O", "CC1=CC(C)=CS1(=O)=O"),
    "MCF14 2-halo heteroarene": ("Clc1ccccn1", "Clc1cccnc1"),
    "MCF16 disulfide": ("CSSC", "CSCSC"),
    "MCF17 triazene": ("NN=NC", "NCNC1CCC1"),
    "MCF18 aminal": ("CNCNC", "CNC(C)NC"),
    "MCF19 acetal": ("COC(C)OC", "COC(C)(C)OC"),
    "MCF20 more than 2 Br": ("BrC(Br)(Br)C", "CC(Br)(Br)C"),
    "MCF21 more than 3 Cl": ("ClC(Cl)(Cl)C(C)(C)Cl", "ClC(Cl)(Cl)C(C)(C)C"),
    "MCF22 more than 6 F": ("FC(F)(F)C(F)(F)C(C)(F)F", "FC(F)(F)CC(F)(F)F"),
}
"""By the name of the reason."""


def test_every_filter_has_an_example() -> None:
    numbers = {int(name.split()[0].removeprefix("MCF")) for name in CAUGHT_AND_MISSED}
    assert set(MCF_SMARTS) <= set(CAUGHT_AND_MISSED)
    assert numbers == set(range(1, 23)) - {12, 15}  # which never match; see below


@pytest.mark.parametrize("name", CAUGHT_AND_MISSED)
def test_mcf_catches_and_misses(name: str) -> None:
    caught, missed = CAUGHT_AND_MISSED[name]
    mol, near = Chem.MolFromSmiles(caught), Chem.MolFromSmiles(missed)
    if name in MCF_SMARTS:
        query = Chem.MolFromSmarts(MCF_SMARTS[name])
        assert mol.HasSubstructMatch(query)
        assert not near.HasSubstructMatch(query)
    else:
        assert reason(caught) == name
    assert reason(caught) is not None
    assert (reason(missed) or "").split()[:1] != name.split()[:1]


@pytest.mark.parametrize("smiles", ["Cc1ccco1", "Cc1cccs1", "Nc1ccc(C(C)C)cc1"])
def test_aromatic_rings_pass_filters_written_for_single_and_double_bonds(smiles: str) -> None:
    assert reason(smiles) is None


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("C1CCCCCCC1", "ring"),
        ("C1CCCCCC1", None),
        ("C1CC2CCCC(C1)CCC2", "ring"),  # bicyclo[4.4.1]: the smallest rings have 8 atoms
        ("C[N+](C)(C)C", "charge"),
        ("CC(=O)[O-]", "charge"),
        ("O=[N+]([O-])c1ccccc1", "charge"),  # no net charge, but charged atoms: MOSES has no nitro
        ("CP(C)C", "element P"),
        ("CC(C)I", "element I"),
        ("CC(C)Br", None),
        ("CCN=Nc1ccccc1", "MCF10 hydrazine"),  # before PAINS, which has azo compounds as well
        ("Oc1ccccc1O", "PAINS catechol_A(92)"),
        ("CC(C)Cc1ccc(C(C)C(=O)O)cc1", None),
        ("Cn1cnc2c1c(=O)n(C)c(=O)n2C", None),
    ],
)
def test_reasons(smiles: str, expected: str | None) -> None:
    assert reason(smiles) == expected


def test_a_molecule_without_atoms_fails() -> None:
    assert filter_reason(Chem.Mol()) == "empty"


def test_the_function_travels_to_workers() -> None:
    assert pickle.loads(pickle.dumps(filter_reason)) is filter_reason


def pains_table() -> list[tuple[str, Chem.Mol]]:
    with (Path(RDConfig.RDDataDir) / "Pains" / "wehi_pains.csv").open(newline="") as file:
        return [(row[1].split("=")[1][:-1], Chem.MolFromSmarts(row[0])) for row in csv.reader(file)]


def test_pains_equal_the_plain_patterns_on_molecules_with_hydrogens(shared_data: Path) -> None:
    """The way MOSES does it: one pattern after the other, hydrogens added."""
    table = [(name, query) for name, query in pains_table() if name not in PAINS_AS_IN_MOSES]
    assert len(table) == 478
    with gzip.open(shared_data / "zinc250k_smiles.csv.gz", "rt") as file:
        smiles = [line.strip() for line in islice(file, 1, 249_000, 1_500)]
    found = 0
    for text in smiles:
        mol, _ = read_smiles(text)
        assert mol is not None
        with_hydrogens = Chem.AddHs(mol)
        expected = any(with_hydrogens.HasSubstructMatch(query) for _, query in table)
        name = pains_name(mol)
        if name != "anil_di_alk_D(198)":
            assert (name is not None) == expected, text
        found += expected
    assert found > 2


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CN(C)c1ccc(CNC(C)=O)cc1", "anil_di_alk_D(198)"),  # RDKit's own pattern lets it pass
        ("CN(C)c1ccc(CN(C)C)cc1", "anil_di_alk_D(198)"),
        ("CN(C)c1ccc(CO)cc1", "anil_di_alk_D(198)"),
        ("CCOC(=O)Cc1csc(=NC(C)=O)[nH]1", None),  # RDKit: thiaz_ene_A(128)
    ],
)
def test_two_pains_are_as_in_moses(smiles: str, expected: str | None) -> None:
    mol, _ = read_smiles(smiles)
    assert mol is not None
    assert pains_name(mol) == expected


@pytest.mark.parametrize("smiles", ["CN(C)c1ccc(COC)cc1", "CNc1ccc(CN(C)C)cc1", "CN(C)c1ccccc1CO"])
def test_near_misses_of_the_pattern_that_is_our_own(smiles: str) -> None:
    smarts = PAINS_AS_IN_MOSES["anil_di_alk_D(198)"]
    assert smarts is not None
    assert not Chem.MolFromSmiles(smiles).HasSubstructMatch(Chem.MolFromSmarts(smarts))


def test_without_rdkits_table_the_decisions_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from molgan.metrics import pains

    smiles = ["Oc1ccccc1O", "CCO", "CN(C)c1ccc(CO)cc1", "O=C1C=CC(=O)C=C1", "CCN=Nc1ccccc1"]
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    before = [pains_name(mol) for mol in mols]
    monkeypatch.setattr(RDConfig, "RDDataDir", "nowhere")
    pains._patterns.cache_clear()
    try:
        assert [pains_name(mol) for mol in mols] == before
    finally:
        pains._patterns.cache_clear()


def test_moses_molecules_pass(shared_data: Path) -> None:
    with gzip.open(shared_data / "moses_test.csv.gz", "rt") as file:
        smiles = [line.strip() for line in islice(file, 1, 176_000, 500)]
    failed = {text: reason(text) for text in smiles if reason(text) is not None}
    assert failed == {}
