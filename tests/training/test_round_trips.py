"""A step asks the host nothing but to decode molecules: else a GPU would stand still every time."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from molgan import building
from molgan.config import compose
from molgan.training import Trainer

# Operators whose result, or its shape, the host has to read before it can go on; and `lift_fresh`,
# which every `torch.tensor(...)` goes through: a copy from the host.
WAITING = {
    "_local_scalar_dense",
    "_unique2",
    "bincount",
    "equal",
    "histc",
    "is_nonzero",
    "item",
    "lift_fresh",
    "linalg_eigh",
    "masked_select",
    "nonzero",
    "nonzero_numpy",
    "repeat_interleave",
    "unique_consecutive",
    "unique_dim",
}
# What a tensor on the CPU does without any operator.
READING = ("cpu", "numpy", "tolist", "__array__")
# These look at Adam's count of steps, or at a type, only where they run on a CPU.
IN_TORCH = ("torch/optim/", "torch/nn/utils/clip_grad")


class RoundTrips(TorchDispatchMode):
    """Collects where something waits for the host or copies from it: ``operator in function``."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        name = func.overloadpacket.__name__
        if name in WAITING or (name in ("index", "index_put", "index_put_") and by_mask(args[1])):
            self.report(name)
        return func(*args, **(kwargs or {}))

    def report(self, name: str) -> None:
        """Note the function of molgan, or of a test, from which an operator was called."""
        stack = [each for each in traceback.extract_stack() if each.name not in OWN]
        if not any(part in stack[-1].filename for part in IN_TORCH):
            ours = [each for each in stack if "molgan/" in each.filename or "test_" in each.name]
            self.found.add(f"{name} in {ours[-1].name}")


OWN = ("report", "reading", "copying", "__torch_dispatch__")


def by_mask(indices: Any) -> bool:
    """Whether a tensor is indexed by true and false: how many rows that are is not known before."""
    masks = (torch.bool, torch.uint8)
    return any(
        isinstance(each, torch.Tensor) and each.dtype in masks for each in tree_iter(indices)
    )


@contextlib.contextmanager
def round_trips() -> Iterator[set[str]]:
    """The round trips to the host that are made inside the block."""
    mode = RoundTrips()

    def watched(name: str, original: Any) -> Any:
        def reading(*args: Any, **kwargs: Any) -> Any:
            mode.report(name)
            return original(*args, **kwargs)

        return reading

    with pytest.MonkeyPatch.context() as patch:
        for name in READING:
            patch.setattr(torch.Tensor, name, watched(name, getattr(torch.Tensor, name)))
        patch.setattr(torch, "from_numpy", watched("from_numpy", torch.from_numpy))
        with mode:
            yield mode.found


def steps(trainer: Trainer, name: str, count: int = 5) -> set[str]:
    """The round trips of a phase's first steps, with those of the trainer's own part in them."""
    phase = trainer._phases[name]
    phase.begin()
    with round_trips() as found:
        for _ in range(count):
            trainer.means.add(phase.advance())
    return found


@pytest.mark.parametrize(
    "work",
    [
        lambda some: some.sum().item(),
        lambda some: bool(some.any()),
        lambda some: some[some > 0],
        lambda some: some.nonzero(),
        lambda some: some.cpu(),
        lambda some: np.asarray(some),
        lambda some: some + torch.tensor(1.0),
        lambda some: torch.from_numpy(np.ones(3)),
        lambda some: torch.repeat_interleave(some, torch.arange(3)),
    ],
)
def test_a_round_trip_is_found(work):
    some = torch.rand(3)
    with round_trips() as found:
        work(some)
    assert found


def test_indices_and_masks_by_arithmetic_are_none():
    some, rows = torch.rand(3), torch.arange(2)
    with round_trips() as found:
        torch.where(some[rows] > 0.5, some[rows], 0.0).clamp(min=0.1).sum()
    assert not found


NO_REWARD = ("reward=none", "trainer.phases.adversarial.reward_weight=0")
ALONE = (*NO_REWARD, "trainer.phases.adversarial.repair_weight=0")
CONDITIONAL = (
    "condition.properties=[logp]",
    "trainer.phases.conditional.batch_size=16",
    "trainer.phases.conditional.regressor_warmup=2",
    "trainer.phases.conditional.critic_warmup=0",
)


@pytest.mark.parametrize(
    ("phase", "settings"),
    [
        ("autoencoder", ()),
        ("autoencoder", ("precision=bf16-mixed", "trainer.phases.autoencoder.gradient_clip=0")),
        ("latent", ()),
        ("latent", ("trainer.phases.latent.final_penalty_weight=null",)),
        ("adversarial", ALONE),
        ("adversarial", (*ALONE, "loss.penalty_interval=2", "model.critic.spectral_norm=true")),
        ("adversarial", (*ALONE, "loss=wgan_gp", "model.critic.minibatch=discrimination")),
    ],
)
def test_a_step_asks_the_host_nothing(make_trainer, phase, settings):
    assert steps(make_trainer(None, *settings), phase) == set()


@pytest.mark.parametrize("phase", ["autoencoder", "denoising", "latent"])
def test_neither_does_a_step_with_a_state_for_each_atom(make_trainer, shares, phase, monkeypatch):
    # On a CPU, empty slots are left out, for which the host looks at the sizes; on a GPU not.
    monkeypatch.setattr("molgan.models.slot_layers.TRIMMED_ON", ())
    assert steps(make_trainer(None, *shares), phase) == set()


def test_neither_does_a_step_of_the_paper(small_set):
    cfg = compose(
        [
            *("experiment=molgan_paper", "reward=none", "trainer.phases.reinforcement=null"),
            *("data=file", f"data.path={small_set}", "progress=false"),
            *("device=cpu", "precision=32-true", "trainer.phases.pretraining.batch_size=8"),
        ]
    )
    fabric = building.build_fabric(cfg)
    trainer = building.build_trainer(cfg, instantiate(cfg.data), fabric, None)
    assert steps(trainer, "pretraining", 2) == set()


@pytest.mark.parametrize(
    ("phase", "settings", "decoding"),
    [
        ("adversarial", (), {"_scores", "repair_targets"}),
        ("adversarial", ("trainer.phases.adversarial.repair_weight=0",), {"_scores"}),
        ("adversarial", NO_REWARD, {"repair_targets"}),
        ("refinement", (), {"repair_targets"}),
        # Its first step measures generated molecules.
        ("conditional", CONDITIONAL, {"_explore", "_made", "_on_device"}),
    ],
)
def test_only_decoding_does(make_trainer, phase, settings, decoding):
    found = steps(make_trainer(None, *settings), phase, 3)
    assert {each.split(" in ")[1] for each in found} == decoding


def test_a_conditional_step_between_two_measurements_does_not(make_trainer):
    trainer = make_trainer(None, *CONDITIONAL)
    phase = trainer._phases["conditional"]
    phase.begin()
    phase.advance()
    with round_trips() as found:
        for _ in range(3):
            phase.advance()
    assert not found
