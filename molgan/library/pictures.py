"""Pictures: a grid of molecules, and the curves of a training run."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.Geometry import Point2D

from molgan.chem import quiet_rdkit
from molgan.errors import ChemistryError
from molgan.library.writers import atomic_write

if TYPE_CHECKING:
    from PIL.Image import Image

_NOTHING = "no valid molecules"


def write_grid(
    path: str | Path,
    smiles: Sequence[str],
    legends: Sequence[str] | None = None,
    n_cols: int = 6,
    *,
    cell: tuple[int, int] = (260, 210),
) -> None:
    """Draw molecules as `draw_grid` does and write the picture as PNG, atomically.

    Args:
        path: The .png file.
        smiles: As for `draw_grid`, and so are the others.
        legends: One line of text below each molecule.
        n_cols: Molecules in a row.
        cell: Size of a molecule with its legend.

    Raises:
        ChemistryError: If RDKit cannot read one of the SMILES.
        MolganError: If the file cannot be written; it names the file.
        ValueError: If there are not as many legends as molecules.
    """
    picture = grid_png(smiles, legends, n_cols, cell=cell)
    with atomic_write(path, binary=True) as file:
        file.write(picture)


def draw_grid(
    smiles: Sequence[str],
    legends: Sequence[str] | None = None,
    n_cols: int = 6,
    *,
    cell: tuple[int, int] = (260, 210),
) -> Image:
    """Draw molecules in a grid on white; a notebook shows what this returns.

    All molecules are drawn at one scale, so that small ones look small. Without any molecule the
    picture says so.

    Args:
        smiles: What to draw, row by row.
        legends: One line of text below each molecule.
        n_cols: Molecules in a row, at least 1.
        cell: Width and height of a molecule with its legend, in pixels.

    Raises:
        ChemistryError: If RDKit cannot read one of the SMILES.
        ValueError: If there are not as many legends as molecules.
    """
    import PIL.Image

    return PIL.Image.open(io.BytesIO(grid_png(smiles, legends, n_cols, cell=cell)))


def draw_svg(smiles: str, *, cell: tuple[int, int] = (220, 170)) -> str:
    """Draw one molecule as SVG, at the scale of the others, sharp on paper; for pages.

    Args:
        smiles: What to draw.
        cell: Width and height in pixels.

    Raises:
        ChemistryError: If RDKit cannot read the SMILES.
    """
    with quiet_rdkit():
        mol = _depict(smiles)
    drawer = rdMolDraw2D.MolDraw2DSVG(*cell)
    _set_style(drawer.drawOptions(), bond_length=24.0)
    drawer.DrawMolecule(mol)
    drawer.FinishDrawing()
    picture: str = drawer.GetDrawingText()
    return picture


def grid_png(
    smiles: Sequence[str],
    legends: Sequence[str] | None = None,
    n_cols: int = 6,
    *,
    cell: tuple[int, int] = (260, 210),
) -> bytes:
    """The grid of `draw_grid` as the bytes of a PNG file."""
    picture: bytes = _grid(rdMolDraw2D.MolDraw2DCairo, smiles, legends, n_cols, cell)
    return picture


def grid_svg(
    smiles: Sequence[str],
    legends: Sequence[str] | None = None,
    n_cols: int = 6,
    *,
    cell: tuple[int, int] = (190, 160),
) -> bytes:
    """The grid of `draw_grid` as the bytes of an SVG file, sharp at any size."""
    picture: str = _grid(rdMolDraw2D.MolDraw2DSVG, smiles, legends, n_cols, cell)
    return picture.encode()


def _grid(
    canvas: Any,
    smiles: Sequence[str],
    legends: Sequence[str] | None,
    n_cols: int,
    cell: tuple[int, int],
) -> Any:
    if legends is not None and len(legends) != len(smiles):
        raise ValueError(f"{len(legends)} legends for {len(smiles)} molecules")
    with quiet_rdkit():
        mols = [_depict(text) for text in smiles]
    columns = max(1, min(n_cols, len(mols)))
    rows = max(1, -(-len(mols) // columns))
    width, height = cell
    drawer = canvas(columns * width, rows * height, width, height)
    _set_style(drawer.drawOptions(), bond_length=32.0 * width / 260)
    if mols:
        drawer.DrawMolecules(mols, legends=list(legends) if legends else [""] * len(mols))
    else:
        drawer.SetFontSize(14)
        drawer.DrawString(_NOTHING, Point2D(width / 2, height / 2), rawCoords=True)
    drawer.FinishDrawing()
    return drawer.GetDrawingText()


def _set_style(options: Any, bond_length: float) -> None:
    """Set how molecules look; `bond_length` is in pixels and at most, for small molecules."""
    options.bondLineWidth = 2
    options.padding = 0.06
    options.fixedBondLength = bond_length  # a grid of small molecules is not blown up
    options.legendFontSize = 17
    options.legendFraction = 0.14
    options.minFontSize = 10
    options.setBackgroundColour((1.0, 1.0, 1.0))


def _depict(smiles: str) -> Chem.Mol:
    """Read a SMILES and lay it out flat, its longer side horizontal."""
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise ChemistryError(f"cannot draw {smiles!r}: RDKit does not read it as a molecule")
    rdDepictor.Compute2DCoords(mol)
    rdDepictor.StraightenDepiction(mol)
    return mol


def write_curves(metrics_jsonl: str | Path, path: str | Path) -> None:
    """Draw the curves of a training run from its metrics file and write them as PNG, atomically.

    See `molgan.library.curves` for what is drawn.

    Args:
        metrics_jsonl: The file `metrics.jsonl` of a run.
        path: The .png file.

    Raises:
        MolganError: If the metrics cannot be read, or the picture cannot be written.
    """
    from molgan.library.curves import draw_curves, read_metrics

    figure: Any = draw_curves(read_metrics(metrics_jsonl))
    with atomic_write(path, binary=True) as file:
        figure.savefig(file, format="png", dpi=110, facecolor="white")
