from __future__ import annotations

from pathlib import Path

import pytest

from molgan import MolGAN, MolganError

# So small that even a model that has learnt nothing draws valid molecules.
TRAINED = ["C", "N", "CC", "CO", "CF"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fit") / "run"


@pytest.fixture(scope="module")
def settings(tiny_settings: list[str]) -> list[str]:
    return [text for text in tiny_settings if not text.startswith(("data", "progress"))]


@pytest.fixture(scope="module")
def model(folder: Path, settings: list[str]) -> MolGAN:
    return MolGAN().fit(TRAINED, run_dir=folder, overrides=settings, progress=False)


def test_a_fit_leaves_its_curves_and_a_model_that_loads(folder: Path, model: MolGAN) -> None:
    assert (folder / "training.png").read_bytes().startswith(b"\x89PNG")
    assert MolGAN.load(folder / "last.molgan").sample(50).smiles == model.sample(50).smiles


def test_a_sample_and_the_figures_of_the_same_seed_agree(model: MolGAN) -> None:
    library = model.sample(300, seed=3)
    figures = model.evaluate(300, seed=3)
    assert 0 < len(library) == figures["n_valid"]
    assert len(library) + sum(library.rejected.values()) == figures["n"] == 300
    distinct = library.distinct()
    assert len(distinct) == figures["n_unique"]
    assert distinct.frame["novel"].mean() == pytest.approx(figures["novel"])
    assert distinct.frame["drawn"].sum() == figures["n_valid"]


def test_novel_means_not_trained_on(model: MolGAN) -> None:
    library = model.sample(300)
    assert library.frame["novel"].tolist() == [int(text not in TRAINED) for text in library.smiles]
    assert 0 in library.frame["novel"].tolist()


def test_without_a_folder_nothing_is_written(
    settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    MolGAN().fit(["C", "N"], overrides=settings, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_an_untrained_model_says_what_to_do() -> None:
    with pytest.raises(MolganError, match=r"call fit\(\.\.\.\) or MolGAN\.load"):
        MolGAN().sample(1)
