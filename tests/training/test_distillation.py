"""Distillation: a student that makes the teacher's molecules in one pass, with its encoder."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from molgan.bundle import Bundle
from molgan.chem import Codec, Decoded, pack_bonds
from molgan.errors import ConfigError, TrainingError
from molgan.graphs import MolGraphs
from molgan.models import Decoder, LatentGenerator
from molgan.training import DistillationPhase
from molgan.training.trainer import CHECKPOINT

NOTHING = Decoded(None, None, "empty")


@pytest.fixture(scope="module")
def teacher(chain_bundle, tmp_path_factory):
    """The path of a model that refines what it drew."""
    path = tmp_path_factory.mktemp("teacher") / "chains.molgan"
    return dataclasses.replace(chain_bundle, refine_steps=1, noise_scale=1.5).save(path)


@pytest.fixture(scope="module")
def settings(teacher):
    molecules = teacher.with_name("molecules.smi")
    molecules.write_text("CCO\nCCCCC\nCN=O\nCC#C\nCCCO\nCCN\nCC=O\nCOC\n")
    return [
        "data=file",
        f"data.path={molecules}",
        "experiment=distill",
        f"teacher={teacher}",
        "model.generator.sampler_width=48",
        "model.generator.sampler_blocks=1",
        "model.generator.decoder_width=48",
        "trainer.phases.distillation.molecules=640",
        "trainer.phases.distillation.batch_size=64",
        "trainer.phases.distillation.fresh=16",
        "trainer.phases.distillation.remembered=100",
        "trainer.phases.distillation.prepared=50",
        "trainer.phases.mending=null",
        "trainer.averaging_half_life=500",
        "trainer.evaluation.final=[]",
    ]


@pytest.fixture
def make_student(make_later_trainer, settings):
    def make(run_dir, *overrides, **given):
        return make_later_trainer(run_dir, *settings, *overrides, **given)

    return make


def agreement(student: Bundle, path: Path) -> float:
    """Share of the teacher's molecules that the student makes of the same noise."""
    pair = [next(bundle.sampler().stream(300, 5)) for bundle in (Bundle.load(path), student)]
    teachers, students = ([one.smiles for one in draw.decoded] for draw in pair)
    assert len(set(teachers)) > 10  # not one molecule for all
    made = [a == b for a, b in zip(teachers, students, strict=True) if a is not None]
    return sum(made) / len(made)


@pytest.fixture(scope="module")
def taught(make_later_trainer, settings):
    """A trainer whose student has learnt for long enough to know something."""
    trainer = make_later_trainer(
        None,
        *settings,
        "trainer.phases.distillation.molecules=25600",
        "trainer.phases.distillation.remembered=8000",
        "trainer.phases.distillation.prepared=4000",
        "trainer.phases.distillation.learning_rate=0.006",
        "trainer.phases.distillation.encoded_share=0.4",
        "trainer.intervals.evaluate=1e9",
    )
    trainer.fit()
    return trainer


def test_the_student_makes_the_teachers_molecules_in_one_pass(make_student, taught, teacher):
    assert taught.bundle.refine_steps == 0
    assert taught.bundle.noise_scale == 1.5
    untaught = make_student(None).bundle
    assert agreement(untaught, teacher) < 0.1 < 0.35 < agreement(taught.bundle, teacher)


def test_a_small_student_of_a_model_with_shares_of_atoms(
    make_student, shares_bundle, tmp_path, monkeypatch
):
    path = dataclasses.replace(shares_bundle, refine_steps=3).save(tmp_path / "shares.molgan")
    # A second look hangs on the noise, which the student's decoder does not see.
    monkeypatch.delattr(LatentGenerator, "again")
    make_student(tmp_path / "run", f"teacher={path}").fit()
    student = Bundle.load(tmp_path / "run").generator
    assert student.per_atom
    assert isinstance(student.decoder, Decoder)
    assert student.latent_dim == shares_bundle.generator.latent_dim


def test_its_decoder_reads_what_the_encoder_writes(taught):
    phase = taught._phases["distillation"]
    lesson = phase.lessons.draw(100, torch.Generator())
    sampler = taught.bundle.sampler()
    draw = sampler.decode_latents(lesson["encoded"].float(), lesson["size"].long())
    same = pack_bonds(draw.bonds) == lesson["bonds"].numpy()
    assert same.all(1).mean() > 0.35
    # The very points of the encoder: it was not moved.
    kinds = taught.bundle.vocabulary
    graphs = MolGraphs.from_indices(
        lesson["atoms"], lesson["bonds"], kinds.num_atom_types, kinds.num_bond_types
    )
    with torch.no_grad():
        points = taught.bundle.encoder(graphs)
    torch.testing.assert_close(points, lesson["encoded"].float(), atol=2e-2, rtol=0)


def test_encoder_sizes_and_latent_space_are_the_teachers(make_student, teacher, tmp_path):
    teacher = Bundle.load(teacher)
    make_student(tmp_path, "model.generator.noise_dim=5", "model.encoder.width=7").fit()
    student = Bundle.load(tmp_path)
    kept = teacher.encoder.state_dict()
    assert all(v.equal(kept[k]) for k, v in student.encoder.state_dict().items())
    assert student.generator.noise_dim == teacher.generator.noise_dim
    assert student.generator.latent_dim == teacher.generator.latent_dim
    assert student.generator.config["sampler_width"] == 48
    assert student.size_distribution == pytest.approx(teacher.size_distribution)


def test_only_molecules_are_learnt(taught):
    lesson = taught._phases["distillation"].lessons.state_dict()["columns"]
    graphs = lesson["atoms"].numpy(), lesson["bonds"].numpy()
    assert all(one.valid for one in taught.bundle.codec.decode(*graphs))


def test_a_teacher_that_makes_none_is_refused(make_student, monkeypatch):
    trainer = make_student(None)
    monkeypatch.setattr(Codec, "decode", lambda self, atoms, bonds: [NOTHING] * len(atoms))
    with pytest.raises(TrainingError, match="the teacher made no molecule"):
        trainer.fit()


def test_the_teacher_rests(make_student, teacher):
    phase = make_student(None)._phases["distillation"]
    assert isinstance(phase, DistillationPhase)
    phase.begin()
    for _ in range(3):
        phase.advance()
    kept = Bundle.load(teacher).generator.state_dict()
    assert all(v.equal(kept[k]) for k, v in phase.own.state_dict().items())
    assert len(phase.lessons) == 100


def test_it_goes_on_where_it_was_stopped(make_student, tmp_path, stop_at, stopped, assert_same_run):
    stop_at(7)
    with pytest.raises(stopped):
        make_student(tmp_path / "a").fit()
    make_student(tmp_path / "a", resume_from=tmp_path / "a" / CHECKPOINT).fit()
    make_student(tmp_path / "b").fit()
    assert_same_run(tmp_path / "a", tmp_path / "b")


def test_the_recipe_ends_with_mending_of_the_decoder_alone(make_student, teacher, tmp_path):
    trainer = make_student(
        tmp_path,
        "trainer.phases.mending={_target_: molgan.training.RefinementPhase, _partial_: true, "
        "molecules: 64, batch_size: 16, learning_rate: 0.001}",
    )
    trainer.fit()
    kept = Bundle.load(teacher).encoder.state_dict()
    assert all(v.equal(kept[k]) for k, v in trainer.bundle.encoder.state_dict().items())
    assert trainer.molecules_seen == 640 + 64


def test_settings_that_cannot_work(make_student, teacher):
    with pytest.raises(ConfigError, match="give init_from or teacher"):
        make_student(None, "teacher=null")
    with pytest.raises(ConfigError, match=r"phases\.distillation: .*add teacher=MODEL"):
        make_student(None, "teacher=null", f"init_from={teacher}")
    with pytest.raises(ConfigError, match="a student starts anew"):
        make_student(None, f"init_from={teacher}")
    with pytest.raises(ConfigError, match="encoded_share=2 must be from 0 to 1"):
        make_student(None, "trainer.phases.distillation.encoded_share=2")
    with pytest.raises(ConfigError, match="fresh=0 must be at least 1"):
        make_student(None, "trainer.phases.distillation.fresh=0")


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"encoder": None}, "no encoder"), ({"discretization": "gumbel"}, "discretization=gumbel")],
)
def test_teachers_that_cannot_be_distilled(make_student, chain_bundle, tmp_path, change, reason):
    path = dataclasses.replace(chain_bundle, **change).save(tmp_path / "other.molgan")
    with pytest.raises(ConfigError, match=rf"other\.molgan cannot be distilled: .*{reason}"):
        make_student(None, f"teacher={path}")


def test_data_of_other_atoms_are_refused(make_student, tmp_path):
    path = tmp_path / "iodides.smi"
    path.write_text("CI\nCCI\nCCCI\nCCCCI\nICCI\nCC(I)C\n")
    with pytest.raises(ConfigError, match=r"teacher=\S+: the model does not know the atoms I"):
        make_student(None, f"data.path={path}")
