from __future__ import annotations

import csv
import gzip
import pickle
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molgan.chem import read_smiles
from molgan.metrics.frameworks import generic_scaffold, ring_systems
from molgan.metrics.structure import (
    Frequent,
    KnownFrameworks,
    Structure,
    frequent,
    ring_figures,
    scaffold_figures,
    structure,
)


def mol(smiles: str) -> Chem.Mol:
    found = Chem.MolFromSmiles(smiles)
    assert found is not None
    return found


def canonical(*smiles: str) -> tuple[str, ...]:
    return tuple(sorted(Chem.CanonSmiles(text) for text in smiles))


def structures(*smiles: str) -> list[Structure]:
    return [structure(mol(text)) for text in smiles]


@pytest.mark.parametrize(
    ("smiles", "systems"),
    [
        ("CCO", ()),
        ("Cc1ccccc1-c1ccccc1", ("c1ccccc1", "c1ccccc1")),
        ("c1ccc2[nH]ccc2c1CCN1CCOCC1", ("c1ccc2[nH]ccc2c1", "C1COCCN1")),
        ("C1CC2(C1)CC2", ("C1CC2(C1)CC2",)),  # spiro
        ("CC1CN2CCC1CC2", ("C1CN2CCC1CC2",)),  # bridged
        # Where a substituent was, there is a hydrogen, also where RDKit adds none by itself.
        ("Cn1cccc1", ("c1cc[nH]c1",)),
        ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", ("O=c1[nH]c(=O)c2[nH]cnc2[nH]1",)),  # caffeine
        ("C[N+]1(C)CCCC1", ("C1CC[NH2+]C1",)),
        ("C[n+]1ccccc1", ("c1cc[nH+]cc1",)),
        ("[O-][N+]1=CCCC1", ("C1=[NH+]CCC1",)),
        # Multiple bonds to the ring stay.
        ("CN1CCCC1=O", ("O=C1CCCN1",)),
        ("CC=C1CCCC1", ("C=C1CCCC1",)),
        ("CN=C1CCN1", ("N=C1CCN1",)),
        ("C[N+](C)=C1CCC1", ("[NH2+]=C1CCC1",)),
        ("O=S1(=O)CCC1C", ("O=S1(=O)CCC1",)),
        ("C=C=C1CC1", ("C=C1CC1",)),
        ("C1CCC(=C2CCCCC2)CC1", ("C=C1CCCCC1", "C=C1CCCCC1")),
    ],
)
def test_ring_systems_by_hand(smiles: str, systems: tuple[str, ...]) -> None:
    assert ring_systems(mol(smiles)) == canonical(*systems)


@pytest.mark.parametrize(
    ("smiles", "generic"),
    [
        ("CCO", ""),
        ("CC(=O)Oc1ccccc1C(=O)O", "C1CCCCC1"),
        ("O=C1CCCCN1", "C1CCCCC1"),  # the scaffold's oxygen is a side atom here
        ("O=C(c1ccccc1)N1CCOCC1", "C1CCC(CC2CCCCC2)CC1"),
        ("c1ccc2[nH]ccc2c1", "C1CCC2CCCC2C1"),
        ("C=C=C=C1CC1", "C1CC1"),
        ("C1CCP2(C1)(CCCC2)CC", "C1CCC2(C1)CCCC2"),
        ("C1CCS23(C1)(CCCC2)OCCO3", "C1CCC23(C1)(CCCC2)CCCC3"),  # six bonds: no real carbon
    ],
)
def test_generic_scaffold_by_hand(smiles: str, generic: str) -> None:
    expected = Chem.MolFromSmiles(generic, sanitize=False)
    expected.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(expected)
    assert generic_scaffold(mol(smiles)) == Chem.MolToSmiles(expected)


def test_structure_of_one_molecule() -> None:
    found = structure(mol("O=C(c1ccccc1C)N1CCC1"))
    assert found.scaffold == Chem.CanonSmiles("O=C(c1ccccc1)N1CCC1")
    assert found.generic == Chem.CanonSmiles("C(C1CCCCC1)C1CCC1")
    assert found.ring_systems == canonical("c1ccccc1", "C1CNC1")
    assert found.ring_sizes == (4, 6)
    assert structure(mol("CCO")) == Structure("", "", (), ())


def test_structure_travels_to_other_processes() -> None:
    again = pickle.loads(pickle.dumps(structure))
    assert pickle.loads(pickle.dumps(again(mol("C1CC1C")))) == structure(mol("C1CC1C"))


def test_frameworks_do_not_depend_on_the_order_of_atoms() -> None:
    for smiles in ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", "O=C1C(=C2C(=O)c3ccccc3N2)Nc2ccccc21"):
        original = mol(smiles)
        rng = np.random.default_rng(0)
        for _ in range(20):
            shuffled = Chem.RenumberAtoms(
                original, rng.permutation(original.GetNumAtoms()).tolist()
            )
            assert structure(shuffled) == structure(original)


@pytest.mark.parametrize(
    "smiles",
    [
        "Cn1cccc1",
        "C[N+]1(C)CCCC1",
        "C[n+]1cc[nH]c1",
        "O=c1cc[nH]cc1C",
        "C[N+](C)=C1CCC1",
        "C[c-]1ccc(=[NH+]C)o1",
    ],
)
def test_frameworks_of_a_molecule_built_from_a_graph(smiles: str) -> None:
    # As the decoder builds it: Kekulé, no hydrogen counts, nothing but elements and charges.
    read = mol(smiles)
    Chem.Kekulize(read, clearAromaticFlags=True)
    built = Chem.RWMol()
    for atom in read.GetAtoms():
        new = Chem.Atom(atom.GetSymbol())
        new.SetFormalCharge(atom.GetFormalCharge())
        built.AddAtom(new)
    for bond in read.GetBonds():
        built.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond.GetBondType())
    Chem.SanitizeMol(built)
    assert ring_systems(built) == ring_systems(mol(smiles))
    assert generic_scaffold(built) == generic_scaffold(mol(smiles))


SAMPLE = structures("Cc1ccccc1", "CCc1ccccc1", "C1CC1C(=O)N", "CCO", "C1CC1c1ccccc1", "N1CCCC1C")
TRAINING = KnownFrameworks.of(structures("c1ccccc1O", "CCCC", "C1CCCC1", "C1CC1CCc1ccccc1"))


def test_scaffold_figures_by_hand() -> None:
    # Scaffolds: benzene 2, cyclopropane, cyclopropylbenzene, pyrrolidine; the last three are new.
    assert scaffold_figures(SAMPLE, TRAINING) == {
        "scaffold/distinct": 4,
        "scaffold/generic_distinct": 4,
        "scaffold/molecules": pytest.approx(5 / 6),
        "scaffold/single": pytest.approx(3 / 4),
        "scaffold/novel": pytest.approx(3 / 4),
        "scaffold/generic_novel": pytest.approx(2 / 4),  # pyrrolidine's graph is cyclopentane's
        "scaffold/novel_molecules": pytest.approx(3 / 6),
    }


def test_ring_figures_by_hand() -> None:
    # Ring systems: benzene 3, cyclopropane 2, pyrrolidine 1; only pyrrolidine is new.
    assert ring_figures(SAMPLE, TRAINING) == {
        "ring_system/distinct": 3,
        "ring_system/mean": pytest.approx(6 / 6),
        "ring_system/novel": pytest.approx(1 / 3),
        "ring_system/novel_molecules": pytest.approx(1 / 6),
        "ring_size/none": pytest.approx(1 / 6),
        "ring_size/3": pytest.approx(2 / 6),
        "ring_size/4": 0,
        "ring_size/5": pytest.approx(1 / 6),
        "ring_size/6": pytest.approx(3 / 6),
        "ring_size/7": 0,
        "ring_size/8+": 0,
    }


def test_large_rings_count_together_and_a_molecule_once() -> None:
    figures = ring_figures(structures("C1CCCCCCC1", "C1CCCCCCCCCC1", "C1CCCCCC1C1CCCCCC1"))
    assert figures["ring_size/8+"] == pytest.approx(2 / 3)
    assert figures["ring_size/7"] == pytest.approx(1 / 3)


def test_without_training_nothing_is_called_novel() -> None:
    keys = set(scaffold_figures(SAMPLE)) | set(ring_figures(SAMPLE))
    assert not [key for key in keys if "novel" in key]


def test_empty_and_acyclic_libraries() -> None:
    assert scaffold_figures([], TRAINING) == {
        "scaffold/distinct": 0,
        "scaffold/generic_distinct": 0,
    }
    assert ring_figures([], TRAINING) == {"ring_system/distinct": 0}
    chains = structures("CC", "CO")
    assert scaffold_figures(chains, TRAINING)["scaffold/molecules"] == 0
    assert ring_figures(chains, TRAINING)["ring_size/none"] == 1


def test_frequent_frameworks() -> None:
    found = frequent(([item.scaffold] for item in SAMPLE), TRAINING.scaffolds, top=2)
    assert found == [
        Frequent("c1ccccc1", 2, pytest.approx(2 / 6), True),
        Frequent("C1CC1", 1, pytest.approx(1 / 6), False),  # first of the alphabet among three
    ]
    new = frequent((item.ring_systems for item in SAMPLE), TRAINING.ring_systems, only_new=True)
    assert new == [Frequent("C1CCNC1", 1, pytest.approx(1 / 6), False)]


def test_a_framework_counts_once_in_a_molecule() -> None:
    found = frequent(item.ring_systems for item in structures("c1ccccc1-c1ccccc1", "CC"))
    assert found == [Frequent("c1ccccc1", 1, 0.5, None)]
    assert frequent([], TRAINING.scaffolds) == []
    assert frequent([["C1CC1"]], only_new=True) == []


def test_known_frameworks_survive_a_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "known.npz", **TRAINING.arrays())
    with np.load(tmp_path / "known.npz", allow_pickle=False) as stored:
        again = KnownFrameworks.load(dict(stored))
    assert scaffold_figures(SAMPLE, again) == scaffold_figures(SAMPLE, TRAINING)
    assert ring_figures(SAMPLE, again) == ring_figures(SAMPLE, TRAINING)
    assert len(TRAINING.scaffolds) == 3  # acyclic molecules have none


@pytest.mark.parametrize("name", ["qm9_smiles.csv.gz", "zinc250k_smiles.csv.gz"])
def test_ring_systems_of_real_molecules_are_molecules(shared_data: Path, name: str) -> None:
    with gzip.open(shared_data / name, "rt") as file:
        rows = [row["smiles"].strip() for row in csv.DictReader(file)]
    count = 0
    for smiles in rows[:: len(rows) // 300]:
        molecule, _ = read_smiles(smiles)
        for system in ring_systems(molecule):
            read = mol(system)
            assert Chem.MolToSmiles(read) == system
            assert not any(atom.GetNumRadicalElectrons() for atom in read.GetAtoms())
            assert len(ring_systems(read)) == 1
            assert molecule.HasSubstructMatch(read) or "+" in system or "-" in system
            count += 1
    assert count > 200
