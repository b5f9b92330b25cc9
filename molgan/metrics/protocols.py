"""Protocols: which molecules are counted, against what, and by whose definitions.

The presets are in conf/protocol/; docs/metrics.md says where each comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from molgan.errors import ConfigError

#: Groups of figures, in the order in which they are computed and shown.
GROUPS = (
    "strict",
    "lenient",
    "moses",
    "guacamol",
    "gdss",
    "digress",
    "structure",
    "memorisation",
)


@dataclass(frozen=True)
class Protocol:
    """A way to measure a generator.

    Attributes:
        name: of the preset.
        groups: which figures, of `GROUPS`.
        n: molecules looked at, the first n drawn; None takes all. A smaller library is measured as
            it is, and the report says so.
        reference: name of the reference that published figures use; another one draws a note.
        description: sentences that are printed with the figures.

    Raises:
        ConfigError: for an unknown group or a useless n.
    """

    name: str
    groups: Sequence[str]
    n: int | None = None
    reference: str | None = None
    description: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the settings before anything is computed."""
        unknown = [group for group in self.groups if group not in GROUPS]
        if unknown:
            raise ConfigError(
                f"protocol.groups: there is no {unknown[0]!r}; use {', '.join(GROUPS)}"
            )
        if not self.groups:
            raise ConfigError(f"protocol.groups is empty; use some of {', '.join(GROUPS)}")
        if self.n is not None and (not isinstance(self.n, int) or self.n < 1):
            raise ConfigError(f"protocol.n={self.n}: a whole number from 1 up is wanted, or null")
