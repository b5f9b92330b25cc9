"""The loop over phases, with evaluation, guard, checkpoints and figures in between."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from molgan.bundle import Bundle
from molgan.errors import BundleError, ConfigError
from molgan.metrics import Figures, HashedIdentities
from molgan.progress import tqdm
from molgan.rewards import Scorer
from molgan.sampling import Sampler
from molgan.stopping import Stop, Stopped
from molgan.training.album import Album
from molgan.training.capture import Capture, CudaRecorder, why_not
from molgan.training.checkpoint import read_checkpoint, write_checkpoint
from molgan.training.context import Context
from molgan.training.divergence import check_figures, check_weights
from molgan.training.evaluation import Evaluation, FixedNoise, judge, library_of
from molgan.training.guard import CollapseGuard
from molgan.training.phase import Phase
from molgan.training.running_means import Rate, RunningMeans
from molgan.training.trackers import Tracker

log = logging.getLogger("molgan")

CHECKPOINT = "checkpoint.pt"
PhaseFactory = Callable[[Context], Phase]


@dataclass
class Intervals:
    """How often things happen, in molecules seen, so that a batch size does not move the axes.

    Attributes:
        log: a row of losses.
        evaluate: samples on fixed noise.
        checkpoint: resume state on disk: what a crash can cost at most.
    """

    log: float = 20_000
    evaluate: float = 250_000
    checkpoint: float = 250_000

    def __post_init__(self) -> None:
        """Refuse intervals of nothing.

        Raises:
            ConfigError: naming the key.
        """
        for key, value in vars(self).items():
            if not value or value <= 0:
                raise ConfigError(f"trainer.intervals.{key}={value} must be above 0")


@dataclass
class Trainer:
    """Runs phases in order; everything it needs is handed in.

    Attributes:
        context: networks, averages, data, randomness, devices.
        phases: name and factory of each phase; all are made at once, so that a setting that cannot
            work is refused before the first of them runs.
        bundle: how to save the model: a bundle whose networks are the averaged ones.
        identities: of the training molecules; the bundle's may hold those of a start model too.
        scorer: scores of the sample tables.
        run_dir: where files go; None keeps nothing (a short fit in a notebook).
        evaluation: how samples are judged.
        intervals: how often.
        guard: the collapse guard.
        trackers: receive rows of figures.
        seed: of the fixed noise.
        progress: show a progress bar.
        stop: looked at after every step.
        capture: record steps as CUDA graphs where that can be, see `molgan.training.capture`.
    """

    context: Context
    phases: Mapping[str, PhaseFactory]
    bundle: Bundle
    identities: HashedIdentities
    scorer: Scorer
    run_dir: Path | None
    evaluation: Evaluation
    intervals: Intervals
    guard: CollapseGuard
    trackers: list[Tracker] = field(default_factory=list)
    seed: int = 0
    progress: bool = True
    stop: Stop = field(default_factory=Stop)
    capture: bool = False

    molecules_seen: int = field(default=0, init=False)
    best: float = field(default=-1.0, init=False)
    figures: Figures = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Make the phases, and the sampler that every evaluation uses.

        Raises:
            ConfigError: when there is no phase, or one has settings that cannot work.
        """
        if not self.phases:
            raise ConfigError("trainer.phases is empty: there is nothing to train")
        self._phases = {name: self._make(name) for name in self.phases}
        self.sampler: Sampler = self.bundle.sampler(
            repair=self.evaluation.repair, n_jobs=self.scorer.n_jobs, repeats=1.0
        )
        self.fixed_noise = FixedNoise(self.sampler, self.evaluation.samples, self.seed)
        self.means = RunningMeans()
        self._rate = Rate()
        self._album = None if self.run_dir is None else Album(self.run_dir)
        self._first = 0
        self._entered = False  # whether a checkpoint was in the middle of that phase

    # -------------------------------------------------------------------- loop

    def fit(self) -> None:
        """Run all phases, or what is left of them after `restore`.

        Raises:
            TrainingError: for losses that are not finite, a collapse with ``guard.action=stop``, or
                a full disk.
            Stopped: when `stop` asked for it; the checkpoint is of the last step.
        """
        names = list(self._phases)
        for number, name in enumerate(names[self._first :], start=self._first):
            phase = self._phases[name]
            # Not in the middle of a phase; a finished run may be given further phases, though.
            if number > self._first or not self._entered:
                self.context.averages.restart()
            self._run(phase, name, number)
            phase.finish()
        self._save(len(names), names[-1], None)
        if self.stop.asked:  # after the last step
            raise Stopped(self.stop.asked)

    def _make(self, name: str) -> Phase:
        try:
            phase = self.phases[name](self.context)
            if not phase.trains:
                raise ConfigError("all that it trains is in trainer.frozen: leave it out (=null)")
            return phase
        except (ConfigError, TypeError, ValueError) as error:
            raise ConfigError(f"trainer.phases.{name}: {error}") from error

    def _run(self, phase: Phase, name: str, number: int) -> None:
        """One phase from where it stands to its end."""
        phase.begin()
        set_training_mode(self.context, True)
        capture = self._captured(phase, name) if self.capture else None
        start, before = self.molecules_seen, phase.seen
        bar = tqdm(
            total=phase.molecules,
            initial=min(phase.seen, phase.molecules),
            desc=f"{number + 1}/{len(self.phases)} {name}",
            unit=" molecules",
            unit_scale=True,
            disable=not (self.progress and self.context.fabric.is_global_zero),
        )
        with bar:
            while not phase.done:
                stats = phase.advance()
                self.molecules_seen = start + phase.seen - before
                self.means.add(stats)
                bar.update(min(phase.molecules_per_step, max(phase.molecules - int(bar.n), 0)))
                if self._due(phase, self.intervals.log):
                    bar.set_postfix_str(self._log_losses(name))
                due_evaluation = self._due(phase, self.intervals.evaluate)
                stopping = self._stopping(phase)
                if stopping or due_evaluation or self._due(phase, self.intervals.checkpoint):
                    check_weights(self.context.networks, name, self.molecules_seen)
                    if phase.samples and due_evaluation:
                        self._evaluate(phase, name)
                    self._save(number, name, phase)
                if stopping:
                    raise Stopped(self.stop.asked or signal.SIGTERM)
        if capture is not None:
            log.info(capture.summary())

    def _stopping(self, phase: Phase) -> bool:
        """Whether to leave now: alone after any step, several processes all after the same one."""
        fabric = self.context.fabric
        asked = self.stop.asked is not None
        if fabric.world_size == 1:
            return asked
        # To agree costs a message and a stall, so only where losses are read anyway.
        if not self._due(phase, self.intervals.log):
            return False
        asking = fabric.all_reduce(
            torch.tensor(float(asked), device=fabric.device), reduce_op="sum"
        )
        return bool(asking)

    def _captured(self, phase: Phase, name: str) -> Capture | None:
        """Have the steps of a phase recorded, or say why they are not."""
        reason = why_not(self.context)
        try:
            if reason is None:
                recorder = CudaRecorder(self.context)
                capture = Capture(name, recorder, self.context.fabric.device)
                phase.capture_steps(capture)
                return capture
        except RuntimeError as error:
            reason = str(error)
        log.warning(
            "trainer.capture=true, but the steps of phase %s run as written: %s", name, reason
        )
        return None

    def _due(self, phase: Phase, interval: float) -> bool:
        """Whether the last step crossed a multiple of the interval, or ended the phase."""
        before = self.molecules_seen - phase.molecules_per_step
        return phase.done or self.molecules_seen // interval > before // interval

    # ----------------------------------------------------------------- figures

    def _log_losses(self, name: str) -> str:
        """Write the means since the last row; returns what the progress bar shows.

        Raises:
            TrainingError: when a loss or a gradient is not finite.
        """
        means = self.means.take()
        check_figures(means, name, self.molecules_seen)
        # Of the critic at work: one whose phase is over has won nothing since.
        self.figures.pop("critic/gap", None)
        self.figures |= {key: value for key, value in means.items() if key == "critic/gap"}
        oracle = {f"oracle/{key}": value for key, value in self.scorer.lap().items()}
        speed = {"molecules_per_second": self._rate(self.molecules_seen)}
        self._track(name, {**means, **oracle, **speed})
        shown = {k.removeprefix("loss/"): v for k, v in means.items() if k.startswith("loss/")}
        if "valid" in self.figures:
            shown |= {key: self.figures[key] for key in ("valid", "unique")}
        return " ".join(f"{key} {value:.3g}" for key, value in shown.items())

    def _track(self, name: str, row: Mapping[str, float]) -> None:
        if self.context.fabric.is_global_zero:
            for tracker in self.trackers:
                tracker.log({"molecules_seen": self.molecules_seen, "phase": name, **row})

    def _evaluate(self, phase: Phase, name: str) -> None:
        """Sample on fixed noise, write figures and molecules, keep the best, ask the guard."""
        if self.context.fabric.is_global_zero:
            draw = self.fixed_noise.draw()
            gap = {k: v for k, v in self.figures.items() if k == "critic/gap"}
            figures = judge([draw], self.sampler, self.identities, self.evaluation, self.scorer)
            self.figures = {**figures, **gap}
            self._track(name, {f"eval/{key}": value for key, value in figures.items()})
            if self.run_dir is not None and self._album is not None:
                table = library_of(draw.decoded, self.identities, self.scorer)
                table.write_csv(self.run_dir / "samples" / f"{self.molecules_seen:012d}.csv")
                self._album.add(self.trackers, self.molecules_seen, table.smiles)
                score = figures["valid"] * figures["unique"]
                if score > self.best and self._complete:
                    self.best = score
                    self._save_bundle("best")
        self.figures = self.context.fabric.broadcast(self.figures)
        self.guard.check(self.figures, phase)

    @property
    def _complete(self) -> bool:
        """Whether the model has all it needs: a guide is fitted only when its phase ends."""
        return self.bundle.guide is None or self.bundle.guide.fitted

    # ------------------------------------------------------------- checkpoints

    def _save_bundle(self, name: str) -> None:
        assert self.run_dir is not None
        self.bundle.metrics = dict(self.figures)
        self.bundle.save(self.run_dir / f"{name}.molgan")

    def _save(self, number: int, name: str, phase: Phase | None) -> None:
        """Bundle and resume state; ``phase`` is None when all phases are through."""
        streams = self.context.random_states()
        if self.run_dir is None or not self.context.fabric.is_global_zero:
            return
        self._save_bundle("last")
        self.scorer.save()
        write_checkpoint(
            self.run_dir / CHECKPOINT,
            {
                "number": number,
                "name": name,
                "phase": None if phase is None else phase.state_dict(),
                "networks": {key: net.state_dict() for key, net in self.context.networks.items()},
                "averages": self.context.averages.state_dict(),
                "rng": streams,
                "global_rng": torch.get_rng_state(),
                "molecules_seen": self.molecules_seen,
                "best": self.best,
                "figures": {key: float(value) for key, value in self.figures.items()},
                "guard": self.guard.state_dict(),
                # A phase may change both; one that is through does so no more.
                "size_distribution": torch.from_numpy(self.bundle.size_distribution.copy()),
                "guide": None if self.bundle.guide is None else self.bundle.guide.to_document(),
                **self.means.state_dict(),
                "oracle": self.scorer.state_dict(),
            },
        )

    def restore(self, path: Path) -> None:
        """Take up a checkpoint: `fit` will go on from there.

        Args:
            path: the checkpoint's file.

        Raises:
            BundleError: when it cannot be read, or is of other networks, phases or processes.
        """
        state = read_checkpoint(path)
        try:
            self._take_up(state)
        except (KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
            raise BundleError(
                f"the checkpoint {path} does not fit these settings and this version of molgan "
                f"({type(error).__name__}: {str(error).splitlines()[0]}): resume with the settings "
                "and the version of the run, or start anew with resume=never"
            ) from error

    def _take_up(self, state: dict[str, Any]) -> None:
        for key, network in self.context.networks.items():
            network.load_state_dict(state["networks"][key])
        self.context.averages.load_state_dict(state["averages"])
        fabric = self.context.fabric
        if fabric.world_size != len(state["rng"]):
            raise ValueError(f"written by {len(state['rng'])} processes: resume with as many")
        # A copy: given a row of a larger tensor, torch reads past it and crashes.
        self.context.rng.set_state(state["rng"][fabric.global_rank].clone())
        torch.set_rng_state(state["global_rng"])
        self.molecules_seen = state["molecules_seen"]
        self.best, self.figures = state["best"], dict(state["figures"])
        self.guard.load_state_dict(state["guard"])
        if "size_distribution" in state:
            np.copyto(self.bundle.size_distribution, state["size_distribution"].numpy())
        if self.bundle.guide is not None and state.get("guide") is not None:
            self.bundle.guide.load_document(state["guide"])
        self._rate = Rate(self.molecules_seen)
        self.means.load_state_dict(state, fabric.device)
        self.scorer.load_state_dict(state.get("oracle", {}))
        self._first = int(state["number"])
        self._entered = state["phase"] is not None
        if state["phase"] is not None:
            name, phase = list(self._phases.items())[self._first]
            if state["name"] != name:
                raise ValueError(f"stopped in phase {state['name']}, not in {name}")
            phase.load_state_dict(state["phase"])


def set_training_mode(context: Context, training: bool) -> None:
    """Dropout and the like on or off in all live networks."""
    for _, network in context.networks.items():
        network.train(training)
