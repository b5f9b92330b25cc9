"""The same call on a Dask cluster of two worker processes."""

from __future__ import annotations

import pytest

from molgan.errors import ConfigError
from molgan.screening.engines import run_chunks
from molgan.screening.isolation import Lost

distributed = pytest.importorskip("distributed")


@pytest.fixture
def scheduler(breakers):
    """Address of a real cluster: scheduler here, two worker processes, no dashboard."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def test_order_crash_kill_and_resume(scheduler, breakers, killed_and_resumed):
    # One test, since a cluster takes seconds to start.
    chunks = [[f"{row}{place}" for place in range(3)] for row in range(12)]
    work = breakers.Breaking(breakers.double, {"70": "crash"})
    found = list(run_chunks(work, chunks, parallel="dask", seconds=120.0, scheduler=scheduler))
    assert [chunk for chunk, _ in found] == chunks
    results = {item: one for pair in found for item, one in zip(*pair, strict=True)}
    assert results.pop("70") == Lost("crash", "worker crashed (SIGSEGV)")
    assert all(one == item * 2 for item, one in results.items())

    resumed, undisturbed = killed_and_resumed("dask", scheduler)
    assert resumed == undisturbed


def test_scheduler_that_does_not_answer(monkeypatch):
    monkeypatch.setattr("molgan.screening.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(ConfigError, match=r"parallel\.scheduler=tcp://127\.0\.0\.1:9"):
        list(run_chunks(len, [["a"]], parallel="dask", scheduler="tcp://127.0.0.1:9"))
