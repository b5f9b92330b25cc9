"""Networks are rebuilt from plain data, and only networks of ours."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from molgan.errors import BundleError
from molgan.models import (
    Decoder,
    Encoder,
    GraphCritic,
    LatentCritic,
    LatentGenerator,
    MolGANGenerator,
    RewardNetwork,
    SlotEncoder,
    rebuild,
)

NETWORKS = [
    lambda: LatentGenerator(5, 4, 6, sampler_width=16, decoder_width=16, sampler_blocks=1),
    lambda: MolGANGenerator(5, 4, max_atoms=6, hidden_units=(8, 16)),
    lambda: Encoder(5, 4, 6, width=16),
    lambda: Decoder(5, 4, 6, width=16),
    lambda: LatentCritic(8, 6, width=16),
    lambda: GraphCritic(5, 4, conv_units=(8, 8), walk_steps=2, minibatch="deviation"),
    lambda: GraphCritic(5, 4, conv_units=OmegaConf.create([8]), spectral_norm=True),
    lambda: RewardNetwork(5, 4, head_units=[]),
]


@pytest.mark.parametrize("make", NETWORKS)
def test_a_network_is_rebuilt_from_its_json(make):
    network = make()
    again = rebuild(json.loads(json.dumps(network.config)))
    assert type(again) is type(network)
    assert again.config == network.config
    weights, fresh = network.state_dict(), again.state_dict()
    assert {k: v.shape for k, v in weights.items()} == {k: v.shape for k, v in fresh.items()}
    again.load_state_dict(weights)
    assert all(torch.equal(again.state_dict()[k], v) for k, v in weights.items())


def test_config_holds_every_argument_as_plain_data():
    config = MolGANGenerator(5, 4, np.int64(6), hidden_units=(8,)).config
    assert config == {
        "network": "MolGANGenerator",
        "num_atom_types": 5,
        "num_bond_types": 4,
        "max_atoms": 6,
        "noise_dim": 32,
        "hidden_units": [8],
        "dropout": 0.0,
    }
    json.dumps(config)


def test_unknown_networks_are_refused():
    with pytest.raises(BundleError, match="unknown network 'Linear'"):
        rebuild({"network": "Linear", "in_features": 1, "out_features": 1})
    with pytest.raises(BundleError, match="unknown network None"):
        rebuild({})


def test_former_settings_are_read_at_the_value_they_have_today():
    network = SlotEncoder(5, 4, 6, latent_dim=12, width=24)
    saved = {**network.config, "per_atom": True, "mixing": "relative", "readout": 16}
    assert rebuild(saved).config == network.config
    with pytest.raises(BundleError, match="SlotEncoder with mixing=absolute is no longer part"):
        rebuild({**saved, "mixing": "absolute"})


def test_arguments_of_another_version_are_refused():
    config = {**LatentCritic(8, 6, width=16).config, "attention": True}
    with pytest.raises(BundleError, match="saved LatentCritic does not fit"):
        rebuild(config)
