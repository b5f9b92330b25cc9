"""What every phase of training shares: networks, their averages, data, randomness, devices."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from molgan.errors import ConfigError
from molgan.graphs import MolGraphs
from molgan.models import (
    Encoder,
    GraphCritic,
    LatentCritic,
    LatentGenerator,
    MolGANGenerator,
    PropertyNetwork,
    RewardNetwork,
)

Generator = LatentGenerator | MolGANGenerator


@dataclass
class Networks:
    """The networks of one model; those that a recipe does not use are None.

    Attributes:
        generator: noise to molecules.
        critic: data or generated?
        reward: guess of the RDKit score.
        encoder: molecules to latent points.
        latent_critic: latent of a molecule or generated?
        properties: guess of the properties that molecules are asked for.
    """

    generator: Generator
    critic: GraphCritic | None = None
    reward: RewardNetwork | None = None
    encoder: Encoder | None = None
    latent_critic: LatentCritic | None = None
    properties: PropertyNetwork | None = None

    def items(self) -> list[tuple[str, nn.Module]]:
        """Name and module of every network there is, in a fixed order."""
        return [(name, module) for name, module in vars(self).items() if module is not None]

    def to(self, device: torch.device) -> Networks:
        """Move all networks, in place.

        Args:
            device: where they go.
        """
        for _, module in self.items():
            module.to(device)
        return self

    def freeze(self, names: Sequence[str]) -> None:
        """Exclude parts from training, whatever the phase.

        Args:
            names: of networks or modules in them, such as ``encoder`` or ``generator.decoder``.

        Raises:
            ConfigError: for a name that there is not; it lists those there are.
        """
        parts = {
            name: part
            for key, network in self.items()
            for name, part in network.named_modules(prefix=key)
            if any(True for _ in part.parameters())
        }
        for name in names:
            if name not in parts:
                known = ", ".join(each for each in parts if each.count(".") < 3)
                raise ConfigError(f"trainer.frozen: there is no {name!r}; there are: {known}")
            parts[name].requires_grad_(False)


class AveragedNetworks:
    """Exponential moving averages of generator and encoder: what is sampled, evaluated and saved.

    Args:
        networks: the live networks.
        half_life: molecules after which an old weight counts half.
        ramp_up: the half-life is at most this share of the molecules seen, so early averages follow
            quickly.
    """

    def __init__(self, networks: Networks, half_life: float, ramp_up: float = 0.1) -> None:
        self.half_life = half_life
        self.ramp_up = ramp_up
        self.seen = 0
        self.generator = _frozen_copy(networks.generator)
        self.encoder = None if networks.encoder is None else _frozen_copy(networks.encoder)

    def restart(self) -> None:
        """Start a new average, as a new phase must not drag the old one along."""
        self.seen = 0

    @torch.no_grad()
    def update(self, networks: Networks, molecules: int) -> None:
        """Move the averages towards the live weights after a step over so many molecules.

        Args:
            networks: the live networks.
            molecules: real molecules of the step.
        """
        self.seen += molecules
        half_life = min(self.half_life, self.ramp_up * self.seen)
        weight = 1 - 0.5 ** (molecules / max(half_life, 1e-8))
        for average, live in self._pairs(networks):
            torch._foreach_lerp_(list(average.parameters()), list(live.parameters()), weight)
            for kept, current in zip(average.buffers(), live.buffers(), strict=True):
                kept.copy_(current)

    @torch.no_grad()
    def write_to(self, networks: Networks) -> None:
        """Replace the live weights by their averages.

        Args:
            networks: the live networks; changed in place.
        """
        for average, live in self._pairs(networks):
            live.load_state_dict(average.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on."""
        state: dict[str, Any] = {"seen": self.seen, "generator": self.generator.state_dict()}
        if self.encoder is not None:
            state["encoder"] = self.encoder.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave.

        Args:
            state: of averages of the same networks.

        Raises:
            RuntimeError: from torch, where the networks are others.
        """
        self.seen = state["seen"]
        self.generator.load_state_dict(state["generator"])
        if self.encoder is not None:
            self.encoder.load_state_dict(state["encoder"])

    def _pairs(self, networks: Networks) -> Iterable[tuple[nn.Module, nn.Module]]:
        yield self.generator, networks.generator
        if self.encoder is not None and networks.encoder is not None:
            yield self.encoder, networks.encoder


@dataclass
class RealMolecules:
    """A whole split of the data set on the device: a batch is a gather, without the host.

    Attributes:
        atoms: ``(M, N)`` uint8, atom types.
        bonds: ``(M, P)`` uint8, packed bond types.
        num_atom_types: ``T``.
        num_bond_types: ``Y``.
        replayed: how many of them, the last ones, were drawn from the model that training started
            from, so that it does not forget what it knew.
        replay_share: their share of a batch, 0 to 1.
    """

    atoms: Tensor
    bonds: Tensor
    num_atom_types: int
    num_bond_types: int
    replayed: int = 0
    replay_share: float = 0.0
    sizes: Tensor = field(init=False)

    def __post_init__(self) -> None:
        """Count the atoms once.

        Raises:
            ConfigError: for a share that is none.
        """
        if not 0 <= self.replay_share <= 1:
            raise ConfigError(f"trainer.replay_share={self.replay_share} must be from 0 to 1")
        self.sizes = (self.atoms > 0).sum(1)

    def __len__(self) -> int:
        """Number of molecules."""
        return len(self.atoms)

    def draw_indices(self, count: int, rng: torch.Generator) -> Tensor:
        """``(count,)`` rows with replacement: uniform but for the share of replayed ones.

        Args:
            count: ``B``, how many rows.
            rng: on the device of the molecules.
        """
        own, device = len(self) - self.replayed, self.atoms.device
        rows = torch.randint(own, (count,), generator=rng, device=device)
        if not self.replayed:
            return rows
        old = own + torch.randint(self.replayed, (count,), generator=rng, device=device)
        chosen = torch.rand(count, generator=rng, device=device) < self.replay_share
        return torch.where(chosen, old, rows)

    def graphs(self, rows: Tensor) -> MolGraphs:
        """One-hot graphs of the given rows.

        Args:
            rows: ``(B,)`` integers.
        """
        return MolGraphs.from_indices(
            self.atoms[rows], self.bonds[rows], self.num_atom_types, self.num_bond_types
        )


@dataclass
class Context:
    """Handed to every phase.

    Attributes:
        fabric: device, precision and processes.
        networks: the live networks.
        averages: their moving averages.
        data: the training molecules, on the device.
        rng: the source of every random choice in training, on the device.
    """

    fabric: Fabric
    networks: Networks
    averages: AveragedNetworks
    data: RealMolecules
    rng: torch.Generator

    def noise(self, count: int) -> Tensor:
        """``(count, noise_dim)`` noise for the generator.

        Args:
            count: ``B``, how many rows.
        """
        return self.networks.generator.draw_noise(count, self.rng, self.fabric.device)

    def randn_like(self, tensor: Tensor) -> Tensor:
        """Standard normal noise of the same shape.

        Args:
            tensor: of any shape, on the device.
        """
        return torch.randn(tensor.shape, generator=self.rng, device=tensor.device)

    def blurred(self, points: Tensor, noise: float) -> Tensor:
        """Points with instance noise of that standard deviation; the very points for 0.

        Sonderby et al. 2017 (arXiv:1610.04490): a critic that sees every point blurred cannot
        know the training points one by one.

        Args:
            points: ``(B, D)``.
            noise: standard deviation, 0 or more.
        """
        return points + noise * self.randn_like(points) if noise else points

    def random_states(self) -> Tensor:
        """``(processes, S)`` uint8, on the CPU: where `rng` stands in every process."""
        state = self.rng.get_state()
        if self.fabric.world_size == 1:
            return state[None]
        state = state.to(self.fabric.device)
        states = [torch.empty_like(state) for _ in range(self.fabric.world_size)]
        torch.distributed.all_gather(states, state)
        return torch.stack(states).cpu()

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Mean of the gradients over processes, as one message; nothing to do for a single process.

        Done by hand rather than by DistributedDataParallel, which does not see gradients that flow
        through `torch.autograd.grad` (the penalties) and would need one wrapper for every pair of
        networks in a loss.

        Args:
            parameters: whose gradients are replaced by their mean, in place.
        """
        if self.fabric.world_size == 1:
            return
        parameters = [p for p in parameters if p.grad is not None]
        flat = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
        mean = self.fabric.all_reduce(flat, reduce_op="mean")
        assert isinstance(mean, Tensor)
        start = 0
        for parameter in parameters:
            assert parameter.grad is not None
            count = parameter.numel()
            parameter.grad.copy_(mean[start : start + count].view_as(parameter))
            start += count


def _frozen_copy(module: nn.Module) -> Any:
    return copy.deepcopy(module).requires_grad_(False).eval()
