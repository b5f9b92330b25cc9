"""What molecules are made from does not hang on how many are wanted, or on the batch."""

from __future__ import annotations

import pytest
import torch

from molgan.inputs import BLOCK, Inputs, blocks, choice_rng, regrouped


def drawn(count: int, rng: torch.Generator, start: int) -> Inputs:
    noise = torch.randn(count, 1, 2, generator=rng)
    return Inputs(noise, torch.arange(start, start + count), torch.zeros(count, 0))


@pytest.mark.parametrize("batch_size", [1, 300, BLOCK, 3 * BLOCK])
def test_batches_hold_the_same_rows_in_order(batch_size):
    n = 2 * BLOCK + 100
    batches = list(regrouped(blocks(n, 5, drawn), batch_size))
    assert {len(batch.noise) for batch in batches[:-1]} <= {batch_size}
    assert torch.cat([batch.sizes for batch in batches]).tolist() == list(range(n))
    noise = torch.cat([batch.noise for batch in batches])
    rng = torch.Generator().manual_seed(5)
    assert noise[:BLOCK].equal(drawn(BLOCK, rng, 0).noise)
    assert noise[2 * BLOCK :].equal(
        torch.cat([block.noise for block in blocks(n, 5, drawn)])[2 * BLOCK :]
    )


def test_fewer_molecules_are_the_first_of_more():
    (short,) = blocks(7, 5, drawn)
    assert short.noise.equal(next(blocks(5000, 5, drawn)).noise[:7])
    assert list(regrouped(blocks(0, 5, drawn), 8)) == []


def test_choices_are_another_stream_than_the_noise():
    noise = torch.randn(4, generator=torch.Generator().manual_seed(3))
    assert not torch.randn(4, generator=choice_rng(3)).equal(noise)
