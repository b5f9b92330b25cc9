"""Transfer to a focused set: what is learnt from, what the guard does, a resumed run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from molgan.bundle import Bundle
from molgan.errors import ConfigError
from molgan.metrics.similarity import morgan_bits, nearest
from molgan.training import CollapseGuard, Trainer
from molgan.training.focus_phase import _similarities_within

PHASE = "trainer.phases.focus"
FOCUSED = ["CCO", "CCCO", "OCCO", "CC(C)O", "OC1CC1", "CCOC"]


@pytest.fixture(scope="module")
def start_model(tmp_path_factory: pytest.TempPathFactory, make_trainer) -> Path:
    """A tiny model whose autoencoder gives back most of its molecules."""
    settings = [
        "trainer.phases.autoencoder={molecules: 16000, latent_noise: 0.5}",
        *(f"trainer.phases.{name}=null" for name in ("latent", "adversarial", "refinement")),
        "model.generator.decoder_width=96",
        "model.encoder.width=96",
        "trainer.averaging_half_life=500",
        "reward=none",
    ]
    trainer = make_trainer(None, *settings)
    trainer.fit()
    return trainer.bundle.save(tmp_path_factory.mktemp("start") / "start.molgan")


@pytest.fixture
def make_focused(make_later_trainer, start_model: Path, tmp_path: Path, tiny_settings: list[str]):
    """Make a trainer that takes the tiny model to a few alcohols and ethers."""
    path = tmp_path / "focused.smi"
    path.write_text("\n".join(FOCUSED))

    def make(run_dir: Path | None, *overrides: str, resume_from: Path | None = None) -> Trainer:
        networks = [each for each in tiny_settings if each.startswith("model.")]
        settings = [
            "experiment=finetune",
            f"data.path={path}",
            "data.fractions=[1,0,0]",
            f"init_from={start_model}",
            *(each for each in networks if "latent_critic" not in each),
            "trainer.replay=200",
            "trainer.phases.autoencoder={molecules: 128, batch_size: 16}",
            "trainer.phases.mending={molecules: 64, batch_size: 16}",
            f"{PHASE}.molecules=256",
            f"{PHASE}.batch_size=16",
            f"{PHASE}.first_search=128",
            f"{PHASE}.search_interval=4",
            f"{PHASE}.search_batch=64",
            f"{PHASE}.likeness=0",
            f"{PHASE}.radius=3",
        ]
        return make_later_trainer(run_dir, *settings, *overrides, resume_from=resume_from)

    return make


def test_a_set_is_as_near_to_itself_as_its_members_to_each_other():
    scores, least = _similarities_within(["CCO", "CCCO", "c1ccccc1"], 0.5)
    assert scores[0] == scores[1] > scores[2]
    assert least == np.median(scores)


def test_relatives_are_near_the_set_and_none_of_it(make_focused):
    from rdkit import Chem

    trainer = make_focused(None)
    phase = trainer._phases["focus"]
    phase.begin()
    found = phase.pool.smiles[len(FOCUSED) :]
    assert found
    assert not set(found) & set(phase.smiles)
    bits, own = (morgan_bits([Chem.MolFromSmiles(s) for s in x]) for x in (found, phase.smiles))
    similarities, _ = nearest(bits, own)
    assert (similarities >= phase.least).all()
    np.testing.assert_allclose(phase.pool.scores[len(FOCUSED) :], similarities)


def test_each_part_has_its_share_of_what_is_learnt(make_focused):
    phase = make_focused(None, f"{PHASE}.own_share=0.3", f"{PHASE}.batch_size=4000")._phases[
        "focus"
    ]
    phase.begin()
    latents, sizes, _ = phase._draw()
    assert latents.shape == (4000, 8)
    assert sizes.min() > 0
    shares = shares_of(phase)
    found = len(phase.pool) - len(FOCUSED)
    assert shares[0] == pytest.approx(0.3)
    assert shares[1] == pytest.approx(min(0.6, found / len(FOCUSED)))
    assert sum(shares) == pytest.approx(1)
    CollapseGuard(patience=1, action="lower_reward", min_novel=0.8).check(
        {"n_valid": 10, "unique": 0.9, "copied": 0.5}, phase
    )
    phase._aim()
    assert shares_of(phase)[0] == pytest.approx(0.15)
    assert shares_of(phase)[2] > shares[2]


def shares_of(phase) -> list[float]:
    """Of the set, of relatives, of the start model's molecules."""
    weights = torch.diff(phase._cumulative, prepend=torch.zeros(1, dtype=torch.float64))
    parts = len(FOCUSED), len(phase.pool) - len(FOCUSED), len(phase._start[0])
    return [float(part.sum()) for part in weights.split(list(parts))]


def test_in_the_phase_only_the_sampler_moves(make_focused, start_model):
    rest = ("autoencoder", "mending")
    trainer = make_focused(None, *(f"trainer.phases.{name}=null" for name in rest))
    start = Bundle.load(start_model)
    trainer.fit()
    networks = trainer.context.networks
    for mine, its in ((networks.encoder, start.encoder), (networks.generator, start.generator)):
        for key, value in mine.state_dict().items():
            assert torch.equal(value, its.state_dict()[key]) != key.startswith("sampler.")


def test_learning_by_heart_is_said_and_acted_on(make_focused, caplog):
    trainer = make_focused(None, "trainer.guard={min_novel: 1.1, min_unique: 0, min_scaffolds: 0}")
    trainer.fit()
    assert trainer._phases["focus"].reward_scale < 1
    assert "are not in the training set; the focused set's share" in caplog.text
    assert 0 <= trainer.figures["copied"] <= 1


def test_a_stopped_phase_ends_like_an_undisturbed_one(
    make_focused, tmp_path, stop_at, stopped, assert_same_run
):
    make_focused(tmp_path / "one").fit()
    stop_at(21)
    with pytest.raises(stopped):
        make_focused(tmp_path / "two").fit()
    state = tmp_path / "two" / "checkpoint.pt"
    make_focused(tmp_path / "two", resume_from=state).fit()
    assert_same_run(tmp_path / "one", tmp_path / "two")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (f"{PHASE}.own_share=1.2", r"own_share=1\.2"),
        (f"{PHASE}.start_share=0.95", r"both together"),
        (f"{PHASE}.likeness=2", "likeness=2"),
        (f"{PHASE}.relatives=0", "relatives=0"),
    ],
)
def test_settings_that_cannot_work_are_named(make_focused, setting, said):
    with pytest.raises(ConfigError, match=said):
        make_focused(None, setting)


def test_one_molecule_is_no_set(make_focused, tmp_path):
    (tmp_path / "one.smi").write_text("CCO\n")
    with pytest.raises(ConfigError, match="two molecules or more"):
        make_focused(None, f"data.path={tmp_path / 'one.smi'}")
