"""Molecules around a lead: near ones, distinct ones, with the fragment, every draw counted."""

from __future__ import annotations

import pytest
from rdkit import Chem

from molgan import MolGAN
from molgan.errors import ChemistryError, ConfigError, MolganError
from molgan.metrics.similarity import morgan_bits, nearest
from molgan.neighbours import RADII


@pytest.fixture
def model(chain_bundle) -> MolGAN:
    return MolGAN(chain_bundle)


def test_neighbours_are_distinct_valid_and_not_the_lead(model):
    library = model.explore("OCC", 30, radius=1.5, seed=3)
    assert len(library) == 30
    assert len(set(library.smiles)) == 30
    assert "CCO" not in library.smiles
    mols = [Chem.MolFromSmiles(text) for text in library.smiles]
    assert None not in mols
    lead = morgan_bits([Chem.MolFromSmiles("CCO")])
    assert library.frame["similarity"].tolist() == nearest(morgan_bits(mols), lead)[0].tolist()
    assert library.frame["similarity"].is_monotonic_decreasing
    assert set(library.frame["radius"]) == {1.5}
    assert {mol.GetNumAtoms() for mol in mols} == {2, 3, 4}
    known = [text in ("CCO", "CCCCC", "CN=O", "C#CC") for text in library.smiles]
    assert [not flag for flag in known] == library.frame["novel"].astype(bool).tolist()


def test_every_draw_is_counted(model, monkeypatch):
    from molgan.neighbours import Lead

    drawn = 0
    original = Lead._stream

    def counting(self, *arguments):
        nonlocal drawn
        for item in original(self, *arguments):
            drawn += 1
            yield item

    monkeypatch.setattr(Lead, "_stream", counting)
    library = model.explore("OCC", 20, radius=2.0)
    # The molecule at which each round stops is drawn and not looked at.
    assert len(library) + sum(library.rejected.values()) == drawn - 1
    assert library.rejected["repeat"] > 0


def test_the_same_seed_finds_the_same(model):
    one, two = (model.explore("CCO", 15, radius=1.0, seed=5) for _ in range(2))
    assert one.frame.equals(two.frame)
    assert not one.frame.equals(model.explore("CCO", 15, radius=1.0, seed=6).frame)


def test_without_a_radius_the_ladder_is_climbed(model):
    radii = model.explore("CCO", 24).frame["radius"]
    assert set(radii) <= set(RADII)
    assert len(set(radii)) > 1
    assert radii.value_counts().max() <= 24


def test_a_small_radius_stays_nearer_than_a_large_one():
    model = MolGAN.from_pretrained("qm9")
    near, far = (model.explore("CC1COC1C#N", 20, radius=r) for r in (0.6, 2.0))
    assert near.frame["similarity"].mean() > far.frame["similarity"].mean() + 0.1


def test_a_search_ends_where_there_is_no_more(model, monkeypatch):
    monkeypatch.setattr("molgan.neighbours._BARREN", 300)
    library = model.explore("CCO", 20, radius=1e-4, resize=0)
    assert len(library) <= 1
    assert 300 <= sum(library.rejected.values()) <= 600


@pytest.mark.parametrize(("lead", "fragment"), [("CCO", "CO"), ("CC#C", "C#C"), ("CN=O", "N=O")])
def test_the_fragment_is_in_every_molecule_by_construction(model, lead, fragment):
    query = Chem.MolFromSmarts(fragment)
    library = model.explore(lead, 15, radius=2.0, contains=fragment)
    assert len(library)
    assert all(Chem.MolFromSmiles(s).HasSubstructMatch(query) for s in library.smiles)
    assert "without the fragment" not in library.rejected


def test_hydrogens_of_a_pattern_are_asked_for_afterwards(model):
    library = model.explore("CCO", 15, radius=2.0, contains="[OH]C")
    query = Chem.MolFromSmarts("[OH]C")
    assert all(Chem.MolFromSmiles(s).HasSubstructMatch(query) for s in library.smiles)
    assert library.rejected["without the fragment"] > 0


@pytest.mark.parametrize(
    ("lead", "settings", "error", "said"),
    [
        ("CCS", {}, ChemistryError, "vocabulary: S"),
        ("CCCCCC", {}, ChemistryError, "up to 5 heavy atoms"),
        ("CC(", {}, ChemistryError, "cannot read"),
        ("CCO", {"contains": "C#N"}, ChemistryError, "the lead CCO does not contain C#N"),
        ("CCO", {"contains": "C1C"}, ConfigError, "neither SMARTS nor SMILES"),
        ("CCO", {"n": 0}, ConfigError, "n=0"),
        ("CCO", {"radius": 0.0}, ConfigError, "radius=0"),
        ("CCO", {"resize": -1}, ConfigError, "resize=-1"),
    ],
)
def test_what_cannot_work_is_said(model, lead, settings, error, said):
    with pytest.raises(error, match=said):
        model.explore(lead, **settings)


def test_a_model_without_encoder_has_no_neighbours(paper_bundle):
    with pytest.raises(MolganError, match="model=latent"):
        MolGAN(paper_bundle).explore("CCO")
