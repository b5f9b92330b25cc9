"""The networks with a state for each atom: connectedness, gradients, what they can learn."""

from __future__ import annotations

import pytest
import torch

from molgan.errors import BundleError, ConfigError
from molgan.losses import reconstruction_loss
from molgan.models import (
    DenoisingSampler,
    LatentGenerator,
    SlotDecoder,
    SlotEncoder,
    SlotLatentCritic,
    discretize,
    rebuild,
)
from molgan.models.layers import size_mask
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
    mixed = mixer(states, torch.ones(2, 12))
    torch.testing.assert_close(mixed[0, :10], mixed[1, 2:])
    assert not torch.allclose(mixed[0, 0], mixed[0, 9])  # and it reaches from there


@pytest.mark.parametrize("attention", [0, 4])
def test_atoms_that_are_not_there_are_heard_by_none(attention):
    torch.manual_seed(0)
    mixer = SlotMixer(9, 24, attention=attention)
    for parameter in mixer.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    mask = size_mask(torch.tensor([3, 9]), 9)
    states = torch.randn(2, 9, 24)
    other = states.clone()
    other[0, 3:] += 1.0
    mixed, again = mixer(states, mask), mixer(other, mask)
    torch.testing.assert_close(mixed[0, :3], again[0, :3])
    # So the slots beyond the largest molecule can be left out.
    torch.testing.assert_close(mixer(states[:1, :3], mask[:1, :3]), mixed[:1, :3])


def test_attention_finds_an_atom_by_what_it_is():
    """By distance alone, a mixer would send the same from wherever it stands."""
    torch.manual_seed(0)
    mixer = SlotMixer(9, 24, attention=4)
    attention = mixer.attention
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    states, mask = torch.randn(1, 9, 24), torch.ones(1, 9)
    with torch.no_grad():
        attention.nearness.zero_()
        swapped = states[:, [0, 5, 2, 3, 4, 1, 6, 7, 8]]
        torch.testing.assert_close(attention(swapped, mask)[:, 0], attention(states, mask)[:, 0])
        attention.nearness.normal_()
        assert not torch.allclose(attention(swapped, mask)[:, 0], attention(states, mask)[:, 0])


@pytest.mark.parametrize("sizes", [[2, 3], [1, 1], [5]])
def test_what_is_left_out_changes_nothing(types, graphs, sizes, monkeypatch):
    """A molecule is the same whatever the size of its neighbours in the batch."""
    torch.manual_seed(0)
    decoder = SlotDecoder(**types, max_atoms=9, **SMALL).eval()
    critic = SlotLatentCritic(36, 9, width=24, trunk_blocks=1).eval()
    encoder = SlotEncoder(**types, max_atoms=9, **SMALL).eval()
    sampler = DenoisingSampler(36, 9, width=24, blocks=2, attention=2).eval()
    for network in (decoder, critic, encoder, sampler):
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    small, count = torch.tensor(sizes), len(sizes)
    latent = torch.randn(count, 36)
    rows = graphs.num_atoms <= 5

    def work() -> list[torch.Tensor]:
        logits = decoder(latent, small)
        drawn = discretize(logits, "straight_through")
        return [
            drawn.nodes,
            drawn.edges,
            critic(latent, small),
            encoder(graphs[rows]),
            sampler(latent, small) * sampler.present(small),
        ]

    with torch.no_grad():
        trimmed = work()
        monkeypatch.setattr("molgan.models.slot_layers.TRIMMED_ON", ())
        whole = work()
    for one, other in zip(trimmed, whole, strict=True):
        torch.testing.assert_close(one, other)


def test_settings_that_do_not_fit_are_refused(types):
    with pytest.raises(ConfigError, match="latent_dim=35 cannot be shared"):
        SlotEncoder(**types, max_atoms=9, latent_dim=35)
    with pytest.raises(ConfigError, match="width=16 must be a multiple of 12"):
        SlotMixer(9, 16)
    with pytest.raises(ConfigError, match="width=24 must be a multiple of the 5 heads"):
        SlotMixer(9, 24, attention=5)


SLOT_DECODER = {"network": "SlotDecoder", "width": 24, "blocks": 1}
DENOISING = {"network": "DenoisingSampler", "width": 24, "blocks": 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        # 36 could be shared out among 9 atoms; it is not meant so.
        ({"latent_dim": 36, "decoder": SLOT_DECODER}, "set model.generator.per_atom=true"),
        ({"latent_dim": 36, "sampler": DENOISING}, "set model.generator.per_atom=true"),
    ],
)
def test_networks_for_another_kind_of_latent_are_refused(types, settings, message):
    with pytest.raises(ConfigError, match=message):
        LatentGenerator(**types, max_atoms=9, **settings)


def test_a_decoder_without_slots_reads_all_shares_as_one_point(types):
    torch.manual_seed(0)
    generator = LatentGenerator(**types, max_atoms=9, latent_dim=4, per_atom=True)
    sizes = torch.tensor([2, 9])
    points = generator.latent(torch.randn(2, generator.noise_dim), sizes)
    assert points.shape == (2, 36)
    assert points[0, 8:].eq(0).all()  # where the encoder has no share, there is none
    torch.testing.assert_close(
        points[1].view(9, 4).std(1, correction=0), torch.ones(9), atol=1e-3, rtol=0
    )
    assert generator.decoder(points, sizes).pairs.shape == (2, 36, types["num_bond_types"])


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
