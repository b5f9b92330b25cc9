"""Networks of a run: which go together, and what is said of those that do not."""

from __future__ import annotations

import pytest
import torch

from molgan.building_networks import build_networks, suiting_latent_critic
from molgan.chem import Vocabulary
from molgan.config import compose
from molgan.errors import ConfigError
from molgan.models import LatentGenerator, SlotDecoder, SlotLatentCritic

SLOT_DECODER = {"network": "SlotDecoder", "width": 24, "blocks": 2}
VOCABULARY = Vocabulary.from_smiles(["CCO", "CCN"])


@pytest.mark.parametrize("decoder", [None, SLOT_DECODER])
def test_the_latent_critic_suits_the_generator(decoder):
    shares = decoder is not None
    generator = LatentGenerator(
        4, 4, 6, 8, latent_dim=2 if shares else 12, decoder=decoder, per_atom=shares
    )
    critic = suiting_latent_critic(generator)
    scores = critic(torch.randn(3, 12), torch.tensor([2, 4, 6]))
    assert scores.shape == (3,)
    assert isinstance(critic, SlotLatentCritic) == shares
    if shares:
        critic.adopt(generator.decoder)  # of the same sizes, or it would be refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["experiment=zinc250k", "model.latent_critic._target_=molgan.models.LatentCritic"],
            r"set model\.latent_critic\._target_=molgan\.models\.SlotLatentCritic.*"
            r"or model\.latent_critic=null",
        ),
        (
            ["experiment=zinc250k", "model.encoder._target_=molgan.models.Encoder"],
            r"set model\.encoder\._target_=molgan\.models\.SlotEncoder",
        ),
        (
            ["model.latent_critic._target_=molgan.models.SlotLatentCritic"],
            r"set model\.latent_critic\._target_=molgan\.models\.LatentCritic",
        ),
        (  # shares of atoms, but a decoder through which such a critic cannot look
            ["experiment=zinc250k", "model.generator.decoder=null", "model.generator.sampler=null"],
            r"whose decoder is a Decoder: set \S+=molgan\.models\.LatentCritic",
        ),
        (
            ["model.encoder._target_=molgan.models.SlotEncoder"],
            r"set model\.encoder\._target_=molgan\.models\.Encoder",
        ),
    ],
)
def test_a_network_for_another_kind_of_latent_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        build_networks(compose(settings).model, VOCABULARY, 6)


def test_a_student_has_a_latent_critic_only_if_it_is_named(chain_bundle):
    sizes = chain_bundle.vocabulary, chain_bundle.max_atoms, chain_bundle
    critic = "{_target_: molgan.models.LatentCritic, _partial_: true, width: 8}"
    for typed in ["null", critic]:
        model = compose(["experiment=distill", f"model.latent_critic={typed}"]).model
        networks = build_networks(model, *sizes, student=True)
        assert (networks.latent_critic is None) == (typed == "null")


def test_without_a_latent_critic_the_one_that_suits_is_taken():
    model = compose(["experiment=zinc250k", "model.latent_critic=null"]).model
    networks = build_networks(model, VOCABULARY, 6)
    assert isinstance(networks.generator.decoder, SlotDecoder)
    assert isinstance(networks.latent_critic, SlotLatentCritic)
