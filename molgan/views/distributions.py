"""Histograms of molecules' scores, over those of a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from molgan.errors import DataError
from molgan.views.view import View, figure_view

if TYPE_CHECKING:
    from molgan.library import Library

PROPERTIES = ("heavy_atoms", "weight", "logp", "tpsa", "qed", "sa", "rings", "fsp3")
"""What is drawn where nothing else is asked for; of `molgan.chem.SCORES`."""

MOST = 5000
"""Molecules of each set that are looked at, evenly spread; 1 ms each."""


def property_histograms(
    libraries: Mapping[str, Library | Sequence[str]],
    reference: Library | Sequence[str] | None = None,
    properties: Sequence[str] = PROPERTIES,
) -> View:
    """Draw how properties are distributed; the reference is a grey area behind.

    Scores come from `molgan.chem.describe`, except those that are a column of a library.

    Args:
        libraries: Name -> library, or SMILES.
        reference: Molecules to compare with, such as the training set.
        properties: Of `molgan.chem.SCORES`, or columns of numbers of the libraries.

    Raises:
        DataError: If there is no molecule, or no such property.
    """
    from molgan.metrics.reporting.plots import histograms

    sets = [(name, described(molecules, properties)) for name, molecules in libraries.items()]
    grey = None if reference is None else ("reference", described(reference, properties))
    figure = histograms(sets, grey, n_cols=4)
    if figure is None:
        raise DataError("there is no molecule to draw histograms of")
    return figure_view(
        "Properties",
        "Share of the molecules of each set in each bin. Values beyond the axis count in the "
        "outermost bins." + (" The grey area is the reference." if grey else ""),
        figure,
    )


def described(
    molecules: Library | Sequence[str], properties: Sequence[str]
) -> dict[str, npt.NDArray[np.float64]]:
    """Property -> (M,) values of at most `MOST` molecules; one that cannot be read has NaN.

    Raises:
        DataError: For a property that is neither a score nor a column of numbers; it is named.
    """
    from molgan.chem import SCORES, describe, read_smiles
    from molgan.library import Library

    frame = molecules.frame if isinstance(molecules, Library) else None
    smiles = list(molecules) if not isinstance(molecules, Library) else molecules.smiles
    step = max(1, -(-len(smiles) // MOST))
    smiles = smiles[::step]
    values: dict[str, npt.NDArray[np.float64]] = {}
    asked: list[str] = []
    for name in properties:
        if frame is not None and name in frame.columns and frame[name].dtype.kind in "biuf":
            values[name] = frame[name].to_numpy(dtype=np.float64)[::step]
        elif name in SCORES:
            asked.append(name)
        elif frame is not None:
            raise DataError(
                f"there is no property {name!r}: use a column of numbers of the library, or one of "
                f"{', '.join(SCORES)}"
            )
    if asked:
        rows = [describe(mol) if mol is not None else {} for mol, _ in map(read_smiles, smiles)]
        for name in asked:
            values[name] = np.array([row.get(name, np.nan) for row in rows], dtype=np.float64)
    return values
