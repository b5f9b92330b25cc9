"""Figures of one library or several side by side: what was measured, what was not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from molgan.metrics.basic import Figures


@dataclass
class Report:
    """What was measured of one library. All but the name may be left empty.

    Attributes:
        name: Of the library, as the user knows it; any text.
        figures: Key -> figure; a NaN counts as missing.
        errors: Key -> standard error of that figure, in the same unit.
        missing: What was not computed -> why. A key stands for itself, and for all that begin with
            it: `moses/fcd` for `moses/fcd_test` too, `moses` or `strict` for a group.
        notes: What the protocol did, one sentence each: n, reference split, repair.
        examples: Kind -> lines, such as `unparsable` -> `line 7: C1CC`.
        smiles: Valid molecules in the order drawn, as canonical SMILES; the first ones are drawn.
        properties: Name -> (M,) values over the valid molecules, for histograms.
        nearest: (generated, nearest training molecule, Tanimoto similarity), as SMILES.
        tables: Name -> rows of (SMILES or text, count, ...); `scaffolds`: the most frequent ones.
        size_validity: Number of heavy atoms -> (drawn, valid).
    """

    name: str
    figures: Figures = field(default_factory=dict)
    errors: Figures = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=dict)
    smiles: list[str] = field(default_factory=list)
    properties: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    nearest: list[tuple[str, str, float]] = field(default_factory=list)
    tables: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    size_validity: dict[int, tuple[int, int]] = field(default_factory=dict)

    def why_missing(self, key: str) -> str:
        """Return why a figure is missing, empty where no reason is known.

        Args:
            key: Of the figure.
        """
        from molgan.metrics.reporting.catalogue import metric

        if key in self.missing:
            return self.missing[key]
        wider = [name for name in self.missing if key.startswith((f"{name}/", f"{name}_"))]
        group = metric(key).group
        candidates = [*sorted(wider, key=len, reverse=True), group, group.lower()]
        return next((self.missing[name] for name in candidates if name in self.missing), "")


@dataclass
class Comparison:
    """One table and one page for several libraries, or for one.

    Attributes:
        reports: The libraries, in the order of the columns.
        reference: What they are held against, shown as a last column that takes no part in the
            contest, and in the plots; its `name` says which set it is.
    """

    reports: Sequence[Report]
    reference: Report | None = None

    def to_text(self, *, width: int | None = None) -> str:
        """Return an aligned table for the terminal, with legend, notes and missing figures.

        Args:
            width: Characters in a line; columns that do not fit follow in a further block. None
                never breaks the table.
        """
        from molgan.metrics.reporting.formats import as_text

        return as_text(self, width)

    def to_markdown(self) -> str:
        """Return a Markdown table with legend and missing figures."""
        from molgan.metrics.reporting.formats import as_markdown

        return as_markdown(self)

    def to_latex(self) -> str:
        """Return a LaTeX table for the booktabs package."""
        from molgan.metrics.reporting.latex import as_latex

        return as_latex(self)

    def to_csv(self, path: str | Path) -> None:
        """Write one row for each library and figure: value, error, direction, or why it is missing.

        Args:
            path: The file.

        Raises:
            MolganError: If the file cannot be written; it names the file.
        """
        from molgan.library.writers import atomic_write
        from molgan.metrics.reporting.formats import write_tidy

        with atomic_write(path) as file:
            write_tidy(self, file)

    def to_html(self, path: str | Path, *, title: str | None = None) -> None:
        """Write one self-contained page with table, plots and pictures.

        Args:
            path: The .html file.
            title: Its heading; None makes one from the names of the libraries.

        Raises:
            MolganError: If the file cannot be written; it names the file.
        """
        from molgan.library.writers import atomic_write
        from molgan.metrics.reporting.html import as_html

        page = as_html(self, title)
        with atomic_write(path) as file:
            file.write(page)
