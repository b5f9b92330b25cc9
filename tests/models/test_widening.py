"""Networks for further atom types: known ones keep their meaning, new ones can be learnt."""

from __future__ import annotations

import pytest
import torch

from molgan.graphs import MolGraphs
from molgan.models import (
    Encoder,
    LatentGenerator,
    MolGANGenerator,
    SlotEncoder,
    widened,
)

T, Y, N = 4, 4, 5
SOURCES = [2, 3]
SLOTS = {"network": "SlotDecoder", "width": 24, "blocks": 1, "corrections": 1}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def some_graphs(types: int = T, count: int = 12) -> tuple[torch.Tensor, torch.Tensor, MolGraphs]:
    atoms = torch.randint(1, T, (count, N))
    bonds = torch.randint(0, Y, (count, N * (N - 1) // 2))
    return atoms, bonds, MolGraphs.from_indices(atoms, bonds, types, Y)


READERS = [
    Encoder(T, Y, N, latent_dim=6, width=16),
    SlotEncoder(T, Y, N, latent_dim=4 * N, width=24, blocks=1, rounds=1),
]


@pytest.mark.parametrize("network", READERS, ids=lambda network: type(network).__name__)
def test_a_reader_reads_known_types_as_before_and_new_ones_like_their_models(network):
    network = network.eval()
    bigger = widened(network, SOURCES)
    assert type(bigger) is type(network)
    assert bigger.config["num_atom_types"] == T + 2
    assert not bigger.training
    atoms, bonds, graphs = some_graphs()
    with torch.no_grad():
        before = network(graphs)
        after = bigger(MolGraphs.from_indices(atoms, bonds, T + 2, Y))
        as_new = torch.where(atoms == SOURCES[0], T, atoms)
        alike = bigger(MolGraphs.from_indices(as_new, bonds, T + 2, Y))
    torch.testing.assert_close(after, before)
    assert not torch.equal(alike, after)
    # Much nearer to the molecules with the type that it begins as than those are to each other.
    assert (alike - after).square().mean() < 0.3 * (before - before.roll(1, 0)).square().mean()


@pytest.mark.parametrize("decoder", [None, SLOTS], ids=["Decoder", "SlotDecoder"])
def test_a_generator_draws_what_it_drew(decoder):
    sizes = {"latent_dim": 6, "sampler_width": 16, "sampler_blocks": 1, "decoder_width": 16}
    shares = decoder is not None
    network = LatentGenerator(T, Y, N, 6, **sizes, decoder=decoder, per_atom=shares).eval()
    bigger = widened(network, SOURCES)
    noise, sizes = torch.randn(64, 6), torch.randint(1, N + 1, (64,))
    with torch.no_grad():
        before, after = network(noise, sizes), bigger(noise, sizes)
    assert after.nodes.shape == (64, N, T + 2)
    assert (after.nodes.argmax(-1) == before.nodes.argmax(-1)).float().mean() > 0.99
    assert (after.pairs.argmax(-1) == before.pairs.argmax(-1)).float().mean() > 0.99
    if decoder is None:  # without corrections that read their own output: to the last bit
        torch.testing.assert_close(after.nodes[..., :T], before.nodes)
        torch.testing.assert_close(after.pairs, before.pairs)
    chance = after.nodes.softmax(-1)
    ratio = chance[..., T] / chance[..., SOURCES[0]]
    assert 0.02 < ratio.mean() < 0.1  # a twentieth, also of a logit that is a sum


def test_the_papers_generator_grows_too():
    network = MolGANGenerator(T, Y, N, 6, [16]).eval()
    with torch.no_grad():
        before, after = network(torch.ones(1, 6)), widened(network, SOURCES)(torch.ones(1, 6))
    torch.testing.assert_close(after.nodes[..., :T], before.nodes)
    torch.testing.assert_close(after.pairs, before.pairs)


def test_a_new_type_is_learnt():
    network = widened(LatentGenerator(T, Y, N, 6, 6, 16, 1, 32), SOURCES)
    latent, sizes = torch.randn(1, 6), torch.tensor([N])
    optimizer = torch.optim.Adam(network.decoder.parameters(), 1e-2)
    target = torch.full((1, N), T)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(
            network.decoder(latent, sizes).nodes.flatten(0, 1), target.flatten()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (network.decoder(latent, sizes).nodes.argmax(-1) == T).all()
