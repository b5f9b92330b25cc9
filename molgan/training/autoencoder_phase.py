"""First phase of the default recipe: encoder and decoder learn to carry molecules through noise."""

from __future__ import annotations

from typing import Any, ClassVar

from molgan.errors import ConfigError
from molgan.losses import reconstruction_loss
from molgan.models import Encoder, LatentGenerator
from molgan.training.context import Context
from molgan.training.like_sized import LikeSizedBatches
from molgan.training.phase import Phase, Stats


class AutoencoderPhase(Phase):
    """Reconstruction of molecules from their noised latent points.

    Args:
        context: see `Phase`.
        latent_noise: standard deviation of the noise, where a latent coordinate has unit variance.
            More noise makes every point of the latent space decode to something; less makes
            reconstruction exact.
        like_sized: batches that are drawn together and sorted by size, see `LikeSizedBatches`.
        settings: see `Phase`.
    """

    samples: ClassVar[bool] = False

    def __init__(
        self,
        context: Context,
        latent_noise: float = 0.8,
        like_sized: int = 1,
        **settings: Any,
    ) -> None:
        super().__init__(context, **settings)
        self.encoder, self.generator = latent_networks(context)
        self.latent_noise = latent_noise
        self.add_optimizer("encoder", self.encoder)
        self.add_optimizer("decoder", self.generator.decoder)
        self.batches = LikeSizedBatches(context, self.batch_size, like_sized)

    def step(self) -> Stats:
        """Encode, add noise, decode, improve the likelihood of the molecules."""
        self.batches.draw()
        return self.replayed(self._reconstruct)

    def _reconstruct(self) -> Stats:
        context = self.context
        rows = self.batches.rows
        graphs = context.data.graphs(rows)
        with context.fabric.autocast():
            latent = self.encoder(graphs)
            noised = latent + self.latent_noise * context.randn_like(latent)
            logits = self.generator.decoder(noised, graphs.num_atoms)
        atoms = context.data.atoms[rows].long()
        bonds = context.data.bonds[rows].long()
        loss = reconstruction_loss(logits.nodes, logits.pairs, atoms, bonds)
        norm = self.update(loss, "encoder", "decoder")
        wrong = (logits.pairs.argmax(-1) != bonds) & (bonds > 0)
        return {
            "loss/reconstruction": loss.detach(),
            "autoencoder/bonds_missed": wrong.sum() / (bonds > 0).sum().clamp(min=1),
            "gradient/autoencoder": norm,
        }

    def finish(self) -> None:
        """Go on from the averaged weights: they reconstruct better than the last ones."""
        self.context.averages.write_to(self.context.networks)

    def state_dict(self) -> dict[str, Any]:
        """As in `Phase`, with the batches drawn ahead."""
        return {**super().state_dict(), "batches": self.batches.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        self.batches.load_state_dict(state["batches"])


def latent_networks(context: Context) -> tuple[Encoder, LatentGenerator]:
    """Encoder and latent generator of the context.

    Raises:
        ConfigError: when the model has none, such as the paper's MolGAN.
    """
    networks = context.networks
    if networks.encoder is None or not isinstance(networks.generator, LatentGenerator):
        raise ConfigError(
            "this phase needs a model with an encoder (model=latent); with model=molgan leave it "
            "out: =null"
        )
    return networks.encoder, networks.generator
