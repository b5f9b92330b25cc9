"""Signals as a wish, and whose signals stay whose."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from molgan.stopping import Stop


@pytest.fixture(autouse=True)
def default_handlers():
    """The handlers of a command in the foreground, whoever started the tests."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_wish(number, capfd):
    stop = Stop()
    with stop.on_signals("wait"):
        assert stop.asked is None
        os.kill(os.getpid(), number)
        assert stop.asked == number
    assert capfd.readouterr().err == "\nwait\n"


def test_the_second_one_is_no_wish():
    stop = Stop()
    with stop.on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert stop.asked == signal.SIGTERM


def test_handlers_come_back():
    with Stop().on_signals():
        assert signal.getsignal(signal.SIGINT) != signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_handler_of_somebody_else_stays():
    heard = []
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a job in the background
    stop = Stop()
    with stop.on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert heard == [signal.SIGTERM]
    assert stop.asked is None


def test_a_thread_leaves_signals_alone():
    found = []

    def work() -> None:
        with Stop().on_signals():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_a_fork_dies_of_the_signal_as_ever():
    stop = Stop()
    with stop.on_signals():
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    assert stop.asked is None
