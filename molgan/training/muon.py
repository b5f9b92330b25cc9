"""An optimiser that turns the update of every weight matrix into a rotation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from molgan.errors import ConfigError

# Vectors of fewer numbers are read off (logits, latent shares), not worked with.
_NARROW = 32


class MuonAdam(Optimizer):
    """Muon for the weights of hidden layers, Adam for everything else.

    Muon gives all directions of a weight matrix an update of the same size, where Adam lets a few
    lead (Jordan et al. 2024, "Muon"; scaled to Adam's updates as in Liu et al. 2025, "Muon is
    scalable"). The sampler of ZINC250k gets as far with it in half of the time
    (docs/experiments.md). In adversarial phases it was not tried.

    Args:
        module: all of its parameters that want a gradient are trained.
        lr: learning rate of the hidden layers' weights.
        rest_rate: learning rate of the rest, as a share of ``lr``.
        momentum: of Muon.
        betas: of Adam.

    Raises:
        ConfigError: with a torch that has no Muon (before 2.9).
    """

    #: takes the module, not its parameters: what a weight is for, its shape does not tell
    takes_module = True

    def __init__(
        self,
        module: nn.Module,
        lr: float,
        rest_rate: float = 0.1,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.98),
    ) -> None:
        if not hasattr(torch.optim, "Muon"):
            raise ConfigError(
                f"MuonAdam needs torch 2.9 or later, this is {torch.__version__}: update torch or "
                "set the phase's optimizer._target_=torch.optim.Adam and a tenth of its rate"
            )
        hidden = _hidden_weights(module)
        ids = {id(weight) for weight in hidden}
        rest = [p for p in module.parameters() if p.requires_grad and id(p) not in ids]
        self._parts: list[tuple[Optimizer, float]] = []
        groups: list[dict[str, Any]] = []
        if hidden:
            muon = torch.optim.Muon(
                hidden, lr, weight_decay=0.0, momentum=momentum, adjust_lr_fn="match_rms_adamw"
            )
            self._parts.append((muon, 1.0))
            groups.append({"params": hidden})
        if rest:
            adam = Adam(rest, lr * rest_rate, (betas[0], betas[1]), fused=True)
            self._parts.append((adam, rest_rate))
            groups.append({"params": rest})
        super().__init__(groups, {"lr": lr})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update from the gradients.

        Args:
            closure: computes loss and gradients anew; None: they are there.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group, (part, share) in zip(self.param_groups, self._parts, strict=True):
            for inner in part.param_groups:
                inner["lr"] = group["lr"] * share
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Learning rates, and the states of both optimisers."""
        parts = [part.state_dict() for part, _ in self._parts]
        return {**super().state_dict(), "parts": parts}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave.

        Args:
            state_dict: of an optimiser of the same module.

        Raises:
            ValueError: for another number of parameters.
        """
        state = dict(state_dict)
        parts = state.pop("parts")
        super().load_state_dict(state)
        for (part, _), inner in zip(self._parts, parts, strict=True):
            part.load_state_dict(inner)


def _hidden_weights(module: nn.Module) -> list[Tensor]:
    """Weights of linear layers between wide vectors.

    Into and out of narrow ones, such as logits, a rotation of the update has no meaning.
    """
    weights = [layer.weight for layer in module.modules() if isinstance(layer, nn.Linear)]
    return [each for each in weights if each.requires_grad and min(each.shape) >= _NARROW]
