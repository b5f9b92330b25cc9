"""Keeping RDKit's log quiet where failures are expected, and only there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rdkit import rdBase


@contextmanager
def quiet_rdkit() -> Iterator[None]:
    """Silence RDKit's log for the duration of a ``with`` block.

    Decoding generated graphs fails thousands of times by design, and every failure prints a line
    from C++. The state before the block comes back afterwards, exceptions included; blocks nest.
    """
    block = rdBase.BlockLogs()
    try:
        yield
    finally:
        del block
