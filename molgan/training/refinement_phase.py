"""Last phase of the default recipe: the autoencoder learns to mend the generator's errors."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from molgan.chem import Codec
from molgan.graphs import MolGraphs
from molgan.losses import reconstruction_loss
from molgan.models import GraphLogits, discretize
from molgan.training.autoencoder_phase import latent_networks
from molgan.training.context import Context
from molgan.training.phase import Phase, Stats
from molgan.training.repair_targets import RepairTargets, repair_targets


class RefinementPhase(Phase):
    """Encoder and decoder become a projector onto molecules; the sampler rests.

    A denoising autoencoder learns from noise that somebody invents. Here it learns from the
    generator's own errors: a generated graph that is no molecule goes in, the nearest molecule that
    its bond probabilities allow is wanted out. Molecules, real and generated, must come back
    unchanged, and the decoder goes on reading blurred latents. At sampling time `refine_steps` of
    `molgan.sampling.Sampler` uses what was learnt; valence rules are consulted here only.

    Args:
        context: see `Phase`.
        codec: says which graphs are molecules.
        noise_scale: of the noise that molecules are generated from; that of sampling.
        decoder_learning_rate: None takes `learning_rate`. The encoder is free to move, as nothing
            else reads it in sampling; the decoder means the distribution, and should move little.
        generated: molecules generated for each real one. Few are broken, and those teach most.
        repair_weight: weight of the broken graphs in the loss.
        latent_noise: standard deviation on real latents, as in the autoencoder's phase.
        latent_noise_weight: weight of the reconstruction from such latents.
        settings: see `Phase`.
    """

    def __init__(
        self,
        context: Context,
        codec: Codec,
        noise_scale: float = 1.0,
        decoder_learning_rate: float | None = None,
        generated: int = 2,
        repair_weight: float = 1.0,
        latent_noise: float = 0.8,
        latent_noise_weight: float = 0.3,
        **settings: Any,
    ) -> None:
        super().__init__(context, **settings)
        self.encoder, self.generator = latent_networks(context)
        self.codec = codec
        self.noise_scale = noise_scale
        self.generated = generated
        self.repair_weight = repair_weight
        self.latent_noise = latent_noise
        self.latent_noise_weight = latent_noise_weight
        #: the decoder as the phase found it
        self.teacher = copy.deepcopy(self.generator.decoder).requires_grad_(False)
        self.add_optimizer("encoder", self.encoder)
        self.add_optimizer("decoder", self.generator.decoder, decoder_learning_rate)

    def begin(self) -> None:
        """Start from the averaged weights: they are what is sampled, so theirs are the errors."""
        if not self.steps:  # else a resumed phase, with weights of its own
            self.context.averages.write_to(self.context.networks)
            self.teacher.load_state_dict(self.generator.decoder.state_dict())

    def step(self) -> Stats:
        """Real molecules and generated ones in, molecules wanted out."""
        context = self.context
        rows = context.data.draw_indices(self.batch_size, context.rng)
        sizes = context.data.sizes[rows].repeat(self.generated)
        latent, logits = self._generate(sizes)
        fake = discretize(logits, "straight_through")
        targets = repair_targets(self.codec, logits, fake)
        # Half as many molecules as real ones: what is right already must stay, and is soon learnt.
        valid = targets.valid[: self.batch_size // 2]
        real_loss = self._real_loss(rows)
        kept_loss = self._generated_loss(
            latent, targets, valid, targets.drawn_atoms[valid], targets.drawn_bonds[valid]
        )
        loss = real_loss + kept_loss
        stats = {
            "loss/reconstruction": real_loss.detach(),
            "loss/kept": kept_loss.detach(),
            "refinement/broken": torch.full_like(real_loss, len(targets.broken) / len(sizes)),
        }
        if len(targets.broken):
            mended_loss = self._generated_loss(
                latent, targets, targets.broken, targets.atoms, targets.bonds
            )
            loss = loss + self.repair_weight * mended_loss
            stats["loss/mended"] = mended_loss.detach()
        stats["gradient/refinement"] = self.update(loss, "encoder", "decoder")
        return stats

    def finish(self) -> None:
        """The averaged weights are what is sampled; a phase that follows goes on from them."""
        self.context.averages.write_to(self.context.networks)

    def _generate(self, sizes: Tensor) -> tuple[Tensor, GraphLogits]:
        """Latent points of the sampler and what they meant at the start of the phase.

        A moving decoder would judge itself: a fifth of QM9's valid molecules became others, and the
        FCD rose from 0.45 to 0.68.
        """
        context = self.context
        with torch.no_grad(), context.fabric.autocast():
            noise = self.noise_scale * context.noise(len(sizes))
            latent = self.generator.latent(noise, sizes)
            logits: GraphLogits = self.teacher(latent, sizes)
        return latent, logits

    def _real_loss(self, rows: Tensor) -> Tensor:
        """Reconstruction of real molecules, from their latents and from blurred ones."""
        context = self.context
        graphs = context.data.graphs(rows)
        atoms, bonds = context.data.atoms[rows].long(), context.data.bonds[rows].long()
        with context.fabric.autocast():
            latent = self.encoder(graphs)
            exact = self.generator.decoder(latent, graphs.num_atoms)
            # The latent stays where it is: the sampler has learnt to hit it there.
            noised = latent.detach() + self.latent_noise * context.randn_like(latent)
            blurred = self.generator.decoder(noised, graphs.num_atoms)
        loss = reconstruction_loss(exact.nodes, exact.pairs, atoms, bonds)
        noisy = reconstruction_loss(blurred.nodes, blurred.pairs, atoms, bonds)
        return loss + self.latent_noise_weight * noisy

    def _generated_loss(
        self, latent: Tensor, targets: RepairTargets, rows: Tensor, atoms: Tensor, bonds: Tensor
    ) -> Tensor:
        """Negative log-likelihood of what is wanted in place of the generated graphs in ``rows``.

        Given the graph, by encoder and decoder; and, at half the weight, given the latent point
        that it came from, by the decoder alone: what is mended at once need not be mended later,
        and what is right must not drift, or the distribution that the sampler has learnt is lost.
        """
        data = self.context.data
        graphs = MolGraphs.from_indices(
            targets.drawn_atoms[rows],
            targets.drawn_bonds[rows],
            data.num_atom_types,
            data.num_bond_types,
        )
        with self.context.fabric.autocast():
            refined = self.generator.decoder(self.encoder(graphs), graphs.num_atoms)
            again = self.generator.decoder(latent[rows], graphs.num_atoms)
        loss = reconstruction_loss(refined.nodes, refined.pairs, atoms, bonds)
        return loss + 0.5 * reconstruction_loss(again.nodes, again.pairs, atoms, bonds)

    def state_dict(self) -> dict[str, Any]:
        """As in `Phase`, with the decoder as the phase found it."""
        return {**super().state_dict(), "teacher": self.teacher.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        self.teacher.load_state_dict(state["teacher"])
