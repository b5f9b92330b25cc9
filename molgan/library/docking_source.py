"""What an export has still to do: ligands with their states, from where an earlier one stopped."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from molgan.errors import ConfigError
from molgan.library.docking_files import text_of
from molgan.library.states import Ligand, States, with_states

REMEDY = "write to another folder, or allow overwriting"
"""What to do where an earlier export is in the way."""


class Position(NamedTuple):
    """How far an export has come.

    Attributes:
        begun: Molecules of the input of which at least one state is done.
        states: How many states are done of the last of these.
        digest: Hash of all of these, as they were read.
    """

    begun: int = 0
    states: int = 0
    digest: int = 0


class Source:
    """Ligands with their states, from where an earlier export had come to.

    Iterating gives what the workers are to do; `done` says, in the same order, what has been done.

    Args:
        ligands: The input, from its beginning.
        states: What to add.
        seconds: See `with_states`.
        position: How far an earlier export had come.
    """

    def __init__(
        self, ligands: Iterable[Ligand], states: States, seconds: float, position: Position
    ) -> None:
        self._ligands, self._states, self._seconds = ligands, states, seconds
        self._start = self.position = position
        self._digests: deque[int] = deque()  # of molecules read and not begun
        self._asked: deque[tuple[int, Ligand, str | None]] = deque()  # not yet back

    def __iter__(self) -> Iterator[tuple[Ligand, str | None]]:
        """Yield (ligand, None), or (ligand, reason why its states are not known)."""
        items = with_states(self._read(), self._states, self._seconds)
        begun = self._start.begun > 0  # the first molecule may be half done
        for place, item in enumerate(items):
            begun = begun and (place == 0 or item[0] > 1)
            if not (begun and item[0] <= self._start.states):
                self._asked.append(item)
                yield item[1:]

    def done(self) -> tuple[Ligand, str | None]:
        """Return what the next outcome is of, and move the position behind it."""
        number, ligand, reason = self._asked.popleft()
        begun, _, digest = self.position
        if number == 1:
            begun, digest = begun + 1, self._digests.popleft()
        self.position = Position(begun, number, digest)
        return ligand, reason

    def _read(self) -> Iterator[Ligand]:
        """Yield the molecules that are not done with, the last one begun among them."""
        digest, last = 0, self._start.begun
        place = 0
        for place, ligand in enumerate(self._ligands, 1):
            digest = _chained(digest, ligand)
            if place == last and digest != self._start.digest:
                raise ConfigError(f"the export that was interrupted had other molecules: {REMEDY}")
            if place > last:
                self._digests.append(digest)
            if place >= last:
                yield ligand
        if place < last:
            raise ConfigError(f"the export that was interrupted had more molecules: {REMEDY}")


def _chained(digest: int, ligand: Ligand) -> int:
    scores = [(key, text_of(value)) for key, value in ligand.scores.items()]
    text = repr((digest, ligand.name, ligand.smiles, ligand.parent, scores))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")
