"""The page of a run is kept up to date, and costs next to nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from molgan.training import album
from molgan.views.runs import PAGE


class Shower:
    """A tracker that notes what it is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, list[str]]] = []

    def show(self, molecules_seen: int, smiles: list[str]) -> None:
        self.shown.append((molecules_seen, list(smiles)))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"molecules_seen": 5, "phase": "a"}) + "\n")
    return tmp_path


def test_trackers_that_can_show_get_the_first_molecules(run: Path):
    shower = Shower()
    album.Album(run).add([shower, object()], 5, ["C"] * 100)
    assert shower.shown == [(5, ["C"] * album.SHOWN)]


def test_the_page_is_written_at_once_and_then_no_more_often_than_is_cheap(run: Path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(album.time, "monotonic", lambda: clock[0])
    written: list[float] = []

    def write(folder: Path) -> None:
        written.append(clock[0])
        clock[0] += 1.0  # seconds that a page takes

    monkeypatch.setattr("molgan.views.runs.write_training_page", write)
    pages = album.Album(run)
    for _ in range(250):
        pages.add([], 5, [])
        clock[0] += 1.0
    assert len(written) == 3
    assert written[0] == 0.0


def test_a_page_that_cannot_be_written_stops_nothing(run: Path, caplog):
    (run / PAGE).mkdir()
    album.Album(run).add([], 5, [])
    assert "is a folder" in caplog.text


def test_a_run_without_figures_has_no_page(tmp_path: Path):
    album.Album(tmp_path).add([], 0, ["C"])
    assert not (tmp_path / PAGE).exists()


def test_a_finished_run_has_its_page(finished_run: Path):
    page = (finished_run / PAGE).read_text(encoding="utf-8")
    assert "final sample" in page
    assert "Molecules from the same noise" in page
    assert "data.path" in page
