"""Recorded steps do what written ones do; where they cannot be recorded, nothing is lost."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from molgan.training import Phase, Trainer
from molgan.training.capture import (
    Capture,
    CudaRecorder,
    make_capturable,
    plain_state,
    set_learning_rate,
)

Stats = dict[str, torch.Tensor]


class Tape(TorchDispatchMode):
    """Records operators with the tensors that they read and wrote, and does them again on these.

    What a CUDA graph does: Python is not asked again, so whatever it decided or worked out stays.
    """

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Any, Any, Any, list[torch.Tensor]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        written = [each for each in tree_leaves(out) if isinstance(each, torch.Tensor)]
        aliases = [each.alias_info for each in func._schema.returns]
        if not any(alias is not None and not alias.is_write for alias in aliases):  # no mere view
            in_place = any(alias is not None for alias in aliases)
            self.steps.append((func, args, kwargs, [] if in_place else written))
        return out

    def replay(self) -> None:
        with torch._C._AutoDispatchBelowAutograd():
            for func, args, kwargs, written in self.steps:
                again = tree_leaves(func(*args, **kwargs))
                tensors = [each for each in again if isinstance(each, torch.Tensor)]
                for target, value in zip(written, tensors, strict=bool(written)):
                    target.copy_(value)


class TapeRecorder:
    """Records on a CPU. A tape does the work while it records: its first replay is done."""

    def warm_up(self, work: Callable[[], Stats]) -> Stats:
        return work()

    def record(self, work: Callable[[], Stats]) -> tuple[Callable[[], None], Stats]:
        tape, done = Tape(), []
        with tape:
            stats = work()

        def replay() -> None:
            if done:
                tape.replay()
            done.append(True)

        return replay, stats


class Refusing(TapeRecorder):
    def record(self, work: Callable[[], Stats]) -> tuple[Callable[[], None], Stats]:
        raise RuntimeError("operation not permitted when stream is capturing\nmore of it")


def captured(trainer: Trainer, name: str, recorder: Any = None) -> tuple[Phase, Capture]:
    phase = trainer._phases[name]
    phase.begin()
    capture = Capture(name, recorder or TapeRecorder(), torch.device("cpu"))
    phase.capture_steps(capture)
    return phase, capture


def state(trainer: Trainer) -> dict[str, torch.Tensor]:
    modules = dict(trainer.context.networks.items())
    modules["average"] = trainer.context.averages.generator
    return {
        f"{name}.{key}": value.clone()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }


def assert_close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    # Learning rates and weights are numbers of 64 bits as written, and of 32 on the device.
    assert one.keys() == other.keys()
    for key, value in one.items():
        torch.testing.assert_close(value, other[key], rtol=1e-4, atol=2e-6, msg=key)


SLOW = ("reward=none", "trainer.phases.adversarial.reward_weight=0")
CASES = [
    ("autoencoder", (), {"reconstruct"}),
    (
        "latent",
        ("trainer.phases.latent.penalty_interval=2",),
        {"critic_step", "sampler_step"},
    ),
    (
        "adversarial",
        (*SLOW, "trainer.phases.adversarial.repair_weight=0", "loss.penalty_interval=2"),
        {"critic_step", "latent_critic_step", "generator_step"},
    ),
    # RDKit is asked in between: the reward network and the generator learn as they are written.
    ("adversarial", ("loss=wgan_gp",), {"critic_step", "latent_critic_step"}),
    # With a weight of the reward that rises from step to step.
    (
        "adversarial",
        ("trainer.phases.adversarial={repair_weight: 0, reward_ramp: 1, molecules: 512}",),
        {"critic_step", "latent_critic_step", "generator_step"},
    ),
]


@pytest.mark.parametrize(("name", "settings", "pieces"), CASES)
def test_a_recorded_phase_learns_what_a_written_one_does(make_trainer, name, settings, pieces):
    count = 18
    written, recorded = make_trainer(None, *settings), make_trainer(None, *settings)
    phase, capture = captured(recorded, name)
    plain = written._phases[name]
    plain.begin()
    for _ in range(count):
        written.means.add(plain.advance())
        recorded.means.add(phase.advance())
    assert {key[0].strip("_") for key, each in capture._pieces.items() if each.replay} == pieces
    assert capture.replays > count // 2
    assert_close(state(written), state(recorded))
    assert_close(written.means.sums, recorded.means.sums)
    assert written.means.counts == recorded.means.counts
    assert torch.equal(written.context.rng.get_state(), recorded.context.rng.get_state())


def test_the_tape_does_not_ask_python_again():
    calls = []

    def work() -> Stats:
        calls.append(1)
        return {"sum": total.add_(len(calls)) * 2}

    total = torch.zeros(())
    replay, stats = TapeRecorder().record(work)
    for _ in range(3):
        replay()
    assert (len(calls), total.item(), stats["sum"].item()) == (1, 3.0, 6.0)


def test_every_form_is_a_recording_of_its_own():
    made: list[tuple[bool, torch.Tensor]] = []

    def piece(large: bool, weight: torch.Tensor) -> Stats:
        made.append((large, weight))
        return {"weight": weight * (10 if large else 1)}

    capture = Capture("some", TapeRecorder(), torch.device("cpu"))
    found = [
        capture(piece, (large,), {"weight": float(turn)})["weight"].item()
        for turn in range(6)
        for large in (True, False)
    ]
    assert found == [turn * (10 if large else 1) for turn in range(6) for large in (True, False)]
    assert len(made) == 8  # three warm-ups and a recording of each form
    assert capture.replays == 6
    assert capture.summary() == "phase some: 2 CUDA graphs (piece), 6 replays"


def test_what_cannot_be_recorded_runs_as_written(make_trainer, caplog):
    written, refused = make_trainer(None), make_trainer(None)
    with caplog.at_level(logging.WARNING, "molgan"):
        phase, capture = captured(refused, "latent", Refusing())
        plain = written._phases["latent"]
        plain.begin()
        for _ in range(6):
            plain.advance()
            phase.advance()
    assert_close(state(written), state(refused))
    (record,) = caplog.records
    assert "sampler_step" in record.getMessage() or "critic_step" in record.getMessage()
    assert "not permitted when stream is capturing)" in record.getMessage()
    assert capture.summary() == "phase latent: nothing was recorded as a CUDA graph"


def test_on_a_cpu_the_run_is_that_without(make_trainer, caplog):
    quick = [f"trainer.phases.{name}=null" for name in ("latent", "adversarial", "refinement")]
    runs = [make_trainer(None, *quick, f"trainer.capture={word}") for word in ("true", "false")]
    with caplog.at_level(logging.WARNING, "molgan"):
        for trainer in runs:
            trainer.fit()
    one, other = (state(trainer) for trainer in runs)
    assert all(torch.equal(value, other[key]) for key, value in one.items())
    said = [each.getMessage() for each in caplog.records if "capture" in each.getMessage()]
    assert said == [
        "trainer.capture=true, but the steps of phase autoencoder run as written: CUDA graphs "
        "need a GPU"
    ]


def test_a_recorded_phase_goes_on_where_nothing_is_recorded(make_trainer):
    phase, _ = captured(make_trainer(None), "autoencoder")
    for _ in range(5):
        phase.advance()
    saved = phase.state_dict()
    groups = [group for each in saved["optimizers"].values() for group in each["param_groups"]]
    assert all(isinstance(group["lr"], float) and not group["capturable"] for group in groups)
    other = make_trainer(None)._phases["autoencoder"]
    other.load_state_dict(saved)
    other.advance()
    assert other.steps == 6


def test_optimizers():
    weight = torch.nn.Parameter(torch.zeros(3))
    adam = torch.optim.Adam([weight], lr=0.1, fused=True)
    make_capturable(adam)
    rate = adam.param_groups[0]["lr"]
    set_learning_rate(adam, 0.2)
    assert adam.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(0.2)
    assert plain_state(adam)["param_groups"][0]["lr"] == pytest.approx(0.2)
    assert adam.param_groups[0]["lr"] is rate
    with pytest.raises(RuntimeError, match="SGD has no capturable form"):
        make_capturable(torch.optim.SGD([weight], lr=0.1))


class Cuda:
    """Stands for `torch.cuda`: notes what is asked of it, and may break a recording off."""

    def __init__(self, patch: pytest.MonkeyPatch, breaks: bool) -> None:
        self.current, self.generators, self.replays = "main", [], 0
        self.breaks = breaks
        names = ("Stream", "current_stream", "set_stream", "graph", "CUDAGraph")
        for name in names:
            patch.setattr(torch.cuda, name, getattr(self, name))

    def Stream(self, device: Any) -> Any:
        return "side"

    def CUDAGraph(self) -> Any:
        return self

    def register_generator_state(self, generator: torch.Generator) -> None:
        self.generators.append(generator)

    def replay(self) -> None:
        self.replays += 1

    def current_stream(self, device: Any) -> Any:
        return self.current

    def set_stream(self, stream: Any) -> None:
        self.current = stream

    @contextlib.contextmanager
    def graph(self, graph: Any, stream: Any) -> Any:
        self.current = stream
        yield
        if self.breaks:
            raise RuntimeError("capture invalidated")
        self.current = "main"


def test_a_cuda_graph_goes_on_in_the_stream_of_random_numbers(make_trainer, monkeypatch):
    context = make_trainer(None).context
    cuda = Cuda(monkeypatch, breaks=False)
    replay, stats = CudaRecorder(context).record(lambda: {"one": torch.ones(())})
    replay()
    assert cuda.generators == [context.rng]
    assert (cuda.replays, stats["one"].item(), cuda.current) == (1, 1.0, "main")


def test_a_recording_that_breaks_off_leaves_stream_and_randomness_usable(make_trainer, monkeypatch):
    context = make_trainer(None).context
    before, state = context.rng, context.rng.get_state()
    cuda = Cuda(monkeypatch, breaks=True)
    with pytest.raises(RuntimeError, match="capture invalidated"):
        CudaRecorder(context).record(lambda: {})
    assert cuda.current == "main"
    assert context.rng is not before
    assert torch.equal(context.rng.get_state(), state)
