"""Both generators and the autoencoder's halves: shapes, symmetry, sizes, export."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor, nn

from molgan.models import (
    Decoder,
    Encoder,
    LatentCritic,
    LatentGenerator,
    MolGANGenerator,
    discretize,
)

T, Y = 5, 4
NARROW = {"sampler_width": 24, "sampler_blocks": 1, "decoder_width": 24, "latent_dim": 8}


def latent_generator(max_atoms: int = 6) -> LatentGenerator:
    torch.manual_seed(0)
    return LatentGenerator(T, Y, max_atoms, noise_dim=7, **NARROW)


def paper_generator(max_atoms: int = 6) -> MolGANGenerator:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch remarks on the empty head of a single slot
        return MolGANGenerator(T, Y, max_atoms, noise_dim=7, hidden_units=(16, 24))


@pytest.mark.parametrize("make", [latent_generator, paper_generator])
@pytest.mark.parametrize("max_atoms", [1, 2, 6])
def test_logits_and_graphs_have_their_shapes(make, max_atoms):
    generator = make(max_atoms).eval()
    sizes = torch.tensor([1, max_atoms, max_atoms])
    noise = generator.draw_noise(3, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert noise.shape == (3, 7)
    logits = generator(noise, sizes)
    assert logits.nodes.shape == (3, max_atoms, T)
    assert logits.pairs.shape == (3, max_atoms * (max_atoms - 1) // 2, Y)
    graphs = discretize(logits, "straight_through")
    assert graphs.edges.shape == (3, max_atoms, max_atoms, Y)
    assert torch.equal(graphs.edges, graphs.edges.transpose(1, 2))
    atoms, bonds = graphs.to_indices()
    assert not bonds[atoms == 0].any()


def test_latent_generator_makes_molecules_of_the_sizes_asked_for():
    generator = latent_generator().eval()
    sizes = torch.tensor([1, 2, 3, 4, 5, 6])
    graphs = discretize(generator(torch.randn(6, 7), sizes), "gumbel")
    assert torch.equal(graphs.num_atoms, sizes)
    assert torch.equal((graphs.to_indices()[0] > 0).sum(1), sizes)


def test_paper_generator_decides_on_sizes_itself():
    generator = paper_generator().eval()
    noise = torch.randn(4, 7)
    logits = generator(noise, torch.tensor([1, 2, 3, 4]))
    assert logits.mask is None
    assert torch.equal(generator(noise).nodes, logits.nodes)


def test_latents_lie_on_the_encoder_s_sphere(types, graphs):
    encoder = Encoder(**types, max_atoms=9, latent_dim=8, width=24)
    generator = latent_generator()
    for points in (encoder(graphs), generator.latent(torch.randn(8, 7), torch.full((8,), 3))):
        assert points.shape == (8, 8)
        torch.testing.assert_close(points.mean(1), torch.zeros(8), atol=1e-5, rtol=0)
        torch.testing.assert_close(points.var(1, unbiased=False), torch.ones(8), atol=1e-2, rtol=0)


def test_encoder_belongs_to_the_generator_s_decoder(types, graphs):
    generator = LatentGenerator(**types, max_atoms=9, **NARROW)
    encoder = Encoder(**generator.encoder_config(), width=24)
    logits = generator.decoder(encoder(graphs), graphs.num_atoms)
    assert torch.equal(logits.mask, graphs.mask)
    assert logits.nodes.shape == graphs.nodes.shape


def test_decoder_reads_the_number_of_atoms():
    decoder = Decoder(T, Y, 6, latent_dim=8, width=24)
    latent = torch.randn(1, 8).expand(2, 8)
    logits = decoder(latent, torch.tensor([2, 6]))
    assert logits.mask.sum(1).tolist() == [2, 6]
    assert not torch.equal(logits.nodes[0], logits.nodes[1])


def test_latent_critic_scores_points_given_sizes():
    torch.manual_seed(0)
    critic = LatentCritic(8, 6, width=24, blocks=1)
    latent = torch.randn(1, 8).expand(2, 8)
    scores = critic(latent, torch.tensor([2, 6]))
    assert scores.shape == (2,)
    assert scores[0] != scores[1]


class Exportable(nn.Module):
    """Tensors in, tensors out, as an exported program wants."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, noise: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.generator(noise, sizes)
        return logits.nodes, logits.pairs


@pytest.mark.parametrize("make", [latent_generator, paper_generator])
def test_generators_export_with_a_free_batch_size(make):
    model = Exportable(make().eval())
    batch = torch.export.Dim("batch", min=1, max=4096)
    example = torch.randn(4, 7), torch.tensor([1, 2, 3, 6])
    program = torch.export.export(
        model, example, dynamic_shapes=({0: batch}, {0: batch}), strict=False
    )
    noise, sizes = torch.randn(11, 7), torch.randint(1, 7, (11,))
    for ours, exported in zip(model(noise, sizes), program.module()(noise, sizes), strict=True):
        torch.testing.assert_close(exported, ours)
