"""Lessons: the latest rows stay, whatever the pieces they come in."""

from __future__ import annotations

import pytest
import torch

from molgan.training.lessons import Lessons


def rows(*numbers: int) -> dict[str, torch.Tensor]:
    column = torch.tensor(numbers)
    return {"number": column, "pair": torch.stack([column, -column], 1).half()}


def kept(lessons: Lessons) -> set[int]:
    return set(lessons.state_dict()["columns"]["number"].tolist())


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([[1, 2]], {1, 2}),
        ([[1, 2], [3, 4, 5]], {2, 3, 4, 5}),
        ([[1, 2, 3, 4, 5, 6, 7]], {4, 5, 6, 7}),
        ([[1], [2, 3, 4, 5, 6], [7, 8]], {5, 6, 7, 8}),
    ],
)
def test_the_latest_rows_are_kept(pieces, wanted):
    lessons = Lessons(4)
    for piece in pieces:
        lessons.add(rows(*piece))
    assert kept(lessons) == wanted
    assert len(lessons) == len(wanted)


def test_columns_stay_together_and_only_what_was_added_is_drawn():
    lessons = Lessons(100)
    lessons.add(rows(1, 2, 3))
    drawn = lessons.draw(64, torch.Generator().manual_seed(0))
    assert set(drawn["number"].tolist()) == {1, 2, 3}
    assert drawn["pair"].dtype == torch.float16
    assert drawn["pair"][:, 0].long().equal(drawn["number"])


def test_taken_up_again_they_go_on_alike():
    lessons = Lessons(4)
    lessons.add(rows(1, 2, 3, 4, 5))
    state = lessons.state_dict()
    again = Lessons(4)
    again.load_state_dict(state, torch.device("cpu"))
    for each in (lessons, again):
        each.add(rows(6))
    drawn = [each.draw(32, torch.Generator().manual_seed(1)) for each in (lessons, again)]
    assert drawn[0]["number"].equal(drawn[1]["number"])
    assert kept(again) == {3, 4, 5, 6}


def test_a_file_holds_no_more_than_the_rows():
    lessons = Lessons(1_000_000)
    lessons.add(rows(1, 2))
    column = lessons.state_dict()["columns"]["number"]
    assert column.untyped_storage().nbytes() == 16


def test_before_the_first_row_there_is_nothing_to_keep():
    again = Lessons(4)
    again.load_state_dict(Lessons(4).state_dict(), torch.device("cpu"))
    assert len(again) == 0
