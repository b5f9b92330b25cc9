"""The sampler: every draw counted, nothing but the seed decides what is drawn."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch

from molgan.bundle import Bundle
from molgan.chem import Codec
from molgan.errors import ConfigError
from molgan.graphs import MolGraphs
from molgan.inputs import blocks, choice_rng
from molgan.metrics import evaluate_lenient
from molgan.models import discretize
from molgan.sampling import Draw, Sampler


@pytest.fixture(params=["latent", "molgan"])
def sampler(request, chain_bundle, paper_bundle) -> Sampler:
    return {"latent": chain_bundle, "molgan": paper_bundle}[request.param].sampler()


def drawn(sampler: Sampler, n: int, seed: int = 0, batch_size: int = 1024) -> list[str | None]:
    draws = sampler.stream(n, seed, batch_size)
    return [item.smiles for draw in draws for item in draw.decoded]


def test_every_draw_is_counted(sampler):
    draws = list(sampler.stream(150, 0, 64))
    assert [len(draw.decoded) for draw in draws] == [64, 64, 22]
    for draw in draws:
        assert draw.atoms.shape == (len(draw.decoded), 5)
        assert draw.bonds.shape == (len(draw.decoded), 5, 5)
        assert draw.atoms.dtype == draw.bonds.dtype == np.uint8
        assert np.array_equal(draw.bonds, draw.bonds.transpose(0, 2, 1))
        assert draw.repaired is draw.decoded
        for item in draw.decoded:
            assert (item.smiles is None) == (item.reason is not None)
    smiles = drawn(sampler, 150)
    assert len(set(smiles) - {None}) > 10
    assert None in smiles


def test_the_same_seed_draws_the_same_molecules(sampler):
    assert drawn(sampler, 100, seed=3) == drawn(sampler, 100, seed=3)
    assert drawn(sampler, 100, seed=3) != drawn(sampler, 100, seed=4)


@pytest.mark.parametrize("batch_size", [60, 400, 1100, 5000])
def test_batch_size_does_not_change_the_molecules(sampler, batch_size):
    assert drawn(sampler, 1200, batch_size=batch_size) == drawn(sampler, 1200)


def test_a_longer_stream_begins_with_the_shorter_one(sampler):
    assert drawn(sampler, 1100)[:90] == drawn(sampler, 90)


def test_batches_have_the_size_asked_for_across_blocks_of_noise(sampler):
    sizes = [len(draw.decoded) for draw in sampler.stream(2500, 0, 1000)]
    assert sizes == [1000, 1000, 500]
    assert list(sampler.stream(0, 0)) == []


def test_global_random_state_is_neither_read_nor_changed(sampler):
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = drawn(sampler, 50)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert drawn(sampler, 50) == first


def test_sizes_follow_the_distribution(chain_bundle):
    sizes = np.array([0, 0, 0.25, 0, 0, 0.75])
    sampler = replace(chain_bundle.sampler(), size_distribution=sizes)
    atoms = np.concatenate([draw.atoms for draw in sampler.stream(2000, 0)])
    counts = np.bincount((atoms > 0).sum(1), minlength=6) / 2000
    assert counts == pytest.approx(sizes, abs=0.04)


def test_argmax_draws_nothing_by_chance(chain_bundle):
    sampler = chain_bundle.sampler()
    noise, sizes = torch.randn(20, 8), torch.full((20,), 4)
    first = sampler.draw(noise, sizes, choice_rng(0))
    again = sampler.draw(noise, sizes, choice_rng(1))
    assert np.array_equal(first.atoms, again.atoms)
    assert np.array_equal(first.bonds, again.bonds)


def test_gumbel_draws_by_chance_and_by_temperature(paper_bundle):
    sampler = paper_bundle.sampler()
    noise, sizes = torch.zeros(500, 8), torch.full((500,), 4)
    draw = sampler.draw(noise, sizes, choice_rng(0))
    assert len(np.unique(draw.atoms, axis=0)) > 20
    # The draw is from softmax(logits), whatever the temperature of the relaxation.
    cold = replace(sampler, temperature=0.1).draw(noise, sizes, choice_rng(0))
    assert np.array_equal(cold.atoms, draw.atoms)


# ------------------------------------------------------------------ empty slots anywhere


def test_paper_generator_puts_empty_slots_and_their_bonds_anywhere(paper_bundle):
    draws = list(paper_bundle.sampler().stream(600, 0))
    atoms = np.concatenate([draw.atoms for draw in draws])
    bonds = np.concatenate([draw.bonds for draw in draws])
    decoded = list(chain.from_iterable(draw.decoded for draw in draws))
    holes = ((atoms[:, :-1] == 0) & (atoms[:, 1:] != 0)).any(1)
    assert holes.any()
    assert (bonds[atoms == 0] > 0).any(), "bonds at empty slots are kept for lenient counting"
    assert not bonds.diagonal(axis1=1, axis2=2).any()
    valid = np.array([item.valid for item in decoded])
    assert (valid & holes).any(), "a hole at an end of the chain leaves a molecule"
    for row in np.flatnonzero(valid)[:100]:
        assert decoded[row].mol.GetNumAtoms() == (atoms[row] > 0).sum()
        # What lies at empty slots does not change the molecule.
        clean = bonds[row] * ((atoms[row] > 0)[:, None] & (atoms[row] > 0))
        codec = Codec(paper_bundle.vocabulary, 5)
        assert codec.decode(atoms[row][None], clean[None])[0].smiles == decoded[row].smiles


def test_lenient_counting_reads_the_bonds_at_empty_slots(paper_bundle):
    draws = list(paper_bundle.sampler().stream(600, 0))
    atoms = np.concatenate([draw.atoms for draw in draws])
    bonds = np.concatenate([draw.bonds for draw in draws])
    strict = np.mean([item.valid for draw in draws for item in draw.decoded])
    figures = evaluate_lenient(atoms, bonds, paper_bundle.vocabulary, paper_bundle.identities)
    assert figures["lenient/valid"] > strict
    present = atoms > 0
    cut = bonds * (present[:, :, None] & present[:, None, :])
    without = evaluate_lenient(atoms, cut.astype(np.uint8), paper_bundle.vocabulary)
    assert without["lenient/unique"] != figures["lenient/unique"]


def test_networks_read_back_what_was_drawn(paper_bundle):
    draw = next(paper_bundle.sampler().stream(100, 0))
    vocabulary = paper_bundle.vocabulary
    graphs = MolGraphs.from_indices(
        torch.from_numpy(draw.atoms),
        torch.from_numpy(draw.bonds),
        vocabulary.num_atom_types,
        vocabulary.num_bond_types,
    )
    atoms, bonds = graphs.to_indices()
    codec = Codec(vocabulary, 5)
    again = codec.decode(atoms.numpy(), bonds.numpy())
    assert [item.smiles for item in again] == [item.smiles for item in draw.decoded]
    assert [item.reason for item in again] == [item.reason for item in draw.decoded]


# ------------------------------------------------------------------ repair


@pytest.mark.parametrize("policy", ["largest_fragment", "valence"])
def test_repair_leaves_valid_molecules_as_they_are(sampler, policy):
    for draw in replace(sampler, repair=policy).stream(300, 0, 150):
        assert len(draw.repaired) == len(draw.decoded)
        for before, after in zip(draw.decoded, draw.repaired, strict=True):
            assert after is before or not before.valid
        assert sum(item.valid for item in draw.repaired) > sum(item.valid for item in draw.decoded)


def test_valence_repair_saves_every_molecule_that_has_an_atom(sampler):
    for draw in replace(sampler, repair="valence").stream(300, 0):
        for row, item in enumerate(draw.repaired):
            assert item.valid or not draw.atoms[row].any()


def test_repair_is_given_probabilities(chain_bundle, monkeypatch):
    seen = {}

    def spy(name, atoms, bonds, codec, atom_scores, bond_scores):
        seen.update(atoms=atom_scores, bonds=bond_scores, types=atoms)
        return codec.decode(atoms, bonds)

    monkeypatch.setattr("molgan.sampling.repair", spy)
    next(replace(chain_bundle.sampler(), repair="valence").stream(100, 0))
    assert seen["bonds"].sum(-1) == pytest.approx(1.0, abs=1e-5)
    between = (seen["bonds"] > 1e-4) & (seen["bonds"] < 1 - 1e-4)
    assert between.any(), "one-hot scores would not say which bond is likelier"
    assert np.array_equal(seen["atoms"].argmax(-1), seen["types"])


# ------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"discretization": "hard"}, "discretization=hard is unknown"),
        ({"repair": "magic"}, "repair=magic is unknown"),
        ({"temperature": 0.0}, "temperature=0.0 must be above 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(chain_bundle, settings, message):
    with pytest.raises(ConfigError, match=message):
        replace(chain_bundle.sampler(), **settings)


@pytest.mark.parametrize(("n", "batch_size"), [(-1, 10), (10, 0)])
def test_streams_that_cannot_be_are_refused(chain_bundle, n, batch_size):
    with pytest.raises(ConfigError, match=f"n={n} molecules in batches of batch_size={batch_size}"):
        next(chain_bundle.sampler().stream(n, 0, batch_size))


def test_worker_processes_do_not_change_the_molecules(chain_bundle, monkeypatch):
    from molgan.chem import codec

    monkeypatch.setattr(codec, "POOL_THRESHOLD", 100)
    monkeypatch.setattr(codec, "CHUNK", 50)
    alone = drawn(chain_bundle.sampler(), 120)
    assert drawn(chain_bundle.sampler(n_jobs=2), 120) == alone


def test_a_draw_knows_its_parts():
    empty = np.zeros((0, 5), np.uint8), np.zeros((0, 5, 5), np.uint8)
    assert Draw([], [], *empty).decoded == []


def test_refining_encodes_and_decodes_each_molecule_once_more(chain_bundle):
    plain, once, twice = (chain_bundle.sampler(refine_steps=steps) for steps in (0, 1, 2))
    noise, sizes = next(blocks(64, 7, plain._block))[:2]
    noise = noise[:, 0]
    first = plain.draw(noise, sizes, choice_rng(0))
    present = first.atoms > 0
    graphs = MolGraphs.from_indices(
        torch.from_numpy(first.atoms),
        torch.from_numpy(first.bonds * (present[:, :, None] & present[:, None, :])),
        chain_bundle.vocabulary.num_atom_types,
        chain_bundle.vocabulary.num_bond_types,
    )
    with torch.no_grad():
        logits = chain_bundle.generator.decoder(chain_bundle.encoder(graphs), sizes)
    atoms, bonds = discretize(logits, "soft").to_indices()
    expected = chain_bundle.codec.decode(atoms.numpy(), bonds.numpy())
    assert drawn(once, 64, seed=7) == [item.smiles for item in expected]
    assert drawn(once, 64, seed=7) != drawn(plain, 64, seed=7)
    assert drawn(twice, 64, seed=7) != drawn(once, 64, seed=7)


def test_a_sampler_that_denoises_looks_again_but_for_the_last_time(shares_bundle, monkeypatch):
    turns: list[int] = []
    again = shares_bundle.generator.again

    def noted(points, noise, turn, sizes, conditions=None):
        turns.append(turn)
        return again(points, noise, turn, sizes, conditions)

    monkeypatch.setattr(shares_bundle.generator, "again", noted)
    (once,) = shares_bundle.sampler(refine_steps=1).stream(40, 0)
    assert turns == []
    thrice = shares_bundle.sampler(refine_steps=3)
    (draw,) = thrice.stream(40, 0)
    assert turns == [2, 1]
    assert not np.array_equal(draw.bonds, once.bonds)
    # Each molecule goes by its own noise, whatever the batch.
    parts = list(thrice.stream(40, 0, batch_size=7))
    assert np.array_equal(np.concatenate([part.atoms for part in parts]), draw.atoms)
    assert np.array_equal(np.concatenate([part.bonds for part in parts]), draw.bonds)


def test_refining_is_part_of_the_model(chain_bundle, tmp_path):
    saved = Bundle.load(replace(chain_bundle, refine_steps=1).save(tmp_path / "refining.molgan"))
    assert drawn(saved.sampler(), 50) == drawn(chain_bundle.sampler(refine_steps=1), 50)


def test_half_precision_draws_nearly_the_same_molecules(sampler):
    half = replace(sampler, precision="bf16-mixed")
    plain = drawn(sampler, 200)
    computed: set[torch.dtype] = set()
    hooks = [
        module.register_forward_hook(lambda *call: computed.add(call[2].dtype))
        for module in half.generator.modules()
        if isinstance(module, torch.nn.Linear)
    ]
    same = [a == b for a, b in zip(plain, drawn(half, 200), strict=True)]
    for hook in hooks:
        hook.remove()
    assert computed == {torch.bfloat16}
    assert np.mean(same) > 0.8
    with pytest.raises(ConfigError, match="precision=16"):
        replace(sampler, precision="16")


@pytest.mark.parametrize(("kind", "steps"), [("molgan", 1), ("latent", -1)])
def test_refining_that_cannot_work_says_so(kind, steps, chain_bundle, paper_bundle):
    bundle = {"latent": chain_bundle, "molgan": paper_bundle}[kind]
    with pytest.raises(ConfigError, match=f"refine_steps={steps}"):
        bundle.sampler(refine_steps=steps)
