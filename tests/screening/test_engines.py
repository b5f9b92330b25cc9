"""The same results in the same order from every engine."""

from __future__ import annotations

import pytest

from molgan.errors import ConfigError, DataError, MolganError
from molgan.screening.engines import run_chunks
from molgan.screening.isolation import Lost

CHUNKS = [[f"{row}{place}" for place in range(3)] for row in range(40)]


def flat(results):
    return [(item, one) for chunk, found in results for item, one in zip(chunk, found, strict=True)]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_cores_keep_the_order(breakers, n_jobs):
    work = breakers.Breaking(breakers.double, {"170": "crash"})
    results = flat(run_chunks(work, iter(CHUNKS), n_jobs=n_jobs, seconds=30.0))
    assert [item for item, _ in results] == [item for chunk in CHUNKS for item in chunk]
    assert dict(results).pop("170") == Lost("crash", "worker crashed (SIGSEGV)")
    assert all(one == item * 2 for item, one in results if item != "170")


@pytest.mark.parametrize("parallel", ["none", "joblib"])
def test_an_exception_costs_only_its_item(breakers, parallel):
    work = breakers.Breaking(breakers.double, {"170": "error"})
    results = dict(flat(run_chunks(work, CHUNKS[16:18], parallel=parallel, seconds=30.0)))
    assert results.pop("170") == Lost("error", "ValueError: no such luck")
    assert results == {item: item * 2 for item in results}
    assert len(results) == 5


def test_this_process(breakers):
    results = flat(run_chunks(breakers.double, CHUNKS, parallel="none"))
    assert results == [(item, item * 2) for chunk in CHUNKS for item in chunk]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_source_that_fails_is_told_after_what_it_gave(breakers, n_jobs):
    def source():
        yield from CHUNKS[:5]
        raise DataError("the disk is gone")

    done = []
    with pytest.raises(DataError, match="the disk is gone"):
        done += run_chunks(breakers.double, source(), n_jobs=n_jobs, seconds=30.0)
    results = run_chunks(breakers.double, source(), n_jobs=n_jobs, seconds=30.0)
    assert [next(results)[0] for _ in range(5)] == CHUNKS[:5]


def test_stopping_early_ends_the_children(breakers):
    results = run_chunks(breakers.double, iter(CHUNKS), n_jobs=2, seconds=30.0)
    assert next(results) == (CHUNKS[0], ["0000", "0101", "0202"])
    results.close()
    with pytest.raises(StopIteration):
        next(results)


def test_unknown_engine_and_missing_scheduler():
    with pytest.raises(ConfigError, match="parallel=ray: choose from joblib, dask, none"):
        run_chunks(len, [], parallel="ray")
    pytest.importorskip("distributed")
    with pytest.raises(ConfigError, match=r"parallel\.scheduler=tcp"):
        list(run_chunks(len, [], parallel="dask"))


def test_missing_package_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MolganError, match=r"molgan\[cluster\]"):
        list(run_chunks(len, [], parallel="dask", scheduler="tcp://x:1"))
