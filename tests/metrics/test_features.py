from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import QED, Descriptors

from molgan.metrics import features as module
from molgan.metrics.features import Features
from molgan.metrics.moses import brics_fragments, ring_scaffold
from molgan.metrics.nspdk import nspdk_matrix, nspdk_mean
from molgan.metrics.similarity import morgan_bits

SMILES = ["CCO", "c1ccc2ccccc2c1", "CCO", "CC(=O)Nc1ccccc1", "CCN"]
DISTINCT = ["CCO", "c1ccc2ccccc2c1", "CC(=O)Nc1ccccc1", "CCN"]


def mols() -> list[Chem.Mol]:
    return [Chem.MolFromSmiles(text) for text in DISTINCT]


def test_distinct_molecules_in_order_with_their_copies():
    features = Features(SMILES)
    assert features.distinct == DISTINCT
    assert features.inverse.tolist() == [0, 1, 0, 2, 3]
    assert features.counts.tolist() == [2, 1, 1, 1]
    assert len(features) == 5


def test_each_kind_is_what_its_metric_computes():
    features = Features(SMILES)
    properties = features.properties()
    assert properties["qed"] == pytest.approx([QED.qed(mol) for mol in mols()])
    assert properties["weight"] == pytest.approx([Descriptors.MolWt(mol) for mol in mols()])
    assert properties["heavy_atoms"].tolist() == [3, 10, 10, 3]
    assert (features.bits() == morgan_bits(mols())).all()
    assert [tuple(names) for names in features.fragments()] == [brics_fragments(m) for m in mols()]
    assert features.ring_scaffolds() == [ring_scaffold(mol) for mol in mols()]
    assert features.descriptors()[0].shape == (4, 9)
    assert features.kl_features().shape == (4, 10)
    assert [item.ring_sizes for item in features.structures()] == [(), (6, 6), (6,), ()]


def test_a_mean_over_the_set_counts_repeats():
    features = Features(SMILES)
    matrix = nspdk_matrix([Chem.MolFromSmiles(text) for text in SMILES])
    assert features.nspdk_mean() == pytest.approx(nspdk_mean(matrix))
    assert (features.nspdk()[features.inverse] != matrix).nnz == 0


def test_statistics_of_chemnet_count_repeats():
    pytest.importorskip("fcd")
    features = Features(SMILES)
    statistics = features.fcd_statistics()
    everything = features.activations()[features.inverse]
    assert statistics.n == 5
    assert statistics.mean == pytest.approx(everything.mean(axis=0), abs=1e-6)


@pytest.fixture
def no_more_work(monkeypatch: pytest.MonkeyPatch):
    """From the call on, nothing may be computed."""

    def forbid() -> None:
        def work(*_: object) -> None:
            raise AssertionError("computed again")

        monkeypatch.setattr(module, "_describe", work)
        monkeypatch.setattr(module, "_nspdk", work)

    return forbid


def test_a_reference_is_described_once(tmp_path: Path, no_more_work):
    first = Features(SMILES, cache_dir=tmp_path)
    first.require("properties", "fragments")
    mean = first.nspdk_mean()
    no_more_work()
    again = Features(SMILES, cache_dir=tmp_path)
    assert again.properties()["qed"].tolist() == first.properties()["qed"].tolist()
    assert again.fragments() == first.fragments()
    assert again.nspdk_mean().tolist() == mean.tolist()
    # Other molecules never meet that cache.
    with pytest.raises(AssertionError, match="computed again"):
        Features([*SMILES, "C"], cache_dir=tmp_path).properties()


def test_a_damaged_cache_is_computed_again(tmp_path: Path):
    before = Features(SMILES, cache_dir=tmp_path).properties()["logp"]
    (path,) = (tmp_path / "features").glob("*-properties.npz")
    path.write_bytes(path.read_bytes()[:50])
    after = Features(SMILES, cache_dir=tmp_path).properties()["logp"]
    assert after.tolist() == before.tolist()
    assert np.load(path)["values"].shape == (4, 5)


def test_no_molecules_have_empty_features():
    features = Features([])
    assert features.properties()["qed"].shape == (0,)
    assert features.fragments() == []
    assert features.bits().shape == (0, 128)


def test_worker_processes_give_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("molgan.chem.parallel.POOL_THRESHOLD", 1)
    monkeypatch.setattr(module, "_CHUNK", 2)
    alone, pooled = Features(SMILES), Features(SMILES, n_jobs=2)
    assert pooled.bits().tolist() == alone.bits().tolist()
    assert pooled.fragments() == alone.fragments()
