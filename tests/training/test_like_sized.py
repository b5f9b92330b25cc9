"""Batches of like size: every molecule as probable as ever, less to work out, nothing forgotten."""

from __future__ import annotations

import itertools

import pytest
import torch

from molgan.errors import ConfigError
from molgan.training.like_sized import LikeSizedBatches


def test_batches_are_of_like_size_and_in_random_order(make_trainer):
    context = make_trainer(None).context
    batches = LikeSizedBatches(context, 16, together=8)
    sizes = torch.stack([context.data.sizes[batches.draw()] for _ in range(8)])
    spans = sorted((int(each.min()), int(each.max())) for each in sizes)
    assert all(after[0] >= before[1] for before, after in itertools.pairwise(spans))
    assert spans[0][0] < spans[-1][1]
    assert not sizes[:, 0].equal(sizes[:, 0].sort().values)


def test_together_they_are_an_ordinary_draw(make_trainer):
    context = make_trainer(None).context
    state = context.rng.get_state()
    batches = LikeSizedBatches(context, 16, together=4)
    drawn = torch.cat([batches.draw() for _ in range(4)])
    context.rng.set_state(state)
    plain = context.data.draw_indices(64, context.rng)
    assert drawn.sort().values.equal(plain.sort().values)


def test_one_batch_alone_is_as_it_was_drawn(make_trainer):
    context = make_trainer(None).context
    state = context.rng.get_state()
    drawn = LikeSizedBatches(context, 16).draw()
    context.rng.set_state(state)
    assert drawn.equal(context.data.draw_indices(16, context.rng))
    with pytest.raises(ConfigError, match="like_sized=0"):
        LikeSizedBatches(context, 16, together=0)


def test_what_was_drawn_ahead_is_kept(make_trainer):
    context = make_trainer(None).context
    batches = LikeSizedBatches(context, 16, together=4)
    batches.draw()
    again = LikeSizedBatches(context, 16, together=4)
    again.load_state_dict(batches.state_dict())
    assert [again.draw().tolist() for _ in range(3)] == [batches.draw().tolist() for _ in range(3)]
