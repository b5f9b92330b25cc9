from __future__ import annotations

import pytest
from rdkit import Chem

from molgan import chem
from molgan.errors import ChemistryError

ASPIRIN = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")


def test_aspirin_has_its_published_properties() -> None:
    # QED of aspirin as in Bickerton et al.'s definition, weights of the mean: 0.550.
    assert chem.qed(ASPIRIN) == pytest.approx(0.550, abs=5e-4)
    assert chem.logp(ASPIRIN) == pytest.approx(1.3101, abs=1e-4)
    assert chem.sa_score(ASPIRIN) == pytest.approx(1.58, abs=5e-3)
    assert chem.tpsa(ASPIRIN) == pytest.approx(63.6, abs=0.01)
    assert chem.molecular_weight(ASPIRIN) == pytest.approx(180.16, abs=0.01)
    assert chem.num_heavy_atoms(ASPIRIN) == 13
    assert chem.num_h_bond_donors(ASPIRIN) == 1
    assert chem.num_h_bond_acceptors(ASPIRIN) == 3
    assert chem.num_rings(ASPIRIN) == 1
    assert chem.num_rotatable_bonds(ASPIRIN) == 2


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [
        ("CC(=O)Oc1ccccc1C(=O)O", "c1ccccc1"),
        ("CCO", ""),
        ("C[C@H]1CC[C@@H](c2ccccc2)C1", "c1ccc(C2CCCC2)cc1"),
    ],
)
def test_murcko_scaffolds_have_no_side_chains_and_no_stereo(smiles: str, scaffold: str) -> None:
    assert chem.murcko_scaffold(Chem.MolFromSmiles(smiles)) == scaffold


def test_harder_molecules_have_higher_sa_scores() -> None:
    cage = Chem.MolFromSmiles("C12C3C4C1C5C2C3C45")
    assert 1 <= chem.sa_score(Chem.MolFromSmiles("CCO")) < chem.sa_score(cage) <= 10


def test_no_atoms_no_sa_score() -> None:
    with pytest.raises(ChemistryError, match="without atoms"):
        chem.sa_score(Chem.Mol())


def test_properties_take_decoded_molecules(codec: chem.Codec) -> None:
    encoded = codec.encode_smiles(["CC(=O)Oc1ccccc1C(=O)O"])
    mol = codec.decode(encoded.atoms, encoded.bonds)[0].mol
    assert chem.qed(mol) == chem.qed(ASPIRIN)
    assert chem.sa_score(mol) == chem.sa_score(ASPIRIN)
    assert chem.logp(mol) == chem.logp(ASPIRIN)
