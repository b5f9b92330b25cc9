from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molgan.chem import (
    AtomType,
    Codec,
    EncodingError,
    Vocabulary,
    pack_bonds,
    unpack_bonds,
)
from molgan.errors import ChemistryError


def canonical(smiles: str) -> str:
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False)


def test_varied_molecules_come_back_as_themselves(codec: Codec, varied: list[str]) -> None:
    encoded = codec.encode_smiles(varied)
    assert encoded.coverage.dropped == {}
    assert encoded.smiles == [canonical(text) for text in varied]
    decoded = codec.decode(encoded.atoms, encoded.bonds)
    assert [one.smiles for one in decoded] == encoded.smiles
    assert all(one.valid and one.reason is None for one in decoded)


def test_arrays_do_not_depend_on_the_order_of_the_input(codec: Codec, varied: list[str]) -> None:
    rng = np.random.default_rng(0)
    for text in varied:
        mol = Chem.MolFromSmiles(text)
        atoms, bonds = codec.encode(mol)
        order = [int(k) for k in rng.permutation(mol.GetNumAtoms())]
        again = codec.encode(Chem.RenumberAtoms(mol, order))
        assert np.array_equal(atoms, again[0])
        assert np.array_equal(bonds, again[1])


def test_atoms_stand_in_the_order_in_which_the_smiles_writes_them() -> None:
    vocabulary = Vocabulary.from_smiles(["CCO", "CN", "CF"])
    codec = Codec(vocabulary, 6)
    encoded = codec.encode_smiles(["FCC(N)O"])
    symbols = [vocabulary.atoms[k - 1].symbol for k in encoded.atoms[0] if k]
    assert symbols == [letter for letter in encoded.smiles[0] if letter.isalpha()]


def test_single_and_batch_encoding_agree(codec: Codec, varied: list[str]) -> None:
    encoded = codec.encode_smiles(varied)
    full = unpack_bonds(encoded.bonds, codec.max_atoms)
    for k, text in enumerate(varied):
        atoms, bonds = codec.encode(Chem.MolFromSmiles(text))
        n = len(atoms)
        assert np.array_equal(encoded.atoms[k, :n], atoms)
        assert np.array_equal(full[k, :n, :n], bonds)
        assert not encoded.atoms[k, n:].any()
        assert not full[k, n:].any()


def test_any_atom_order_and_any_gaps_decode_to_the_same_molecule(
    codec: Codec, varied: list[str]
) -> None:
    encoded = codec.encode_smiles(varied)
    full = unpack_bonds(encoded.bonds, codec.max_atoms)
    rng = np.random.default_rng(1)
    for k, smiles in enumerate(encoded.smiles):
        order = rng.permutation(codec.max_atoms)
        atoms, bonds = encoded.atoms[k][order], full[k][order][:, order]
        assert codec.decode(atoms[None], bonds[None])[0].smiles == smiles


@pytest.mark.parametrize(
    ("written", "graph"),
    [
        ("C[C@H](F)Cl", "CC(F)Cl"),
        ("F/C=C/F", "FC=CF"),
        ("[13CH4]", "C"),
        ("[2H]C([2H])[2H]", "C"),
        ("[CH3:7][OH:1]", "CO"),
        ("[H]OC", "CO"),
        ("CN(=O)=O", "C[N+](=O)[O-]"),
    ],
)
def test_stereo_isotopes_maps_and_explicit_hydrogens_are_dropped(written: str, graph: str) -> None:
    codec = Codec(Vocabulary.from_smiles(["CCO", "FC", "CCl", "C[N+](=O)[O-]"]), 5)
    encoded = codec.encode_smiles([written])
    assert encoded.smiles == [graph]
    atoms, bonds = codec.encode(Chem.MolFromSmiles(written))
    assert codec.decode(atoms[None], bonds[None])[0].smiles == graph


def test_explicit_hydrogens_of_a_mol_are_dropped_and_the_mol_is_not_changed(codec: Codec) -> None:
    mol = Chem.AddHs(Chem.MolFromSmiles("C[C@H](O)N"))
    before = Chem.MolToSmiles(mol)
    atoms, bonds = codec.encode(mol)
    assert codec.decode(atoms[None], bonds[None])[0].smiles == "CC(N)O"
    assert Chem.MolToSmiles(mol) == before


REASONS = [
    ("c1ccccc", "parse", None),
    ("C(C)(C)(C)(C)C", "parse", None),
    ("c1cccc1", "parse", None),
    ("", "empty", None),
    ("CC.[Na+]", "fragments", None),
    ("CCCCCCCC", "size", None),
    ("C[Se]C", "element", "Se"),
    ("C*", "element", "*"),
    ("[H][H]", "element", "H"),
    ("C[O-]", "charge", "O-"),
    ("[CH2]C", "roundtrip", None),
    ("C$C", "bond", None),
    ("C[NH2]->C", "bond", None),
]


@pytest.mark.parametrize(("smiles", "reason", "detail"), REASONS)
def test_what_does_not_fit_has_a_reason(smiles: str, reason: str, detail: str | None) -> None:
    codec = Codec(Vocabulary.from_smiles(["CCO", "CN"]), 6)
    encoded = codec.encode_smiles(["CCO", smiles, "CN"])
    assert encoded.smiles == ["CCO", "CN"]
    assert encoded.rows.tolist() == [0, 2]
    report = encoded.coverage
    assert (report.total, report.kept, report.dropped) == (3, 2, {reason: 1})
    assert report.examples == {reason: [smiles]}
    assert report.details == ({} if detail is None else {reason: {detail: 1}})


@pytest.mark.parametrize(("smiles", "reason"), [("CCCCCCC", "size"), ("C[CH2]", "roundtrip")])
def test_encoding_one_molecule_raises_with_the_reason(smiles: str, reason: str) -> None:
    codec = Codec(Vocabulary.from_smiles(["C"]), 6)
    with pytest.raises(EncodingError) as caught:
        codec.encode(Chem.MolFromSmiles(smiles))
    assert caught.value.reason == reason
    assert pickle.loads(pickle.dumps(caught.value)).reason == reason


def test_a_hydride_that_its_graph_does_not_tell_is_reported_as_roundtrip() -> None:
    # Phosphorus with three bonds gets no hydrogen from RDKit: this [PH2] is not recovered.
    codec = Codec(Vocabulary.from_smiles(["CO", "P"]), 4)
    assert codec.encode_smiles(["O=[PH2]C"]).coverage.dropped == {"roundtrip": 1}


def test_nothing_in_gives_nothing_out(codec: Codec) -> None:
    encoded = codec.encode_smiles([])
    assert len(encoded) == 0
    assert encoded.atoms.shape == (0, 14)
    assert encoded.bonds.shape == (0, 91)
    assert codec.decode(encoded.atoms, encoded.bonds) == []


def test_a_polymer_of_ten_thousand_atoms_is_refused_by_size(codec: Codec) -> None:
    assert codec.encode_smiles(["CO" * 5000]).coverage.dropped == {"size": 1}


def test_worker_processes_give_the_same_result(
    codec: Codec, varied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molgan.chem.codec.POOL_THRESHOLD", 1)
    monkeypatch.setattr("molgan.chem.codec.CHUNK", 10)
    texts = [*varied, "CC.CC"]
    alone = codec.encode_smiles(texts)
    pooled = codec.encode_smiles(texts, n_jobs=2)
    assert np.array_equal(alone.atoms, pooled.atoms)
    assert np.array_equal(alone.bonds, pooled.bonds)
    assert (alone.smiles, alone.rows.tolist()) == (pooled.smiles, pooled.rows.tolist())
    assert alone.coverage == pooled.coverage
    decoded = codec.decode(alone.atoms, alone.bonds, n_jobs=2)
    assert [one.smiles for one in decoded] == alone.smiles
    assert [Chem.MolToSmiles(one.mol) for one in decoded] == alone.smiles


def test_arrays_that_do_not_fit_are_refused(codec: Codec) -> None:
    with pytest.raises(ChemistryError, match="do not fit"):
        codec.decode(np.zeros((2, 4), np.uint8), np.zeros((2, 5, 5), np.uint8))
    with pytest.raises(ChemistryError, match="atom types must be"):
        codec.decode(np.full((1, 2), 200, np.uint8), np.zeros((1, 2, 2), np.uint8))
    with pytest.raises(ChemistryError, match="bond types must be"):
        codec.decode(np.ones((1, 2), np.uint8), np.full((1, 2, 2), 9, np.uint8))
    with pytest.raises(ChemistryError, match="max_atoms"):
        Codec(codec.vocabulary, 0)


@given(st.integers(1, 12), st.integers(0, 3), st.randoms(use_true_random=False))
def test_packing_is_undone_by_unpacking(n: int, batch: int, random: object) -> None:
    rng = np.random.default_rng(random.randrange(2**32))  # type: ignore[attr-defined]
    upper = np.triu(rng.integers(0, 5, (batch, n, n), dtype=np.uint8), 1)
    full = upper + upper.transpose(0, 2, 1)
    packed = pack_bonds(full)
    assert packed.shape == (batch, n * (n - 1) // 2)
    assert packed.dtype == np.uint8
    assert np.array_equal(unpack_bonds(packed, n), full)


def test_unpacking_refuses_what_is_no_triangle() -> None:
    with pytest.raises(ValueError, match="upper triangle"):
        unpack_bonds(np.zeros((1, 5), np.uint8))


ORGANIC = Vocabulary(
    tuple(AtomType.parse(t) for t in ("C", "N", "O", "F", "S", "P", "Cl", "N+", "O-", "N-", "C-"))
)


@st.composite
def molecules(draw: st.DrawFn) -> Chem.Mol:
    """Connected molecules that RDKit accepts, grown atom by atom within the valences."""
    n = draw(st.integers(1, 10))
    room: list[int] = []
    mol = Chem.RWMol()
    limits = ORGANIC.max_valence()
    types = [Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE]
    for k in range(n):
        index = draw(st.integers(1, len(ORGANIC.atoms)))
        kind = ORGANIC.atoms[index - 1]
        anchors = [j for j in range(len(room)) if room[j] > 0]
        if k and not anchors:
            break
        atom = Chem.Atom(kind.symbol)
        atom.SetFormalCharge(kind.charge)
        mol.AddAtom(atom)
        room.append(int(limits[index]))
        if k:
            j = draw(st.sampled_from(anchors))
            order = draw(st.integers(1, min(3, room[j], room[k])))
            mol.AddBond(j, k, types[order - 1])
            room[j] -= order
            room[k] -= order
    for _ in range(draw(st.integers(0, 4))):
        free = [j for j in range(len(room)) if room[j] > 0]
        if len(free) < 2:
            break
        i, j = draw(st.lists(st.sampled_from(free), min_size=2, max_size=2, unique=True))
        if mol.GetBondBetweenAtoms(i, j) is None:
            mol.AddBond(i, j, Chem.BondType.SINGLE)
            room[i] -= 1
            room[j] -= 1
    Chem.SanitizeMol(mol)
    return mol.GetMol()


@given(molecules(), st.booleans())
def test_random_molecules_round_trip(mol: Chem.Mol, aromatic: bool) -> None:
    bonds = (*ORGANIC.bonds, "aromatic") if aromatic else ORGANIC.bonds
    codec = Codec(Vocabulary(ORGANIC.atoms, bonds), 10)
    smiles = Chem.MolToSmiles(mol)
    if Chem.MolToSmiles(Chem.MolFromSmiles(smiles)) != smiles:
        return
    encoded = codec.encode_smiles([smiles])
    assert encoded.smiles == [smiles]
    assert codec.decode(encoded.atoms, encoded.bonds)[0].smiles == smiles
