"""Worker processes: what reaches them, and what does not."""

from __future__ import annotations

import signal

from molgan.chem.parallel import run_tasks


def ears(number: int) -> tuple[int, bool]:
    return number, signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_ctrl_c_is_for_the_process_that_started_the_workers():
    tasks = [(number,) for number in range(4)]
    assert list(run_tasks(ears, tasks, 2)) == [(number, True) for number in range(4)]
