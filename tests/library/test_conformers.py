from __future__ import annotations

import os
import time

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from molgan.errors import ConfigError
from molgan.library import conformers
from molgan.library.conformers import Conformer, embed, embed_all

MIXED = ["CCO", "no", "c1ccccc1[C@H](N)C(=O)O", "C1#CC1", "CC(=O)Nc1ccc(O)cc1", "CCCCCCO"]


def built(smiles: str, **settings: int) -> Conformer:
    result = embed(smiles, **settings)
    assert isinstance(result, Conformer), result
    return result


def test_a_structure_is_a_real_one() -> None:
    ethanol = built("CCO")
    assert ethanol.force_field == "MMFF94s"
    assert ethanol.mol.GetNumAtoms() == 9
    conformer = ethanol.mol.GetConformer()
    assert conformer.Is3D()
    assert rdMolTransforms.GetBondLength(conformer, 0, 1) == pytest.approx(1.51, abs=0.03)
    assert rdMolTransforms.GetBondLength(conformer, 1, 2) == pytest.approx(1.41, abs=0.03)
    # MMFF94s' own minimum for the anti conformer (RDKit, -1.337 kcal/mol), gauche is 0.2 above.
    assert -1.4 < ethanol.energy < -1.0


def test_the_seed_decides_the_coordinates() -> None:
    def positions(seed: int) -> np.ndarray:
        return np.asarray(built("CCCCCCO", seed=seed).mol.GetConformer().GetPositions())

    np.testing.assert_array_equal(positions(1), positions(1))
    assert np.abs(positions(1) - positions(2)).max() > 0.1


def test_stereochemistry_given_is_kept_and_open_centres_are_named() -> None:
    for smiles in ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "C/C=C/CO", "C/C=C\\CO"):
        assert built(smiles).smiles == Chem.CanonSmiles(smiles)
    named = built("CC(N)C(=O)O").smiles
    assert named in {Chem.CanonSmiles("C[C@H](N)C(=O)O"), Chem.CanonSmiles("C[C@@H](N)C(=O)O")}


def test_of_several_the_lowest_is_kept() -> None:
    one, many = built("OCCCCCO", seed=4), built("OCCCCCO", seed=4, conformers=12)
    assert many.mol.GetNumConformers() == 1
    assert many.energy < one.energy


def test_boron_goes_by_uff() -> None:
    assert built("OB(O)c1ccccc1").force_field == "UFF"


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("C(", "parse"),
        ("", "empty"),
        ("*C", "dummy"),
        ("CC.O", "fragments"),
        ("[Pt](Cl)(Cl)(N)N", "no force field parameters"),
    ],
)
def test_what_cannot_be_built_has_a_reason(smiles: str, reason: str) -> None:
    assert embed(smiles) == reason


def test_a_failed_embedding_says_so_and_why() -> None:
    reason = embed("C1#CC1", attempts=2)
    assert isinstance(reason, str)
    assert reason.startswith("embedding failed (2 attempts, then 2 from random ones: ")


@pytest.mark.parametrize(
    "settings", [{"attempts": 0}, {"seconds": 0}, {"conformers": 0}, {"seed": -1}]
)
def test_settings_that_cannot_work_are_named(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        embed("CCO", **settings)


def test_workers_give_the_same_bits_whatever_their_number() -> None:
    alone = [embed(smiles, attempts=3) for smiles in MIXED]
    for n_jobs in (1, 2):
        for expected, got in zip(alone, embed_all(MIXED, attempts=3, n_jobs=n_jobs), strict=True):
            if isinstance(expected, str):
                assert got == expected
                continue
            assert isinstance(got, Conformer)
            assert (got.smiles, got.energy) == (expected.smiles, expected.energy)
            np.testing.assert_array_equal(
                got.mol.GetConformer().GetPositions(), expected.mol.GetConformer().GetPositions()
            )


def failing(smiles: str, *settings: object) -> object:
    if smiles == "hang":
        time.sleep(3600)
    if smiles == "crash":
        os._exit(9)
    return conformers._embedded(smiles, 0, 5, 60.0, 1)


def test_a_molecule_that_hangs_or_crashes_costs_only_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conformers, "_embedded", failing)
    results = list(embed_all(["C", "hang", "CC", "crash", "CCC"], seconds=3, n_jobs=2))
    assert [r.smiles if isinstance(r, Conformer) else r for r in results] == [
        *("C", "took longer than 3 s", "CC", "worker ended (exit code 9)", "CCC")
    ]


def test_progress_is_shown_on_request_only(capsys: pytest.CaptureFixture[str]) -> None:
    list(embed_all(["C"]))
    assert capsys.readouterr().err == ""
    list(embed_all(["C"], progress=True))
    assert "mol/s" in capsys.readouterr().err
