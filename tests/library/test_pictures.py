from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from molgan.errors import ChemistryError, DataError, MolganError
from molgan.library import write_curves, write_grid
from molgan.library.curves import draw_curves, panels, phase_spans, read_metrics
from molgan.library.pictures import draw_svg


def png_size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", header[16:24])
    return width, height


def ink(path: Path, left: int, top: int, width: int, height: int) -> float:
    """Share of the pixels in a rectangle that are not white."""
    pixels = imread(path)[top : top + height, left : left + width, :3]
    return float(np.mean(np.any(pixels < 0.98, axis=-1)))


def test_a_grid_has_its_rows_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "grid.png"
    write_grid(path, ["CCO", "c1ccccc1", "CC#N"], ["a", "b", "c"], n_cols=2, cell=(200, 150))
    assert png_size(path) == (400, 300)
    cells = [ink(path, x, y, 200, 150) for y in (0, 150) for x in (0, 200)]
    assert all(share > 0.005 for share in cells[:3])
    assert cells[3] == 0.0


def test_legends_are_drawn_below_the_molecules(tmp_path: Path) -> None:
    shares = []
    for name, legends in (("with.png", ["QED 0.55"]), ("without.png", None)):
        write_grid(tmp_path / name, ["CCO"], legends, cell=(260, 220))
        shares.append(ink(tmp_path / name, 0, 170, 260, 50))
    assert shares[0] > 0.01
    assert shares[1] == 0.0


def test_a_grid_of_nothing_says_so(tmp_path: Path) -> None:
    write_grid(tmp_path / "grid.png", [], [], cell=(260, 220))
    assert ink(tmp_path / "grid.png", 0, 0, 260, 220) > 0.005


def test_a_smiles_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChemistryError, match="'C1CC'"):
        write_grid(tmp_path / "grid.png", ["CCO", "C1CC"])
    assert not (tmp_path / "grid.png").exists()


def test_as_many_legends_as_molecules(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 legends for 2 molecules"):
        write_grid(tmp_path / "grid.png", ["C", "N"], ["a"])


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MolganError, match="it is a folder"):
        write_grid(tmp_path, ["C"])


def rows() -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = []
    for step in range(20):
        row: dict[str, Any] = {"molecules_seen": 100 * step}
        if step % 2 == 0:
            row["phase"] = "autoencoder" if step < 10 else "latent"
        row["loss/latent_critic" if step >= 10 else "loss/reconstruction"] = 1.0 / (step + 1)
        if step % 5 == 0:
            row |= {"eval/valid": step / 20, "eval/unique": 1.0, "eval/reward": 0.3}
            row |= {"eval/logp": 0.1, "eval/fcd": None}
        table.append(row)
    table[3]["loss/reconstruction"] = float("nan")
    return table


def write(path: Path, table: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in table))
    return path


def test_panels_are_losses_then_samples_then_rewards() -> None:
    assert [(panel.title, list(panel.curves.values())) for panel in panels(rows())] == [
        ("reconstruction loss", ["loss/reconstruction"]),
        ("latent critic loss", ["loss/latent_critic"]),
        ("samples", ["eval/valid", "eval/unique"]),
        ("rewards, 0 to 1", ["eval/reward"]),
        ("mean logP", ["eval/logp"]),
    ]


def test_phases_are_spans_over_molecules_seen() -> None:
    assert phase_spans(rows()) == [(0.0, 1000.0, "autoencoder"), (1000.0, 1900.0, "latent")]
    assert phase_spans([{"molecules_seen": 1}]) == []
    final = {"molecules_seen": 1900, "phase": "final"}  # the figures at the end have no extent
    assert phase_spans([*rows(), final])[-1] == (1000.0, 1900.0, "latent")


def test_curves_are_a_picture_of_what_the_file_holds(tmp_path: Path) -> None:
    path = write(tmp_path / "metrics.jsonl", rows())
    figure = draw_curves(read_metrics(path))
    drawn = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}
    assert list(drawn) == [panel.title for panel in panels(rows())]
    (line,) = drawn["reconstruction loss"].get_lines()
    assert line.get_xdata().tolist() == [0, 100, 200, 400, 500, 600, 700, 800, 900]
    assert line.get_ydata()[-1] == pytest.approx(0.1)
    write_curves(path, tmp_path / "training.png")
    width, height = png_size(tmp_path / "training.png")
    assert width > 800
    assert height > 400


@pytest.mark.parametrize("table", [[], [{"loss/critic": 1.0}], [{"molecules_seen": 5}]])
def test_a_run_without_figures_has_a_picture_too(
    tmp_path: Path, table: list[dict[str, Any]]
) -> None:
    write_curves(write(tmp_path / "metrics.jsonl", table), tmp_path / "training.png")
    assert png_size(tmp_path / "training.png")[0] > 100


def test_a_line_cut_off_by_a_kill_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "metrics.jsonl", [{"molecules_seen": 1, "loss/a": 2.0}])
    with path.open("a") as file:
        file.write('[1]\n{"molecules_seen": 2, "loss')
    assert read_metrics(path) == [{"molecules_seen": 1, "loss/a": 2.0}]


def test_a_resumed_run_overwrites_the_stretch_it_repeats(tmp_path: Path) -> None:
    seen = [(0, 9.0), (10, 8.0), (20, 7.0), (10, 6.0), (20, 5.0), (30, 4.0)]
    table = [{"molecules_seen": x, "loss/a": y} for x, y in seen]
    path = write(tmp_path / "metrics.jsonl", table)
    assert [(row["molecules_seen"], row["loss/a"]) for row in read_metrics(path)] == [
        (0, 9.0),
        (10, 6.0),
        (20, 5.0),
        (30, 4.0),
    ]


def test_a_missing_metrics_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"metrics\.jsonl"):
        write_curves(tmp_path / "metrics.jsonl", tmp_path / "training.png")
    assert not (tmp_path / "training.png").exists()


def test_many_points_and_many_phases_do_not_drown_the_picture(tmp_path: Path) -> None:
    table = [
        {"molecules_seen": step, "phase": "ab"[step % 2], "loss/a": float(step % 7)}
        for step in range(1000)
    ]
    figure = draw_curves(table)
    raw, smooth = figure.axes[0].get_lines()
    assert len(raw.get_xdata()) == 1000
    assert len(smooth.get_xdata()) == 100
    assert not figure.axes[0].patches  # no phase spans


def test_one_molecule_as_svg() -> None:
    from xml.etree import ElementTree

    root = ElementTree.fromstring(draw_svg("CCO", cell=(200, 150)))
    assert (root.get("width"), root.get("height")) == ("200px", "150px")
    bonds = [path for path in root if "bond-" in (path.get("class") or "")]
    assert len({(path.get("class") or "").split()[0] for path in bonds}) == 2


def test_svg_of_no_molecule_says_which() -> None:
    with pytest.raises(ChemistryError, match="C1CC"):
        draw_svg("C1CC")
