from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molgan.chem import DECODE_REASONS, AtomType, Codec, Decoded, Vocabulary
from molgan.chem.connectivity import is_connected, largest_component

KINDS = ("C", "N", "O", "F", "S", "P", "I", "B", "N+", "O-", "O+", "S+", "Na")
ATOMS = tuple(AtomType.parse(text) for text in KINDS)
CODECS = {
    False: Codec(Vocabulary(ATOMS), 7),
    True: Codec(Vocabulary(ATOMS, (*Vocabulary(ATOMS).bonds, "aromatic")), 7),
}
N_TYPE = 1 + KINDS.index("N")
O_TYPE = 1 + KINDS.index("O")


def decode(
    atoms: list[int], bonds: list[tuple[int, int, int]], *, aromatic: bool = False
) -> Decoded:
    n = len(atoms)
    matrix = np.zeros((1, n, n), dtype=np.uint8)
    for i, j, kind in bonds:
        matrix[0, i, j] = matrix[0, j, i] = kind
    return CODECS[aromatic].decode(np.array([atoms], dtype=np.uint8), matrix)[0]


def garbage(
    seed: int, batch: int, n: int, density: float, aromatic: bool
) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    atoms = rng.integers(0, len(ATOMS) + 1, (batch, n), dtype=np.uint8)
    kinds = rng.integers(1, 5 if aromatic else 4, (batch, n, n), dtype=np.uint8)
    upper = np.triu(kinds * (rng.random((batch, n, n)) < density), 1).astype(np.uint8)
    return atoms, upper + upper.transpose(0, 2, 1)


def naive(atoms: np.ndarray, bonds: np.ndarray, aromatic: bool) -> str | None:
    """SMILES by the plainest use of RDKit: build, sanitise, one fragment; or None."""
    mol = Chem.RWMol()
    number: dict[int, int] = {}
    for k in np.flatnonzero(atoms).tolist():
        kind = ATOMS[atoms[k] - 1]
        atom = Chem.Atom(kind.symbol)
        atom.SetFormalCharge(kind.charge)
        number[k] = mol.AddAtom(atom)
    table = [None, *(Chem.BondType.names[t] for t in ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC"))]
    for i, j in np.argwhere(np.triu(bonds, 1)).tolist():
        if i in number and j in number:
            mol.AddBond(number[i], number[j], table[bonds[i, j]])
    # Five-valent nitrogen would be rewritten by RDKit's clean-up; strict decoding does not.
    limits = CODECS[aromatic].vocabulary.max_valence()
    orders = np.array([0, 1, 2, 3, 1])[bonds] * (atoms[:, None] != 0) * (atoms[None, :] != 0)
    if (orders.sum(axis=1) > limits[atoms]).any():
        return None
    try:
        Chem.SanitizeMol(mol)
        smiles: str = Chem.MolToSmiles(mol)
        back = Chem.MolFromSmiles(smiles)
    except Chem.MolSanitizeException:
        return None
    if not number or "." in smiles or back is None or Chem.MolToSmiles(back) != smiles:
        return None
    return smiles


@pytest.mark.parametrize(
    ("atoms", "bonds", "reason"),
    [
        ([0, 0, 0], [], "empty"),
        ([1, 1], [], "fragments"),
        ([1, 1, 1, 1], [(0, 1, 1), (2, 3, 1)], "fragments"),
        ([1, 0, 1], [(0, 1, 1), (1, 2, 1)], "fragments"),
        ([O_TYPE, 1], [(0, 1, 3)], "valence"),
        ([1, N_TYPE, O_TYPE, O_TYPE], [(0, 1, 1), (1, 2, 2), (1, 3, 2)], "valence"),
    ],
)
def test_every_failure_has_its_reason(
    atoms: list[int], bonds: list[tuple[int, int, int]], reason: str
) -> None:
    assert decode(atoms, bonds) == Decoded(None, None, reason)


def test_aromatic_bonds_decode_where_a_kekule_structure_exists() -> None:
    ring = [(k, (k + 1) % 6, 4) for k in range(6)]
    assert decode([1] * 6, ring, aromatic=True).smiles == "c1ccccc1"
    five = [(k, (k + 1) % 5, 4) for k in range(5)]
    assert decode([O_TYPE, 1, 1, 1, 1], five, aromatic=True).smiles == "c1ccoc1"
    assert decode([1] * 5, five, aromatic=True).reason == "kekulize"
    assert decode([1] * 3, [(0, 1, 4), (1, 2, 4)], aromatic=True).reason == "kekulize"


def test_one_atom_is_a_molecule() -> None:
    assert decode([0, O_TYPE, 0], []).smiles == "O"


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.6), st.booleans(), st.integers(1, 7))
def test_strict_decoding_is_what_rdkit_says(
    seed: int, density: float, aromatic: bool, n: int
) -> None:
    atoms, bonds = garbage(seed, 40, n, density, aromatic)
    for row, result in enumerate(CODECS[aromatic].decode(atoms, bonds)):
        assert result.smiles == naive(atoms[row], bonds[row], aromatic)
        assert (result.mol is None) == (result.smiles is None) == (result.reason is not None)
        assert result.reason in (None, *DECODE_REASONS)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.6), st.booleans())
def test_decoded_molecules_are_closed_shell_and_read_back(
    seed: int, density: float, aromatic: bool
) -> None:
    atoms, bonds = garbage(seed, 40, 5, density, aromatic)
    for result in CODECS[aromatic].decode(atoms, bonds):
        if result.mol is not None:
            assert all(a.GetNumRadicalElectrons() == 0 for a in result.mol.GetAtoms())
            assert all(a.GetAtomicNum() > 0 for a in result.mol.GetAtoms())
            assert Chem.MolToSmiles(Chem.MolFromSmiles(result.smiles)) == result.smiles


def test_a_batch_of_any_size_keeps_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    atoms, bonds = garbage(3, 50, 4, 0.4, False)
    whole = [(r.smiles, r.reason) for r in CODECS[False].decode(atoms, bonds)]
    monkeypatch.setattr("molgan.chem.decoding.CHUNK", 7)
    assert [(r.smiles, r.reason) for r in CODECS[False].decode(atoms, bonds)] == whole
    assert len({reason for _, reason in whole}) >= 3


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 7, 63, 64, 65, 130]))
def test_connectivity_agrees_with_a_plain_search(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    present = rng.random((6, n)) < 0.8
    upper = np.triu(rng.random((6, n, n)) < 1.2 / n, 1)
    adjacent = (upper | upper.transpose(0, 2, 1)) & present[:, :, None] & present[:, None, :]
    connected = is_connected(adjacent, present)
    largest = largest_component(adjacent, present)
    for row in range(6):
        left = set(np.flatnonzero(present[row]).tolist())
        pieces = []
        while left:
            piece, frontier = set(), {min(left)}
            while frontier:
                piece |= frontier
                frontier = {
                    int(j) for k in frontier for j in np.flatnonzero(adjacent[row, k])
                } - piece
            pieces.append(piece)
            left -= piece
        assert connected[row] == (len(pieces) <= 1)
        expected = max(pieces, key=len, default=set())
        assert set(np.flatnonzero(largest[row]).tolist()) == expected


def test_of_equal_pieces_the_surer_is_kept() -> None:
    adjacent = np.zeros((1, 4, 4), dtype=bool)
    adjacent[0, [0, 1, 2, 3], [1, 0, 3, 2]] = True
    present = np.ones((1, 4), dtype=bool)
    assert largest_component(adjacent, present).tolist() == [[True, True, False, False]]
    weights = np.array([[0.5, 0.5, 0.9, 0.9]])
    assert largest_component(adjacent, present, weights).tolist() == [[False, False, True, True]]
