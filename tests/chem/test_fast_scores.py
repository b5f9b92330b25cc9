from __future__ import annotations

import csv
import gzip
import importlib.util
from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem, RDConfig
from rdkit.Chem import QED, Crippen, Descriptors, rdMolDescriptors

from molgan import chem
from molgan.chem import fast_qed as fast_qed_module
from molgan.chem.environments import ELEMENTS
from molgan.chem.fast_qed import fast_qed, shared
from molgan.chem.fast_scores import describe
from molgan.chem.scores import EXTRA_SCORES, SCORES, rdkit_descriptor
from molgan.errors import ChemistryError, ConfigError

TOLERANCE = 1e-9

DRUGS = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5",
    "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
    "C[C@]12CC[C@H]3[C@@H](CCc4cc(O)ccc43)[C@@H]1CC[C@@H]2O",
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "CN1CCCC1c1cccnc1",
    "NC(=O)N[C@H](c1ccccc1)S(N)(=O)=O",
    "Clc1ccc2c(c1)Sc1ccccc1N2CCCN(C)C",
    "O=C1c2ccccc2C(=O)c2ccccc21",
    "CC(C)(C)NCC(O)COc1cccc2ccccc12",
    "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O",
    "FC(F)(F)c1ccc(N=[N+]=[N-])cc1C#N",
    "CP(=O)(OC)OC",
]

# What enumeration, QED's own notes and its alerts have of the unusual.
ALERTING = [
    "N1C2=CC=CC=C2SC3=C1C=CC4=C3C=CC=C4",
    "OC1=C(O)C=C2C(=C1)OC3=CC(=O)C(=CC3=C2C4=CC=CC=C4)O",
    "CC(C)C1=CC2=C(C)C=CC2=C(C)C=C1",
    "C1CO1",
    "O=S(=O)(Cl)c1ccccc1",
    "C#CC(=O)C",
    "CC=CC",
    "C=C=C",
    "O=C1C=CC(=O)C=C1",
    "NNC(=O)C",
    "CC=NO",
    "CSSC",
    "O=CC=O",
    "F.F.F.F",
    "N#N",
    "CN=C=O",
    "CON",
    "C[Si](C)(C)F",
    "OB(O)c1ccccc1",
    "[O-][n+]1ccccc1",
    "C[N+](C)(C)[O-]",
    "[NH3+][C@@H](C)C([O-])=O",
    "C1CCCCCC1",
    "C12C(NC(N1)=O)CSC2",
    "CC(=O)OCC(OC(C)=O)COC(C)=O",
    "C1CC1C1CC1",
    "C12C3C4C1C5C2C3C45",
    "c1ccc2c(c1)-c1ccccc1-2",
    "C1CCC2(CC1)CCCCC2",
    "CC1CCC(C)CC1",
    "C[S@](=O)c1ccccc1",
    "C1CN1",
    "c1ccsc1C(=S)N",
    "C[SH](C)(C)=O",
    "CS(=N)(=O)CC",
    "C[S+](CC)CCC",
    "C[N+](CC)(CCC)CCCC",
    "C[SiH](CC)CCC",
    "C[B-](CC)(CCC)CCCC",
    "C1CC2CCC1N2",
    "CC1CC(C)C1",
    "CP(=O)(CC)O",
    "O=[I](=O)c1ccccc1",
]

# Those for which RDKit itself is asked.
ODD = {
    "isotopes": "[13CH3]C([15NH2])=O",
    "deuterium": "[2H]C([2H])([2H])O",
    "hydrogen": "[H][H]",
    "metal": "[Na+].CC(=O)[O-]",
    "complex": "[NH3]->[Pt](Cl)(Cl)<-[NH3]",
    "dative": "CN(C)(C)->[O]",
    "two datives": "CS(=O)(=O)C.C[S](->O)(->O)C",
    "dummy": "*c1ccccc1",
    "radical": "C[CH2]",
    "noble": "[Xe]",
}

SMALL = ["C", "[O-2]", "[Cl-]", "[NH4+]", "O", "P", "[H+]", "CCO.CCN", "[CH3-]", "CP", "CPCC"]

LARGE = [
    "C1" + "C" * 60 + "1",
    "C1" + "CCOC(=O)" * 12 + "1",
    "N[C@@H](C)C(=O)" * 20 + "O",
    "C" * 250,
    "O=C1CCCCCCCCCCCCCCO1",
    "c1cc2cc3cc4cc5ccccc5cc4cc3cc2cc1",
    "C1=CC2=CC3=CC=C(N3)C=C4C=CC(=N4)C=C5C=CC(=CC1=N2)N5",
]


def contrib(folder: str, name: str) -> Any:
    path = Path(RDConfig.RDContribDir) / folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def straight() -> dict[str, Callable[[Chem.Mol], float]]:
    """The same scores as RDKit gives them, one call for each."""
    sa, np_score = contrib("SA_Score", "sascorer"), contrib("NP_Score", "npscorer")
    model = np_score.readNPModel()
    return {
        "qed": QED.qed,
        "sa": sa.calculateScore,
        "np": lambda mol: np_score.scoreMol(mol, model),
        "logp": Crippen.MolLogP,
        "weight": Descriptors.MolWt,
        "exact_weight": Descriptors.ExactMolWt,
        "tpsa": rdMolDescriptors.CalcTPSA,
        "hba": rdMolDescriptors.CalcNumHBA,
        "hbd": rdMolDescriptors.CalcNumHBD,
        "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds,
        "rings": rdMolDescriptors.CalcNumRings,
        "aromatic_rings": rdMolDescriptors.CalcNumAromaticRings,
        "fsp3": rdMolDescriptors.CalcFractionCSP3,
        "formal_charge": Chem.GetFormalCharge,
        "heavy_atoms": lambda mol: mol.GetNumHeavyAtoms(),
        "stereocentres": lambda mol: len(Chem.FindMolChiralCenters(mol, includeUnassigned=True)),
    }


def read(smiles: str) -> Chem.Mol:
    with chem.quiet_rdkit():
        mol = Chem.MolFromSmiles(smiles)
    assert mol is not None, smiles
    return mol


def differences(smiles: Iterable[str]) -> list[str]:
    """Every score of every molecule that is not RDKit's; each side has its own molecule."""
    found = []
    with chem.quiet_rdkit():
        for text in smiles:
            ours = describe(Chem.MolFromSmiles(text))
            mol = Chem.MolFromSmiles(text)
            for name, function in straight().items():
                if not abs(ours[name] - function(mol)) <= TOLERANCE:
                    found.append(f"{name} of {text}: {ours[name]} is {function(mol)}")
    return found


def column(path: Path, count: int) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        smiles = [row["smiles"] for row in csv.DictReader(lines)]
    return list(islice(smiles, 0, None, max(1, len(smiles) // count)))[:count]


@pytest.mark.parametrize("smiles", [DRUGS, ALERTING, SMALL, LARGE], ids=len)
def test_all_scores_are_those_of_rdkit(smiles: list[str]) -> None:
    assert set(straight()) == set(SCORES)
    assert differences(smiles) == []
    # What was learnt from the first round serves the second.
    assert differences(smiles) == []


@pytest.mark.parametrize("name", ["qm9_smiles.csv.gz", "zinc250k_smiles.csv.gz"])
def test_molecules_of_the_standard_sets_score_as_with_rdkit(shared_data: Path, name: str) -> None:
    assert differences(column(shared_data / name, 250)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"), [("qm9_smiles.csv.gz", 20_000), ("zinc250k_smiles.csv.gz", 30_000)]
)
def test_fifty_thousand_molecules_score_as_with_rdkit(
    shared_data: Path, name: str, count: int
) -> None:
    smiles = column(shared_data / name, count)
    assert len(smiles) == count
    assert differences(smiles) == []


def test_every_alert_of_qed_is_counted_where_it_occurs() -> None:
    for text in DRUGS + ALERTING:
        mol = read(text)
        prepared = shared(mol)
        assert prepared is not None, text
        expected = sum(mol.HasSubstructMatch(alert) for alert in QED.StructuralAlerts)
        assert prepared.memory.alerts.count(mol, prepared.seen.near) == expected, text


@pytest.mark.parametrize("smiles", ODD.values(), ids=ODD)
def test_what_has_no_keys_goes_to_rdkit(smiles: str) -> None:
    assert shared(read(smiles)) is None
    assert differences([smiles]) == []


def test_explicit_hydrogens_are_left_to_rdkit() -> None:
    mol = Chem.AddHs(read("CCO"))
    assert shared(mol) is None
    assert fast_qed(mol) == QED.qed(mol)
    assert describe(mol)["weight"] == pytest.approx(46.069, abs=1e-3)


def test_scoring_leaves_nothing_large_on_a_molecule() -> None:
    mol = read(DRUGS[0])
    fast_qed(mol)
    assert not [name for name in mol.GetPropNames(True, True) if "Adjacency" in name]


def test_kekulised_molecules_are_left_to_rdkit() -> None:
    mol = read(DRUGS[0])
    Chem.Kekulize(mol)
    assert fast_qed(mol) == QED.qed(mol)


def test_memory_begins_anew_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_qed_module, "MAX_REMEMBERED", 3)
    for text in DRUGS:
        mol = read(text)
        assert fast_qed(mol) == pytest.approx(QED.qed(mol), abs=TOLERANCE)
    assert fast_qed_module._memory is not None
    assert len(fast_qed_module._memory.keys.near) < 40


def test_a_score_does_not_depend_on_what_was_scored_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warm = [describe(read(text)) for text in DRUGS]
    monkeypatch.setattr(fast_qed_module, "_memory", None)
    assert [describe(read(text)) for text in reversed(DRUGS)] == warm[::-1]


def test_atoms_that_differ_have_different_invariants() -> None:
    """Codes rest on RDKit's 32-bit invariant of an atom: no two of these may share one."""
    seen: dict[int, tuple[int, ...]] = {}
    for element, neighbours, hydrogens, charge in product(
        sorted(ELEMENTS), range(7), range(5), range(-2, 3)
    ):
        for ring in {False, neighbours > 1}:
            mol = Chem.RWMol()
            atom = Chem.Atom(element)
            atom.SetNoImplicit(True)
            atom.SetNumExplicitHs(hydrogens)
            atom.SetFormalCharge(charge)
            mol.AddAtom(atom)
            for other in range(1, neighbours + 1):
                mol.AddAtom(Chem.Atom(6))
                mol.AddBond(0, other, Chem.BondType.SINGLE)
            if ring:
                mol.AddBond(1, 2, Chem.BondType.SINGLE)
            mol.UpdatePropertyCache(strict=False)
            Chem.FastFindRings(mol)
            invariant = rdMolDescriptors.GetConnectivityInvariants(mol)[0]
            described = (element, neighbours + hydrogens, hydrogens, charge, ring)
            assert seen.setdefault(invariant, described) == described


def test_the_properties_of_the_package_are_these() -> None:
    for text in DRUGS:
        scores = describe(read(text))
        assert chem.qed(read(text)) == scores["qed"]
        assert chem.sa_score(read(text)) == scores["sa"]


def test_no_atoms_no_scores() -> None:
    with pytest.raises(ChemistryError, match="without atoms"):
        describe(Chem.Mol())
    assert fast_qed(read("")) == QED.qed(read(""))


def test_scores_say_what_they_are() -> None:
    assert list(describe(read("CCO"))) == list(SCORES)
    assert {info.better for info in SCORES.values()} == {"higher", "lower", ""}
    assert SCORES["sa"].better == "lower"
    assert SCORES["qed"].better == "higher"
    for info in (*SCORES.values(), *EXTRA_SCORES.values()):
        assert info.label
        assert info.unit
        assert info.source


@pytest.mark.parametrize("text", ["NCC(=O)O", "NCC(=O)O.[Na+]"])  # with keys, and without
def test_further_scores_come_when_asked(text: str) -> None:
    scores = describe(read(text), ["BertzCT", *EXTRA_SCORES])
    assert list(scores) == [*SCORES, "BertzCT", *EXTRA_SCORES]
    assert scores["BertzCT"] == Descriptors.BertzCT(read(text))
    assert scores["lipinski_hbd"] == scores["lipinski_hba"] == 3
    assert scores["atoms"] == Chem.AddHs(read(text)).GetNumAtoms()
    assert scores["molar_refractivity"] == Crippen.MolMR(read(text))
    with pytest.raises(ConfigError, match="no descriptor 'lipinski'"):
        describe(read(text), ["lipinski"])


def test_any_descriptor_of_rdkit_by_name() -> None:
    assert rdkit_descriptor("BertzCT")(read("c1ccccc1O")) == Descriptors.BertzCT(read("c1ccccc1O"))


@pytest.mark.parametrize(
    ("name", "hint"), [("bertzct", "BertzCT"), ("MolLogp", "MolLogP"), ("zzzz", "Descriptors")]
)
def test_unknown_descriptors_are_named_with_near_ones(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}.*{hint}"):
        rdkit_descriptor(name)
