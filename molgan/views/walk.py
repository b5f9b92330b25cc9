"""A walk through a model's latent space, from one molecule to another, as a strip of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from molgan.views.grids import molecules
from molgan.views.view import View

if TYPE_CHECKING:
    from molgan.model import MolGAN


def latent_walk(model: MolGAN, a: str, b: str, n: int = 8) -> View:
    """Draw `MolGAN.interpolate` between two molecules; equal neighbours are drawn once.

    Args:
        model: One with an encoder.
        a: SMILES at the start.
        b: SMILES at the end.
        n: Points of the walk, both ends included.

    Raises:
        ChemistryError: If the model cannot represent one of the two.
        MolganError: If it has no encoder.
    """
    path = model.interpolate(a, b, n)
    smiles: list[str] = []
    places: list[str] = []
    for text, position in zip(path.smiles, path.frame["position"], strict=True):
        if not smiles or smiles[-1] != text:
            smiles.append(text)
            places.append(f"{100 * position:.0f} %")
    view = molecules(smiles, places, n_cols=max(1, min(8, len(smiles))))
    broken = sum(path.rejected.values())
    caption = f"From {a} to {b} in {n} points on the great circle between their latents."
    if broken:
        caption += f" {broken} of the points gave no valid molecule."
    return View("Latent walk", caption, view.make_svg, view.make_png)
