from __future__ import annotations

import gzip
import pickle
from itertools import islice
from pathlib import Path

import pytest
from rdkit import Chem
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from molgan.chem.alerts import CATALOGUES, Alert, Alerts
from molgan.chem.prescreen import Prescreen
from molgan.errors import ConfigError, DataError

# One or more for most groups that the catalogues know, salts and cages among them.
VARIED = """
CC(=O)Cl CN=C=O O=C1C=CC(=O)C=C1 c1ccccc1N=Nc1ccccc1 CC1CO1 C1CN1 CSSC CC(=O)OC(C)=O NN
C[Si](C)(C)C CCCCCCCCCC CI C[N+](=O)[O-] OO CC=O O=C1NC(=S)SC1=Cc1ccccc1 Oc1ccccc1O
CN(C)c1ccc(C=C2C(=O)NC(=O)NC2=O)cc1 CC#N [Na+] C[Hg]C [13CH4] [2H]OC CS(=O)(=O)Cl
FC(F)(F)C(F)(F)C(F)(F)F c1ccc2cc3ccccc3cc2c1 C1CCCCCCCCCCC1 C12C3C4C1C5C2C3C45 C1C2CC12
CC(C)(C)OO CP(=O)(O)OP(=O)(O)O CC(=O)CC(C)=O C=CC(=O)N C=CS(=O)(=O)C
NC(=O)c1cc([N+](=O)[O-])cc([N+](=O)[O-])c1 C[n+]1ccccc1 CC(C)=NO S=C=Nc1ccccc1 O=C1CCO1 O=C1CCN1
c1ccoc1 CB(O)O C[Se]C
""".split()


def test_every_catalogue_gives_rdkits_alerts(shared_data: Path) -> None:
    with gzip.open(shared_data / "zinc250k_smiles.csv.gz", "rt") as table:
        smiles = [line.strip() for line in islice(table, 1, None, 8000)]
    with gzip.open(shared_data / "qm9_smiles.csv.gz", "rt") as table:
        smiles += [line.strip().split(",")[1] for line in islice(table, 1, None, 8000)]
    reference = FilterCatalog(FilterCatalogParams(FilterCatalogParams.FilterCatalogs.ALL))
    alerts = Alerts()
    found = 0
    for text in [*VARIED, *smiles]:
        mol = Chem.MolFromSmiles(text)
        entries: dict[str, list[set[int]]] = {}
        for entry in reference.GetMatches(mol):
            matches = entry.GetFilterMatches(mol)
            atoms = {pair.target for match in matches for pair in match.atomPairs}
            entries.setdefault(entry.GetDescription(), []).append(atoms)
        got = alerts.find(mol)
        expected = sorted(name for name, places in entries.items() for _ in places)
        assert sorted(alert.name for alert in got) == expected, text
        for alert in got:
            # RDKit's entry tells the atoms of its first match only.
            assert any(atoms <= set(alert.atoms) for atoms in entries[alert.name]), text
        found += len(got)
    assert found > 200


def test_an_alert_knows_where_it_is_from() -> None:
    mol = Chem.MolFromSmiles("CCc1ccccc1N=Nc1ccccc1")
    found = Alerts(("PAINS",)).find(mol)
    assert found == [Alert("PAINS_A", "azo_A(324)", found[0].atoms)]
    assert {8, 9} <= set(found[0].atoms)
    assert str(found[0]) == "PAINS_A azo_A(324)"
    sources = {alert.catalogue for alert in Alerts().find(mol)}
    assert sources <= set(CATALOGUES)
    assert any(source.startswith("CHEMBL_") for source in sources)


def test_all_matches_of_a_pattern_are_one_alert_with_all_atoms(tmp_path: Path) -> None:
    path = tmp_path / "own.smarts"
    path.write_text("[F,Cl]C halide\n")
    assert Alerts((), (path,)).find(Chem.MolFromSmiles("FCCCl")) == [
        Alert("own.smarts", "halide", (0, 1, 2, 3))
    ]


def test_parts_of_catalogues_and_spelling() -> None:
    mol = Chem.MolFromSmiles("CC(=O)Cl")
    assert Alerts(("pains_a",)).find(mol) == []
    glaxo = Alerts(("CHEMBL_GLAXO",))
    assert glaxo.catalogues == ("CHEMBL_Glaxo",)
    assert {alert.catalogue for alert in glaxo.find(mol)} == {"CHEMBL_Glaxo"}
    with pytest.raises(ConfigError, match=r"'PAIN'; known: .*PAINS"):
        Alerts(("PAIN",))


def test_own_file(tmp_path: Path) -> None:
    path = tmp_path / "own.smarts"
    path.write_text("﻿# comments and blank lines\n\n[#6]=O  any carbonyl\n[N;H2]\n", "utf-8")
    alerts = pickle.loads(pickle.dumps(Alerts((), (path,))))
    path.unlink()  # read once, when made
    found = alerts.find(Chem.MolFromSmiles("NC(C)=O"))
    assert [(alert.name, alert.atoms) for alert in found] == [
        ("any carbonyl", (1, 3)),
        ("[N;H2]", (0,)),
    ]


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file of alerts .*none\.smarts"):
        Alerts((), (tmp_path / "none.smarts",))
    with pytest.raises(DataError, match="cannot read"):
        Alerts((), (tmp_path,))
    bad = tmp_path / "bad.smarts"
    bad.write_text("CO ether\n\nC1( broken\n")
    with pytest.raises(DataError, match=r"bad\.smarts, line 3: 'C1\(' is no SMARTS"):
        Alerts((), (bad,))
    bad.write_bytes(b"CO \xff\xfe")
    with pytest.raises(DataError, match="no text in UTF-8"):
        Alerts((), (bad,))


SMARTS = """
C [#6] c [!#6] [C;H1,H2] [#7;H0] [N+] [O-] [!+0] [R] [!R] [r5] [R2] [x3] [D3] [X2] [v4] C=O
C-,=O [#6]~[#8] C!@C C@C C-!@C cc c-c C1CC1 *1**1 C1CCCCC1 [$(C=O)] [$(C=O),$(C#N)] [!$(C=O)]
[C;$(CN),$(CO)] [$(C=O);!$(C-O)] [N;!$(N-C=O)] [2H] [13C] [F,Cl,Br,I] O.O [C;R;!$(C1CC1)] [a]
[A;!#1] [#6;X3;!R]=[#7,#8] [C@H](N)C [CH3:1][OX2:2] [C,c;H0] [!C;!c] [+] [-]
""".split()


def test_no_pattern_that_matches_is_ever_screened_out() -> None:
    patterns = [Chem.MolFromSmarts(smarts) for smarts in SMARTS]
    screen = Prescreen([*patterns, None])
    spared = 0
    for text in [*VARIED, "C[C@H](N)C(=O)O", "c1ccc(-c2ccccc2)cc1", "OCC1CC1CC2CCCCC2", "OCCO"]:
        mol = Chem.MolFromSmiles(text)
        candidates = screen.candidates(mol)
        matching = {i for i, pattern in enumerate(patterns) if mol.HasSubstructMatch(pattern)}
        assert matching <= set(candidates), text
        assert candidates[-1] == len(patterns)
        spared += len(patterns) - len(set(candidates) - {len(patterns)})
    assert spared > 0.4 * len(patterns) * len(VARIED)
