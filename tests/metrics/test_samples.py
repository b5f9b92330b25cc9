from __future__ import annotations

from pathlib import Path

import pytest
from rdkit import Chem

from molgan.chem.raw import raw_arrays
from molgan.errors import BundleError, ConfigError, DataError
from molgan.metrics import sample_from_file, sample_from_model, sample_from_smiles

LINES = ["CCO", "OCC", "C1CC", "CC.O", "c1ccccc1", "", "C(C)(C)(C)(C)C"]


def test_every_entry_is_judged_in_its_place():
    sample = sample_from_smiles(LINES, "mine")
    assert sample.smiles == ["CCO", "CCO", None, None, "c1ccccc1", None, None]
    assert sample.reasons == [None, None, "parse", "fragments", None, "empty", "valence"]
    assert sample.valid == ["CCO", "CCO", "c1ccccc1"]
    assert len(sample) == 7
    assert sample.examples[0] == "entry 3: C1CC (parse)"


def test_one_string_is_not_a_library():
    with pytest.raises(DataError, match="a list of SMILES is wanted"):
        sample_from_smiles("CCO")


def test_the_first_molecules_drawn_are_those_of_all_columns():
    sample = sample_from_smiles(LINES, repair_policy="valence").first(4)
    assert len(sample) == len(sample.reasons) == len(sample.texts or []) == 4
    assert len(sample.repaired or []) == 4
    assert len(list(sample.raw_molecules())) == 4
    assert sample.first(None) is sample
    assert sample.first(100) is sample


def test_repair_mends_what_can_be_read_and_leaves_valid_ones_alone():
    repaired = sample_from_smiles(LINES, repair_policy="valence").repaired
    assert repaired is not None
    assert repaired[:3] == ["CCO", "CCO", None]
    # Two fragments that the policy may not join: the larger stays.
    assert repaired[3] == "CC"
    # Five bonds at one carbon: one of five equal ones goes.
    assert repaired[6] == "CC(C)(C)C"
    assert repaired[5] is None


def test_an_unknown_repair_policy_is_named():
    with pytest.raises(ConfigError, match="repair=magic"):
        sample_from_smiles(["C1CC", "CC.O"], repair_policy="magic")


def test_a_file_counts_every_row_but_blank_lines(tmp_path: Path):
    path = tmp_path / "library.smi"
    path.write_bytes(b"CCO a\n\nC1CC b\n\xff\xfe c\nCCN d\n\n")
    sample = sample_from_file(path)
    assert sample.name == "library"
    assert sample.smiles == ["CCO", None, "CCN", None]
    assert sample.reasons == [None, "parse", None, "not UTF-8"]
    assert sample.examples == ["row 2: C1CC (parse)", "line 4 (not UTF-8)"]


def test_an_empty_field_of_a_table_is_an_invalid_molecule(tmp_path: Path):
    path = tmp_path / "library.csv"
    path.write_text("name,smiles\na,CCO\nb,\nc,CCN\n")
    sample = sample_from_file(path)
    assert sample.smiles == ["CCO", "CCN", None]
    assert sample.reasons[-1] == "blank"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\n\n", "holds no molecules"), (b"# nothing\n", "holds no molecules")],
)
def test_a_file_without_molecules_is_refused(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "library.smi"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        sample_from_file(path)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"library=.*nowhere\.smi"):
        sample_from_file(tmp_path / "nowhere.smi")


def test_a_model_is_measured_with_all_that_it_draws(chain_bundle):
    sample = sample_from_model(chain_bundle, 200, seed=3)
    assert len(sample) == 200
    assert sample.atoms is not None
    assert len(sample.atoms) == 200
    assert 0 < len(sample.valid) < 200
    assert sample.repaired is None
    again = sample_from_model(chain_bundle, 200, seed=3)
    assert again.smiles == sample.smiles
    assert sample_from_model(chain_bundle, 200, seed=4).smiles != sample.smiles
    raw = list(sample.raw_molecules())
    for mol, smiles in zip(raw, sample.smiles, strict=True):
        if smiles is not None:
            Chem.SanitizeMol(mol)
            assert Chem.MolToSmiles(mol) == smiles


def test_a_model_with_repair_gives_both(chain_bundle):
    sample = sample_from_model(chain_bundle, 100, repair_policy="valence")
    assert sample.repaired is not None
    assert all(after is not None for after in sample.repaired)
    for before, after in zip(sample.smiles, sample.repaired, strict=True):
        assert before is None or before == after


def test_a_missing_model_is_named(tmp_path: Path):
    with pytest.raises(BundleError, match="nowhere"):
        sample_from_model(tmp_path / "nowhere.molgan", 10)


def test_raw_arrays_hold_what_is_no_molecule():
    params = Chem.SmilesParserParams()
    params.sanitize = False
    mols = [Chem.MolFromSmiles(text, params) for text in ("C(C)(C)(C)(C)C", "[NH4+].*O")]
    atoms, bonds, vocabulary = raw_arrays(mols)
    assert [str(kind) for kind in vocabulary.atoms] == ["C", "N+", "O"]
    assert atoms.tolist() == [[1] * 6, [2, 0, 3, 0, 0, 0]]
    assert bonds[0].sum(axis=1).tolist() == [5, 1, 1, 1, 1, 1]
    assert bonds[1][1, 2] == 1
    assert (bonds == bonds.transpose(0, 2, 1)).all()
