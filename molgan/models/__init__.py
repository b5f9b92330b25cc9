"""Networks: generators, critics, reward network, encoder, decoder, and their blocks."""

from molgan.models.autoencoder import Decoder, Encoder
from molgan.models.configured import rebuild
from molgan.models.critic import GraphCritic
from molgan.models.denoising_sampler import DenoisingSampler
from molgan.models.discretize import MODES, GraphLogits, discretize, most_probable
from molgan.models.generator import MolGANGenerator
from molgan.models.graph_scorer import GraphScorer
from molgan.models.latent import LatentCritic, LatentGenerator
from molgan.models.property_network import PropertyNetwork
from molgan.models.reward_network import RewardNetwork
from molgan.models.slot_critic import SlotLatentCritic
from molgan.models.slot_decoder import SlotDecoder
from molgan.models.slot_encoder import SlotEncoder
from molgan.models.widening import widened

__all__ = [
    "MODES",
    "Decoder",
    "DenoisingSampler",
    "Encoder",
    "GraphCritic",
    "GraphLogits",
    "GraphScorer",
    "LatentCritic",
    "LatentGenerator",
    "MolGANGenerator",
    "PropertyNetwork",
    "RewardNetwork",
    "SlotDecoder",
    "SlotEncoder",
    "SlotLatentCritic",
    "discretize",
    "most_probable",
    "rebuild",
    "widened",
]
