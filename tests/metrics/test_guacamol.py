from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from rdkit.ML.Descriptors import MoleculeDescriptors
from scipy import stats

from molgan.errors import DataError
from molgan.metrics import guacamol

SMILES = (
    "CC(=O)Oc1ccccc1C(=O)O CN1CCC[C@H]1c1cccnc1 CC(C)Cc1ccc(cc1)C(C)C(=O)O c1ccc2ccccc2c1 CCO "
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C C1CC1 C O CCN(CC)CC O=C1CCCN1 C1CCC2CCCCC2C1 [O-][N+](=O)c1ccccc1"
).split()
MOLS = [Chem.MolFromSmiles(text) for text in SMILES]
RNG = np.random.default_rng(0)


def scipys_divergence(reference: np.ndarray, sample: np.ndarray) -> float:
    both = np.concatenate([reference, sample])
    grid = np.linspace(both.min(), both.max(), 1000)
    p, q = (stats.gaussian_kde(values)(grid) + 1e-10 for values in (reference, sample))
    return float(stats.entropy(p, q))


def prints(mols: list[Chem.Mol]) -> np.ndarray:
    return np.array([guacamol.fingerprint(mol) for mol in mols])


def features(mols: list[Chem.Mol]) -> np.ndarray:
    return guacamol.kl_features([guacamol.descriptors(mol) for mol in mols], prints(mols))


def test_descriptors_are_rdkits_by_those_names() -> None:
    calculator = MoleculeDescriptors.MolecularDescriptorCalculator(guacamol.DESCRIPTORS)
    for mol in MOLS:
        assert guacamol.descriptors(mol) == pytest.approx(calculator.CalcDescriptors(mol))


def test_descriptors_of_aspirin_as_published() -> None:
    # PubChem CID 2244: 180.16 g/mol, TPSA 63.6, 1 donor. RDKit counts 3 acceptors.
    values = dict(zip(guacamol.DESCRIPTORS, guacamol.descriptors(MOLS[0]), strict=True))
    assert values["MolWt"] == pytest.approx(180.16, abs=0.01)
    assert values["TPSA"] == pytest.approx(63.6, abs=0.01)
    assert values["NumHDonors"] == 1
    assert values["NumHAcceptors"] == 3
    assert (values["NumAliphaticRings"], values["NumAromaticRings"]) == (0, 1)


def test_descriptors_leave_nothing_on_the_molecule() -> None:
    mol = Chem.MolFromSmiles("CCOc1ccccc1")
    guacamol.descriptors(mol)
    assert not vars(mol)


def test_molecule_functions_travel_to_other_processes() -> None:
    for function in (guacamol.descriptors, guacamol.fingerprint):
        again = pickle.loads(pickle.dumps(function))
        np.testing.assert_array_equal(again(MOLS[0]), function(MOLS[0]))


def test_fingerprint_is_morgan_radius_2_with_4096_bits() -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=4096)
    expected = np.array([generator.GetFingerprintAsNumPy(mol) for mol in MOLS])
    found = np.unpackbits(prints(MOLS), axis=1, bitorder="little")
    np.testing.assert_array_equal(found, expected)


def test_internal_similarity_by_hand() -> None:
    # Bits 1 2 3 / 2 3 4 / 9: neighbours 2/4, 2/4 and none.
    bits = np.zeros((3, 4096), dtype=np.uint8)
    bits[0, [1, 2, 3]] = bits[1, [2, 3, 4]] = bits[2, 9] = 1
    assert guacamol.internal_similarity(np.packbits(bits, axis=1)).tolist() == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("n", [2, 499, 500, 501, 1203])
def test_internal_similarity_is_rdkits(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guacamol, "_PAIRS", 100_000)
    # Chains of random pieces: similarities of many sizes, more than one chunk.
    pieces = ["C", "CC", "N", "O", "c1ccccc1", "C(=O)N", "C1CCCC1", "S", "C(F)", "c1ccncc1"]
    rng = np.random.default_rng(n)
    mols = [Chem.MolFromSmiles("C" + "".join(rng.choice(pieces, 5))) for _ in range(n)]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=4096)
    rdkits = [generator.GetFingerprint(mol) for mol in mols]
    expected = np.zeros(n)
    for row in range(1, n):
        similar = np.array(DataStructs.BulkTanimotoSimilarity(rdkits[row], rdkits[:row]))
        expected[row] = max(expected[row], similar.max())
        expected[:row] = np.maximum(expected[:row], similar)
    np.testing.assert_allclose(guacamol.internal_similarity(prints(mols)), expected, atol=1e-12)


def test_internal_similarity_of_none_and_one() -> None:
    assert guacamol.internal_similarity(np.empty((0, 512), dtype=np.uint8)).shape == (0,)
    assert guacamol.internal_similarity(prints(MOLS[:1])).tolist() == [0.0]


def test_continuous_divergence_is_scipys() -> None:
    for reference, sample in (
        (RNG.normal(size=800), RNG.normal(0.5, 1.5, size=300)),
        (RNG.integers(0, 9, size=500) * 17.1, RNG.integers(3, 20, size=900) * 9.2),
        (RNG.normal(size=200), RNG.normal(40, 0.1, size=200)),  # apart: the epsilon decides
    ):
        found = guacamol.kl_continuous(reference.astype(float), sample.astype(float))
        assert found == pytest.approx(scipys_divergence(reference, sample), rel=1e-9)


def test_divergence_is_of_the_reference_against_the_sample() -> None:
    narrow, wide = RNG.normal(size=500), RNG.normal(0, 3, size=500)
    assert guacamol.kl_continuous(wide, narrow) > 2 * guacamol.kl_continuous(narrow, wide)


def test_discrete_divergence_by_hand() -> None:
    # Ten bins from 0 to 10, each 1 wide. P: bin 0 and bin 9, half each. Q: the 20 is not seen, so
    # a quarter and three quarters. D = 1/2 log(2) + 1/2 log(2/3).
    reference = np.array([0.0, 0.0, 10.0, 10.0])
    sample = np.array([0.0, 9.5, 9.9, 10.0, 20.0])
    expected = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    assert guacamol.kl_discrete(reference, sample) == pytest.approx(expected, abs=1e-7)


def test_discrete_divergence_is_scipys() -> None:
    reference, sample = RNG.poisson(3, 700).astype(float), RNG.poisson(4, 400).astype(float)
    p, edges = np.histogram(reference, bins=10, density=True)
    q, _ = np.histogram(sample, bins=edges, density=True)
    expected = stats.entropy(p + 1e-10, q + 1e-10)
    assert guacamol.kl_discrete(reference, sample) == pytest.approx(expected, abs=1e-12)


def test_a_constant_is_no_problem_for_a_histogram() -> None:
    assert guacamol.kl_discrete(np.zeros(5), np.zeros(3)) == pytest.approx(0, abs=1e-12)
    # Nine of ten zeros see the reference's one bin, the tenth lies outside.
    assert guacamol.kl_discrete(np.zeros(5), np.eye(10)[0]) == pytest.approx(0, abs=1e-12)


def test_score_is_the_mean_of_exponentials() -> None:
    reference, sample = features(MOLS), features(MOLS[:9])
    result = guacamol.kl_score(reference, sample)
    assert tuple(result.divergences) == guacamol.KL_ENTRIES
    assert result.reasons == {}
    for column in (0, 1, 2, 3, 9):
        name = guacamol.KL_ENTRIES[column]
        expected = scipys_divergence(reference[:, column], sample[:, column])
        assert result.divergences[name] == pytest.approx(expected, rel=1e-9)
    assert result.score == pytest.approx(np.mean(np.exp([-d for d in result.divergences.values()])))
    assert 0 < result.score < 1


def test_a_set_against_itself_scores_one() -> None:
    assert guacamol.kl_score(features(MOLS), features(MOLS)).score == pytest.approx(1, abs=1e-9)


def test_one_molecule_has_no_score_and_says_why() -> None:
    result = guacamol.kl_score(features(MOLS), features(MOLS[:1]))
    assert math.isnan(result.score)
    assert set(result.reasons) == {"BertzCT", "MolLogP", "MolWt", "TPSA", "internal_similarity"}
    assert result.reasons["MolWt"] == "the sample has 1 distinct molecules and 2 are needed"
    assert not math.isnan(result.divergences["NumHDonors"])


def test_no_molecules_at_all() -> None:
    empty = np.empty((0, 10))
    for pair in ((features(MOLS), empty), (empty, features(MOLS)), (empty, empty)):
        result = guacamol.kl_score(*pair)
        assert math.isnan(result.score)
        assert set(result.reasons) == set(guacamol.KL_ENTRIES)


def test_constant_and_distant_values_are_named() -> None:
    alkanes = [Chem.MolFromSmiles("C" * n) for n in range(1, 9)]  # no polar surface
    result = guacamol.kl_score(features(MOLS), features(alkanes))
    assert result.reasons == {"TPSA": "all 8 values of the sample are 0"}
    far = features(MOLS)
    far[:, 5] = 40
    reasons = guacamol.kl_score(features(MOLS), far).reasons
    assert reasons == {
        "NumHDonors": "no value of the sample lies within the range of the reference"
    }
    far[0, 5] = np.nan
    reasons = guacamol.kl_score(features(MOLS), far).reasons
    assert reasons == {"NumHDonors": "the sample has values that are not finite"}


def test_fcd_score() -> None:
    assert guacamol.fcd_score(0) == 1
    assert guacamol.fcd_score(5) == pytest.approx(math.exp(-1))


def test_reference_rows_are_those_of_numpys_old_generator() -> None:
    names = np.array([f"m{i}" for i in range(500)])
    # Drawing without replacement is a permutation cut short.
    expected = names[np.random.RandomState(42).permutation(500)[:100]]
    assert names[guacamol.reference_rows(500, 100)].tolist() == expected.tolist()
    with pytest.raises(DataError, match="10,000 training molecules and there are 9,999"):
        guacamol.reference_rows(9_999)
