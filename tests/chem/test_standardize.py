from __future__ import annotations

import gzip
import pickle
from itertools import islice
from pathlib import Path

import pytest
from rdkit import Chem

from molgan.chem import quiet_rdkit
from molgan.chem.standardize import STANDARDIZE_REASONS, Standardized, Standardizer
from molgan.errors import ConfigError


def standardized(smiles: str, **settings: object) -> Standardized:
    params = Chem.SmilesParserParams()
    params.sanitize = False
    params.removeHs = False
    with quiet_rdkit():
        mol = Chem.MolFromSmiles(smiles, params)
    return Standardizer(**settings)(mol)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("smiles", "expected", "changes"),
    [
        ("OCC", "CCO", ()),
        ("[H]OC([H])([H])[H]", "CO", ()),
        ("[CH3:1][OH:2]", "CO", ()),
        ("CN(=O)=O", "C[N+](=O)[O-]", ()),
        ("C[C@H](N)C(=O)O", "C[C@H](N)C(=O)O", ()),
        ("C/C=C/C", "C/C=C/C", ()),
        ("C[S@@](=O)c1ccccc1", "C[S@@](=O)c1ccccc1", ()),
        ("C[S+](C)[O-]", "CS(C)=O", ("normalised",)),
        ("C[n+]1ccc([O-])cc1", "Cn1ccc(=O)cc1", ("normalised",)),
        ("CCN.Cl", "CCN", ("largest fragment of 2",)),
        ("O=C(O)c1ccccc1[O-]", "O=C(O)c1ccccc1O", ("reionised", "neutralised")),
        ("[NH3+]CC(=O)[O-]", "NCC(=O)O", ("neutralised",)),
        ("C[N+](C)(C)CC(=O)[O-]", "C[N+](C)(C)CC(=O)[O-]", ()),
        ("C[N+](C)(C)C.[Cl-]", "C[N+](C)(C)C", ("largest fragment of 2",)),
        ("CC(=O)O[Na]", "CC(=O)O", ("normalised", "largest fragment of 2", "neutralised")),
        ("[2H]C([2H])([2H])[18OH]", "CO", ("isotopes dropped",)),
        ("C", "C", ()),
        ("C#N", "C#N", ()),
        ("[K+].[C-]#N.OS(O)(=O)=O", "C#N", ("largest fragment of 3", "neutralised")),
    ],
)
def test_what_changes_is_recorded_and_nothing_else(
    smiles: str, expected: str, changes: tuple[str, ...]
) -> None:
    result = standardized(smiles)
    assert (result.smiles, result.changes, result.reason) == (expected, changes, None)
    assert standardized(expected).changes == ()


@pytest.mark.parametrize(
    ("smiles", "settings", "reason"),
    [
        ("C(C)(C)(C)(C)C", {}, "valence"),
        ("c1cccc1", {}, "kekulize"),
        ("*C", {}, "dummy"),
        ("[H][H]", {}, "empty"),
        ("", {}, "empty"),
        ("[Na+].[Cl-]", {}, "inorganic"),
        ("[Na]Cl", {}, "inorganic"),
        ("O", {"fragment": "keep"}, "inorganic"),
        ("CCN.Cl", {"fragment": "reject"}, "fragments"),
        ("[13CH4]", {"isotopes": "reject"}, "isotopes"),
    ],
)
def test_what_cannot_be_standardised_has_a_reason(
    smiles: str, settings: dict[str, str], reason: str
) -> None:
    result = standardized(smiles, **settings)
    assert (result.mol, result.smiles, result.inchikey, result.reason) == (None, None, None, reason)
    assert reason in STANDARDIZE_REASONS


def test_inchi_that_cannot_be_made_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("molgan.chem.standardize.rdinchi.MolToInchiKey", lambda mol: "")
    assert standardized("CCO").reason == "inchi"


@pytest.mark.parametrize(
    ("settings", "smiles", "expected"),
    [
        ({"fragment": "keep"}, "CCN.Cl", "CCN.Cl"),
        ({"inorganic": "keep"}, "NS(N)(=O)=O", "NS(N)(=O)=O"),
        ({"normalize": False}, "C[S+](C)[O-]", "C[S+](C)[O-]"),
        ({"neutralize": False}, "CC(=O)[O-]", "CC(=O)[O-]"),
        ({"neutralize": False}, "O=C(O)c1ccccc1[O-]", "O=C([O-])c1ccccc1O"),
        ({"neutralize": False, "reionize": False}, "O=C(O)c1ccccc1[O-]", "O=C(O)c1ccccc1[O-]"),
        ({"isotopes": "keep"}, "[13CH3]O", "[13CH3]O"),
        ({"stereo": "drop"}, "C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
        ({"tautomer": True}, "Oc1ccccn1", "O=c1cccc[nH]1"),
    ],
)
def test_every_step_can_be_switched(
    settings: dict[str, object], smiles: str, expected: str
) -> None:
    assert standardized(smiles, **settings).smiles == expected


def test_tautomers_become_one_and_stereo_is_kept() -> None:
    keto = standardized("CC(=O)CC", tautomer=True)
    enol = standardized("CC(O)=CC", tautomer=True)
    assert keto.smiles == enol.smiles
    assert enol.changes == ("tautomer",)
    assert standardized("C[C@H](N)C(=O)O", tautomer=True).smiles == "C[C@H](N)C(=O)O"


def test_a_tautomer_search_that_hits_its_limit_says_so() -> None:
    result = standardized("O=C1CC(=O)NC(=O)N1", tautomer=True, max_tautomers=2)
    assert result.reason is None
    assert "tautomer limit reached" in result.changes


def test_inchikey_is_the_published_one_and_joins_drawings_of_a_molecule() -> None:
    aspirin = standardized("CC(=O)Oc1ccccc1C(=O)O")
    assert aspirin.inchikey == "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"
    assert standardized("[Na+].CC(=O)OC1=CC=CC=C1C(=O)[O-]").inchikey == aspirin.inchikey


def test_atoms_of_the_molecule_are_those_of_the_smiles() -> None:
    result = standardized("OC(=O)c1ccccc1.[Na+]")
    assert result.mol is not None
    assert result.smiles == "O=C(O)c1ccccc1"
    assert [atom.GetSymbol() for atom in result.mol.GetAtoms()][:3] == ["O", "C", "O"]


def test_the_argument_is_left_alone_and_settings_travel() -> None:
    mol = Chem.MolFromSmiles("[NH3+]CC(=O)[O-]")
    again = pickle.loads(pickle.dumps(Standardizer(stereo="drop")))
    assert again(mol).smiles == "NCC(=O)O"
    assert Chem.MolToSmiles(mol) == "[NH3+]CC(=O)[O-]"
    assert again == Standardizer(stereo="drop")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"fragment": "smallest"}, "fragment is 'smallest'.*largest, reject, keep"),
        ({"isotopes": "D"}, "isotopes is 'D'"),
        ({"stereo": "R"}, "stereo is 'R'"),
        ({"max_tautomers": 0}, "max_tautomers must be 1"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Standardizer(**settings)  # type: ignore[arg-type]


def test_standardising_again_changes_nothing(shared_data: Path) -> None:
    table = gzip.open(shared_data / "zinc250k_smiles.csv.gz", "rt")
    with table:
        smiles = [line.strip() for line in islice(table, 1, None, 5000)]
    standardize = Standardizer()
    for text in smiles:
        first = standardize(Chem.MolFromSmiles(text))
        assert first.mol is not None, text
        second = standardize(first.mol)
        assert (second.smiles, second.changes) == (first.smiles, ()), text
        assert second.inchikey == first.inchikey, text
