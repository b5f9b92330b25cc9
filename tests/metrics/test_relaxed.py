from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molgan.chem import AtomType, Codec, Vocabulary
from molgan.chem.raw import raw_molecule, raw_molecule_from_smiles
from molgan.metrics import HashedIdentities
from molgan.metrics.relaxed import (
    DiGressCount,
    GDSSCount,
    digress_count,
    digress_figures,
    digress_molecules,
    digress_relaxed,
    digress_smiles,
    gdss_correct,
    gdss_corrected,
    gdss_count,
    gdss_figures,
    gdss_valid,
)

TYPES = [AtomType("C"), AtomType("N"), AtomType("O"), AtomType("F"), AtomType("N", 1)]
VOCABULARY = Vocabulary((*TYPES, AtomType("O", -1)), ("none", "single", "double", "triple"))
C, N, O, F, N_PLUS, O_MINUS = range(1, 7)  # noqa: E741
AROMATIC = Vocabulary((AtomType("C"), AtomType("N")), (*VOCABULARY.bonds, "aromatic"))


def graph(
    atoms: list[int], *bonds: tuple[int, int, int], vocabulary: Vocabulary = VOCABULARY
) -> Chem.Mol:
    table = np.zeros((len(atoms), len(atoms)), dtype=np.uint8)
    for start, end, kind in bonds:
        table[start, end] = table[end, start] = kind
    return raw_molecule(np.array(atoms, dtype=np.uint8), table, vocabulary)


def star(centre: int, *arms: tuple[int, int]) -> Chem.Mol:
    """A graph of `centre`, atom 0, and its neighbours (atom type, bond), from atom 1 up."""
    bonds = [(0, k, kind) for k, (_, kind) in enumerate(arms, start=1)]
    return graph([centre, *(atom for atom, _ in arms)], *bonds)


# Molecule, GDSS valid, GDSS corrected, DiGress valid, DiGress relaxed valid.
CASES = {
    "ethanol": (graph([C, C, O], (0, 1, 1), (1, 2, 1)), True, "CCO", "CCO", "CCO"),
    "five bonds at carbon: one goes": (star(C, *[(C, 1)] * 5), False, "CC(C)(C)C", None, None),
    "no charge for carbon": (star(C, (C, 3), (O, 2)), False, "C=C=O", None, None),
    "four bonds at nitrogen": (
        star(N, *[(C, 1)] * 4),
        True,
        "C[N+](C)(C)C",
        None,
        "C[N+](C)(C)C",
    ),
    "three bonds at oxygen": (star(O, *[(C, 1)] * 3), True, "C[O+](C)C", None, "C[O+](C)C"),
    "two bonds at fluorine: no charge, one goes": (
        star(F, (C, 1), (O, 1)),  # the first goes; C and OF are left, the longer text stays
        False,
        "OF",
        None,
        None,
    ),
    # At N, 2 + 2 = 4 is charged; the third bond makes 5, too many for N+. Then a double bond goes
    # down to 4. DiGress's plain graph becomes a nitro group by RDKit's clean-up, the charged one
    # does not.
    "nitro, double bonds first": (
        star(N, (O, 2), (O, 2), (C, 1)),
        False,
        "C[N+](=O)O",
        "C[N+](=O)[O-]",
        None,
    ),
    # 1 + 2 = 3, and 5 is two too many: never charged. Both double bonds go down, to 3.
    "nitro, single bond first": (
        star(N, (C, 1), (O, 2), (O, 2)),
        False,
        "CN(O)O",
        "C[N+](=O)[O-]",
        "C[N+](=O)[O-]",
    ),
    "nitro with charges stated": (
        star(N_PLUS, (O, 2), (O_MINUS, 1), (C, 1)),
        True,
        "C[N+](=O)[O-]",
        "C[N+](=O)[O-]",
        "C[N+](=O)[O-]",
    ),
    "alkoxide": (graph([C, O_MINUS], (0, 1, 1)), True, "C[O-]", "C[O-]", "C[O-]"),
    # O- may have one bond. It is not neutral, so no charge; the first bond goes, then C and C[O-].
    "two bonds at O-": (star(O_MINUS, (C, 1), (C, 1)), False, "C[O-]", None, None),
    "five bonds at N+": (star(N_PLUS, *[(C, 1)] * 5), False, "C[N+](C)(C)C", None, None),
    # N- may have two bonds; four are one more than for neutral N, but it is not neutral.
    "four bonds at N-": (raw_molecule_from_smiles("C[N-](C)(C)C"), False, "C[N-]C", None, None),
    # The bond between N (5) and O (8) makes both overfull at once. N is charged then, O only if
    # another bond comes after: 6-7 does in DiGress's order and does not in GDSS's, in which 8-5 is
    # the last. There O loses its first bond, to atom 0.
    "order of the bonds": (
        graph(
            [C, C, C, C, C, N, C, C, O],
            *((a, b, 1) for a, b in [(0, 8), (1, 8), (2, 5), (3, 5), (4, 5), (5, 8), (6, 7)]),
        ),
        False,
        "CO[N+](C)(C)C",
        None,
        "C[O+](C)[N+](C)(C)C",
    ),
    "two fragments": (graph([C, C, C, O], (0, 1, 1), (1, 2, 1)), True, "CCC", "CCC", "CCC"),
    # GDSS goes by the length of the text, DiGress by atoms: C[O-] has 5 letters for 2 atoms.
    "longest text or most atoms": (
        graph([C, C, C, C, O_MINUS], (0, 1, 1), (1, 2, 1), (3, 4, 1)),
        True,
        "C[O-]",
        "CCC",
        "CCC",
    ),
    # The valence check names atom 0 only, so nitrogen (atom 6) behind it is never charged, in
    # GDSS. The two texts left have 9 (CC(C)(C)C) and 12 letters.
    "overfull carbon hides nitrogen": (
        raw_molecule_from_smiles("C(C)(C)(C)(C)C.N(CCC)(CCC)(CCC)CCC"),
        False,
        "CCCN(CCC)CCC",
        None,
        None,
    ),
    "nitrogen before overfull carbon": (
        raw_molecule_from_smiles("N(CCC)(CCC)(CCC)CCC.C(C)(C)(C)(C)C"),
        False,
        "CCC[N+](CCC)(CCC)CCC",
        None,
        None,
    ),
    # Valence of sulfur goes up to 6: four bonds are no reason for a charge.
    "four bonds at sulfur": (
        raw_molecule_from_smiles("CS(C)(C)C"),
        True,
        "CS(C)(C)C",
        "CS(C)(C)C",
        "CS(C)(C)C",
    ),
    "Kekulé benzene": (
        graph([C] * 6, *((k, (k + 1) % 6, 1 + k % 2) for k in range(6))),
        True,
        *["c1ccccc1"] * 3,
    ),
    "benzene from aromatic bonds": (
        graph([1] * 6, *((k, (k + 1) % 6, 4) for k in range(6)), vocabulary=AROMATIC),
        True,
        *["c1ccccc1"] * 3,
    ),
    # Every carbon has valence 3, which the valence check lets pass; but there is no Kekulé form.
    "five aromatic carbons": (
        graph([1] * 5, *((k, (k + 1) % 5, 4) for k in range(5)), vocabulary=AROMATIC),
        False,
        None,
        None,
        None,
    ),
    # RDKit lets such an atom have no bonds at all; there is nothing to take away.
    "charge that allows nothing": (raw_molecule_from_smiles("[P-6]"), False, None, None, None),
    "no atoms": (graph([0, 0]), True, None, None, None),
    "bond to an empty slot": (graph([C, 0, C], (0, 1, 3), (0, 2, 1)), True, "CC", "CC", "CC"),
    "dummy atom": (raw_molecule_from_smiles("*C"), False, None, None, None),
    "quadruple bond": (raw_molecule_from_smiles("C$C"), False, None, None, None),
    "no graph": (None, False, None, None, None),
}


@pytest.mark.parametrize("name", CASES)
def test_cases_worked_out_by_hand(name: str) -> None:
    mol, valid, corrected, plain, relaxed = CASES[name]
    assert gdss_valid(mol) is valid
    assert gdss_correct(mol) == corrected
    assert digress_smiles(mol) == plain
    assert digress_relaxed(mol) == relaxed


def test_valid_graph_that_rdkit_cannot_read_again() -> None:
    # O is charged, valences pass; but RDKit's clean-up of iodine's double bond spoils O on reading.
    mol = raw_molecule_from_smiles("FO=I")
    assert gdss_count(mol) == GDSSCount(valid=True, parsed=False, smiles=None)


def test_a_sanitised_molecule_counts_like_its_raw_graph() -> None:
    mol = Chem.MolFromSmiles("c1cc[nH]c1")
    assert gdss_count(mol) == GDSSCount(True, True, "c1cc[nH]c1")
    assert digress_count(mol) == DiGressCount("c1cc[nH]c1", "c1cc[nH]c1", 1)


def test_the_molecule_given_is_not_changed() -> None:
    mol = star(N, *[(C, 1)] * 5)
    before = mol.ToBinary()
    gdss_count(mol)
    digress_count(mol)
    assert mol.ToBinary() == before


def test_counting_runs_in_worker_processes() -> None:
    for function in (gdss_count, digress_count, gdss_valid, gdss_correct, digress_relaxed):
        assert pickle.loads(pickle.dumps(function)) is function
    counts = (gdss_count(star(C, (C, 1))), digress_count(star(C, (C, 1))))
    assert pickle.loads(pickle.dumps(counts)) == counts


@pytest.mark.parametrize(
    ("text", "graph_smiles"),
    [
        ("C[C@H](O)F", "CC(O)F"),
        ("[13CH3:2]C", "CC"),
        ("[H]OC([H])[H]", "OC"),
        ("c1cc[nH]c1", "C=1C=CNC=1"),
        ("CC(C)(C)(C)C", "CC(C)(C)(C)C"),
        ("CCO.[Na+]", "CCO.[Na+]"),
        ("c1cccc1", "c1cccc1"),
        ("not a molecule", None),
        ("C1CC", None),
        ("[H][H]", None),
        ("", None),
    ],
)
def test_the_graph_that_a_text_draws(text: str, graph_smiles: str | None) -> None:
    mol = raw_molecule_from_smiles(text)
    if graph_smiles is None:
        assert mol is None
        return
    assert mol is not None
    wanted = Chem.MolFromSmiles(graph_smiles, sanitize=False)
    assert [a.GetSymbol() for a in mol.GetAtoms()] == [a.GetSymbol() for a in wanted.GetAtoms()]
    kinds = sorted(str(bond.GetBondType()) for bond in mol.GetBonds())
    assert kinds == sorted(str(bond.GetBondType()) for bond in wanted.GetBonds())
    assert all(atom.GetNumExplicitHs() == 0 for atom in mol.GetAtoms())
    assert "@" not in Chem.MolToSmiles(mol)


def test_logs_stay_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    for text in ("C1CC", "CC(C)(C)(C)C", "c1cccc1"):
        gdss_count(raw_molecule_from_smiles(text))
        digress_count(raw_molecule_from_smiles(text))
    assert capfd.readouterr().err == ""


def test_gdss_figures_by_hand() -> None:
    texts = ["CCO", "OCC", "CCN.C", "CC(C)(C)(C)C", "FO=I", "no molecule", "CN(C)(C)C"]
    counts = [gdss_count(raw_molecule_from_smiles(text)) for text in texts]
    counts.append(gdss_count(graph([0])))
    assert gdss_corrected(counts) == ["CCO", "CCO", "CCN", "CC(C)(C)C", "C[N+](C)(C)C"]
    training = HashedIdentities.from_smiles(["CCN", "CC(C)(C)C", "CCCC"])
    assert gdss_figures(counts, training) == {
        # All but the five-valent carbon and the text that is none; of 8 drawn.
        "gdss/valid_without_correction": pytest.approx(6 / 8),
        # The text is no graph, and FO=I cannot be read again: 6 are left, the empty one among them.
        "gdss/valid_without_correction_published": pytest.approx(6 / 6),
        "gdss/valid": pytest.approx(5 / 8),
        "gdss/unique": pytest.approx(4 / 5),
        "gdss/novel": pytest.approx(2 / 4),
    }


def test_digress_figures_by_hand() -> None:
    texts = ["CCO", "OCC", "CCN.C.C", "CC(C)(C)(C)C", "no molecule", "CN(C)(C)C"]
    counts = [digress_count(raw_molecule_from_smiles(text)) for text in texts]
    assert digress_molecules(counts) == ["CCO", "CCO", "CCN", "C[N+](C)(C)C"]
    training = HashedIdentities.from_smiles(["CCN", "CCCC"])
    assert digress_figures(counts, training) == {
        "digress/valid": pytest.approx(3 / 6),
        "digress/relaxed_valid": pytest.approx(4 / 6),
        "digress/unique": pytest.approx(3 / 4),
        "digress/novel": pytest.approx(2 / 3),
        "digress/components": pytest.approx((1 + 1 + 3) / 3),
    }


def test_figures_without_anything() -> None:
    assert set(gdss_figures([]).values()) == {0.0}
    assert set(digress_figures([digress_count(None)]).values()) == {0.0}
    assert "gdss/novel" not in gdss_figures([])
    assert "digress/novel" not in digress_figures([])


@st.composite
def arrays(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    size = draw(st.integers(1, 7))
    atoms = draw(st.lists(st.integers(0, 6), min_size=size, max_size=size))
    # Bonds are sparse enough that a fair share is valid, and dense enough that many are not.
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1), st.integers(1, 3))
    table = np.zeros((size, size), dtype=np.uint8)
    for start, end, kind in draw(st.lists(pairs, max_size=2 * size)):
        if start != end:
            table[start, end] = table[end, start] = kind
    return np.array(atoms, dtype=np.uint8), table


@given(arrays())
@settings(max_examples=300)
def test_on_random_graphs(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    atoms, bonds = drawn
    mol = raw_molecule(atoms, bonds, VOCABULARY)
    count = gdss_count(mol)
    assert (count.smiles is None) == (mol.GetNumAtoms() == 0)
    if count.smiles is not None:
        again = Chem.MolFromSmiles(count.smiles)
        assert again is not None
        assert "." not in count.smiles
        assert Chem.MolToSmiles(again, isomericSmiles=False) == count.smiles
        # The correction takes bonds away, never atoms; fragments may go.
        assert again.GetNumAtoms() <= mol.GetNumAtoms()

    (strict,) = Codec(VOCABULARY, len(atoms)).decode(atoms[None], bonds[None])
    if strict.valid:
        # Whatever is strictly valid is valid for both, unchanged.
        assert count == GDSSCount(True, True, strict.smiles)
        assert digress_count(mol) == DiGressCount(strict.smiles, strict.smiles, 1)
    elif strict.reason == "fragments":
        assert gdss_valid(mol)
        assert digress_count(mol).fragments > 1


@given(arrays())
@settings(max_examples=100)
def test_valid_and_connected_stays_as_it_is(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    mol = raw_molecule(*drawn, VOCABULARY)
    if not gdss_valid(mol) or len(Chem.GetMolFrags(mol)) != 1:
        return
    plain = Chem.Mol(mol)
    for atom in plain.GetAtoms():
        order = sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds())
        if atom.GetFormalCharge() == 0 and order == {"N": 4, "O": 3}.get(atom.GetSymbol()):
            atom.SetFormalCharge(1)
    Chem.SanitizeMol(plain)
    assert gdss_correct(mol) == Chem.MolToSmiles(plain)
