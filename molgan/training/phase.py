"""What all phases have in common: a budget in molecules, a learning rate, clipped steps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from molgan.errors import ConfigError
from molgan.models.products import FastProducts
from molgan.training.capture import (
    Capture,
    make_capturable,
    plain_state,
    set_learning_rate,
)
from molgan.training.context import Context

OptimizerFactory = Callable[..., Optimizer]
Stats = dict[str, Tensor]


class Phase(ABC):
    """A stretch of training with its own losses. Subclasses do one round of updates in `step`.

    Args:
        context: networks, data, randomness, devices.
        molecules: budget: how many real molecules the phase sees.
        batch_size: molecules of a step, on each process.
        learning_rate: peak learning rate; see `learning_rate_factor`.
        optimizer: makes an optimiser from parameters and ``lr``.
        gradient_clip: largest gradient norm of a network; larger ones are scaled down. 0 turns it
            off.
        final_learning_rate: share of the peak at which the cosine schedule ends; 1 keeps it
            constant.
        warmup: share of the budget over which the learning rate rises from 0.

    Raises:
        ConfigError: for a batch or a learning rate of nothing.
    """

    #: whether the generator is worth sampling while the phase runs
    samples: ClassVar[bool] = True

    def __init__(
        self,
        context: Context,
        molecules: float,
        batch_size: int,
        learning_rate: float,
        optimizer: OptimizerFactory,
        gradient_clip: float = 1.0,
        final_learning_rate: float = 0.02,
        warmup: float = 0.02,
    ) -> None:
        at_least_one(batch_size=batch_size)
        if learning_rate <= 0:
            raise ConfigError(f"learning_rate={learning_rate} must be above 0")
        self.context = context
        self.molecules = int(molecules)
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.make_optimizer = optimizer
        self.gradient_clip = gradient_clip
        self.final_learning_rate = final_learning_rate
        self.warmup = warmup
        self.seen = 0
        self.steps = 0
        self._optimizers: dict[str, tuple[list[nn.Parameter], Optimizer, float]] = {}
        self._capture: Capture | None = None
        self._products = FastProducts()

    # ------------------------------------------------------------ to be written

    @abstractmethod
    def step(self) -> Stats:
        """One round of updates; returns what is worth logging, as tensors on the device."""

    def begin(self) -> None:  # noqa: B027
        """Prepare what depends on the weights that the phase starts from (also after a resume)."""

    def finish(self) -> None:  # noqa: B027
        """Hand over to the next phase."""

    # ------------------------------------------------------------------ running

    @property
    def molecules_per_step(self) -> int:
        """Real molecules that one step sees over all processes."""
        return self.batch_size * self.context.fabric.world_size

    @property
    def done(self) -> bool:
        """Whether the budget is used up."""
        return self.seen >= self.molecules

    @property
    def progress(self) -> float:
        """Share of the budget used, 0 to 1."""
        return min(self.seen / max(self.molecules, 1), 1.0)

    def advance(self) -> Stats:
        """One step with the learning rate of this moment; counts the molecules."""
        factor = learning_rate_factor(self.progress, self.warmup, self.final_learning_rate)
        for _, optimizer, peak in self._optimizers.values():
            set_learning_rate(optimizer, peak * factor)
        with self._products:
            stats = self.step()
        self.seen += self.molecules_per_step
        self.steps += 1
        self.context.averages.update(self.context.networks, self.molecules_per_step)
        return stats

    def capture_steps(self, capture: Capture | None) -> None:
        """Record the steps from now on, after `begin`, or no longer.

        Args:
            capture: records and replays; None: steps run as they are written.

        Raises:
            RuntimeError: for an optimiser that cannot be recorded.
        """
        if capture is not None:
            for _, optimizer, _ in self._optimizers.values():
                make_capturable(optimizer)
        self._capture = capture

    def replayed(self, piece: Callable[..., Stats], *form: Hashable, **numbers: float) -> Stats:
        """``piece(*form, **numbers)``; on a GPU it may be recorded and replayed.

        Args:
            piece: does the same operations on the same tensors at every call of one form.
            form: what decides on its operations.
            numbers: what changes from call to call; a piece that is recorded gets tensors.
        """
        if self._capture is None:
            return piece(*form, **numbers)
        return self._capture(piece, form, numbers)

    def add_optimizer(
        self, name: str, module: nn.Module, learning_rate: float | None = None
    ) -> None:
        """Give ``module`` an optimiser of its own, named ``name`` in checkpoints.

        A module that is frozen altogether (`freeze`) gets none, and `update` passes over it.

        Args:
            name: by which `update` and checkpoints know it.
            module: what it trains.
            learning_rate: peak of its schedule; None takes the phase's.
        """
        rate = self.learning_rate if learning_rate is None else learning_rate
        parameters = [p for p in module.parameters() if p.requires_grad]
        if not parameters:
            return
        kind = getattr(self.make_optimizer, "func", self.make_optimizer)
        subject = module if getattr(kind, "takes_module", False) else parameters
        self._optimizers[name] = (parameters, self.make_optimizer(subject, lr=rate), rate)

    def update(self, loss: Tensor, *names: str) -> Tensor:
        """Minimise ``loss`` for the modules with these optimisers.

        Args:
            loss: a scalar.
            *names: of optimisers; those of frozen modules are passed over.

        Returns:
            The gradient norm before clipping, over all of them.
        """
        names = tuple(name for name in names if name in self._optimizers)
        if not names:  # all of them frozen
            return torch.zeros((), device=loss.device)
        for name in names:
            self._optimizers[name][1].zero_grad(set_to_none=True)
        self.context.fabric.backward(loss)
        norms = []
        for name in names:
            parameters, optimizer, _ = self._optimizers[name]
            self.context.average_gradients(parameters)
            limit = self.gradient_clip or math.inf
            norms.append(torch.nn.utils.clip_grad_norm_(parameters, limit))
            optimizer.step()
        total: Tensor = torch.stack(norms).norm()
        return total

    @property
    def trains(self) -> bool:
        """Whether anything is left to train."""
        return bool(self._optimizers)

    # ------------------------------------------------------------- checkpoints

    def state_dict(self) -> dict[str, Any]:
        """Counters and optimiser states."""
        return {
            "seen": self.seen,
            "steps": self.steps,
            "optimizers": {name: plain_state(entry[1]) for name, entry in self._optimizers.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave.

        Args:
            state: of the same phase of a run with the same networks.

        Raises:
            KeyError: where something is missing.
            ValueError: from torch, where an optimiser has other parameters.
        """
        self.seen = state["seen"]
        self.steps = state["steps"]
        for name, optimizer_state in state["optimizers"].items():
            self._optimizers[name][1].load_state_dict(optimizer_state)


def at_least_one(**counts: int) -> None:
    """Refuse settings that count something and say 0 or less.

    Raises:
        ConfigError: naming the first of them.
    """
    for key, count in counts.items():
        if count < 1:
            raise ConfigError(f"{key}={count} must be at least 1")


def learning_rate_factor(progress: float, warmup: float, final: float) -> float:
    """Linear warm-up, then a cosine from 1 to ``final``, over ``progress`` from 0 to 1."""
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    angle = math.pi * (progress - warmup) / max(1 - warmup, 1e-9)
    return final + (1 - final) * 0.5 * (1 + math.cos(angle))


class frozen:  # reads as a verb in a with-statement
    """Context manager: no gradients for the parameters of these modules inside the block."""

    def __init__(self, *modules: nn.Module | None) -> None:
        self._parameters = [
            p for m in modules if m is not None for p in m.parameters() if p.requires_grad
        ]

    def __enter__(self) -> None:
        """Switch gradients off."""
        for parameter in self._parameters:
            parameter.requires_grad_(False)

    def __exit__(self, *exception: object) -> None:
        """Switch them on again."""
        for parameter in self._parameters:
            parameter.requires_grad_(True)


class unfrozen:  # likewise
    """Context manager: gradients for all parameters of a module that is frozen otherwise."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def __enter__(self) -> None:
        """Switch gradients on."""
        self._module.requires_grad_(True)

    def __exit__(self, *exception: object) -> None:
        """Switch them off again."""
        self._module.requires_grad_(False)
