from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molgan.chem import POLICIES, AtomType, Codec, Vocabulary, fit_valence, pack_bonds, repair
from molgan.errors import ConfigError

KINDS = ("C", "N", "O", "F", "S", "P", "I", "N+", "O-", "O+", "S+", "Na", "Fe", "He")
ATOMS = tuple(AtomType.parse(text) for text in KINDS)
SIMPLE = Codec(Vocabulary(tuple(AtomType(s) for s in "CNOF")), 6)
C, N, O, F = 1, 2, 3, 4  # noqa: E741


def symmetric(n: int, bonds: list[tuple[int, int, int]]) -> np.ndarray:
    matrix = np.zeros((1, n, n), dtype=np.uint8)
    for i, j, kind in bonds:
        matrix[0, i, j] = matrix[0, j, i] = kind
    return matrix


def scores(n: int, likely: dict[tuple[int, int], tuple[int, float]]) -> np.ndarray:
    """Probabilities (1, n, n, 4): the given type as likely as given, "none" takes the rest."""
    result = np.zeros((1, n, n, 4))
    result[..., 0] = 1
    for (i, j), (kind, value) in likely.items():
        for a, b in ((i, j), (j, i)):
            result[0, a, b, 0] = 1 - value
            result[0, a, b, kind] = value
    return result


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 9),
    density=st.floats(0, 1),
    aromatic=st.booleans(),
    scored=st.booleans(),
)
def test_valence_repair_is_always_valid(
    seed: int, n: int, density: float, aromatic: bool, scored: bool
) -> None:
    vocabulary = Vocabulary(ATOMS, (*Vocabulary(ATOMS).bonds, "aromatic")[: 4 + aromatic])
    codec = Codec(vocabulary, n)
    rng = np.random.default_rng(seed)
    atoms = rng.integers(0, vocabulary.num_atom_types, (10, n))
    bonds = rng.integers(1, vocabulary.num_bond_types, (10, n, n))
    bonds *= rng.random((10, n, n)) < density
    shape = (10, n, n, vocabulary.num_bond_types)
    bond_scores = rng.dirichlet(np.ones(shape[-1]), shape[:-1]) if scored else None
    results = repair("valence", atoms, bonds, codec, bond_scores=bond_scores)
    for row, result in enumerate(results):
        if not atoms[row].any():
            assert result.reason == "empty"
            continue
        assert result.valid
        assert "." not in result.smiles
        assert Chem.MolToSmiles(Chem.MolFromSmiles(result.smiles)) == result.smiles
        # Nothing is invented: the atoms are some of those given.
        assert result.mol.GetNumAtoms() <= int((atoms[row] > 0).sum())


@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(sorted(POLICIES)))
def test_what_is_valid_passes_unchanged_and_repair_never_loses_one(seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    atoms = rng.integers(0, 5, (30, 4))
    bonds = rng.integers(0, 3, (30, 4, 4))
    strict = SIMPLE.decode(atoms, bonds)
    repaired = repair(name, atoms, bonds, SIMPLE)
    for before, after in zip(strict, repaired, strict=True):
        if before.valid:
            assert after.smiles == before.smiles
        elif name == "largest_fragment" and before.reason == "fragments":
            assert after.valid


def test_largest_fragment_keeps_the_larger_piece() -> None:
    atoms = np.array([[O, C, C, N, 0, F]])
    bonds = symmetric(6, [(1, 2, 1), (2, 3, 2)])
    assert SIMPLE.decode(atoms, bonds)[0].reason == "fragments"
    assert repair("largest_fragment", atoms, bonds, SIMPLE)[0].smiles == "CC=N"


def test_largest_fragment_does_not_mend_valences() -> None:
    result = repair("largest_fragment", np.array([[F, C]]), symmetric(2, [(0, 1, 2)]), SIMPLE)
    assert result[0].reason == "valence"


def test_the_likelier_of_two_bonds_survives() -> None:
    # Fluorine has room for one bond only.
    atoms = np.array([[C, F, O]])
    bonds = symmetric(3, [(0, 1, 1), (1, 2, 1), (0, 2, 1)])
    first = scores(3, {(0, 1): (1, 0.9), (1, 2): (1, 0.6), (0, 2): (1, 0.8)})
    assert repair("valence", atoms, bonds, SIMPLE, bond_scores=first)[0].smiles == "OCF"
    second = scores(3, {(0, 1): (1, 0.6), (1, 2): (1, 0.9), (0, 2): (1, 0.8)})
    assert repair("valence", atoms, bonds, SIMPLE, bond_scores=second)[0].smiles == "COF"


def test_bonds_that_hold_the_molecule_together_come_before_multiple_bonds() -> None:
    # The likelier double bond would use up the oxygen and cut the molecule in two.
    atoms = np.array([[C, O, C]])
    bonds = symmetric(3, [(0, 1, 2), (1, 2, 1)])
    likely = scores(3, {(0, 1): (2, 0.99), (1, 2): (1, 0.5)})
    assert repair("valence", atoms, bonds, SIMPLE, bond_scores=likely)[0].smiles == "COC"


def test_an_order_is_lowered_only_as_far_as_needed() -> None:
    atoms = np.array([[N, C, O, C]])
    bonds = symmetric(4, [(0, 1, 3), (1, 2, 2), (2, 3, 1)])
    result = repair("valence", atoms, bonds, SIMPLE)[0]
    assert result.smiles == "COC#N"


def test_pieces_are_joined_by_the_likeliest_bond_where_scores_are_known() -> None:
    atoms = np.array([[C, C, O, N]])
    bonds = symmetric(4, [(0, 1, 1), (2, 3, 1)])
    likely = scores(4, {(0, 1): (1, 0.9), (2, 3): (1, 0.9), (1, 3): (1, 0.3), (0, 2): (1, 0.2)})
    assert repair("valence", atoms, bonds, SIMPLE, bond_scores=likely)[0].smiles == "CCNO"
    assert repair("valence", atoms, bonds, SIMPLE)[0].smiles == "CC"


def test_a_ring_without_kekule_structure_falls_back_to_alternating_bonds() -> None:
    codec = Codec(Vocabulary(SIMPLE.vocabulary.atoms, (*SIMPLE.vocabulary.bonds, "aromatic")), 5)
    bonds = symmetric(5, [(k, (k + 1) % 5, 4) for k in range(5)])
    assert codec.decode(np.full((1, 5), C), bonds)[0].reason == "kekulize"
    assert repair("valence", np.full((1, 5), C), bonds, codec)[0].smiles == "C1=CCC=C1"


def test_packed_bonds_are_understood() -> None:
    atoms = np.array([[C, F, O]])
    bonds = symmetric(3, [(0, 1, 2), (0, 2, 2)])
    packed = repair("valence", atoms, pack_bonds(bonds), SIMPLE)
    assert packed[0].smiles == repair("valence", atoms, bonds, SIMPLE)[0].smiles == "O=CF"


def test_fitted_bonds_are_symmetric_and_within_every_valence() -> None:
    rng = np.random.default_rng(5)
    atoms = rng.integers(0, 5, (50, 6))
    bonds = rng.integers(0, 4, (50, 6, 6))
    bond_scores = rng.dirichlet(np.ones(4), (50, 6, 6))
    fitted = fit_valence(atoms, bonds, SIMPLE, bond_scores)
    assert np.array_equal(fitted, fitted.transpose(0, 2, 1))
    assert (fitted.sum(axis=2) <= SIMPLE.vocabulary.max_valence()[atoms]).all()
    assert not fitted[atoms == 0].any()


def test_an_unknown_policy_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"magic.*largest_fragment, valence"):
        repair("magic", np.array([[C]]), symmetric(1, []), SIMPLE)
