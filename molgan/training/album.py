"""Pictures of a run while it goes on: the page in its folder, and what trackers show."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from molgan.errors import MolganError
from molgan.training.trackers import Tracker

log = logging.getLogger("molgan")

SHARE = 0.01
"""Most of the time of a run that its page may cost before the end."""

SHOWN = 24
"""Molecules of a tracker's picture."""


class Album:
    """Keeps `training.html` up to date, at the cost of a hundredth of the run's time.

    Args:
        run_dir: the run's folder.
    """

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self._next = 0.0  # of the clock; the first evaluation gets its page at once

    def add(self, trackers: Iterable[Tracker], molecules_seen: int, smiles: Sequence[str]) -> None:
        """Show what the generator made of the fixed noise at an evaluation.

        Args:
            trackers: those with a method `show` get the molecules.
            molecules_seen: where the run stands.
            smiles: distinct valid molecules, in the order drawn.
        """
        from molgan.views.runs import write_training_page

        for tracker in trackers:
            show = getattr(tracker, "show", None)
            if show is not None:
                show(molecules_seen, smiles[:SHOWN])
        started = time.monotonic()
        if started >= self._next and (self.run_dir / "metrics.jsonl").is_file():
            try:
                write_training_page(self.run_dir)
            except MolganError as error:  # no picture is worth the end of a training
                log.warning("the run's page is not up to date: %s", error)
            now = time.monotonic()
            self._next = now + (now - started) / SHARE
