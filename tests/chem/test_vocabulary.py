from __future__ import annotations

import json

import numpy as np
import pytest
from rdkit import Chem

from molgan.chem import BOND_NAMES, AtomType, Vocabulary
from molgan.errors import ChemistryError


@pytest.mark.parametrize(
    ("symbol", "charge", "text"),
    [("C", 0, "C"), ("N", 1, "N+"), ("O", -1, "O-"), ("S", 2, "S+2"), ("Cl", -3, "Cl-3")],
)
def test_atom_types_are_written_and_read_back(symbol: str, charge: int, text: str) -> None:
    kind = AtomType(symbol, charge)
    assert str(kind) == text
    assert AtomType.parse(text) == kind


@pytest.mark.parametrize("text", ["", "c", "+", "Xx", "N++", "C 1", "*", "13C"])
def test_what_is_no_atom_type_is_refused_by_name(text: str) -> None:
    with pytest.raises(ChemistryError, match="atom type"):
        AtomType.parse(text)


def test_types_come_by_falling_frequency_then_alphabet() -> None:
    vocabulary = Vocabulary.from_smiles(["CCO", "CN", "C[NH3+]", "CF"])
    assert [str(a) for a in vocabulary.atoms] == ["C", "F", "N", "N+", "O"]


def test_the_order_of_the_data_does_not_matter(varied: list[str]) -> None:
    assert Vocabulary.from_smiles(varied) == Vocabulary.from_smiles(varied[::-1])


def test_molecules_and_smiles_give_the_same_vocabulary(varied: list[str]) -> None:
    mols = [Chem.MolFromSmiles(text) for text in varied]
    assert Vocabulary.from_mols(mols) == Vocabulary.from_smiles(varied)


def test_rare_types_are_left_out_on_request() -> None:
    vocabulary = Vocabulary.from_smiles(["CCO", "CCO", "CF"], min_count=2)
    assert [str(a) for a in vocabulary.atoms] == ["C", "O"]


def test_hydrogen_dummies_and_unreadable_lines_are_no_types() -> None:
    vocabulary = Vocabulary.from_smiles(["[H][H]", "C*", "not a molecule", "[2H]O", ""])
    assert vocabulary.elements == {"C", "O"}


def test_nothing_readable_is_an_error() -> None:
    with pytest.raises(ChemistryError, match="no atom type"):
        Vocabulary.from_smiles(["?", ""])


def test_indices_count_from_one_and_zero_is_nothing(vocabulary: Vocabulary) -> None:
    assert vocabulary.num_atom_types == len(vocabulary.atoms) + 1
    for k, kind in enumerate(vocabulary.atoms, start=1):
        assert vocabulary.atom_index(kind.symbol, kind.charge) == k
    assert vocabulary.atom_index("U", 0) is None
    assert vocabulary.bonds[0] == "none"
    assert vocabulary.num_bond_types == (5 if vocabulary.aromatic else 4)


def test_a_vocabulary_survives_json(vocabulary: Vocabulary) -> None:
    assert Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict()))) == vocabulary


@pytest.mark.parametrize("data", [{}, {"atoms": ["C"]}, {"atoms": None, "bonds": []}])
def test_a_broken_vocabulary_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ChemistryError, match="vocabulary"):
        Vocabulary.from_dict(data)


def test_twice_the_same_type_is_refused() -> None:
    with pytest.raises(ChemistryError, match="twice"):
        Vocabulary((AtomType("C"), AtomType("C")))


def test_other_sets_of_bonds_are_refused() -> None:
    with pytest.raises(ChemistryError, match="bond types"):
        Vocabulary((AtomType("C"),), ("single", "none"))


def test_valences_agree_with_textbook_numbers() -> None:
    kinds = ["C", "N", "O", "F", "N+", "O-", "N-", "C-", "S", "P", "Cl", "B", "O+"]
    vocabulary = Vocabulary(tuple(AtomType.parse(kind) for kind in kinds), BOND_NAMES[:4])
    expected = [0, 4, 3, 2, 1, 4, 1, 2, 3, 6, 5, 1, 3, 3]
    assert np.array_equal(vocabulary.max_valence(), expected)
