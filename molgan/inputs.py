"""What molecules are made from, noise, sizes and conditions: by a seed, alike on every device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

#: molecules whose inputs are drawn at once
BLOCK = 1024


class Inputs(NamedTuple):
    """What ``B`` molecules are made from.

    Attributes:
        noise: ``(B, K, noise_dim)``, standard normal, of each candidate.
        sizes: ``(B,)`` atom counts.
        conditions: ``(B, C)``, standardised; ``C`` is 0 for a model without.
    """

    noise: Tensor
    sizes: Tensor
    conditions: Tensor

    def rows(self, rows: slice) -> Inputs:
        """Some of them."""
        return Inputs(*(each[rows] for each in self))


def blocks(
    n: int, seed: int, draw: Callable[[int, torch.Generator, int], Inputs]
) -> Iterator[Inputs]:
    """What ``n`` molecules are made from, always drawn in whole blocks of the same length.

    How much is drawn at once changes the numbers, so it may not hang on ``n`` or a batch size.

    Args:
        n: molecules.
        seed: of all that is drawn.
        draw: gives the inputs of so many molecules, from this source, from that molecule on.
    """
    rng = torch.Generator().manual_seed(seed)
    for start in range(0, n, BLOCK):
        yield draw(BLOCK, rng, start).rows(slice(n - start))


def regrouped(blocks: Iterator[Inputs], batch_size: int) -> Iterator[Inputs]:
    """The same rows in batches of ``batch_size``, the last one with what is left."""
    waiting: Inputs | None = None
    for block in blocks:
        if waiting is not None:
            block = Inputs(*map(torch.cat, zip(waiting, block, strict=True)))
        whole = len(block.noise) - len(block.noise) % batch_size
        for start in range(0, whole, batch_size):
            yield block.rows(slice(start, start + batch_size))
        waiting = block.rows(slice(whole, None))
    if waiting is not None and len(waiting.noise):
        yield waiting


def choice_rng(seed: int) -> torch.Generator:
    """Source of the draws of ``discretization=gumbel``, on the CPU.

    It is another stream than that of the noise, which has the same seed: what is chosen must not
    depend on what it is chosen from.
    """
    return torch.Generator().manual_seed(seed + 0x5EED)
