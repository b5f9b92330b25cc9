"""Where figures go."""

from __future__ import annotations

import builtins
import json
import math
import os

import pytest

from molgan.errors import MolganError
from molgan.training import JsonLines, TensorBoard


def row(seen: int, phase: str = "latent", **figures: object) -> dict[str, object]:
    return {"molecules_seen": seen, "phase": phase, **figures}


def lines(path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_are_on_disk_at_once(tmp_path):
    path = tmp_path / "metrics.jsonl"
    tracker = JsonLines(path)
    tracker.log(row(10, loss=0.5))
    assert lines(path) == [row(10, loss=0.5)]
    tracker.log(row(20, loss=0.25))
    assert [each["molecules_seen"] for each in lines(path)] == [10, 20]
    tracker.close()


def test_figures_that_json_cannot_hold_become_null(tmp_path):
    path = tmp_path / "metrics.jsonl"
    tracker = JsonLines(path)
    tracker.log(row(1, a=math.nan, b=math.inf, c=1))
    tracker.close()
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == row(1, a=None, b=None, c=1)


def test_a_new_run_starts_anew(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"molecules_seen": 5, "phase": "latent"}\n')
    JsonLines(path).close()
    assert path.read_text() == ""


def test_a_resumed_run_cuts_what_it_will_write_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    before = [row(10), row(20), row(20, eval=1), row(30)]
    text = "".join(json.dumps(each) + "\n" for each in before)
    path.write_text(text + '{"molecules_seen": 40, "pha')  # killed in the middle of a line
    tracker = JsonLines(path, 20)
    tracker.log(row(30, loss=1.0))
    tracker.close()
    assert lines(path) == [*before[:3], row(30, loss=1.0)]


def test_the_final_row_is_written_once(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for _ in range(2):
        tracker = JsonLines(path, 20)
        tracker.log(row(20, "final", valid=0.5))
        tracker.close()
    assert lines(path) == [row(20, "final", valid=0.5)]


def test_a_full_disk_while_cutting_loses_no_row(tmp_path, monkeypatch):
    path = tmp_path / "metrics.jsonl"
    path.write_text(json.dumps(row(10)) + "\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MolganError, match=r"metrics\.jsonl: the disk is full"):
        JsonLines(path, 10)
    assert lines(path) == [row(10)]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_message(tmp_path):
    tracker = JsonLines(tmp_path / "metrics.jsonl")
    tracker._file.close()
    tracker._file = open("/dev/full", "a")
    with pytest.raises(MolganError, match=r"cannot write .*metrics\.jsonl: .*disk is full"):
        tracker.log(row(10))
    tracker.close()  # must not complain a second time


def test_tensorboard_writes_events(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    tracker = TensorBoard(tmp_path)
    tracker.log(row(10, loss=0.5))
    tracker.log(row(20, loss=0.25))
    tracker.close()
    events = reader.EventAccumulator(str(tmp_path)).Reload()
    assert events.Tags()["scalars"] == ["loss"]
    assert [(each.step, each.value) for each in events.Scalars("loss")] == [(10, 0.5), (20, 0.25)]


def test_tensorboard_shows_no_point_of_a_resumed_run_twice(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def points(*steps: int, start: int) -> list[tuple[int, float]]:
        tracker = TensorBoard(tmp_path, start)
        for step in steps:
            tracker.log(row(step, loss=float(start)))
            tracker.show(step, ["CCO"])
        tracker.close()
        # The folder's files in the order in which TensorBoard reads them, as one stream.
        events = reader.EventAccumulator(str(tmp_path)).Reload()
        scalars = [(each.step, each.value) for each in events.Scalars("loss")]
        assert [each.step for each in events.Images("same noise")] == [step for step, _ in scalars]
        return scalars

    assert points(10, 20, 30, start=0) == [(10, 0), (20, 0), (30, 0)]
    # The checkpoint was of step 20, with its own row; 30 comes again.
    assert points(30, 40, start=20) == [(10, 0), (20, 0), (30, 20), (40, 20)]
    # resume=never: a new run in the folder of the old one.
    assert points(10, start=0) == [(10, 0)]


def test_tensorboard_shows_molecules_and_settings(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    (tmp_path / "config.json").write_text('{"seed": 7}')
    tracker = TensorBoard(tmp_path / "tensorboard")
    tracker.show(10, ["CCO", "CCN"])
    tracker.show(20, [])
    tracker.close()
    events = reader.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    (picture,) = events.Images("same noise")
    assert (picture.step, picture.encoded_image_string[1:4]) == (10, b"PNG")
    (settings,) = events.Tensors("settings/text_summary")
    assert b'"seed": 7' in settings.tensor_proto.string_val[0]


def test_tensorboard_missing_names_the_extra(tmp_path, monkeypatch):
    original = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MolganError, match=r'pip install "molgan\[track\]"'):
        TensorBoard(tmp_path)
