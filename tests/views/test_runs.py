"""The page of a training run: figures, curves and the same noise over time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from molgan import views
from molgan.errors import DataError
from molgan.views.runs import spread


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rows = [
        {"molecules_seen": 100, "phase": "latent", "loss/latent": 2.0},
        {"molecules_seen": 200, "phase": "latent", "eval/valid": 0.5, "eval/unique": 0.25},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "config.json").write_text('{"seed": 7, "loss": {"kind": "<b>"}}')
    (tmp_path / "samples").mkdir()
    for seen in (100, 200):
        (tmp_path / "samples" / f"{seen:012d}.csv").write_text("name,smiles\na,CCO\nb,CCN\n")
    return tmp_path


def test_the_page_holds_figures_curves_molecules_and_settings(run: Path):
    page = views.write_training_page(run).read_text(encoding="utf-8")
    assert page == views.training_page(run)
    for text in ("0.25", "data:image/svg+xml", '<th scope="row">100</th>', "loss.kind", "seed"):
        assert text in page
    assert "<b>" not in page
    assert "<script" not in page


def test_the_curves_alone(run: Path, tmp_path: Path):
    assert b"molecules seen" in views.training_curves(run).make_svg()
    with pytest.raises(DataError, match=r"metrics\.jsonl"):
        views.training_curves(tmp_path / "elsewhere")


def test_a_run_that_has_only_begun(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_text("")
    assert "Nothing recorded yet" in views.training_page(tmp_path)


def test_of_many_evaluations_the_first_the_last_and_some_between_are_shown():
    paths = [Path(f"{i}.csv") for i in range(50)]
    chosen = spread(paths, 6)
    assert len(chosen) == 6
    assert chosen[0] == paths[0]
    assert chosen[-1] == paths[-1]
    assert spread(paths[:3]) == paths[:3]
