"""Latent points of molecules, and what happens to molecules that a model cannot represent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from molgan import MolGAN
from molgan.bundle import Bundle
from molgan.errors import ChemistryError, MolganError


@pytest.fixture
def model(chain_bundle) -> MolGAN:
    return MolGAN(chain_bundle)


@contextmanager
def rows_encoded(bundle: Bundle) -> Iterator[list[int]]:
    """How many molecules go through the encoder at each of its calls."""
    rows: list[int] = []
    hook = bundle.encoder.register_forward_hook(lambda _, given, __: rows.append(len(given[0])))
    try:
        yield rows
    finally:
        hook.remove()


def test_every_molecule_has_one_point_however_it_is_written(model):
    points = model.encode(["CCO", "OCC", "C(O)C", "CCC"])
    assert points.shape == (4, 8)
    assert points.dtype == np.float32
    assert np.array_equal(points[0], points[1])
    assert np.array_equal(points[0], points[2])
    assert not np.allclose(points[0], points[3])
    np.testing.assert_allclose(points.mean(1), 0, atol=1e-5)


def test_no_molecules_have_no_points(model):
    assert model.encode([]).shape == (0, 8)


def test_what_is_no_text_is_named(model):
    with pytest.raises(MolganError, match=r"entry 1 .* is nan, not a text"):
        model.encode(["CCO", float("nan")])


@pytest.mark.parametrize(
    ("smiles", "why"),
    [
        ("CC(", "RDKit cannot read it"),
        ("CCS", "vocabulary: S. This model knows"),
        ("C[NH3+]", r"vocabulary: N\+"),
        ("CCCCCC", "more heavy atoms than allowed.* up to 5 heavy atoms: C, O, N"),
        ("CO.CO", "more than one fragment"),
        ("", "no atoms"),
    ],
)
def test_a_molecule_that_does_not_fit_is_named(model, smiles, why):
    with pytest.raises(ChemistryError, match=why) as caught:
        model.encode(["CCO", smiles])
    assert repr(smiles) in str(caught.value)


def test_one_string_is_not_a_list(model):
    with pytest.raises(MolganError, match="list of SMILES"):
        model.encode("CCO")
    with pytest.raises(MolganError, match="list of SMILES"):
        MolGAN().fit("CCO", progress=False)


def test_a_model_without_encoder_says_which_has_one(paper_bundle):
    with pytest.raises(MolganError, match="model=latent"):
        MolGAN(paper_bundle).encode(["CCO"])


@pytest.mark.parametrize("method", ["sample", "evaluate", "encode", "save"])
def test_an_untrained_model_says_what_to_do(method):
    with pytest.raises(MolganError, match=r"not trained yet: call fit"):
        getattr(MolGAN(), method)(["C"] if method == "encode" else 1)


def test_a_loaded_model_samples_like_the_saved_one(model, tmp_path):
    path = model.save(tmp_path / "model.molgan")
    assert path == tmp_path / "model.molgan"
    again = MolGAN.load(path)
    assert again.sample(80, seed=2).frame.equals(model.sample(80, seed=2).frame)
    np.testing.assert_array_equal(again.encode(["CCO"]), model.encode(["CCO"]))


def test_repaired_samples_are_all_there(model):
    plain, repaired = model.sample(80), model.sample(80, repair="valence")
    assert sum(plain.rejected.values()) > 0
    assert len(repaired.frame) == 80
    assert set(plain.frame["smiles"]) <= set(repaired.frame["smiles"])


def test_figures_count_every_draw(model):
    figures, library = model.evaluate(120, seed=1), model.sample(120, seed=1)
    assert figures["n"] == 120
    assert figures["valid"] == pytest.approx(len(library.frame) / 120)
    assert figures["n_unique"] == library.frame["smiles"].nunique()


def test_many_molecules_go_through_the_encoder_in_parts(model):
    with rows_encoded(model.bundle) as rows:
        points = model.encode(["CCO", "CCN"] * 1100)
    assert rows == [1024, 1024, 152]
    np.testing.assert_allclose(points, np.tile(points[:2], (1100, 1)), atol=1e-5)
    assert model.encode([]).shape == (0, 8)


def test_a_walk_is_refined_as_samples_are(chain_bundle):
    with rows_encoded(chain_bundle) as rows:
        MolGAN(replace(chain_bundle, refine_steps=1)).interpolate("CCO", "CCCCC", 9)
    assert rows == [2, 9]  # the two ends, then what was decoded between them


@pytest.mark.parametrize(
    "walk",
    [
        lambda model: model.interpolate("CCO", "CCCCC", 9),
        lambda model: model.explore("CCO", 9, radius=0.25),
    ],
    ids=["interpolate", "explore"],
)
def test_every_share_is_where_the_generator_puts_it(shares_bundle, walk):
    read = []
    decoder = shares_bundle.generator.decoder
    hook = decoder.register_forward_pre_hook(lambda _, arguments: read.append(arguments))
    try:
        walk(MolGAN(shares_bundle))
    finally:
        hook.remove()
    points, sizes = (torch.cat(each) for each in zip(*read, strict=True))
    assert sizes.unique().tolist() in ([3, 4, 5], [2, 3, 4])
    shares = points.unflatten(1, (5, 4))
    there = torch.arange(5) < sizes[:, None]
    assert shares[~there].eq(0).all()
    torch.testing.assert_close(
        shares[there].var(1, unbiased=False), torch.ones(int(there.sum())), rtol=1e-2, atol=0
    )
