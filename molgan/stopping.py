"""Ctrl-C and SIGTERM as a wish: a loop finishes its step, keeps its work and leaves in order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_HEARD = (signal.SIGINT, signal.SIGTERM)  # Ctrl-C; what clusters and `kill` send
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


class Stopped(KeyboardInterrupt):
    """Raised by a loop that a signal asked to end, once its work is kept.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(self.signal.name)


@dataclass
class Stop:
    """Whether somebody wants the work to end; a loop looks at it between two steps.

    Attributes:
        asked: the signal that came, or None.
    """

    asked: signal.Signals | None = None

    @contextmanager
    def on_signals(self, say: str = "") -> Iterator[None]:
        """Take Ctrl-C and SIGTERM as a wish while this lasts; the second one ends the process.

        A signal for which somebody else has plans keeps its handler, such as that of a scheduler's
        plug-in, or the deaf ear of a job in the background. In another thread than the main one
        nothing changes.

        Args:
            say: what to tell on stderr when the first one comes.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.getsignal(each) for each in _HEARD}
        taken = {each: handler for each, handler in before.items() if handler in _DEFAULTS}
        owner = os.getpid()

        def hear(number: int, frame: FrameType | None) -> None:
            for each, handler in taken.items():
                signal.signal(each, handler)
            if os.getpid() != owner:  # a fork of ours, such as a pool that is being ended
                os.kill(os.getpid(), number)
                return
            self.asked = signal.Signals(number)
            if say:
                # Not print: the signal may have come in the middle of one.
                os.write(2, f"\n{say}\n".encode())

        for each in taken:
            signal.signal(each, hear)
        try:
            yield
        finally:
            for each, handler in taken.items():
                signal.signal(each, handler)
