"""The collapse guard: watches diversity on fixed noise and acts when it goes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from molgan.errors import ConfigError, TrainingError
from molgan.training.phase import Phase

log = logging.getLogger("molgan")

ACTIONS = ("warn", "lower_reward", "stop")


@dataclass
class CollapseGuard:
    """Compares each evaluation with thresholds and with the best one so far.

    Collapse means that the molecules drawn are few (`min_unique`, `min_scaffolds`), that they are
    those of the training set (`min_novel`), or that the critic has won so clearly that it teaches
    nothing any more (`max_gap`).

    Attributes:
        min_unique: least share of distinct ones among the valid molecules of an evaluation, 0 to 1.
        min_scaffolds: least share of the largest number of distinct Murcko scaffolds seen so far, 0
            to 1.
        min_novel: least share of the valid molecules drawn, repeats included, that are not in the
            training set, 0 to 1; for small sets, which are soon known by heart. 0: not looked at.
        max_gap: largest difference of the critic's mean scores on data and on samples.
        patience: evaluations in a row that must fail before the guard acts.
        action: ``warn``; ``lower_reward`` halves the weight of the reward, or the pull of the
            focused set; ``stop`` ends the run, keeping its models.
    """

    min_unique: float = 0.5
    min_scaffolds: float = 0.3
    min_novel: float = 0.0
    max_gap: float = 50.0
    patience: int = 2
    action: str = "warn"
    failures: int = field(default=0, init=False)
    most_scaffolds: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Check action and patience.

        Raises:
            ConfigError: naming the key.
        """
        if self.patience < 1:
            raise ConfigError(f"trainer.guard.patience={self.patience} must be at least 1")
        if self.action not in ACTIONS:
            raise ConfigError(
                f"trainer.guard.action={self.action} is unknown: use {', '.join(ACTIONS)}"
            )

    def check(self, figures: dict[str, float], phase: Phase) -> str | None:
        """Look at one evaluation; act after `patience` bad ones in a row.

        Args:
            figures: of `molgan.metrics.evaluate`, with ``critic/gap`` where a critic is at work.
            phase: the running phase, whose reward may be lowered.

        Returns:
            What is wrong, or None.

        Raises:
            TrainingError: after `patience` bad evaluations with ``action=stop``.
        """
        trouble = self._trouble(figures)
        self.most_scaffolds = max(self.most_scaffolds, int(figures.get("scaffolds", 0)))
        if trouble is None:
            self.failures = 0
            return None
        self.failures += 1
        if self.failures < self.patience:
            return trouble
        if self.action == "stop":
            raise TrainingError(
                f"the generator is collapsing ({trouble}); stopped as trainer.guard.action=stop "
                "asks. The models saved so far are kept. Less reward "
                "(trainer.phases.adversarial.reward_weight) or a stronger penalty "
                "(loss.penalty_weight) usually helps; against learning by heart a smaller budget "
                "or trainer.phases.focus.own_share"
            )
        if self.action == "lower_reward" and getattr(phase, "reward_scale", 0.0) > 0:
            phase.reward_scale *= 0.5  # type: ignore[attr-defined]
            self.failures = 0
            pull = getattr(phase, "pull", "the reward's weight")
            log.warning("collapse guard: %s; %s is halved", trouble, pull)
        else:
            log.warning("collapse guard: %s", trouble)
        return trouble

    def _trouble(self, figures: dict[str, float]) -> str | None:
        if not figures.get("n_valid", 0):
            return "no valid molecule"
        if figures["unique"] < self.min_unique:
            return f"only {figures['unique']:.1%} of the valid molecules are distinct"
        if figures.get("scaffolds", 0) < self.min_scaffolds * self.most_scaffolds:
            return f"{figures['scaffolds']:.0f} distinct scaffolds, down from {self.most_scaffolds}"
        novel = 1 - figures.get("copied", 0.0)
        if novel < self.min_novel:
            return f"only {novel:.1%} of the molecules drawn are not in the training set"
        if abs(figures.get("critic/gap", 0.0)) > self.max_gap:
            return f"the critic wins by {figures['critic/gap']:.1f}"
        return None

    def state_dict(self) -> dict[str, int]:
        """Counters."""
        return {"failures": self.failures, "most_scaffolds": self.most_scaffolds}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Take up what `state_dict` gave.

        Args:
            state: counts by name.
        """
        self.failures = state["failures"]
        self.most_scaffolds = state["most_scaffolds"]
