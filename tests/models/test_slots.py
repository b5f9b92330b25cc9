"""The networks with a state for each atom: connectedness, gradients, what they can learn."""

from __future__ import annotations

import pytest
import torch

from molgan.errors import BundleError, ConfigError
from molgan.losses import reconstruction_loss
from molgan.models import (
    LatentGenerator,
    SlotDecoder,
    SlotEncoder,
    SlotLatentCritic,
    discretize,
    rebuild,
)
from molgan.models.slot_layers import PairPlaces, SlotMixer

SMALL = {"latent_dim": 36, "width": 24, "blocks": 1}


def test_a_latent_reads_every_bond(types, graphs):
    torch.manual_seed(0)
    encoder = SlotEncoder(**types, max_atoms=9, **SMALL).eval()
    latent = encoder(graphs)
    assert latent.shape == (len(graphs), 36)
    edges = graphs.edges.clone()
    edges[0, 0, 1] = edges[0, 1, 0] = torch.tensor([0.0, 0.0, 1.0, 0.0])  # ethanol to a double bond
    changed = encoder(type(graphs)(graphs.nodes, edges, graphs.mask))
    assert not torch.allclose(changed[0], latent[0])
    torch.testing.assert_close(changed[1:], latent[1:])


def test_an_atom_has_a_share_of_the_latent_and_absent_atoms_have_none(types, graphs):
    torch.manual_seed(0)
    encoder = SlotEncoder(**types, max_atoms=9, **SMALL).eval()
    shares = encoder(graphs).unflatten(1, (9, 4))
    there = graphs.mask.bool()
    assert shares[~there].eq(0).all()
    torch.testing.assert_close(
        shares[there].mean(1), torch.zeros(int(there.sum())), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        shares[there].var(1, unbiased=False), torch.ones(int(there.sum())), rtol=1e-2, atol=0
    )


def test_a_decoder_does_not_read_the_shares_of_absent_atoms(types):
    torch.manual_seed(0)
    decoder = SlotDecoder(**types, max_atoms=9, **SMALL).eval()
    latent, sizes = torch.randn(3, 36), torch.tensor([1, 4, 9])
    other = latent.clone()
    for row, size in enumerate(sizes.tolist()):
        other[row, 4 * size :] += 1.0
    assert decoder(other, sizes).pairs.equal(decoder(latent, sizes).pairs)
    other[1, 0] += 1.0
    assert not decoder(other, sizes).pairs[1].equal(decoder(latent, sizes).pairs[1])


def test_mixing_does_the_same_at_every_place():
    torch.manual_seed(0)
    mixer = SlotMixer(12, 24)
    torch.nn.init.normal_(mixer.mixed.weight)
    with torch.no_grad():  # empty places send nothing and let everything in
        mixer.values.bias.copy_(torch.tensor([0.0, 1.0]).repeat_interleave(24))
    states = torch.zeros(2, 12, 24)
    states[0, 3:6] = torch.randn(3, 24)
    states[1, 5:8] = states[0, 3:6]  # the same, two places further
    mixed = mixer(states)
    torch.testing.assert_close(mixed[0, :10], mixed[1, 2:])
    assert not torch.allclose(mixed[0, 0], mixed[0, 9])  # and it reaches from there


def test_settings_that_do_not_fit_are_refused(types):
    with pytest.raises(ConfigError, match="latent_dim=35 cannot be shared"):
        SlotEncoder(**types, max_atoms=9, latent_dim=35)
    with pytest.raises(ConfigError, match="width=16 must be a multiple of 12"):
        SlotMixer(9, 16)


SLOT_DECODER = {"network": "SlotDecoder", "width": 24, "blocks": 1}
DENOISING = {"network": "DenoisingSampler", "width": 24, "blocks": 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        # 36 could be shared out among 9 atoms; it is not meant so.
        ({"latent_dim": 36, "decoder": SLOT_DECODER}, "set model.generator.per_atom=true"),
        ({"latent_dim": 4, "per_atom": True}, "set model.generator.decoder={network: SlotDecoder}"),
        ({"latent_dim": 36, "sampler": DENOISING}, "set model.generator.per_atom=true"),
    ],
)
def test_networks_for_another_kind_of_latent_are_refused(types, settings, message):
    with pytest.raises(ConfigError, match=message):
        LatentGenerator(**types, max_atoms=9, **settings)


@pytest.mark.parametrize("corrections", [0, 2])
def test_every_atom_hangs_from_an_earlier_one(types, graphs, codec, corrections):
    torch.manual_seed(0)
    decoder = SlotDecoder(**types, max_atoms=9, **SMALL, corrections=corrections).eval()
    with torch.no_grad():  # no atom is a neighbour just because it follows
        decoder.head.offset.weight.zero_()
        decoder.head.offset.weight[:, 0] = 1.0
    loose = SlotDecoder(**types, max_atoms=9, **SMALL, corrections=corrections, connected=False)
    loose.load_state_dict(decoder.state_dict())
    sizes = torch.arange(1, 10).repeat(8)
    latent = torch.randn(len(sizes), 36)
    bonds = discretize(decoder(latent, sizes), "soft").to_indices()[1]
    hangs = bonds.tril().any(2)
    for row, size in enumerate(sizes.tolist()):
        assert hangs[row, 1:size].all()
        assert not hangs[row, size:].any()
    without = discretize(loose(latent, sizes), "soft").to_indices()[1]
    assert not without.tril().any(2)[sizes == 9, 1:].all()
    # Bonds that are there without it stay.
    assert ((without == 0) | (bonds == without)).all()


def test_gathers_have_the_gradients_of_what_they_compute():
    places = PairPlaces(4)
    square = torch.randn(2, 4, 4, 3, dtype=torch.double, requires_grad=True)
    packed = torch.randn(2, 6, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(places.packed, square)
    assert torch.autograd.gradcheck(places.square, packed)
    torch.testing.assert_close(places.packed(places.square(packed)), packed)
    assert places.square(packed)[0, 2, 1].equal(packed[0, 3])  # pairs 01 02 03 12 13 23


def test_encoder_and_decoder_learn_a_handful_of_molecules(types, graphs):
    torch.manual_seed(0)
    encoder = SlotEncoder(**types, max_atoms=9, **SMALL)
    decoder = SlotDecoder(**types, max_atoms=9, **SMALL)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=5e-3)
    atoms, bonds = graphs.to_indices()
    rows, columns = torch.triu_indices(9, 9, 1).unbind()
    packed = bonds[:, rows, columns].long()
    for _ in range(150):
        logits = decoder(encoder(graphs), graphs.num_atoms)
        loss = reconstruction_loss(logits.nodes, logits.pairs, atoms.long(), packed)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    again = discretize(logits, "soft").to_indices()
    assert again[0].equal(atoms)
    assert again[1].equal(bonds)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in parameters)


def test_a_generator_with_a_slot_decoder_is_rebuilt_from_its_config(types):
    generator = LatentGenerator(
        **types, max_atoms=9, latent_dim=4, per_atom=True, decoder=SLOT_DECODER
    )
    copy = rebuild(generator.config)
    copy.load_state_dict(generator.state_dict())
    sizes = torch.tensor([3, 9])
    noise = generator.draw_noise(2, None, torch.device("cpu"))
    assert copy(noise, sizes).pairs.equal(generator(noise, sizes).pairs)
    with pytest.raises(BundleError, match="unknown network 'Decoderr'"):
        LatentGenerator(**types, max_atoms=9, sampler={"network": "Decoderr"})


def test_a_critic_sees_what_the_decoder_sees_and_leaves_it_alone(types):
    torch.manual_seed(0)
    decoder = SlotDecoder(**types, max_atoms=9, **SMALL)
    critic = SlotLatentCritic(36, 9, width=24, trunk_blocks=1)
    critic.adopt(decoder)
    latent = torch.randn(5, 36, requires_grad=True)
    sizes = torch.tensor([1, 2, 3, 8, 9])
    assert critic.trunk(latent, sizes).equal(decoder.trunk(latent, sizes))
    critic(latent, sizes).sum().backward()
    assert latent.grad.abs().sum(1).gt(0).all()
    assert all(p.grad is None for p in decoder.parameters())
    assert all(
        (p.grad is None) == name.startswith("trunk") for name, p in critic.named_parameters()
    )
    with pytest.raises(ConfigError, match="trunk_blocks"):
        SlotLatentCritic(36, 9, width=24).adopt(decoder)
