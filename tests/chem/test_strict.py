from __future__ import annotations

import pytest
from rdkit import Chem

from molgan.chem import JUDGE_REASONS, judge_all, judge_smiles, quiet_rdkit


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("C1CC", "parse"),
        ("not a molecule", "parse"),
        ("", "empty"),
        ("[H][H]", "empty"),
        ("*CC", "dummy"),
        ("C(C)(C)(C)(C)C", "valence"),
        ("c1cccc1", "kekulize"),
        ("CC.O", "fragments"),
        ("[Na+].[Cl-]", "fragments"),
    ],
)
def test_what_is_no_molecule_gets_its_reason(smiles: str, reason: str) -> None:
    with quiet_rdkit():
        judged = judge_smiles(smiles)
    assert (judged.mol, judged.smiles, judged.reason) == (None, None, reason)
    assert reason in JUDGE_REASONS


@pytest.mark.parametrize(
    ("smiles", "canonical"),
    [
        ("C1=CC=CC=C1", "c1ccccc1"),
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
        ("[2H]C([2H])([2H])O", "CO"),
        ("[CH3:1][OH:2]", "CO"),
        ("CN(=O)=O", "C[N+](=O)[O-]"),
        ("[NH4+]", "[NH4+]"),
    ],
)
def test_a_molecule_gets_its_canonical_stereo_free_smiles(smiles: str, canonical: str) -> None:
    judged = judge_smiles(smiles)
    assert judged.smiles == canonical
    assert judged.reason is None
    assert judged.mol is not None
    assert Chem.MolToSmiles(judged.mol) == canonical


def test_a_list_keeps_its_order() -> None:
    assert judge_all(["CCO", "C1", "OCC"]) == [("CCO", None), (None, "parse"), ("CCO", None)]
