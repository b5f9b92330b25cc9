from __future__ import annotations

import pytest
from rdkit import Chem

from molgan.chem import identity, read_smiles


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("OCC", "C(C)O"),
        ("C[C@H](N)O", "C[C@@H](N)O"),
        ("C1=CC=CC=C1", "c1ccccc1"),
        ("CN(=O)=O", "C[N+]([O-])=O"),
        ("[2H]C", "C"),
        ("F/C=C/F", "F/C=C\\F"),
    ],
)
def test_the_same_graph_has_the_same_identity(first: str, second: str) -> None:
    mols = [read_smiles(text)[0] for text in (first, second)]
    assert identity(mols[0]) == identity(mols[1])


def test_an_identity_is_its_own_identity(varied: list[str]) -> None:
    for text in varied:
        smiles = identity(Chem.MolFromSmiles(text))
        assert identity(Chem.MolFromSmiles(smiles)) == smiles


def test_tautomers_and_charges_stay_different() -> None:
    assert identity(read_smiles("Oc1ccccn1")[0]) != identity(read_smiles("O=c1cccc[nH]1")[0])
    assert identity(read_smiles("CC(=O)O")[0]) != identity(read_smiles("CC(=O)[O-]")[0])


def test_unreadable_text_has_a_reason() -> None:
    assert read_smiles("C1CC") == (None, "parse")
    assert read_smiles("") == (None, "empty")
    assert read_smiles("CC.O", max_atoms=9) == (None, "fragments")
    assert read_smiles("CCC", max_atoms=2) == (None, "size")
    mol, reason = read_smiles("CC.O")
    assert mol.GetNumAtoms() == 3
    assert reason is None
