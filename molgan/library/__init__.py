"""Libraries of molecules: tables with scores and reasons, readers and writers, pictures."""

from __future__ import annotations

from molgan.library.library import Library
from molgan.library.pictures import draw_grid, write_curves, write_grid
from molgan.library.writers import LibraryWriter, atomic_write

__all__ = [
    "Library",
    "LibraryWriter",
    "atomic_write",
    "draw_grid",
    "write_curves",
    "write_grid",
]
