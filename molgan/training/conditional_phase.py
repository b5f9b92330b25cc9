"""Conditional generation: the sampler learns to make molecules of properties asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from molgan.asked import Asked
from molgan.chem import Codec
from molgan.conditions import FloatArray
from molgan.errors import ConfigError
from molgan.models import GraphLogits, discretize
from molgan.training.context import Context
from molgan.training.exploration import Explorer
from molgan.training.latent_phase import LatentBatch, LatentPhase, adopt_decoder, encode_all
from molgan.training.phase import Stats, at_least_one, frozen

# The regressor sees points around those that mean a molecule: the sampler does not hit them.
_BLUR = 0.3


class ConditionalPhase(LatentPhase):
    """A latent GAN given properties, in which a regressor shows the sampler the way.

    The critic compares a real latent with a generated one of the same size and properties, so that
    both agree at every condition (conditional GAN, Mirza and Osindero 2014). That alone learns
    slowly to obey. A regressor of properties, the counterpart of MolGAN's reward network, reads the
    probabilities of atoms and bonds that the decoder makes of a point, and gives the sampler the
    gradient of its squared error (compare the auxiliary classifier of Odena et al. 2017). It learns
    from real molecules, and from what the sampler's own points turn out to be, as RDKit or a model
    measures it: points that only look right please it once. Encoder and decoder rest.

    Args:
        context: see `Phase`.
        codec: between graphs and molecules.
        asked: the properties; a training molecule that lacks one is left out.
        refine_steps: of sampling.
        noise_scale: of sampling.
        property_weight: weight of the regressor's squared error, in standard deviations, in the
            sampler's loss; more obeys better, and costs diversity.
        tolerance: errors up to this many standard deviations cost nothing: within them the critic
            alone decides, which keeps the sampler from one best answer to each request.
        regressor_learning_rate: of the regressor.
        regressor_warmup: its updates before the phase begins.
        explore_interval: steps from one decoding of generated points to the next.
        explore_batch: points decoded and measured at each.
        remembered: such points that the regressor goes on learning from, the latest ones.
        critic_warmup: share of the phase in which the sampler rests.
        settings: see `LatentPhase`.
    """

    def __init__(
        self,
        context: Context,
        codec: Codec,
        asked: Asked,
        refine_steps: int = 0,
        noise_scale: float = 1.0,
        property_weight: float = 1.0,
        tolerance: float = 0.25,
        regressor_learning_rate: float = 2e-3,
        regressor_warmup: int = 800,
        explore_interval: int = 16,
        explore_batch: int = 256,
        remembered: int = 8192,
        critic_warmup: float = 0.1,
        **settings: Any,
    ) -> None:
        super().__init__(context, **settings)
        at_least_one(
            explore_interval=explore_interval, explore_batch=explore_batch, remembered=remembered
        )
        for key, value in {"property_weight": property_weight, "tolerance": tolerance}.items():
            if value < 0:
                raise ConfigError(f"{key}={value} must be 0 or more")
        self.conditions, self.scorer = asked.conditions, asked.scorer
        self.property_weight, self.tolerance = property_weight, tolerance
        self.regressor_warmup = regressor_warmup
        self.explore_interval, self.explore_batch = explore_interval, explore_batch
        self.remembered = remembered
        self.critic_warmup = critic_warmup
        self.noise_scale = noise_scale
        device = context.fabric.device
        known = np.isfinite(asked.values).all(1)
        self._rows = torch.as_tensor(np.flatnonzero(known), device=device)
        self._values = self._on_device(self.conditions.standardised(asked.values[known]))
        self.explorer = Explorer(context, codec, self.scorer, refine_steps)
        if context.networks.properties is None:
            raise ConfigError("a conditional phase needs condition.properties")
        self.regressor = context.networks.properties
        self.add_optimizer("regressor", self.regressor, regressor_learning_rate)
        # What generated points turned out to be: points, atom counts, properties.
        self._found = (
            torch.zeros(0, self.generator.latent_dim, device=device),
            torch.zeros(0, dtype=torch.long, device=device),
            torch.zeros(0, len(self.conditions), device=device),
        )

    # ----------------------------------------------------------------- the loop

    def begin(self) -> None:
        """Encode the training set; the regressor learns first."""
        self._points = encode_all(self.context)[self._rows]
        self._sizes = self.context.data.sizes[self._rows]
        adopt_decoder(self.context, self.generator)
        if not self.steps:
            for _ in range(self.regressor_warmup):
                self._regressor_step()

    def step(self) -> Stats:
        """Decode at its interval; update regressor, critic and, after the warm-up, sampler."""
        stats: Stats = {}
        if self.steps % self.explore_interval == 0:
            stats |= self._explore()
        stats |= self._regressor_step()
        stats |= self.replayed(self._critic_step, self._penalised, gamma=self.gamma)
        if self.progress >= self.critic_warmup:
            stats |= self.replayed(self._sampler_step)
        return stats

    # ------------------------------------------------------------------ updates

    def _draw_rows(self, count: int) -> Tensor:
        """``(count,)`` rows of the molecules that have all properties."""
        device = self._rows.device
        return torch.randint(len(self._rows), (count,), generator=self.context.rng, device=device)

    def _draw(self) -> LatentBatch:
        rows = self._draw_rows(self.batch_size)
        return LatentBatch(self._points[rows], self._sizes[rows], self._values[rows])

    def _joined(
        self, loss: Tensor, fake: Tensor, noise: Tensor, batch: LatentBatch
    ) -> tuple[Tensor, Stats]:
        """The regressor's error joins the critic's loss."""
        assert batch.conditions is not None
        with frozen(self.regressor, self.generator.decoder):
            predicted = self._predicted(self.generator.decoder(fake, batch.sizes))
        missed = (predicted - batch.conditions).abs()
        error = (missed - self.tolerance).clamp(min=0).square().sum(1).mean()
        return loss + self.property_weight * error, {"loss/property": error.detach()}

    def _regressor_step(self) -> Stats:
        """The regressor learns the properties of what blurred and generated latents decode to."""
        rows = self._draw_rows(self.batch_size)
        points = self.context.blurred(self._points[rows], _BLUR)
        sizes, values = self._sizes[rows], self._values[rows]
        found, found_sizes, found_values = self._found
        if len(found):
            device = found.device
            some = torch.randint(
                len(found), (self.batch_size,), generator=self.context.rng, device=device
            )
            points = torch.cat([points, found[some]])
            sizes = torch.cat([sizes, found_sizes[some]])
            values = torch.cat([values, found_values[some]])
        with self.context.fabric.autocast():
            with torch.no_grad():
                logits = self.generator.decoder(points, sizes)
            loss = F.mse_loss(self._predicted(logits), values)
        self.update(loss, "regressor")
        return {"loss/regressor": loss.detach()}

    def _predicted(self, logits: GraphLogits) -> Tensor:
        """``(B, C)`` properties of decoded graphs, as the regressor sees them.

        Of soft graphs: of hard ones it is more often right, and the sampler more often invalid.
        """
        predicted: Tensor = self.regressor(discretize(logits, "soft"))
        return predicted

    def _explore(self) -> Stats:
        """Decode what the sampler makes now and measure it; says how well it obeys."""
        context = self.context
        rows = self._draw_rows(self.explore_batch)
        sizes, wanted = self._sizes[rows], self._values[rows]
        noise = context.noise(len(rows))
        with torch.no_grad(), context.fabric.autocast():
            points = context.averages.generator.latent(self.noise_scale * noise, sizes, wanted)
        decoded = self.explorer.molecules(points, sizes, noise, wanted)
        raw = np.stack(list(self.scorer(decoded).raw.values()), 1)
        obtained = self._on_device(self.conditions.standardised(raw))
        known = obtained.isfinite().all(1)
        new = points[known], sizes[known], obtained[known]
        self._found = tuple(  # type: ignore[assignment]
            torch.cat([old, more])[-self.remembered :]
            for old, more in zip(self._found, new, strict=True)
        )
        valid = sum(item.valid for item in decoded) / len(decoded)
        stats: Stats = {"condition/valid": torch.tensor(valid)}
        for place, name in enumerate(self.conditions.properties if len(new[0]) else ()):
            gap = (obtained[known, place] - wanted[known, place]).abs()
            deviation = float(self.conditions.deviations[place])
            stats[f"condition/{name}_error"] = gap.mean() * deviation
        return stats

    def _on_device(self, values: FloatArray) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=self.context.fabric.device)

    # ------------------------------------------------------------- checkpoints

    def state_dict(self) -> dict[str, Any]:
        """As in `Phase`, with what the regressor has seen."""
        return {**super().state_dict(), "found": self._found}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        device = self.context.fabric.device
        points, sizes, values = (each.to(device) for each in state["found"])
        self._found = points, sizes, values
