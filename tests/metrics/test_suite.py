"""Whole measurements: every group against values worked out another way, and what can go wrong."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors
from scipy.stats import wasserstein_distance

from molgan.errors import ConfigError
from molgan.metrics import Protocol, Reference, measure, sample_from_model, sample_from_smiles
from molgan.metrics.protocols import GROUPS
from molgan.metrics.suite import elements

TRAIN = ["CCO", "CCN", "c1ccccc1", "C1CCCC1", "CC(=O)Nc1ccccc1", "CCCCO", "CC(C)C", "OCCO"] * 1
TEST = ["CCCO", "c1ccncc1", "CC(=O)Oc1ccccc1", "c1ccc(-c2ccccc2)cc1", "NCCN", "CCC"]
SAMPLE = ["CCO", "CCO", "CCCN", "c1ccccc1", "C1CC", "CC(=O)Oc1ccccc1", "c1ccc(-c2ccccn2)cc1", "C.C"]


@pytest.fixture
def reference() -> Reference:
    return Reference("mine", test=list(TEST), train=list(TRAIN))


def run(smiles, reference, *groups, **settings):
    protocol = Protocol("test", groups or GROUPS)
    return measure(sample_from_smiles(smiles, "lib"), reference, protocol, **settings)


def test_strict_counts(reference):
    report = run(SAMPLE, reference, "strict")
    figures = report.figures
    assert (figures["n"], figures["n_valid"], figures["n_unique"]) == (8, 6, 5)
    assert figures["valid"] == pytest.approx(6 / 8)
    assert figures["unique"] == pytest.approx(5 / 6)
    # New are propylamine, phenyl acetate and phenylpyridine.
    assert figures["novel"] == pytest.approx(3 / 5)
    assert figures["vun"] == pytest.approx(3 / 8)
    assert (figures["rejected/parse"], figures["rejected/fragments"]) == (1, 1)
    assert report.errors["valid"] == pytest.approx(math.sqrt(0.75 * 0.25 / 8))
    assert "1,000 valid molecules" in report.missing["unique_at_1k"]
    assert report.examples["not valid"] == ["entry 5: C1CC (parse)", "entry 8: C.C (fragments)"]


def test_moses_properties_are_wasserstein_distances(reference):
    figures = run(SAMPLE, reference, "moses").figures
    valid = [Chem.MolFromSmiles(s) for s in SAMPLE if s not in ("C1CC", "C.C")]
    test = [Chem.MolFromSmiles(s) for s in TEST]
    for key, function in {"logp": Crippen.MolLogP, "weight": Descriptors.MolWt}.items():
        expected = wasserstein_distance([function(m) for m in valid], [function(m) for m in test])
        assert figures[f"moses/{key}"] == pytest.approx(expected, abs=1e-9)


def test_moses_by_hand(reference):
    figures = run(SAMPLE, reference, "moses").figures
    assert figures["moses/valid"] == pytest.approx(6 / 8)
    assert figures["moses/novel"] == pytest.approx(3 / 5)
    # One scaffold of two rings on either side, and they differ.
    assert figures["moses/scaf_test"] == 0
    same = run([*SAMPLE, "Cc1ccc(-c2ccccc2)cc1"], reference, "moses").figures
    assert same["moses/scaf_test"] == pytest.approx(1 / math.sqrt(2))
    alike = run(TEST, reference, "moses").figures
    assert alike["moses/snn_test"] == pytest.approx(1)
    assert alike["moses/frag_test"] == pytest.approx(1)
    assert alike["moses/logp"] == pytest.approx(0)
    # Glycol's diamine has no MCF; nothing here is a PAINS; aldehydes, long chains are absent.
    assert 0 <= alike["moses/filters"] <= 1


def test_a_sample_of_the_test_set_itself_is_at_distance_zero(reference):
    pytest.importorskip("fcd")
    report = run(TEST, reference, "strict", "moses", "gdss")
    assert report.figures["fcd"] == pytest.approx(0, abs=1e-3)
    assert report.figures["moses/fcd_test"] == report.figures["fcd"]
    assert report.figures["gdss/fcd"] == report.figures["fcd"]
    assert report.figures["gdss/nspdk"] == pytest.approx(0, abs=1e-9)
    assert any("FCD of 6 molecules" in note for note in report.notes)


def test_ten_thousand_copies_of_one_molecule(reference):
    pytest.importorskip("fcd")
    report = run(["CCO"] * 10_000, reference, "strict", "moses", "structure", "memorisation")
    figures = report.figures
    assert figures["valid"] == 1
    assert figures["unique"] == figures["unique_at_10k"] == 1 / 10_000
    assert figures["novel"] == figures["vun"] == 0
    assert figures["int_div"] == pytest.approx(0, abs=1e-6)
    assert figures["moses/int_div2"] == pytest.approx(0, abs=1e-6)
    assert figures["fcd"] > 1
    assert figures["memorisation/copied"] == 1
    assert figures["structure/scaffold_distinct"] == 0
    assert report.missing["moses/scaf_test"] == "one of the two sets has none"


def test_nothing_valid_costs_only_what_needs_molecules(reference):
    report = run(["C1CC", "C.C", "nonsense"], reference)
    assert report.figures["valid"] == 0
    assert report.figures["vun"] == 0
    assert report.figures["n"] == 3
    # One fragment of a broken pair is a molecule to GDSS.
    assert report.figures["gdss/valid_without_correction"] == pytest.approx(1 / 3)
    for group in ("strict", "moses", "guacamol", "structure", "memorisation"):
        assert "no valid molecule" in report.missing[group]


def test_without_a_reference_the_rest_still_comes():
    report = run(SAMPLE, None)
    assert report.figures["unique"] == pytest.approx(5 / 6)
    assert report.figures["moses/int_div"] > 0
    assert "structure/scaffold_distinct" in report.figures
    assert "novel" in report.missing
    assert "reference" in report.missing["memorisation"]
    assert "fcd" not in report.figures
    assert any("no reference" in note for note in report.notes)


def test_without_chemnet_the_rest_still_comes(reference, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcd", None)
    report = run(SAMPLE, reference)
    for key in ("fcd", "moses/fcd_test", "gdss/fcd", "guacamol/fcd_score", "digress/fcd"):
        assert key not in report.figures
        assert "molgan[metrics]" in report.why_missing(key)
    for key in ("valid", "moses/snn_test", "gdss/nspdk", "guacamol/kl", "memorisation/auc"):
        assert key in report.figures


def test_guacamol_with_a_small_reference_says_so(reference):
    report = run(SAMPLE, reference, "guacamol")
    assert report.figures["guacamol/validity"] == pytest.approx(6 / 8)
    assert report.figures["guacamol/uniqueness"] == pytest.approx(5 / 6)
    assert any("GuacaMol's reference is all 8" in note for note in report.notes)


def test_memorisation_tells_copies_from_new_molecules(reference):
    copies = run(TRAIN, reference, "memorisation").figures
    assert copies["memorisation/copied"] == 1
    assert copies["memorisation/auc"] == 1
    other = run(TEST, reference, "memorisation").figures
    assert other["memorisation/copied"] == 0
    assert other["memorisation/auc"] == pytest.approx(0.5)


def test_what_is_not_the_published_protocol_is_said(reference):
    protocol = Protocol("moses", ["strict"], n=30_000, reference="moses")
    report = measure(sample_from_smiles([*SAMPLE, "CCCl"]), reference, protocol)
    assert any("30,000 molecules and this library has 9" in note for note in report.notes)
    assert any("against moses" in note for note in report.notes)
    assert any(note.startswith("Cl in the library") for note in report.notes)


def test_a_protocol_looks_at_its_first_n(reference):
    report = measure(sample_from_smiles(SAMPLE), reference, Protocol("p", ["strict"], n=3))
    assert report.figures["n"] == 3
    assert report.figures["valid"] == 1


def test_a_protocol_of_unknown_groups_is_refused():
    with pytest.raises(ConfigError, match="there is no 'magic'"):
        Protocol("p", ["strict", "magic"])
    with pytest.raises(ConfigError, match="is empty"):
        Protocol("p", [])
    with pytest.raises(ConfigError, match="n=0"):
        Protocol("p", ["strict"], n=0)


def test_errors_can_be_left_out_and_are_reproducible(reference):
    without = run(SAMPLE, reference, "moses", errors=False)
    assert not any(key.startswith("moses/frag") for key in without.errors)
    one = run(SAMPLE, reference, "moses", seed=1)
    two = run(SAMPLE, reference, "moses", seed=1)
    assert one.errors == two.errors
    assert one.errors["moses/frag_test"] > 0


def test_a_model_is_measured_in_every_way(chain_bundle, reference):
    sample = sample_from_model(chain_bundle, 300, repair_policy="valence")
    report = measure(sample, reference)
    figures = report.figures
    assert figures["valid"] == pytest.approx(len(sample.valid) / 300)
    assert figures["repaired/valid"] == 1
    assert figures["lenient/valid"] >= figures["valid"]
    assert figures["gdss/valid_without_correction"] >= figures["valid"]
    assert figures["digress/relaxed_valid"] >= figures["valid"]
    drawn = sum(drawn for drawn, _ in report.size_validity.values())
    valid = sum(valid for _, valid in report.size_validity.values())
    assert (drawn, valid) == (300, len(sample.valid))
    assert len(report.properties["qed"]) == len(sample.valid)
    assert all(0 <= similarity <= 1 for _, _, similarity in report.nearest)


def test_a_measured_library_is_a_measured_model(chain_bundle, reference):
    """The same molecules as text and as arrays give the same figures."""
    drawn = sample_from_model(chain_bundle, 200)
    texts = sample_from_smiles(drawn.valid)
    kept = measure(texts, reference, Protocol("p", ["moses", "gdss", "structure"])).figures
    assert kept["gdss/valid_without_correction"] == 1
    model = measure(drawn, reference, Protocol("p", ["moses", "structure"])).figures
    for key in model:
        if key != "moses/valid" and not np.isnan(model[key]):
            assert kept[key] == pytest.approx(model[key])


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CCO", {"C", "O"}),
        ("Clc1ccc(Br)s1", {"C", "Cl", "Br", "S"}),
        ("C[N+](=O)[O-]", {"C", "N", "O"}),
        ("c1c[nH]cc1[Se]C", {"C", "N", "Se"}),
        ("C[Si](C)(C)[13CH3]", {"C", "Si"}),
        ("[Sc]n1cc1", {"Sc", "N", "C"}),
    ],
)
def test_elements_of_a_smiles(smiles, expected):
    assert elements([smiles]) == expected
