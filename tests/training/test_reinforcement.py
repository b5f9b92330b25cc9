"""Steering a model to a reward: the target, the memory, the phase, where it starts from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from molgan.bundle import Bundle
from molgan.data import MoleculeDataset
from molgan.errors import ConfigError
from molgan.graphs import unpack_pairs
from molgan.starting import renumbered, start_from
from molgan.training import CollapseGuard, DiversityFilter, Networks, Trainer
from molgan.training.aim import Aim
from molgan.training.reward_memory import RewardMemory
from molgan.training.scored_pool import ScoredPool, tilted

PHASE = "trainer.phases.reinforcement"


# ------------------------------------------------------------------------ the target


def test_tilted_weights_have_the_mean_aimed_at_and_favour_the_better():
    rewards = np.random.default_rng(0).random(5000)
    weights, strength = tilted(rewards, 0.8, least_effective=100)
    np.testing.assert_allclose(
        weights / weights.max(), np.exp(strength * (rewards - rewards.max()))
    )
    assert weights.sum() == pytest.approx(1)
    assert weights @ rewards == pytest.approx(0.8, abs=1e-3)
    order = np.argsort(rewards)
    assert (np.diff(weights[order]) >= 0).all()


def test_tilted_weights_never_concentrate_on_fewer_than_asked_for():
    rewards = np.random.default_rng(0).random(5000)
    weights, _ = tilted(rewards, 0.999, least_effective=400)
    assert 1 / (weights**2).sum() == pytest.approx(400, rel=0.02)


def test_nothing_is_reweighted_below_the_mean_or_without_differences():
    np.testing.assert_allclose(tilted(np.array([0.2, 0.4, 0.9]), 0.3, 1)[0], 1 / 3)
    np.testing.assert_allclose(tilted(np.full(4, 0.5), 0.9, 1)[0], 1 / 4)


def test_the_pool_keeps_the_best_generated_molecules_and_all_real_ones():
    def graphs(*sizes: int) -> tuple[torch.Tensor, torch.Tensor]:
        atoms = torch.tensor([[1] * size + [0] * (5 - size) for size in sizes])
        return atoms, torch.tensor(sizes)[:, None].expand(-1, 10)

    pool = ScoredPool(torch.zeros(2, 3), *graphs(1, 2), np.array([0.1, 0.2]), ["C", "CC"], 2)
    latents = torch.arange(9.0).reshape(3, 3)
    pool.add(latents, *graphs(3, 4, 5), np.array([0.5, 0.3, 0.4]), ["N", "O", "F"])
    assert pool.smiles == ["C", "CC", "N", "F"]
    assert pool.sizes.tolist() == pool.bonds[:, 0].tolist() == [1, 2, 3, 5]
    assert pool.latents[3].tolist() == [6, 7, 8]
    assert "O" not in pool
    assert "F" in pool


def test_the_reward_memory_forgets_the_oldest():
    memory = RewardMemory(3)
    for number in (1, 2):
        graphs = torch.full((2, 4), number), torch.full((2, 6), number)
        memory.add(*graphs, torch.tensor([number, number + 0.5]))
    atoms, bonds, scores = memory.draw(200, torch.Generator().manual_seed(0))
    assert len(memory) == 3
    assert set(scores.tolist()) == {1.5, 2.0, 2.5}
    assert torch.equal(atoms[:, 0], scores.long().to(torch.uint8))
    assert torch.equal(atoms[:, 0], bonds[:, 0])


# --------------------------------------------------------------------- scaffold memory


def test_a_full_bucket_costs_reward_and_others_do_not():
    memory = DiversityFilter(bucket_size=2, decay=0.5, min_score=0.4)
    rings = ["c1ccccc1", "Cc1ccccc1", "CCc1ccccc1", "Oc1ccccc1"]
    memory.visit(rings, [0.9, 0.9, 0.9, 0.9])
    memory.visit(rings, [0.9, 0.9, 0.9, 0.9])  # known ones do not count again
    memory.visit(["C1CC1"], [0.1])  # too poor to count
    np.testing.assert_allclose(memory.factors(["Nc1ccccc1", "C1CC1", "CCO"]), [0.5, 1, 1])
    assert "C1CC1" not in memory.counts


def test_what_a_bucket_is_depends_on_the_kind():
    pyridine, benzene = "Cc1ccncc1", "Cc1ccccc1"
    assert DiversityFilter("murcko").bucket(pyridine) != DiversityFilter("murcko").bucket(benzene)
    generic = DiversityFilter("generic")
    assert generic.bucket(pyridine) == generic.bucket(benzene)
    assert generic.bucket("CCO") == generic.bucket("CCN") != generic.bucket("CCCO")
    similar = DiversityFilter("similarity", similarity=0.1)
    assert similar.bucket(pyridine) == similar.bucket(benzene)
    assert DiversityFilter("similarity", similarity=0.99).bucket("C1CC1") == "C1CC1"
    repeats = DiversityFilter("smiles", bucket_size=1, decay=0.5, min_score=0)
    repeats.visit(["CCO"] * 3, [1, 1, 1])
    np.testing.assert_allclose(repeats.factors(["CCO", "CCN"]), [0.25, 1])


def test_a_memory_taken_up_again_counts_on():
    memory = DiversityFilter("similarity", bucket_size=1, decay=0.5, similarity=0.1)
    memory.visit(["Cc1ccccc1", "Cc1ccncc1"], [0.9, 0.9])
    other = DiversityFilter("similarity", bucket_size=1, decay=0.5, similarity=0.1)
    other.load_state_dict(memory.state_dict())
    assert other.factors(["Cc1ccncc1"]) == memory.factors(["Cc1ccncc1"]) == [0.5]


def test_a_memory_taken_up_again_keeps_molecules_in_their_buckets():
    """Phenylpyridine is more like bipyridine, whose bucket came after it, than like biphenyl."""
    memory = DiversityFilter("similarity", similarity=0.5)
    molecules = ["c1ccc(-c2ccccc2)cc1", "c1ccc(-c2ccncc2)cc1", "c1cc(-c2ccncc2)ccn1"]
    buckets = [memory.bucket(smiles) for smiles in molecules]
    assert buckets == [molecules[0], molecules[0], molecules[2]]
    other = DiversityFilter("similarity", similarity=0.5)
    other.load_state_dict(memory.state_dict())
    assert [other.bucket(smiles) for smiles in molecules] == buckets


@pytest.mark.parametrize("settings", [{"kind": "x"}, {"bucket_size": 0}, {"decay": 2.0}])
def test_a_memory_that_cannot_work_is_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        DiversityFilter(**settings)


# -------------------------------------------------------------------------- the phase


@pytest.fixture
def make_steered(make_later_trainer, finished_run: Path, small_set: Path, tiny_settings: list[str]):
    """Make a trainer that steers the finished tiny model."""

    def make(run_dir: Path | None, *overrides: str, resume_from: Path | None = None) -> Trainer:
        networks = [each for each in tiny_settings if each.startswith("model.")]
        settings = [
            "experiment=optimize",
            "data=file",
            f"data.path={small_set}",
            f"init_from={finished_run}",
            *networks,
            f"{PHASE}.molecules=256",
            f"{PHASE}.batch_size=16",
            f"{PHASE}.explore_interval=4",
            f"{PHASE}.explore_batch=64",
            f"{PHASE}.least_effective=3",
        ]
        return make_later_trainer(run_dir, *settings, *overrides, resume_from=resume_from)

    return make


ALL_TERMS = (
    f"{PHASE}.sampler_share=1",
    f"{PHASE}.reward_weight=0.1",
    f"{PHASE}.policy_weight=1",
    f"{PHASE}.anchor_weight=0.1",
    f"{PHASE}.novelty_bonus=0.1",
    f"{PHASE}.diversity={{_target_: molgan.training.DiversityFilter, bucket_size: 2}}",
)


def moved(networks: Networks, start: Bundle, part: str) -> bool:
    before = start.encoder if part == "encoder" else getattr(start.generator, part)
    now = networks.encoder if part == "encoder" else getattr(networks.generator, part)
    pairs = zip(now.parameters(), before.parameters(), strict=True)
    return any(not torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("rate", [0, 1e-3])
def test_the_sampler_moves_and_the_decoder_if_asked(make_steered, finished_run, rate):
    settings = f"{PHASE}.sampler_share=1", f"{PHASE}.decoder_learning_rate={rate}"
    trainer = make_steered(None, *settings)
    trainer.fit()
    start, networks = Bundle.load(finished_run), trainer.context.networks
    assert moved(networks, start, "sampler")
    assert moved(networks, start, "decoder") == bool(rate)
    assert not moved(networks, start, "encoder")
    assert trainer.bundle.size_distribution.sum() == pytest.approx(1)


def test_the_aim_is_for_better_molecules_and_the_guide_goes_the_rest(make_steered):
    trainer = make_steered(None, f"{PHASE}.sampler_share=0.5", "trainer.guard.action=warn")
    trainer.fit()
    phase = trainer._phases["reinforcement"]
    assert phase.aim.goal == pytest.approx((phase.aim.plain + phase.aim.wanted) / 2)
    rows = phase.wanted.rows(4000, phase.context.rng).numpy()
    assert phase.wanted.pool.scores[rows].mean() > phase.wanted.pool.scores.mean() + 0.01
    guide = trainer.bundle.guide
    assert guide is phase.learning.guide
    # What is poor is taken less often than what is good.
    assert guide.log_odds[:8].mean() < guide.log_odds[-8:].mean()


def test_a_policy_step_of_a_single_molecule_is_finite(make_steered):
    single = f"{PHASE}.policy_weight=1", f"{PHASE}.explore_batch=2"
    trainer = make_steered(None, *single, f"{PHASE}.sampler_share=1", f"{PHASE}.critic_warmup=0")
    phase = trainer._phases["reinforcement"]
    phase.begin()
    phase.advance()
    assert all(torch.isfinite(p).all() for p in phase.generator.sampler.parameters())


def test_what_follows_goes_on_from_the_averages(make_steered):
    trainer = make_steered(None, f"{PHASE}.sampler_share=1")
    trainer.fit()
    context = trainer.context
    pairs = zip(
        context.networks.generator.parameters(),
        context.averages.generator.parameters(),
        strict=True,
    )
    assert all(torch.equal(live, average) for live, average in pairs)


def test_without_candidates_there_is_no_guide_and_the_sampler_goes_all_the_way(make_steered):
    trainer = make_steered(None, "model.candidates=1", f"{PHASE}.sampler_share=0.5")
    phase = trainer._phases["reinforcement"]
    assert trainer.bundle.guide is None
    assert phase.learning is None
    assert phase.aim.sampler_share == 1


@pytest.mark.parametrize("terms", [(), ALL_TERMS], ids=["plain", "all-terms"])
def test_a_stopped_phase_ends_like_an_undisturbed_one(
    make_steered, tmp_path, stop_at, stopped, assert_same_run, terms
):
    make_steered(tmp_path / "one", *terms).fit()
    stop_at(11)
    with pytest.raises(stopped):
        make_steered(tmp_path / "two", *terms).fit()
    state = tmp_path / "two" / "checkpoint.pt"
    make_steered(tmp_path / "two", *terms, resume_from=state).fit()
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_a_finished_run_that_is_resumed_keeps_its_guide(make_steered, tmp_path):
    make_steered(tmp_path).fit()
    chosen = Bundle.load(tmp_path / "last.molgan").guide.to_document()
    assert any(chosen["log_odds"])
    make_steered(tmp_path, resume_from=tmp_path / "checkpoint.pt").fit()
    assert Bundle.load(tmp_path / "last.molgan").guide.to_document() == chosen


def test_no_best_model_is_offered_before_the_guide_is_fitted(make_steered, tmp_path, rows):
    """It would be valid and unique molecules, but not those wanted: nothing chooses among them."""
    make_steered(tmp_path).fit()
    assert any("eval/valid" in row for row in rows(tmp_path))
    assert not (tmp_path / "best.molgan").exists()
    assert Bundle.load(tmp_path / "last.molgan").guide.fitted


def test_without_a_guide_the_best_model_is_complete_and_kept(make_steered, tmp_path):
    make_steered(tmp_path, "model.candidates=1", f"{PHASE}.molecules=96").fit()
    assert Bundle.load(tmp_path / "best.molgan").guide is None


def test_the_guard_lowers_the_aim(make_steered):
    phase = make_steered(None)._phases["reinforcement"]
    phase.begin()
    before = float(phase.wanted._cumulative.diff().max())
    figures = {"n_valid": 10, "unique": 0.01}
    CollapseGuard(patience=1, action="lower_reward").check(figures, phase)
    phase.wanted.tilt(phase.reward_scale)
    assert phase.reward_scale == 0.5
    assert float(phase.wanted._cumulative.diff().max()) < before


def test_the_guide_is_fitted_to_the_aim_as_the_guard_lowered_it(make_steered, monkeypatch):
    phase = make_steered(None)._phases["reinforcement"]
    phase.begin()
    phase.step()
    aim, asked = phase.aim, []
    monkeypatch.setattr(phase.learning.guide, "fit_to_mean", lambda *args: asked.append(args))
    phase.reward_scale = 0.25
    phase.finish()
    ((mean, _, _, drawn_at),) = asked
    assert mean == pytest.approx(aim.plain + 0.25 * (aim.wanted - aim.plain))
    drawn_at(mean)  # tilts to the very mean asked for, not to a quarter of the way to it
    weights = np.diff(phase.wanted._cumulative.numpy(), prepend=0.0)
    assert weights @ phase.wanted.pool.scores == pytest.approx(mean, abs=0.01)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (f"{PHASE}.target=0.4", "target"),
        (f"{PHASE}.explore_batch=0", "explore_batch"),
        (f"{PHASE}.real_scored=0", "real_scored"),
        (f"{PHASE}.reward_memory=0", "reward_memory"),
        (f"{PHASE}.sampler_share=2", "sampler_share"),
        ("model.reward=null", "model.reward"),
        ("reward=none", "reward"),
    ],
)
def test_settings_that_cannot_work_are_named(make_steered, setting, said):
    with pytest.raises(ConfigError, match=said):
        make_steered(None, setting)


# --------------------------------------------------------------------- where it starts


def test_molecules_are_renumbered_for_the_model(chain_bundle):
    data = MoleculeDataset.from_smiles(["NC", "OCC", "NCC#C"], progress=False)
    dense = data.dense("all")
    atoms, bonds = renumbered(dense.atoms, dense.bonds, data.vocabulary, chain_bundle)
    assert atoms.shape == (3, chain_bundle.max_atoms)
    matrices = unpack_pairs(bonds, chain_bundle.max_atoms)
    decoded = chain_bundle.codec.decode(atoms.numpy(), matrices.numpy())
    assert [item.smiles for item in decoded] == data.smiles


@pytest.mark.parametrize(("smiles", "said"), [("CCS", "atoms S"), ("CCCCCCC", "data.max_atoms=5")])
def test_molecules_that_do_not_fit_the_model_are_named(chain_bundle, tmp_path, smiles, said):
    path = chain_bundle.save(tmp_path / "m.molgan")
    with pytest.raises(ConfigError, match=said):
        start_from(path, MoleculeDataset.from_smiles([smiles], progress=False))


def test_the_aim_rises_while_the_sampler_stays_below_its_share_of_the_way():
    aim = Aim(0.9, sampler_share=0.5, feedback=0.1)
    aim.begin(np.linspace(0, 1, 101))
    assert (aim.plain, aim.wanted, aim.goal) == pytest.approx((0.5, 0.9, 0.7))
    assert aim.value == aim.goal
    aim.follow(0.6)
    assert aim.value == pytest.approx(0.71)
    aim.follow(0.6)
    assert aim.value == pytest.approx(0.72)
    for _ in range(200):
        aim.follow(0.0)
    assert aim.value == pytest.approx(1.3)  # as far beyond the target as that is from the mean
    rests = Aim(0.9, sampler_share=0.0, feedback=0.1)
    rests.begin(np.linspace(0, 1, 101))
    assert rests.goal == rests.wanted
