from __future__ import annotations

from pathlib import Path

import pytest

from molgan import MolGAN, MolganError
from molgan.errors import ConfigError
from molgan.library.locks import held
from molgan.training import Trainer

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


def test_a_fit_goes_on_in_its_folder_and_replaces_no_other_run(
    settings: list[str], tmp_path: Path
) -> None:
    arguments = {"run_dir": tmp_path / "my run (1)", "progress": False}
    model = MolGAN()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_stopping", lambda self, phase: self.molecules_seen > 400)
        with pytest.raises(KeyboardInterrupt):
            model.fit(TRAINED, overrides=settings, **arguments)
    library = model.sample(10)
    assert len(library) + sum(library.rejected.values()) == 10
    resumed = MolGAN().fit(TRAINED, overrides=settings, **arguments)
    whole = MolGAN().fit(TRAINED, overrides=settings, progress=False)
    assert resumed.sample(50).smiles == whole.sample(50).smiles
    kept = (tmp_path / "my run (1)" / "last.molgan").read_bytes()
    with pytest.raises(ConfigError, match=r"other settings.*resume=never"):
        MolGAN().fit(TRAINED, overrides=settings, seed=1, **arguments)
    with pytest.raises(ConfigError, match="other molecules"):
        MolGAN().fit(["C", "N"], overrides=settings, **arguments)
    with held(tmp_path / "my run (1)", "run_dir", "training"):
        with pytest.raises(MolganError, match="another training is writing there"):
            MolGAN().fit(TRAINED, overrides=settings, **arguments)
    assert (tmp_path / "my run (1)" / "last.molgan").read_bytes() == kept


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("data.max_atoms=9", r"data\.max_atoms=9.*MoleculeDataset"),
        ("data=qm9", r"data=qm9.*MoleculeDataset"),
        ("run_dir=x", r"run_dir=x is an argument"),
        ("reward=qed", r"overrides=\['reward=qed'\]"),
    ],
)
def test_settings_of_which_a_fit_would_take_no_notice_are_refused(typed: str, words: str) -> None:
    overrides = typed if typed == "reward=qed" else [typed]
    with pytest.raises(ConfigError, match=words):
        MolGAN().fit(["C", "N"], overrides=overrides)


def test_counts_and_seeds_are_whole_numbers(model: MolGAN) -> None:
    assert model.sample(1e1, seed=3).smiles == model.sample(10, seed=3).smiles
    for wrong in ("5", 5.5, -1, None, True):
        with pytest.raises(ConfigError, match=r"n=.*a whole number from 0 up"):
            model.sample(wrong)
        with pytest.raises(ConfigError, match=r"seed=.*a whole number from 0 up"):
            model.evaluate(5, seed=wrong)
        with pytest.raises(ConfigError, match=r"n=.*a whole number from 0 up"):
            model.explore("C", wrong)


def test_an_untrained_model_says_what_to_do() -> None:
    with pytest.raises(MolganError, match=r"call fit\(\.\.\.\) or MolGAN\.load"):
        MolGAN().sample(1)
