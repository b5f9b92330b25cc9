"""Parts of a step recorded once as CUDA graphs and replayed, so that the GPU sets the pace.

The networks are small: a GPU is done with an operation before Python has asked for the next one. A
CUDA graph is asked for as a whole. What is recorded are *pieces* of a step, the methods that a
phase hands to `Phase.replayed`; what lies between them, such as decoding by RDKit, runs as it is
written. `torch.compile` is no way to the same end: it cannot differentiate twice, which the
gradient penalties of the critics need.

**Not yet measured on a GPU.** The rules kept here are those of PyTorch's notes on CUDA graphs
(https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs); tests replay recorded operators
on a CPU. `trainer.capture` is off unless asked for.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

from molgan.training.context import Context

log = logging.getLogger("molgan")

Stats = dict[str, Tensor]
Work = Callable[[], Stats]

# As in PyTorch's example. Libraries set themselves up in these, optimisers make their states.
_WARM_UPS = 3


class Recorder(Protocol):
    """How work is recorded: on a GPU by `CudaRecorder`, in tests by something that stands for it.

    Recorded work reads and writes the very tensors that it read and wrote when it was recorded.
    """

    def warm_up(self, work: Work) -> Stats:
        """Do the work as it is written, where it is going to be recorded."""

    def record(self, work: Work) -> tuple[Callable[[], None], Stats]:
        """What does the work again, and where its results stand then. Does no work itself.

        Raises:
            RuntimeError: when it cannot be recorded.
        """


class CudaRecorder:
    """CUDA graphs on a stream of their own, with the source of randomness of the training.

    Args:
        context: device and randomness.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.device = context.fabric.device
        # One stream for warm-ups and recordings: libraries keep a workspace for each.
        self.stream = torch.cuda.Stream(self.device)

    def warm_up(self, work: Work) -> Stats:
        """As in `Recorder`."""
        current = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            stats = work()
        current.wait_stream(self.stream)
        return stats

    def record(self, work: Work) -> tuple[Callable[[], None], Stats]:
        """As in `Recorder`."""
        current = torch.cuda.current_stream(self.device)
        state = self.context.rng.get_state()
        graph = torch.cuda.CUDAGraph()
        # Every replay then goes on in the stream of random numbers.
        graph.register_generator_state(self.context.rng)
        try:
            # Memory of its own for each graph: they are not replayed in a fixed order.
            with torch.cuda.graph(graph, stream=self.stream):
                stats = work()
        except RuntimeError:
            # A recording that breaks off leaves its stream current and its generator unusable.
            torch.cuda.set_stream(current)
            self.context.rng = torch.Generator(device=self.device)
            self.context.rng.set_state(state)
            raise
        return graph.replay, stats


@dataclass
class _Piece:
    """A piece in one of its forms: numbers that it reads, and the recording once there is one."""

    numbers: dict[str, Tensor]
    warm_ups: int = 0
    replay: Callable[[], None] | None = None
    stats: Stats = field(default_factory=dict)


class Capture:
    """Records the pieces of a phase's steps and replays them.

    Every call is one piece of training, whichever way it is done: the first ones of each form run
    as they are written, then one is recorded, and from there on replayed. Where recording fails,
    the reason is logged and everything runs as written.

    Args:
        name: of the phase, for the log.
        recorder: how work is recorded.
        device: of the networks.
    """

    def __init__(self, name: str, recorder: Recorder, device: torch.device) -> None:
        self.name = name
        self.recorder = recorder
        self.device = device
        self.broken = False
        self.replays = 0
        self._pieces: dict[Hashable, _Piece] = {}

    def __call__(
        self,
        piece: Callable[..., Stats],
        form: tuple[Hashable, ...],
        numbers: Mapping[str, float],
    ) -> Stats:
        """``piece(*form, **numbers)``, by replay if it can be.

        Args:
            piece: does the same operations on the same tensors at every call of one form. It keeps
                nothing in Python, and asks the device for nothing.
            form: what decides on its operations.
            numbers: what changes from call to call; a piece that is replayed gets tensors.
        """
        if self.broken:
            return piece(*form, **numbers)
        key = (piece.__name__, form)
        if key not in self._pieces:
            made = {name: torch.zeros((), device=self.device) for name in numbers}
            self._pieces[key] = _Piece(made)
        this = self._pieces[key]
        for name, value in numbers.items():
            this.numbers[name].fill_(value)
        work = functools.partial(piece, *form, **this.numbers)
        if this.replay is None:
            if this.warm_ups < _WARM_UPS:
                this.warm_ups += 1
                return self.recorder.warm_up(work)
            try:
                this.replay, this.stats = self.recorder.record(work)
            except RuntimeError as error:
                self.broken = True
                log.warning(
                    "phase %s: %s could not be recorded as a CUDA graph, so its steps run as they "
                    "are written (%s)",
                    self.name,
                    piece.__name__.strip("_"),
                    str(error).splitlines()[0],
                )
                return piece(*form, **numbers)
        this.replay()
        self.replays += 1
        return this.stats

    def summary(self) -> str:
        """What was recorded and how often it was replayed, for the log."""
        recorded = [name for (name, _), each in self._items() if each.replay is not None]
        if not recorded:
            return f"phase {self.name}: nothing was recorded as a CUDA graph"
        names = ", ".join(dict.fromkeys(name.strip("_") for name in recorded))
        return f"phase {self.name}: {len(recorded)} CUDA graphs ({names}), {self.replays:,} replays"

    def _items(self) -> list[tuple[tuple[str, Any], _Piece]]:
        return list(self._pieces.items())  # type: ignore[arg-type]


def why_not(context: Context) -> str | None:
    """Why steps cannot be recorded here; None if they can."""
    if context.fabric.device.type != "cuda":
        return "CUDA graphs need a GPU"
    if context.fabric.world_size > 1:
        return "gradients averaged over several processes are not recorded"
    return None


def make_capturable(optimizer: Optimizer) -> None:
    """Let an optimiser be recorded: its learning rate becomes a tensor that replays read.

    Raises:
        RuntimeError: for one that keeps numbers on the host.
    """
    if "capturable" not in optimizer.defaults:
        raise RuntimeError(f"{type(optimizer).__name__} has no capturable form")
    for group in optimizer.param_groups:
        device = group["params"][0].device
        group["lr"] = torch.full((), float(group["lr"]), device=device)
        # On a CPU there is no such form, and none is needed.
        group["capturable"] = device.type == "cuda"


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """The learning rate of all parameters, in place where it is a tensor."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def plain_state(optimizer: Optimizer) -> dict[str, Any]:
    """An optimiser's state as it is where nothing is recorded: a run may go on elsewhere."""
    state = optimizer.state_dict()
    for group in state["param_groups"]:
        if isinstance(group["lr"], Tensor):
            group["lr"], group["capturable"] = float(group["lr"]), False
    return state
