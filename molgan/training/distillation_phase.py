"""A small generator learns to make in one pass what a large one makes in two."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from molgan.chem import Codec
from molgan.errors import ConfigError, TrainingError
from molgan.graphs import MolGraphs
from molgan.losses import reconstruction_loss
from molgan.models import LatentGenerator, discretize
from molgan.training.autoencoder_phase import latent_networks
from molgan.training.context import Context
from molgan.training.lessons import Lessons
from molgan.training.phase import Phase, Stats, at_least_one
from molgan.training.repair_targets import repair_targets

if TYPE_CHECKING:
    from molgan.bundle import Bundle


class DistillationPhase(Phase):
    """Sampler and decoder become a small copy of a finished model's, without any data.

    Distillation (Hinton et al. 2015, arXiv:1503.02531) with as many examples as one likes, since
    the teacher answers any noise. The student's sampler learns the teacher's latent point of the
    same noise, a regression. Its decoder learns what the teacher makes of a latent point, refining
    passes included, at the points where the student's own sampler lies: the teacher mends what the
    sampler misses, and point and graph agree, which the teacher's graph of the same noise and the
    student's point would not. Graphs that are still no molecules then are repaired by valence, or
    left out. It also learns the encoder's point of that graph, so that encoded molecules are
    decoded as before.

    The teacher costs several times what the student does, so its answers are lessons that are
    learnt many times before newer ones take their place.

    Args:
        context: see `Phase`.
        codec: says which graphs are molecules.
        teacher: the finished model; its encoder must be the context's.
        fresh: new lessons at each step.
        remembered: lessons kept, the latest ones.
        prepared: lessons made before the first step.
        encoded_share: of the points that the decoder learns, those that the encoder gives the
            molecules; the others are the sampler's.
        settings: see `Phase`; ``molecules`` counts lessons learnt, repeated ones too.

    Raises:
        ConfigError: without a teacher, for one that another model cannot take the place of, or for
            impossible settings.
    """

    def __init__(
        self,
        context: Context,
        codec: Codec,
        teacher: Bundle | None = None,
        fresh: int = 64,
        remembered: int = 300_000,
        prepared: int = 50_000,
        encoded_share: float = 0.2,
        **settings: Any,
    ) -> None:
        super().__init__(context, **settings)
        self.encoder, self.generator = latent_networks(context)
        self.codec = codec
        at_least_one(fresh=fresh, remembered=remembered, prepared=prepared)
        if not 0 <= encoded_share <= 1:
            raise ConfigError(f"encoded_share={encoded_share} must be from 0 to 1")
        if teacher is None:
            raise ConfigError("distillation learns from a finished model: add teacher=MODEL")
        own = copy.deepcopy(teacher.generator).requires_grad_(False).eval()
        assert isinstance(own, LatentGenerator), "molgan.starting refuses other teachers"
        self.own = own.to(context.fabric.device)
        self.teacher = replace(teacher, generator=own, encoder=self.encoder).sampler()
        self.sizes = torch.as_tensor(teacher.size_distribution, device=context.fabric.device)
        self.fresh = fresh
        self.prepared = min(prepared, remembered)
        self.encoded_share = encoded_share
        self.lessons = Lessons(remembered)
        self.add_optimizer("sampler", self.generator.sampler)
        self.add_optimizer("decoder", self.generator.decoder)

    def begin(self) -> None:
        """Prepare the first lessons, unless a checkpoint brought some.

        Raises:
            TrainingError: when the teacher makes no molecules.
        """
        while len(self.lessons) < self.prepared:
            before = len(self.lessons)
            self.lessons.add(self._taught(_CHUNK))
            if len(self.lessons) == before:
                raise TrainingError(
                    f"the teacher made no molecule of {_CHUNK} latent points: is it trained?"
                )

    def step(self) -> Stats:
        """A few new lessons; then one update on old and new ones."""
        context = self.context
        self.lessons.add(self._taught(self.fresh))
        lesson = self.lessons.draw(self.batch_size, context.rng)
        sizes = lesson["size"].long()
        # Rows are drawn at random, so the first ones are a random share.
        split = round(self.encoded_share * self.batch_size)
        read = torch.cat([lesson["encoded"][:split], lesson["point"][split:]])
        with context.fabric.autocast():
            points = self.generator.latent(lesson["noise"].float(), sizes)
            logits = self.generator.decoder(read.float(), sizes)
        # Each network has its own loss: neither moves the other.
        missed = F.mse_loss(points, lesson["wanted"].float())
        atoms, bonds = lesson["atoms"].long(), lesson["bonds"].long()
        misread = reconstruction_loss(logits.nodes, logits.pairs, atoms, bonds)
        return {
            "loss/points": missed.detach(),
            "loss/reconstruction": misread.detach(),
            "gradient/distillation": self.update(missed + misread, "sampler", "decoder"),
        }

    def finish(self) -> None:
        """The averaged weights are what is sampled; a phase that follows goes on from them."""
        self.context.averages.write_to(self.context.networks)

    @torch.no_grad()
    def _taught(self, count: int) -> dict[str, Tensor]:
        """New noise, and what the teacher makes of it and of the student's points.

        Returns:
            ``noise (B, noise_dim)`` as the generators are given it; ``size (B,)``; latent points
            ``(B, latent_dim)``: ``wanted``, the teacher's, and ``point``, the student's; ``atoms
            (B, N)`` and ``bonds (B, P)`` of what the teacher makes of the latter; and ``encoded
            (B, latent_dim)``, the encoder's points of these molecules.
        """
        context, teacher = self.context, self.teacher
        sizes = torch.multinomial(self.sizes, count, replacement=True, generator=context.rng)
        noise = teacher.noise_scale * context.noise(count)
        with context.fabric.autocast():
            wanted = self.own.latent(noise, sizes)
            point = self.generator.latent(noise, sizes)
            # Without the noise, which the student's decoder does not see: no second looks with it.
            logits = teacher.refine(self.own.decoder(point, sizes), sizes)
            answers = repair_targets(self.codec, logits, discretize(logits, "straight_through"))
            atoms, bonds = answers.drawn_atoms, answers.drawn_bonds
            atoms[answers.broken], bonds[answers.broken] = answers.atoms, answers.bonds
            kinds = logits.nodes.shape[-1], logits.pairs.shape[-1]
            encoded = self.encoder(MolGraphs.from_indices(atoms, bonds, *kinds))
        # Half precision: a point is read through noise hundreds of times larger than its rounding.
        points = {"noise": noise, "wanted": wanted, "point": point, "encoded": encoded}
        rows = {name: each.half() for name, each in points.items()}
        types = {"size": sizes, "atoms": atoms, "bonds": bonds}
        rows |= {name: each.to(torch.uint8) for name, each in types.items()}
        known = torch.cat([answers.valid, answers.broken])
        return {name: each[known] for name, each in rows.items()}

    def state_dict(self) -> dict[str, Any]:
        """As in `Phase`, with the lessons remembered."""
        return {**super().state_dict(), "lessons": self.lessons.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        self.lessons.load_state_dict(state["lessons"], self.context.fabric.device)


_CHUNK = 1024
