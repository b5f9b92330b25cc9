"""The bundled set: what is in the file, that it is what the rules and the enumeration give."""

from __future__ import annotations

import csv
import gzip
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path
from types import SimpleNamespace

import pytest
from rdkit import Chem

from molgan.chem import quiet_rdkit
from molgan.data.sources import Bundled

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "data" / "bundled.smi.gz"
README = ROOT / "data" / "README.md"

STABLE = {
    "methane": "C",
    "ammonia": "N",
    "water": "O",
    "acetylene": "C#C",
    "hydrogen cyanide": "C#N",
    "formaldehyde": "C=O",
    "acetic acid": "CC(=O)O",
    "glycine": "NCC(=O)O",
    "urea": "NC(=O)N",
    "acetonitrile": "CC#N",
    "acetone oxime": "CC(C)=NO",
    "fluoroform": "FC(F)F",
    "trifluoroethanol": "OCC(F)(F)F",
    "oxirane": "C1CO1",
    "dioxolane": "C1COCO1",
    "cyclohexene": "C1CCC=CC1",
    "norbornane": "C1CC2CCC1C2",
    "bicyclo[2.2.2]octane": "C1CC2CCC1CC2",
    "succinimide": "O=C1CCC(=O)N1",
    "benzene": "c1ccccc1",
    "fluorobenzene": "Fc1ccccc1",
    "benzonitrile": "N#Cc1ccccc1",
    "anisole": "COc1ccccc1",
    "pyridine": "c1ccncc1",
    "imidazole": "c1c[nH]cn1",
    "tetrazole": "c1nnn[nH]1",
    "furazan": "c1cnon1",
    "uracil": "O=c1cc[nH]c(=O)[nH]1",
    "cytosine": "Nc1cc[nH]c(=O)n1",
    "dimethylformamide": "CN(C)C=O",
    "guanidine": "N=C(N)N",
    "N-methylmorpholine": "CN1CCOCC1",
    "quinuclidine": "C1CN2CCC1CC2",
}

# Rule -> molecules that break it (and often others too).
BROKEN = {
    "more than three rings": ["C12C3C4C1C5C4C3C25", "C12C3C1C1C2C31"],
    "an atom in two three-membered rings": ["C1C2CC12", "C1CC12CC2"],
    "four ring bonds at a carbon that is not a spiro centre": ["C1CC23CCC2(C1)C3"],
    "small ring on an aromatic ring": ["C1Cc2ccncc12", "C1c2cccn12"],
    "bridged aromatic ring": ["c1cc2oc1CC2"],
    "aromatic rings fused by a non-aromatic bond": ["c1ncc2o[nH]cc1-2"],
    "aromatic ring of eight atoms": ["c1c[nH]cc[nH]nn1"],
    "cumulated double bonds": ["C=C=C", "CN=C=O", "C=C=O", "O=C=O"],
    "triple bond in a ring": ["C1CCC#CCCC1"],
    "double bond inside a three- or four-membered ring": ["C1=CC1", "C1=CCC1", "C1=CC=C1"],
    "double bond at a three-membered ring": ["O=C1CC1", "C=C1CC1"],
    "ring double bond at the fusion with a small ring": ["C1=C2CCC2CC1"],
    "anti-Bredt double bond": ["C1=C2CCC(C1)C2"],
    "open-chain or exocyclic C=C": ["C=C", "CC=C", "C=CC=C", "C=C1CCCCC1", "C=CC#N"],
    "bond between heteroatoms": ["OO", "NN", "NO", "CN=NC", "CN=O", "NF", "OF", "FF", "C1CON1"],
    "single bond between pyrrole-type heteroatoms": ["O=c1cc[nH][nH]1", "O=c1cc[nH]o1"],
    "five heteroatoms in a row": ["c1nnnnn1", "Cn1nnnn1"],
    "hydroximate": ["COC(C)=NO"],
    "hemiacetal or gem-diol": ["OCO", "COCO", "NCO"],
    "aminal": ["NCN", "CNCOC"],
    "orthoester": ["COC(OC)OC"],
    "acetal in a small ring": ["COC1CO1", "C1OCO1"],
    "fluorine elsewhere than in CF3 or on an aromatic ring": [
        "F",
        "CF",
        "CC(F)F",
        "CC(F)=O",
        "FC#C",
        "OC(F)(F)F",
        "FC1=CCCC1",
    ],
    "enol or enol ether": ["OC1=CCCC1", "C1=COCC1"],
    "enamine": ["NC1=CCCC1", "C1=CN(C)CC1"],
    "simple imine": ["C=N", "CC=NC", "C1CCN=C1"],
    "activated imine": ["NC=NC=O", "CN(C)C=NC=N"],
    "imidic acid": ["CC(O)=N"],
    "ynol, ynamine, cyanate, cyanamide": ["OC#C", "NC#C", "COC#N", "NC#N"],
    "anhydride or isoimide": ["CC(=O)OC(C)=O", "CC(=O)OC=N"],
    "carbamic or carbonic acid": ["NC(=O)O", "OC(=O)O"],
    "beta-keto acid": ["CC(=O)CC(=O)O"],
    "primary amine and aldehyde": ["NCC=O"],
}


@pytest.fixture(scope="module")
def scripts() -> Iterator[SimpleNamespace]:
    """The modules that make the set; they live in data/, outside the package."""
    names = ("bundled_graphs", "bundled_rules", "bundled_enumeration", "build_bundled")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "data"))
        yield SimpleNamespace(**{name: __import__(name) for name in names})
        for name in names:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def content() -> bytes:
    return gzip.decompress(FILE.read_bytes())


@pytest.fixture(scope="module")
def smiles(content: bytes) -> list[str]:
    return content.decode("ascii").splitlines()


@pytest.fixture(scope="module")
def mols(smiles: list[str]) -> list[Chem.Mol]:
    with quiet_rdkit():
        return [Chem.MolFromSmiles(text) for text in smiles]


def canonical(text: str) -> str:
    return Chem.CanonSmiles(text, useChiral=0)


def of_size(smiles: list[str], mols: list[Chem.Mol], size: int) -> set[str]:
    return {s for s, m in zip(smiles, mols, strict=True) if m.GetNumAtoms() == size}


def rebuilt_text(text: str) -> str:
    """Canonical SMILES as the installed RDKit writes it; the file may come from another version."""
    return Chem.MolToSmiles(Chem.MolFromSmiles(text))


# The file


def test_is_small_and_gzip_header_has_no_name_and_no_time():
    data = FILE.read_bytes()
    assert len(data) < 1_000_000
    assert data[:4] == b"\x1f\x8b\x08\x00"
    assert data[4:8] == b"\0\0\0\0"


def test_content_and_counts_are_those_documented(content, mols):
    text = README.read_text(encoding="utf-8")
    assert hashlib.sha256(content).hexdigest() in text
    counts = Counter(mol.GetNumAtoms() for mol in mols)
    for size, count in counts.items():
        assert f"| {size} | {count:,} |" in text
    assert f"| all | {len(mols):,} |" in text


def test_the_source_reads_the_whole_file(smiles):
    raw = Bundled().read()
    assert raw.smiles == smiles
    assert not raw.skipped


def test_molecules_are_neutral_closed_shell_and_within_bounds(mols):
    assert all(mol is not None for mol in mols)
    for mol in mols:
        assert 1 <= mol.GetNumAtoms() <= 8
        assert len(Chem.GetMolFrags(mol)) == 1
        for atom in mol.GetAtoms():
            assert atom.GetSymbol() in {"C", "N", "O", "F"}
            assert atom.GetFormalCharge() == 0
            assert atom.GetNumRadicalElectrons() == 0
            assert atom.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED


def test_no_molecule_twice_and_sorted_by_size(smiles, mols):
    assert len(smiles) == len(set(smiles)) == len({Chem.MolToSmiles(mol) for mol in mols})
    keys = [(mol.GetNumAtoms(), text) for text, mol in zip(smiles, mols, strict=True)]
    assert keys == sorted(keys)


def test_molecules_break_no_rule(scripts, smiles, mols):
    # Every seventh here; test_full_build_gives_the_file covers all.
    for text, mol in list(zip(smiles, mols, strict=True))[::7]:
        assert scripts.bundled_rules.is_stable(mol), text


# What is in, and what is not


@pytest.mark.parametrize("name", sorted(STABLE))
def test_known_stable_molecule_is_in(name, smiles):
    assert canonical(STABLE[name]) in set(smiles)


@pytest.mark.parametrize("rule", sorted(BROKEN))
def test_rule_keeps_its_textbook_molecules_out(rule, scripts, smiles):
    for text in BROKEN[rule]:
        mol = Chem.MolFromSmiles(text)
        assert rule in scripts.bundled_rules.broken_rules(mol), text
        assert not scripts.bundled_rules.is_stable(mol), text
        assert canonical(text) not in set(smiles), text


def test_every_rule_has_a_textbook_molecule_and_its_row_in_the_readme(scripts):
    assert {rule.name for rule in scripts.bundled_rules.RULES} == set(BROKEN)
    assert scripts.bundled_rules.markdown_table() in README.read_text(encoding="utf-8")


def test_holds_nine_tenths_of_small_qm9(shared_data, smiles):
    small: set[str] = set()
    with gzip.open(shared_data / "qm9_smiles.csv.gz", "rt") as handle, quiet_rdkit():
        for row in csv.DictReader(handle):
            # Kekulé SMILES without chlorine: every capital letter but H is a heavy atom.
            if sum(letter in "CNOF" for letter in row["smiles"]) <= 8:
                small.add(canonical(row["smiles"]))
    assert len(small) == 22_271
    assert len(small.intersection(map(rebuilt_text, smiles))) >= 0.95 * len(small)


# The enumeration


def test_rebuilding_small_sizes_gives_the_file(scripts, smiles, mols):
    for size, found in scripts.build_bundled.enumerate_molecules(6):
        assert set(found) == {rebuilt_text(text) for text in of_size(smiles, mols, size)}


@pytest.mark.slow
def test_full_build_gives_the_file(scripts, smiles, mols):
    for size, found in scripts.build_bundled.enumerate_molecules(8):
        assert set(found) == {rebuilt_text(text) for text in of_size(smiles, mols, size)}


def test_agrees_with_growing_molecules_atom_by_atom(scripts):
    """A second, plain way: no graphs, no symmetry, no pruning; rules on the finished molecules."""
    valence = {6: 4, 7: 3, 8: 2, 9: 1}
    orders = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
    kekule = Chem.SANITIZE_ALL ^ Chem.SANITIZE_SETAROMATICITY

    def grown(parent: Chem.Mol) -> Iterator[Chem.Mol]:
        open_atoms = [(a.GetIdx(), a.GetTotalNumHs()) for a in parent.GetAtoms()]
        for element, limit in valence.items():
            for count in range(1, min(limit, parent.GetNumAtoms()) + 1):
                for chosen in combinations(open_atoms, count):
                    for bonds in product(orders, repeat=count):
                        fits = all(o <= free for o, (_, free) in zip(bonds, chosen, strict=True))
                        if sum(bonds) > limit or not fits:
                            continue
                        child = Chem.RWMol(parent)
                        new = child.AddAtom(Chem.Atom(element))
                        for order, (old, _) in zip(bonds, chosen, strict=True):
                            child.AddBond(old, new, orders[order])
                        Chem.SanitizeMol(child, kekule)
                        yield child.GetMol()

    current = [Chem.MolFromSmiles(text) for text in ("C", "N", "O", "F")]
    expected = dict(scripts.build_bundled.enumerate_molecules(4))
    for size in range(1, 5):
        if size > 1:
            children = (child for parent in current for child in grown(parent))
            current = list({Chem.MolToSmiles(child): child for child in children}.values())
        finished = [Chem.MolFromSmiles(Chem.MolToSmiles(mol)) for mol in current]
        stable = {Chem.MolToSmiles(m) for m in finished if scripts.bundled_rules.is_stable(m)}
        assert stable == set(expected[size])


def test_number_of_processes_does_not_matter(scripts):
    enumerate_molecules = scripts.build_bundled.enumerate_molecules
    assert list(enumerate_molecules(5, jobs=2)) == list(enumerate_molecules(5, jobs=1))


def test_connected_graphs_are_complete(scripts):
    # Connected graphs on n vertices with no degree above 4: for n <= 5 all connected graphs.
    sizes = [len(graphs) for _, graphs in scripts.bundled_graphs.connected_graphs(7)]
    assert sizes == [1, 1, 2, 6, 21, 78, 353]


def test_automorphisms_of_known_graphs(scripts):
    graph, automorphisms = scripts.bundled_graphs.Graph, scripts.bundled_graphs.automorphisms
    star = graph(5, ((0, 1), (0, 2), (0, 3), (0, 4)))
    hexagon = graph(6, ((0, 1), (0, 5), (1, 2), (2, 3), (3, 4), (4, 5)))
    assert len(automorphisms(star)) == 24
    assert len(automorphisms(hexagon)) == 12
    kekule = {(0, 1): 2, (0, 5): 1, (1, 2): 1, (2, 3): 2, (3, 4): 1, (4, 5): 2}
    assert len(automorphisms(hexagon, kekule)) == 6


def test_command_line_writes_the_same_bytes_each_time(scripts, tmp_path, capsys):
    written = []
    for name in ("a.smi.gz", "b.smi.gz"):
        out = tmp_path / name
        scripts.build_bundled.main(["--max-atoms", "3", "--out", str(out), "--quiet"])
        written.append(out.read_bytes())
        printed = capsys.readouterr().out
        assert "24 molecules" in printed
        assert hashlib.sha256(gzip.decompress(written[-1])).hexdigest() in printed
    assert written[0] == written[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.smi.gz", "b.smi.gz"]
