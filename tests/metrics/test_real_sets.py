"""What the bench says of real molecules: sets drawn alike are near, others are far."""

from __future__ import annotations

import numpy as np
import pytest

from molgan.data import read_molecules
from molgan.metrics import Protocol, Reference, benchmark_reference, measure, sample_from_smiles

pytestmark = pytest.mark.slow


def drawn(smiles: list[str], n: int) -> list[str]:
    rows = np.random.default_rng(0).choice(len(smiles), n, replace=False)
    return [smiles[row] for row in np.sort(rows)]


def figures(smiles: list[str], reference: Reference, *groups: str) -> dict[str, float]:
    protocol = Protocol("test", groups)
    return measure(sample_from_smiles(smiles), reference, protocol, errors=False).figures


@pytest.fixture(scope="module")
def qm9(shared_data, tmp_path_factory) -> Reference:
    return benchmark_reference(
        "qm9",
        path=shared_data / "qm9_smiles.csv.gz",
        split_path=shared_data / "valid_idx_qm9.json",
        cache_dir=tmp_path_factory.mktemp("cache"),
        progress=False,
    )


def test_training_molecules_of_qm9_are_like_its_test_molecules(qm9):
    pytest.importorskip("fcd")
    values = figures(drawn(qm9.train, 10_000), qm9, "strict", "moses", "guacamol", "gdss")
    assert values["fcd"] <= 0.1
    assert values["gdss/fcd"] <= 0.1
    assert values["gdss/nspdk"] <= 0.001
    assert values["valid"] == values["gdss/valid_without_correction"] == 1
    assert values["novel"] == 0
    assert values["moses/frag_test"] >= 0.98
    assert values["guacamol/kl"] >= 0.99


def test_ten_thousand_copies_of_one_molecule_are_far_from_qm9(qm9):
    pytest.importorskip("fcd")
    values = figures(["CCO"] * 10_000, qm9, "strict", "moses", "gdss")
    assert values["unique"] == 1e-4
    assert values["int_div"] == pytest.approx(0, abs=1e-6)
    assert values["fcd"] > 10
    assert values["gdss/nspdk"] > 0.1


def test_zinc_is_far_from_qm9(qm9, shared_data):
    pytest.importorskip("fcd")
    zinc = drawn(read_molecules(shared_data / "zinc250k_smiles.csv.gz").smiles, 5_000)
    values = figures(zinc, qm9, "strict", "gdss")
    assert values["fcd"] > 10
    assert values["novel"] == 1
    assert values["gdss/nspdk"] > 0.05


def test_halves_of_moses_are_alike(shared_data):
    pytest.importorskip("fcd")
    smiles = read_molecules(shared_data / "moses_test.csv.gz").smiles
    chosen = np.random.default_rng(0).permutation(len(smiles))[:60_000]
    first, second = ([smiles[row] for row in half] for half in np.array_split(chosen, 2))
    values = figures(first, Reference("half", test=second), "strict", "moses")
    assert values["fcd"] <= 0.1
    assert values["moses/scaf_test"] >= 0.9
    assert values["moses/frag_test"] >= 0.999
    assert values["moses/filters"] >= 0.99
