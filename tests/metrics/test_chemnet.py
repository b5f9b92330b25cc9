from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from molgan.errors import DataError, MolganError
from molgan.metrics import FCDStatistics, chemnet, fcd, fcd_statistics

FEW = ["CCO", "CCN", "c1ccccc1", "CC(=O)O", "C1CC1", "CCCC", "OCC=O", "CC#N"]
MORE = ["C" * n + "O" for n in range(1, 9)]


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcd", None)
    with pytest.raises(MolganError, match=r'pip install "molgan\[metrics\]"'):
        fcd(FEW, MORE)


def test_one_molecule_has_no_covariance() -> None:
    pytest.importorskip("fcd")
    with pytest.raises(DataError, match="at least 2 molecules"):
        fcd(["CCO"], MORE)


def test_a_set_is_at_distance_0_of_itself_whatever_its_order() -> None:
    pytest.importorskip("fcd")
    assert fcd(FEW, FEW[::-1]) == pytest.approx(0.0, abs=1e-3)
    assert fcd(FEW, MORE) > 1.0


def test_reference_statistics_are_computed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fcd")
    cache = tmp_path / "new folder"
    first = fcd_statistics(FEW, cache_dir=cache)
    assert [path.suffix for path in cache.iterdir()] == [".npz"]

    def no_network(*args: object) -> None:
        raise AssertionError("ChemNet was asked again")

    monkeypatch.setattr(chemnet, "_activations", no_network)
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
    monkeypatch.setattr(chemnet, "_activations", lambda *args: activations)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MolganError, match="file"):
        fcd_statistics(FEW, cache_dir=tmp_path / "file")


def test_statistics_of_another_set_can_be_given() -> None:
    pytest.importorskip("fcd")
    reference = fcd_statistics(MORE)
    assert isinstance(reference, FCDStatistics)
    assert fcd(FEW, reference) == pytest.approx(fcd(FEW, MORE), abs=1e-9)


@pytest.mark.slow
def test_equals_the_fcd_packages_own_result(shared_data: Path) -> None:
    package = pytest.importorskip("fcd")
    with gzip.open(shared_data / "qm9_smiles.csv.gz", "rt") as file:
        next(file)
        smiles = [line.split(",")[-1].strip() for _, line in zip(range(20_000), file, strict=False)]
    one, other = smiles[10_000:10_500], smiles[19_000:19_500]
    assert fcd(one, other) == pytest.approx(package.get_fcd(one, other), abs=1e-6)
