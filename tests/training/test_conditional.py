"""A model that learns to be asked for properties: the phase, what it starts from, what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from molgan import building
from molgan.asked import Agreement, property_objective
from molgan.bundle import Bundle
from molgan.config import compose
from molgan.errors import ConfigError
from molgan.training import Trainer

PHASE = "trainer.phases.conditional"


@pytest.fixture
def make_conditional(make_later_trainer, finished_run: Path, small_set: Path):
    """Make a trainer that teaches the finished tiny model to be asked for atoms and logP."""

    def make(run_dir: Path | None, *overrides: str, resume_from: Path | None = None) -> Trainer:
        critic = "{_target_: molgan.models.LatentCritic, _partial_: true, width: 32, blocks: 1}"
        settings = [
            "experiment=conditional",
            "data=file",
            f"data.path={small_set}",
            f"init_from={finished_run}",
            "condition.properties=[logp,heavy_atoms]",
            f"model.latent_critic={critic}",
            f"{PHASE}.molecules=256",
            f"{PHASE}.batch_size=16",
            f"{PHASE}.regressor_warmup=5",
            f"{PHASE}.explore_interval=4",
            f"{PHASE}.explore_batch=32",
        ]
        return make_later_trainer(run_dir, *settings, *overrides, resume_from=resume_from)

    return make


def test_at_the_start_it_draws_what_the_finished_model_draws(make_conditional, finished_run):
    generator = make_conditional(None).context.networks.generator.eval()
    before = Bundle.load(finished_run).generator
    noise, sizes = torch.randn(20, before.noise_dim), torch.randint(1, 6, (20,))
    asked = torch.randn(20, 2)
    with torch.no_grad():
        torch.testing.assert_close(
            generator.latent(noise, sizes, asked), before.latent(noise, sizes)
        )


def test_only_the_sampler_moves_and_it_hears_the_conditions(make_conditional, finished_run):
    trainer = make_conditional(None)
    trainer.fit()
    start = Bundle.load(finished_run)
    bundle = trainer.bundle
    for key, value in bundle.generator.decoder.state_dict().items():
        torch.testing.assert_close(value, start.generator.decoder.state_dict()[key])
    for key, value in bundle.encoder.state_dict().items():
        torch.testing.assert_close(value, start.encoder.state_dict()[key])
    noise, sizes = torch.randn(8, bundle.generator.noise_dim), torch.full((8,), 3)
    with torch.no_grad():
        low, high = (
            bundle.generator.latent(noise, sizes, torch.full((8, 2), c)) for c in (-2.0, 2.0)
        )
    assert not torch.allclose(low, high)


def test_a_stopped_phase_ends_like_an_undisturbed_one(
    make_conditional, tmp_path, stop_at, stopped, assert_same_run
):
    make_conditional(tmp_path / "one").fit()
    stop_at(11)
    with pytest.raises(stopped):
        make_conditional(tmp_path / "two").fit()
    state = tmp_path / "two" / "checkpoint.pt"
    make_conditional(tmp_path / "two", resume_from=state).fit()
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_it_learns_to_give_what_is_asked_for(make_trainer):
    """The polar surface of molecules, which their number of atoms does not tell."""
    trainer = make_trainer(
        None,
        "condition.properties=[tpsa]",
        "trainer.phases.autoencoder={molecules: 16000, latent_noise: 0.3}",
        "trainer.phases.latent=null",
        "trainer.phases.adversarial=null",
        "trainer.phases.refinement=null",
        "model.generator.decoder_width=96",
        "model.encoder.width=96",
        f"{PHASE}.molecules=5000",
        f"{PHASE}.batch_size=32",
        f"{PHASE}.learning_rate=2e-3",
        f"{PHASE}.property_weight=5",
        "trainer.averaging_half_life=500",
        "trainer.intervals={log: 4000, evaluate: 24000, checkpoint: 24000}",
    )
    trainer.fit()
    bundle = trainer.bundle
    targets = np.resize(bundle.conditions.values[:, 0], 500)
    sampler = bundle.sampler(wanted=bundle.wanted({"tpsa": targets}, 500))
    (draw,) = sampler.stream(500, 0, 500 * sampler.candidates)
    obtained = property_objective(bundle.conditions.properties)(draw.decoded).raw["tpsa"]
    row = Agreement.of("tpsa", targets, obtained)
    assert row.count > 250
    assert row.correlation > 0.7


def test_the_bundle_can_be_asked(make_conditional, tmp_path):
    make_conditional(tmp_path).fit()
    bundle = Bundle.load(tmp_path)
    assert list(bundle.conditions.properties) == ["logp", "heavy_atoms"]
    assert bundle.conditions.lowest[1] == 3
    wanted = bundle.wanted({"heavy_atoms": 4}, 60)
    (draw,) = bundle.sampler(wanted=wanted).stream(60, 0)
    assert ((draw.atoms > 0).sum(1) == 4).all()
    (plain,) = bundle.sampler().stream(60, 0)
    assert len(set((plain.atoms > 0).sum(1).tolist())) > 1
    again = Bundle.load(bundle.save(tmp_path / "half.molgan", precision="half"))
    np.testing.assert_array_equal(again.conditions.values, bundle.conditions.values)


def test_a_conditional_model_goes_on_with_its_own_scale(make_conditional, small_set, tmp_path):
    make_conditional(tmp_path).fit()
    before = Bundle.load(tmp_path)
    after = make_conditional(None, f"init_from={tmp_path}", "data.max_atoms=4")
    np.testing.assert_array_equal(after.bundle.conditions.means, before.conditions.means)
    assert after.context.networks.generator.num_conditions == 2
    for other in ("condition.properties=[qed]", "condition.properties=[]"):
        with pytest.raises(ConfigError, match=r"conditional model.*\[logp,heavy_atoms\]"):
            make_conditional(None, f"init_from={tmp_path}", other)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ([f"{PHASE}.property_weight=-1"], "property_weight"),
        ([f"{PHASE}.remembered=0"], "remembered"),
        (["condition.properties=[charm]"], "charm"),
        (["condition.properties=[formal_charge]"], "same formal_charge"),
        (["condition.examples=0"], "examples=0"),
        ([f"{PHASE}=null"], "trainer.phases.conditional"),
    ],
)
def test_settings_that_cannot_work_are_named(make_conditional, settings, said):
    with pytest.raises(ConfigError, match=said):
        make_conditional(None, *settings)


def test_training_from_the_start_learns_conditions_last(make_trainer, tmp_path):
    settings = [f"{PHASE}.molecules=64", f"{PHASE}.batch_size=16", f"{PHASE}.regressor_warmup=2"]
    trainer = make_trainer(tmp_path, "condition.properties=[logp]", *settings)
    assert list(trainer.phases)[-1] == "conditional"
    trainer.fit()
    assert list(Bundle.load(tmp_path).conditions.properties) == ["logp"]
    plain = make_trainer(None)
    assert "conditional" not in plain.phases
    assert plain.bundle.conditions is None


def test_a_model_without_a_latent_space_cannot_be_asked(small_set):
    settings = ["experiment=molgan_paper", "condition.properties=[logp]", "device=cpu"]
    cfg = compose([*settings, "data=file", f"data.path={small_set}", "progress=false"])
    with pytest.raises(ConfigError, match="model=latent"):
        building.build_trainer(cfg, instantiate(cfg.data), building.build_fabric(cfg), None)
