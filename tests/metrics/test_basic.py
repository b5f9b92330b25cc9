from __future__ import annotations

import json
import math

import numpy as np
import pytest
from rdkit import Chem

from molgan.chem import Decoded
from molgan.metrics import HashedIdentities, evaluate, expected_distinct, internal_diversity


def valid(*smiles: str) -> list[Decoded]:
    return [Decoded(Chem.MolFromSmiles(text), text, None) for text in smiles]


def rejected(*reasons: str) -> list[Decoded]:
    return [Decoded(None, None, reason) for reason in reasons]


TRAINING = HashedIdentities.from_smiles(["CCO", "C", "N", "O"])
SAMPLE = [
    *valid("CCO", "CCO", "c1ccccc1", "Cc1ccccc1", "C1CC1", "C"),
    *rejected("valence", "valence", "fragments", "empty"),
]


def test_figures_of_a_sample_by_hand() -> None:
    figures = evaluate(SAMPLE, TRAINING)
    assert figures["n"] == 10
    assert figures["n_valid"] == 6
    assert figures["n_unique"] == 5
    assert figures["valid"] == pytest.approx(0.6)
    assert figures["unique"] == pytest.approx(5 / 6)
    assert figures["novel"] == pytest.approx(3 / 5)  # benzene, toluene, cyclopropane
    assert figures["vun"] == pytest.approx(3 / 10)
    assert figures["vun"] == pytest.approx(figures["valid"] * figures["unique"] * figures["novel"])
    assert figures["scaffolds"] == 2  # benzene and cyclopropane
    assert figures["mean_atoms"] == pytest.approx((3 + 3 + 6 + 7 + 3 + 1) / 6)
    assert figures["ceiling_unique"] == pytest.approx(4 * (1 - math.exp(-6 / 4)) / 6)
    assert {key: value for key, value in figures.items() if key.startswith("rejected/")} == {
        "rejected/empty": 1,
        "rejected/fragments": 1,
        "rejected/valence": 2,
    }
    assert "unique_at_1k" not in figures
    assert "qed" not in figures


def test_figures_are_plain_json() -> None:
    figures = evaluate(SAMPLE, TRAINING, properties=True)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_mean_properties_count_repeats() -> None:
    # logP by Crippen's contributions: ethanol -0.0014, benzene 1.6866.
    figures = evaluate(valid("CCO", "CCO", "c1ccccc1"), properties=True)
    assert figures["logp"] == pytest.approx((2 * -0.0014 + 1.6866) / 3, abs=1e-6)
    assert 0 < figures["qed"] < 1
    assert 1 <= figures["sa"] <= 10


def test_unique_at_1k_is_of_the_first_thousand_valid_ones() -> None:
    chains = ["C" * length for length in range(1, 401)]
    draws = valid(*chains, *chains, *chains)  # the first 1,000 hold 400 distinct, 1,200 draws too
    sample = [item for draw in draws for item in (draw, *rejected("valence"))]
    figures = evaluate(sample, training_size=1000, diversity=False)
    assert figures["unique_at_1k"] == pytest.approx(0.4)
    assert figures["unique"] == pytest.approx(1 / 3)
    assert figures["ceiling_unique_at_1k"] == pytest.approx(1 - math.exp(-1))
    assert "unique_at_10k" not in figures


@pytest.mark.parametrize("sample", [[], rejected("valence", "empty")])
def test_nothing_valid_never_looks_perfect(sample: list[Decoded]) -> None:
    figures = evaluate(sample, TRAINING, properties=True)
    assert [figures[key] for key in ("valid", "unique", "novel", "vun", "scaffolds")] == [0] * 5
    assert "int_div" not in figures
    assert "ceiling_unique" not in figures


def test_without_training_molecules_there_is_no_novelty() -> None:
    figures = evaluate(SAMPLE)
    assert not {"novel", "vun", "ceiling_unique"} & set(figures)


def test_expected_distinct_agrees_with_real_draws() -> None:
    rng = np.random.default_rng(0)
    drawn = [len(np.unique(rng.integers(0, 2000, 3000))) for _ in range(50)]
    assert expected_distinct(2000, 3000) == pytest.approx(np.mean(drawn), rel=0.005)
    # The figure in the project's own brief: 10,000 draws from QM9's 120,716 training molecules.
    assert expected_distinct(120_716, 10_000) / 10_000 == pytest.approx(0.959, abs=1e-3)
    assert expected_distinct(5, 0) == 0


def test_internal_diversity_by_hand() -> None:
    # Methane, ammonia and water set one bit each (the atom), all different: of the 9 ordered pairs
    # the 3 of a molecule with itself have similarity 1, the others 0.
    mols = [Chem.MolFromSmiles(text) for text in ("C", "N", "O")]
    assert internal_diversity(mols) == pytest.approx(1 - 3 / 9)
    assert internal_diversity(mols, power=2) == pytest.approx(1 - math.sqrt(3 / 9))
    assert internal_diversity([mols[0]] * 5) == pytest.approx(0.0)


def test_internal_diversity_equals_rdkits_similarities() -> None:
    from rdkit import DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    mols = [Chem.MolFromSmiles(text) for text in ("CCO", "CCN", "c1ccccc1O", "Cc1ccccc1", "C1CC1C")]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    prints = [generator.GetFingerprint(mol) for mol in mols]
    mean = np.mean([DataStructs.BulkTanimotoSimilarity(one, prints) for one in prints])
    assert internal_diversity(mols) == pytest.approx(1 - mean, abs=1e-12)


def test_the_subset_hangs_on_the_seed() -> None:
    mols = [Chem.MolFromSmiles("C" * n + "O" * (n % 3)) for n in range(1, 60)]
    first, again, other = (internal_diversity(mols, subset=10, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
