"""Networks: generators, critics, reward network, encoder, decoder, and their blocks."""

from molgan.models.autoencoder import Decoder, Encoder
from molgan.models.body import GraphBody
from molgan.models.configured import rebuild
from molgan.models.critic import GraphCritic
from molgan.models.discretize import MODES, GraphLogits, discretize
from molgan.models.generator import MolGANGenerator
from molgan.models.latent import LatentCritic, LatentGenerator
from molgan.models.reward_network import RewardNetwork

__all__ = [
    "MODES",
    "Decoder",
    "Encoder",
    "GraphBody",
    "GraphCritic",
    "GraphLogits",
    "LatentCritic",
    "LatentGenerator",
    "MolGANGenerator",
    "RewardNetwork",
    "discretize",
    "rebuild",
]
