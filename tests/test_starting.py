"""Training that starts from a finished model: new atoms, parts that rest, what is not forgotten."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from molgan import building
from molgan.bundle import Bundle
from molgan.config import compose
from molgan.data import MoleculeDataset
from molgan.errors import ConfigError
from molgan.metrics import HashedIdentities
from molgan.starting import replayed, start_from
from molgan.training import Trainer


@pytest.fixture
def make_tuned(finished_run: Path, tiny_settings: list[str]):
    """Make a trainer that goes on from the finished tiny model, by its own phases."""

    def make(*overrides: str) -> Trainer:
        cfg = compose([*tiny_settings, f"init_from={finished_run}", *overrides])
        fabric = building.build_fabric(cfg)
        fabric.launch()
        return building.build_trainer(cfg, instantiate(cfg.data), fabric, None)

    return make


def drawn(bundle: Bundle) -> list[str | None]:
    return [item.smiles for draw in bundle.sampler().stream(60, 0) for item in draw.decoded]


# ------------------------------------------------------------------------ new atoms


def test_a_model_is_extended_by_the_atoms_it_lacks(chain_bundle, tmp_path, caplog):
    path = chain_bundle.save(tmp_path / "m.molgan")
    data = MoleculeDataset.from_smiles(["CCS", "C[NH3+]", "CCO"], progress=False)
    with caplog.at_level("INFO", "molgan"):
        start = start_from(path, data, "extend")
    assert [str(kind) for kind in start.vocabulary.atoms] == ["C", "O", "N", "N+", "S"]
    assert "N+ (from N), S (from O)" in caplog.text
    assert start.encoder.config["num_atom_types"] == start.vocabulary.num_atom_types
    again = Bundle.load(start.save(tmp_path / "more.molgan"))
    assert len(again.codec.encode_smiles(["CCS", "C[NH3+]"])) == 2
    drawn = [
        [d.smiles for x in b.sampler().stream(60, 0) for d in x.decoded] for b in (start, again)
    ]
    before = [d.smiles for x in chain_bundle.sampler().stream(60, 0) for d in x.decoded]
    assert drawn[0] == drawn[1] == before


def test_a_model_that_knows_all_atoms_stays_as_it_is(chain_bundle, tmp_path):
    path = chain_bundle.save(tmp_path / "m.molgan")
    data = MoleculeDataset.from_smiles(["CCN"], progress=False)
    assert start_from(path, data, "extend").vocabulary == chain_bundle.vocabulary


def test_what_cannot_be_extended_is_said(chain_bundle, tmp_path):
    path = chain_bundle.save(tmp_path / "m.molgan")
    sulfur = MoleculeDataset.from_smiles(["CCS"], progress=False)
    with pytest.raises(ConfigError, match=r"atoms S.*new_atoms=extend"):
        start_from(path, sulfur)
    long = MoleculeDataset.from_smiles(["CCCCCCS"], progress=False)
    with pytest.raises(ConfigError, match=r"at most 5 heavy atoms.*data\.max_atoms=5"):
        start_from(path, long, "extend")
    with pytest.raises(ConfigError, match="new_atoms=maybe is unknown: use refuse or extend"):
        start_from(path, sulfur, "maybe")


def test_a_run_learns_new_atoms(make_tuned, tmp_path):
    path = tmp_path / "sulfur.smi"
    path.write_text("CCS\nCSC\nCCCS\nC1CS1\nSCCS\nCC(C)S\nCCSC\nSC1CC1\nCS\nCCCCS\n")
    trainer = make_tuned(f"data.path={path}", "new_atoms=extend")
    trainer.fit()
    assert "S" in [str(kind) for kind in trainer.bundle.vocabulary.atoms]
    sulfur = trainer.bundle.vocabulary.atom_index("S", 0)
    bias = trainer.context.networks.generator.decoder.network[-1].bias
    types = trainer.bundle.vocabulary.num_atom_types
    of_atoms = bias[: trainer.bundle.max_atoms * types].view(-1, types)
    oxygen = trainer.bundle.vocabulary.atom_index("O", 0)
    # It began 3 below oxygen, and there is none of that in the data.
    assert (of_atoms[:, sulfur] - of_atoms[:, oxygen])[:3].mean() > -3


# --------------------------------------------------------------------- parts that rest


def test_frozen_parts_rest_and_the_others_learn(make_tuned, finished_run):
    trainer = make_tuned("trainer.frozen=[encoder, generator.decoder.network.0]")
    before = {
        key: value.clone() for key, value in trainer.context.networks.generator.state_dict().items()
    }
    start = Bundle.load(finished_run)
    trainer.fit()
    for key, value in trainer.context.networks.encoder.state_dict().items():
        assert torch.equal(value, start.encoder.state_dict()[key])
    moved = {
        key
        for key, value in trainer.context.networks.generator.state_dict().items()
        if not torch.equal(value, before[key])
    }
    assert not {key for key in moved if key.startswith("decoder.network.0.")}
    assert {key for key in moved if key.startswith("decoder.network.")}
    assert {key for key in moved if key.startswith("sampler.")}


def test_a_name_that_there_is_not_lists_those_there_are(make_tuned):
    with pytest.raises(ConfigError, match=r"'encodr'; there are: .*generator\.decoder.* encoder"):
        make_tuned("trainer.frozen=[encodr]")


def test_a_phase_with_nothing_to_train_is_refused(make_tuned):
    with pytest.raises(ConfigError, match=r"trainer\.phases\.autoencoder.*trainer\.frozen"):
        make_tuned("trainer.frozen=[encoder, generator.decoder]")


# --------------------------------------------------------------- what is not forgotten


def test_molecules_of_the_start_model_are_mixed_in(make_tuned, finished_run):
    start = Bundle.load(finished_run)
    atoms, _ = replayed(start, 400, seed=0)
    assert 0 < len(atoms) <= 400
    trainer = make_tuned("trainer.replay=400", "trainer.replay_share=0.25")
    data = trainer.context.data
    assert data.replayed == len(atoms)
    rows = data.draw_indices(20_000, trainer.context.rng)
    own = len(data) - data.replayed
    assert (rows >= own).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert set(rows.tolist()) >= set(range(own))
    with pytest.raises(ConfigError, match=r"replay_share=1\.5"):
        make_tuned("trainer.replay_share=1.5")


def test_what_is_mixed_in_is_refined_once(finished_run):
    start = Bundle.load(finished_run)
    start.refine_steps, passes = 5, []
    start.encoder.register_forward_hook(lambda *_: passes.append(1))
    replayed(start, 300, seed=0)
    assert len(passes) == 1


def test_the_model_knows_what_both_trainings_saw(make_tuned, finished_run, tmp_path):
    path = tmp_path / "other.smi"
    path.write_text("CCCCN\nCCCCO\nNCCC=O\n")
    trainer = make_tuned(f"data.path={path}", "data.fractions=[1,0,0]")
    start = Bundle.load(finished_run)
    both = np.union1d(start.identities.array, trainer.identities.array)
    np.testing.assert_array_equal(trainer.bundle.identities.array, both)
    own = HashedIdentities.from_smiles(["CCCCN", "CCCCO", "NCCC=O"])
    np.testing.assert_array_equal(trainer.identities.array, own.array)


def test_what_is_null_is_as_the_start_model_has_it(finished_run):
    start = Bundle.load(finished_run)
    start.noise_scale, start.refine_steps = 0.7, 0
    start.config["trainer"]["phases"]["autoencoder"]["latent_noise"] = 0.3
    typed = compose(["experiment=finetune", "data.path=a.smi", "model.refine_steps=1"])
    cfg = building.as_started(typed, start)
    assert (cfg.model.discretization, cfg.model.noise_scale) == ("argmax", 0.7)
    assert cfg.model.refine_steps == 1
    phases = cfg.trainer.phases
    assert {phases[key].latent_noise for key in ("autoencoder", "focus", "mending")} == {0.3}
    assert typed.model.noise_scale is None
    start.config = {}
    assert building.as_started(typed, start).trainer.phases.focus.latent_noise == 0.8
