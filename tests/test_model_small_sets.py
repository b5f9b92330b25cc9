"""The smallest sets there are, with both models: nothing to learn from is no reason to crash."""

from __future__ import annotations

import pytest
import torch

from molgan import MolGAN

PAPER = [
    "model=molgan",
    "loss=wgan_gp",
    "trainer.phases.autoencoder=null",
    "trainer.phases.latent=null",
    "trainer.phases.refinement=null",
    "trainer.phases.adversarial.molecules=64",
    "trainer.phases.adversarial.batch_size=16",
    "trainer.phases.adversarial.reward_batch_size=8",
    "trainer.phases.adversarial.latent_weight=0",
    "trainer.phases.adversarial.reconstruction_weight=0",
    "trainer.phases.adversarial.discretization=gumbel_straight_through",
    "trainer.phases.adversarial.reward_weight=0.5",
    "trainer.evaluation={samples: 24, final_samples: 40, lenient: true}",
    "device=cpu",
    "precision=32-true",
]


@pytest.fixture
def settings(request, tiny_settings) -> list[str]:
    if request.param == "molgan":
        return PAPER
    return [text for text in tiny_settings if not text.startswith(("data", "progress"))]


both = pytest.mark.parametrize("settings", ["latent", "molgan"], indirect=True)


@both
@pytest.mark.parametrize("smiles", [["C"], ["C", "N", "O", "F"]])
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_single_atoms_have_no_bonds_to_learn(settings, smiles, tmp_path):
    model = MolGAN().fit(smiles, overrides=settings, progress=False)
    assert model.bundle.max_atoms == 1
    library = model.sample(50)
    assert set(library.frame["smiles"]) <= set(smiles)
    if model.bundle.discretization == "argmax":  # a size is given, so every slot holds its atom
        assert len(library.frame) == 50
    again = MolGAN.load(model.save(tmp_path / "model.molgan"))
    assert again.sample(50).frame.equals(library.frame)


@both
def test_one_molecule_is_a_set(settings):
    model = MolGAN().fit(["CC(=O)O"], overrides=settings, progress=False)
    assert model.bundle.max_atoms == 4
    assert len(model.bundle.identities) == 1
    library = model.sample(30)
    assert len(library.frame) + sum(library.rejected.values()) == 30
    figures = model.evaluate(30)
    assert figures["n"] == 30
    assert all(torch.isfinite(p).all() for p in model.bundle.generator.parameters())
