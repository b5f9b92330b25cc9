"""Guided sampling: odds, choice, the model file, settings that cannot work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from molgan.bundle import Bundle
from molgan.errors import ConfigError
from molgan.generate import main
from molgan.guide import Guide
from molgan.model import MolGAN
from molgan.models import RewardNetwork


class OxygenReward(torch.nn.Module):
    """A reward that is known: the share of slots that hold one kind of atom."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place

    def forward(self, graphs):
        return graphs.nodes[..., self.place].float().mean(1)


@pytest.fixture
def guide(chain_bundle) -> Guide:
    vocabulary = chain_bundle.vocabulary
    return Guide(RewardNetwork(vocabulary.num_atom_types, vocabulary.num_bond_types), 4)


def chosen(guide: Guide, predicted: torch.Tensor, seed: int = 0) -> torch.Tensor:
    places = guide.choose(predicted, torch.Generator().manual_seed(seed))
    return predicted[torch.arange(len(predicted)), places]


def test_what_is_chosen_follows_what_is_wanted(guide):
    rng = torch.Generator().manual_seed(0)
    given = torch.rand(20_000, generator=rng)
    wanted = 0.3 + 0.5 * torch.rand(20_000, generator=rng)
    guide.fit(given, wanted)
    picked = chosen(guide, torch.rand(5000, 16, generator=rng))
    levels = torch.linspace(0.05, 0.95, 10)
    np.testing.assert_allclose(picked.quantile(levels), wanted.quantile(levels), atol=0.03)


def test_a_guide_without_odds_takes_any_candidate(guide):
    predicted = torch.rand(5000, 4, generator=torch.Generator().manual_seed(0))
    assert chosen(guide, predicted).mean() == pytest.approx(predicted.mean().item(), abs=0.02)
    places = guide.choose(predicted, torch.Generator().manual_seed(0))
    assert torch.bincount(places, minlength=4).min() > 1000


def test_expected_is_what_choosing_gives(guide):
    rng = torch.Generator().manual_seed(1)
    given = torch.rand(20_000, generator=rng)
    guide.fit(given, given.sqrt())
    found = chosen(guide, torch.rand(5000, guide.candidates, generator=rng)).mean()
    assert found > given.mean() + 0.05
    assert guide.expected(given, given, rng) == pytest.approx(found.item(), abs=0.02)


def test_a_guided_model_draws_more_of_what_is_wanted(chain_bundle, guide):
    def oxygens(bundle: Bundle) -> float:
        decoded = [item for draw in bundle.sampler().stream(300, 0) for item in draw.decoded]
        assert len(decoded) == 300
        return float(np.mean([item.smiles.count("O") for item in decoded if item.valid]))

    guide.candidates = 32
    guide.network = OxygenReward(chain_bundle.vocabulary.atom_index("O", 0))
    # One in six slots an oxygen, and no molecule without: the chains have fewer.
    guide.log_odds = torch.where(torch.arange(32) < 4, -9.0, 0.0)
    guide.edges = torch.linspace(0, 1, 33)[1:-1]
    guided = replace(chain_bundle, guide=guide)
    assert oxygens(guided) > oxygens(chain_bundle) + 0.25
    inputs = guided.sampler(candidates=9).draw_inputs(2, torch.Generator())
    assert inputs.noise.shape[:2] == (2, 9)


def test_the_first_molecules_do_not_hang_on_how_many_are_drawn(chain_bundle, guide):
    sampler = replace(chain_bundle, guide=guide).sampler()

    def drawn(n: int, batch_size: int) -> list[str | None]:
        return [item.smiles for draw in sampler.stream(n, 3, batch_size) for item in draw.decoded]

    assert drawn(40, 1024)[:10] == drawn(10, 7)


def test_a_guide_is_part_of_the_model_file(chain_bundle, tmp_path, guide):
    guide.fit(torch.rand(1000), torch.rand(1000).sqrt())
    path = replace(chain_bundle, guide=guide).save(tmp_path / "guided.molgan")
    loaded = Bundle.load(path)
    assert loaded.guide is not None
    assert loaded.guide.candidates == 4
    torch.testing.assert_close(loaded.guide.log_odds, guide.log_odds)
    for key, value in guide.network.state_dict().items():
        torch.testing.assert_close(loaded.guide.network.state_dict()[key], value)
    assert Bundle.load(chain_bundle.save(tmp_path / "plain.molgan")).guide is None


def test_candidates_that_cannot_be_are_refused(chain_bundle, guide):
    with pytest.raises(ConfigError, match=r"candidates=3.*experiment=optimize"):
        chain_bundle.sampler(candidates=3)
    with pytest.raises(ConfigError, match="candidates=0"):
        Guide(guide.network, 0)
    with pytest.raises(ConfigError, match="argmax"):
        replace(chain_bundle, guide=guide, discretization="gumbel").sampler()


def smiles_of(bundle: Bundle, n: int, batch_size: int = 1024, **settings: Any) -> list[str | None]:
    stream = bundle.sampler(**settings).stream(n, 3, batch_size)
    return [item.smiles for draw in stream for item in draw.decoded]


def distinct(smiles: list[str | None]) -> float:
    valid = [text for text in smiles if text is not None]
    return len(set(valid)) / len(valid)


def test_a_library_with_a_memory_repeats_less(chain_bundle, guide):
    guided = replace(chain_bundle, guide=guide)
    assert guided.sampler().repeats == 1
    independent = smiles_of(guided, 120)
    fewer, fewest = (smiles_of(guided, 120, repeats=each) for each in (0.5, 0.0))
    assert distinct(independent) < distinct(fewer) < distinct(fewest)
    assert independent == smiles_of(guided, 120, repeats=1.0)
    guide.repeats = 0.0
    assert smiles_of(guided, 120) == fewest


def test_a_memory_does_not_hang_on_the_batches(chain_bundle, guide):
    guided = replace(chain_bundle, guide=guide)
    assert smiles_of(guided, 60, repeats=0.0)[:25] == smiles_of(guided, 25, 8, repeats=0.0)
    # Two of a batch know of each other: these 60 are drawn at once.
    fewer = smiles_of(guided, 60, repeats=0.0)
    assert distinct(fewer) > distinct(smiles_of(guided, 60))


def test_figures_are_of_independent_draws(chain_bundle, guide):
    guide.repeats = 0.0
    model = MolGAN(replace(chain_bundle, guide=guide))
    figures = model.evaluate(200, seed=5)
    library = model.sample(200, seed=5, repeats=1.0)
    assert figures["unique"] == pytest.approx(len(set(library.smiles)) / len(library))
    without = model.sample(200, seed=5)
    assert len(set(without.smiles)) / len(without) > figures["unique"]


def test_repeats_are_part_of_the_model_file(chain_bundle, tmp_path, guide):
    guide.repeats = 0.25
    loaded = Bundle.load(replace(chain_bundle, guide=guide).save(tmp_path / "guided.molgan"))
    assert loaded.guide is not None
    assert loaded.sampler().repeats == 0.25
    document = guide.to_document()
    del document["repeats"]  # as files were before there was a memory
    guide.load_document(document)
    assert guide.repeats == 1.0


def test_a_memory_without_a_choice_is_refused(chain_bundle, guide):
    with pytest.raises(ConfigError, match=r"repeats=0.*experiment=optimize"):
        chain_bundle.sampler(repeats=0.0)
    with pytest.raises(ConfigError, match="candidates"):
        replace(chain_bundle, guide=guide).sampler(candidates=1, repeats=0.5)
    with pytest.raises(ConfigError, match="repeats=2"):
        Guide(guide.network, 4, 2.0)


def test_generate_writes_a_library_without_repeats(chain_bundle, guide, tmp_path, capsys):
    def distinct_ones(typed: str) -> int:
        out = tmp_path / f"{typed.partition('=')[2]}.smi"
        settings = [f"model={path}", f"out={out}", "n=300", "keep=false", "unique=false"]
        assert main([*settings, "scores=false", "device=cpu", "progress=false", typed]) == 0
        smiles = [line.split()[0] for line in out.read_text().splitlines()]
        return len(set(smiles))

    path = replace(chain_bundle, guide=guide).save(tmp_path / "guided.molgan")
    assert distinct_ones("repeats=0") > distinct_ones("repeats=null")
    assert main([f"model={path}", f"out={tmp_path / 'none.smi'}", "repeats=none"]) == 2
    assert "repeats=none" in capsys.readouterr().err
