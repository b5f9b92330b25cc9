"""A grid of the package mols2grid: pages of molecules to search, sort and tick."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cached_property, partial
from html import escape
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molgan.errors import DataError, MolganError
from molgan.library.writers import atomic_write
from molgan.views.grids import default_legend

if TYPE_CHECKING:
    import pandas as pd

    from molgan.library import Library

_numbers = count(1)  # mols2grid keeps what is ticked under the name of a grid


class InteractiveGrid:
    """Molecules in pages, with search by text or SMARTS, sorting, and boxes to tick.

    A notebook shows it when it ends a cell. Unlike molgan's own pages, what it shows loads scripts
    from the internet (list.js, jQuery, RDKit for JavaScript): where there is none, it stays empty.

    Args:
        library: Molecules.
        below: Columns shown below each picture; the others show on the "i" of a cell. None: the
            names, and up to two of reward, qed, sa, logp.
        cell: Width and height of a picture, in pixels.
        per_page: Molecules on a page, 1 or more; multiples of 12 fill it.

    Raises:
        DataError: If there is no such column.
        MolganError: If mols2grid is not installed.
    """

    def __init__(
        self,
        library: Library,
        below: Sequence[str] | None = None,
        *,
        cell: tuple[int, int] = (160, 120),
        per_page: int = 24,
    ) -> None:
        try:
            import mols2grid  # noqa: F401
        except ImportError as error:
            raise MolganError(
                'a grid to search and tick needs mols2grid: pip install "molgan[notebook]"'
            ) from error
        below = ["name", *default_legend(library)] if below is None else list(below)
        unknown = [name for name in below if name not in library.frame]
        if unknown:
            there = ", ".join(map(str, library.frame.columns))
            raise DataError(f"there is no column {unknown[0]!r}; there are: {there}")
        self.library = library
        self.below = below
        self.cell = cell
        self.per_page = per_page
        self.name = f"molgan{next(_numbers)}"

    @cached_property
    def grid(self) -> Any:
        """The `mols2grid.MolGrid`, made when it is first asked for."""
        from mols2grid import MolGrid

        return MolGrid(_safe(self.library.frame), "smiles", size=self.cell, name=self.name)

    def selected(self) -> Library:
        """The molecules that are ticked in the notebook, as a library; in their order."""
        import mols2grid

        from molgan.library import Library

        ticked = sorted(mols2grid.get_selection(self.name))
        return Library(self.library.frame.iloc[ticked])

    def save(self, path: str | Path) -> Path:
        """Write it as a page, `.html`.

        Args:
            path: Of the file.

        Raises:
            MolganError: For another ending, or when the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() != ".html":
            raise MolganError(f"cannot write a grid of mols2grid as {path}: end it in .html")
        with redirect_stdout(io.StringIO()):  # outside of a notebook its widget would be printed
            page = self.grid.render(**self._shown())
        with atomic_write(path) as file:
            file.write(page)
        return path

    def _shown(self) -> dict[str, Any]:
        frame = self.library.frame
        tooltip = [name for name in map(str, frame.columns) if name not in self.below]
        numbers = [str(name) for name in frame.columns if frame[name].dtype.kind == "f"]
        return {
            "subset": ["img", *self.below],
            "tooltip": tooltip,
            "transform": {
                name: partial(_short, f"{escape(name)} " if name in self.below else "")
                for name in numbers
            },
            "n_items_per_page": self.per_page,
        }

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.grid.display(**self._shown()))  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        """Counts: the grid itself is for a notebook."""
        return f"InteractiveGrid of {len(self.library):,} molecules; save it as .html"


def _safe(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its texts as text: mols2grid puts them into the page as they are."""
    texts = [
        name for name in frame.columns if frame[name].dtype.kind not in "biuf" and name != "smiles"
    ]
    return frame.assign(**{name: frame[name].map(lambda one: escape(str(one))) for name in texts})


def _short(label: str, value: float) -> str:
    return f"{label}{value:.3g}"
