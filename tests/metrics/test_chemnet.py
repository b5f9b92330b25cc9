from __future__ import annotations

import csv
import gzip
import random
import sys
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import linalg

from molgan.errors import DataError, MolganError
from molgan.metrics import FCDStatistics, chemnet, fcd, fcd_statistics
from molgan.metrics.chemnet import chemnet_activations, frechet_distance, statistics_of
from molgan.metrics.chemnet_tokens import TOKENS, arrange, tokenize

FEW = ["CCO", "CCN", "c1ccccc1", "CC(=O)O", "C1CC1", "CCCC", "OCC=O", "CC#N"]
MORE = ["C" * n + "O" for n in range(1, 9)]
ODD = [
    "",
    "X",
    "é[Zn]Cl%10/C=C\\C",
    "😀BrSi",
    "ClClBrl",
    "C.C..",
    "[13CH3][SiH3]",
    "O=C([O-])c1cc[nH]c1.[Na+]",
]


def their_activations(smiles: list[str]) -> npt.NDArray[np.float32]:
    package = pytest.importorskip("fcd")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result: npt.NDArray[np.float32] = package.get_predictions(
            package.load_ref_model(), smiles, n_jobs=0, device="cpu"
        )
    return result


def gaussian(seed: int, n: int, spread: float = 1.0) -> FCDStatistics:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(6, 6)) * spread
    return statistics_of((rng.normal(size=(n, 6)) @ mixing).astype(np.float32))


def read_smiles(path: Path) -> list[str]:
    with gzip.open(path, "rt") as file:
        return [row.get("smiles") or row["SMILES"] for row in csv.DictReader(file)]


# Tokens.


def test_tokens_are_the_packages() -> None:
    utils = pytest.importorskip("fcd.utils")
    rng = random.Random(0)
    letters = "CBSlrinoco()[]=#123@+-.XI%/\\é9"
    texts = ODD + FEW + ["".join(rng.choices(letters, k=k)) for k in range(40)]
    tokens, counts = tokenize(texts)
    assert counts.sum() == len(tokens)
    parts = np.split(tokens, np.cumsum(counts)[:-1])
    for text, part in zip(texts, parts, strict=True):
        expected = utils.get_one_hot(text)[: len(part)]
        np.testing.assert_array_equal(np.eye(len(TOKENS))[part], expected, err_msg=text)
        assert len(part) == len(utils.tokenize(text + "."))


def test_tokens_are_blank_after_the_end() -> None:
    tokens = arrange(["CCl", "C"], 350)
    carbon, chlorine, end = (TOKENS.index(token) for token in ("C", "Cl", "."))
    assert tokens.shape == (2, 8)
    assert tokens[0].tolist() == [carbon, chlorine, end] + 5 * [35]
    assert tokens[1].tolist() == [carbon, end] + 6 * [35]
    assert arrange(["C" * 349], 350).shape == (1, 350)


# Activations.


def test_activations_are_the_packages() -> None:
    smiles = FEW + ODD + ["C" * n for n in (2, 3, 4, 5, 6, 7, 61, 346, 347, 348, 349)]
    ours = chemnet_activations(smiles, device="cpu")
    assert ours.shape == (len(smiles), 512)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, their_activations(smiles), rtol=0, atol=1e-5)


@pytest.mark.parametrize("length", [350, 351, 352, 353])
def test_a_longer_smiles_pads_the_whole_set_as_in_the_package(length: int) -> None:
    smiles = ["C" * length, "CCO", "c1ccccc1"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ours = chemnet_activations(smiles, device="cpu")
    np.testing.assert_allclose(ours, their_activations(smiles), rtol=0, atol=1e-5)
    alone = chemnet_activations(smiles[1:], device="cpu")
    # 351 and 352 inputs give the 88 steps of 350: only beyond that anything changes.
    told = [str(warning.message) for warning in caught if f"{length} char" in str(warning.message)]
    assert len(told) == (length >= 352)
    assert (np.abs(ours[1:] - alone).max() > 1e-3) == (length >= 352)


def test_batches_and_repeats_change_nothing_beyond_rounding() -> None:
    pytest.importorskip("fcd")
    smiles = [*FEW, *MORE, *FEW[::-1]]
    one = chemnet_activations(smiles, batch_size=3, device="cpu")
    other = chemnet_activations(smiles, device="cpu")
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(one[:8], one[16:][::-1])
    assert np.abs(one[0] - one[1]).max() > 0.01
    assert chemnet_activations([]).shape == (0, 512)


def test_equal_smiles_go_through_the_network_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fcd")
    from molgan.metrics import chemnet_network

    seen: list[list[str]] = []
    real = chemnet_network.activation_batches

    def spy(model: object, smiles: list[str], *args: object) -> object:
        seen.append(smiles)
        return real(model, smiles, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(chemnet_network, "activation_batches", spy)
    result = chemnet_activations(["CCO"] * 10_000 + ["CCN"])
    assert seen == [["CCO", "CCN"]]
    assert result.shape == (10_001, 512)


def test_the_network_runs_without_onednn_and_in_mixed_precision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("fcd")
    import torch

    from molgan.metrics import chemnet_network

    expected = chemnet_activations(FEW, device="cpu")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = chemnet_activations(FEW, device="cpu")
    np.testing.assert_allclose(mixed, expected, rtol=0, atol=1e-5)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    monkeypatch.setattr(chemnet_network, "load", chemnet_network.load.__wrapped__)
    plain = chemnet_activations(FEW, device="cpu")
    np.testing.assert_allclose(plain, expected, rtol=0, atol=1e-5)
    assert not torch.is_inference_mode_enabled()


def test_another_network_in_the_package_is_refused() -> None:
    package = pytest.importorskip("fcd")
    import torch

    from molgan.metrics import chemnet_network

    model = package.load_ref_model()
    with pytest.raises(MolganError, match="another ChemNet"):
        chemnet_network.load(torch.nn.Sequential(*list(model)[:-3]), torch.device("cpu"))
    swapped = list(model)
    swapped[1] = torch.nn.Conv1d(35, 32, 4, stride=1, bias=False)  # same shapes, other stride
    with pytest.raises(MolganError, match="another ChemNet"):
        chemnet_network.load(torch.nn.Sequential(*swapped), torch.device("cpu"))


# The distance.


def test_the_distance_of_diagonal_covariances_is_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0.1, 4.0, (2, 40))
    first[:5] = 0.0
    means = rng.normal(size=(2, 40))
    distance = frechet_distance(
        FCDStatistics(means[0], np.diag(first), 100), FCDStatistics(means[1], np.diag(second), 90)
    )
    expected = ((means[0] - means[1]) ** 2).sum() + ((np.sqrt(first) - np.sqrt(second)) ** 2).sum()
    assert distance == pytest.approx(expected, rel=1e-12)


def test_the_distance_equals_the_root_of_the_product() -> None:
    one, other = gaussian(1, 50), gaussian(2, 70, spread=2.0)
    root = linalg.sqrtm(one.covariance @ other.covariance)
    gap = one.mean - other.mean
    expected = gap @ gap + np.trace(one.covariance + other.covariance - 2 * root.real)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(other, one) == pytest.approx(expected, rel=1e-9)


def test_a_set_is_at_distance_0_of_itself_even_with_few_molecules() -> None:
    rng = np.random.default_rng(3)
    few = rng.normal(size=(20, 512)).astype(np.float32)
    one, other = statistics_of(few), statistics_of(few[::-1])
    assert 0.0 <= frechet_distance(one, other) < 1e-9
    assert frechet_distance(one, statistics_of(few + np.float32(1.0))) == pytest.approx(512.0)


def test_one_molecule_repeated_is_a_point() -> None:
    point = statistics_of(np.full((10_000, 6), 0.3, dtype=np.float32))
    cloud = gaussian(1, 50)
    np.testing.assert_allclose(point.covariance, 0.0, atol=1e-12)
    assert frechet_distance(point, point) == pytest.approx(0.0, abs=1e-12)
    gap = np.float64(np.float32(0.3)) - cloud.mean
    assert frechet_distance(point, cloud) == pytest.approx(gap @ gap + np.trace(cloud.covariance))


def test_statistics_are_numpys_over_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chemnet, "_CHUNK", 7)
    values = (np.random.default_rng(5).normal(size=(30, 5)) + 100).astype(np.float32)
    rows = np.random.default_rng(6).integers(0, 20, 30)
    for statistics, taken in ((statistics_of(values), values), (statistics_of(values, rows), None)):
        exact = (values[rows] if taken is None else taken).astype(np.float64)
        np.testing.assert_allclose(statistics.mean, exact.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(statistics.covariance, np.cov(exact.T), atol=1e-10)
        assert statistics.n == 30
    with pytest.raises(DataError, match="at least 2 molecules"):
        statistics_of(values, rows[:1])


# The figure.


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcd", None)
    with pytest.raises(MolganError, match=r'pip install "molgan\[metrics\]"'):
        fcd(FEW, MORE)
    with pytest.raises(MolganError, match=r'pip install "molgan\[metrics\]"'):
        chemnet_activations(FEW)


def test_one_molecule_has_no_covariance() -> None:
    pytest.importorskip("fcd")
    with pytest.raises(DataError, match="at least 2 molecules"):
        fcd(["CCO"], MORE)


def test_a_set_is_at_distance_0_of_itself_whatever_its_order() -> None:
    pytest.importorskip("fcd")
    assert fcd(FEW, FEW[::-1]) == pytest.approx(0.0, abs=1e-9)
    assert fcd(FEW, MORE) > 1.0


def test_equals_the_fcd_packages_own_result() -> None:
    package = pytest.importorskip("fcd")
    own, theirs = FEW * 3 + MORE, [*MORE, "CCO"]
    # It takes the means in float32, hence no closer.
    assert fcd(own, theirs, device="cpu") == pytest.approx(
        package.get_fcd(own, theirs, device="cpu"), rel=2e-6
    )


def test_reference_statistics_are_computed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fcd")
    cache = tmp_path / "new folder"
    first = fcd_statistics(FEW, cache_dir=cache)
    assert [path.suffix for path in cache.iterdir()] == [".npz"]

    def no_network(*args: object, **kwargs: object) -> None:
        raise AssertionError("ChemNet was asked again")

    monkeypatch.setattr(chemnet, "chemnet_activations", no_network)
    again = fcd_statistics(FEW[::-1], cache_dir=cache)
    np.testing.assert_array_equal(again.covariance, first.covariance)
    np.testing.assert_array_equal(again.mean, first.mean)
    assert again.n == len(FEW)
    with pytest.raises(AssertionError, match="asked again"):
        fcd_statistics(FEW[1:], cache_dir=cache)


def test_a_damaged_cache_file_is_computed_again(tmp_path: Path) -> None:
    pytest.importorskip("fcd")
    first = fcd_statistics(FEW, cache_dir=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    again = fcd_statistics(FEW, cache_dir=tmp_path)
    np.testing.assert_allclose(again.covariance, first.covariance, atol=1e-6)


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    activations = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    monkeypatch.setattr(chemnet, "chemnet_activations", lambda *args, **kwargs: activations)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MolganError, match="file"):
        fcd_statistics(FEW, cache_dir=tmp_path / "file")


def test_statistics_of_another_set_can_be_given() -> None:
    pytest.importorskip("fcd")
    reference = fcd_statistics(MORE)
    assert isinstance(reference, FCDStatistics)
    assert fcd(FEW, reference) == pytest.approx(fcd(FEW, MORE), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["qm9_smiles", "zinc250k_smiles", "moses_test"])
def test_equals_the_package_on_real_molecules(shared_data: Path, name: str) -> None:
    package = pytest.importorskip("fcd")
    smiles = read_smiles(shared_data / f"{name}.csv.gz")
    chosen = smiles[:: len(smiles) // 300] + sorted(smiles, key=len)[-30:]
    ours, theirs = chemnet_activations(chosen, device="cpu"), their_activations(chosen)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    expected = package.calculate_frechet_distance(
        mu1=theirs[:150].mean(axis=0, dtype=np.float64),
        sigma1=np.cov(theirs[:150].T),
        mu2=theirs[150:].mean(axis=0, dtype=np.float64),
        sigma2=np.cov(theirs[150:].T),
    )
    one, other = statistics_of(theirs[:150]), statistics_of(theirs[150:])
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)
    assert fcd(chosen[:150], chosen[150:], device="cpu") == pytest.approx(expected, abs=1e-4)
