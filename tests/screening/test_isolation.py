"""A molecule that hangs, crashes or raises costs only itself."""

from __future__ import annotations

import pytest

from molgan.errors import MolganError
from molgan.screening.isolation import Isolated, Lost, Team


@pytest.fixture
def isolated(breakers):
    made = []

    def make(what, seconds=30.0):
        worker = Isolated(breakers.Breaking(breakers.double, what), seconds)
        made.append(worker)
        return worker

    yield make
    for worker in made:
        worker.close()


def test_crash_and_exception_cost_only_their_item(isolated):
    worker = isolated({"b": "crash", "d": "error"})
    results = worker(["a", "b", "c", "d", "e"])
    assert [results[place] for place in (0, 2, 4)] == ["aa", "cc", "ee"]
    assert results[1] == Lost("crash", "worker crashed (SIGSEGV)")
    assert results[3].reason == "error"
    assert "no such luck" in results[3].detail
    assert worker(["f"]) == ["ff"]


def test_hang_costs_only_its_item(isolated):
    results = isolated({"b": "hang"}, seconds=2.0)(["a", "b", "c"])
    assert results == ["aa", Lost("timeout", "took longer than 2 s"), "cc"]


def test_work_that_cannot_even_start_is_an_error(breakers):
    # Called with nothing first, to load what it needs: this one cannot do without.
    worker = Isolated(breakers.Breaking(max, {}), 30.0)
    with pytest.raises(MolganError, match="worker processes cannot start"):
        worker(["a"])
    worker.close()


def test_team_keeps_its_children(breakers):
    team = Team(breakers.double, 30.0)
    try:
        assert team(["a"]) == ["aa"]
        first = team._all[0]._child
        assert team(["b"]) == ["bb"]
        assert len(team._all) == 1
        assert team._all[0]._child is first
    finally:
        team.close()
