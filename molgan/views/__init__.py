"""What molecules, libraries and runs look like: in a notebook, and as PNG, SVG or HTML files.

    from molgan import views
    views.chemical_space(library, reference=training_smiles, colour="qed").save("space.html")

Everything returns a `View`. No picture and no page asks the network for anything, except
`structure_3d(..., engine="py3dmol")` and `InteractiveGrid`, which other packages draw. Nothing is
loaded before a name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from molgan.lazy import lazy_names

if TYPE_CHECKING:
    from molgan.views.distributions import property_histograms
    from molgan.views.grids import library_view, molecules
    from molgan.views.interactive import InteractiveGrid
    from molgan.views.runs import training_curves, training_page, write_training_page
    from molgan.views.scaffolds import scaffold_tree
    from molgan.views.space import chemical_space, project
    from molgan.views.structures import structure_3d
    from molgan.views.view import View
    from molgan.views.walk import latent_walk

_HOMES = {
    "InteractiveGrid": "interactive",
    "View": "view",
    "chemical_space": "space",
    "latent_walk": "walk",
    "library_view": "grids",
    "molecules": "grids",
    "project": "space",
    "property_histograms": "distributions",
    "scaffold_tree": "scaffolds",
    "structure_3d": "structures",
    "training_curves": "runs",
    "training_page": "runs",
    "write_training_page": "runs",
}

__all__ = [
    "InteractiveGrid",
    "View",
    "chemical_space",
    "latent_walk",
    "library_view",
    "molecules",
    "project",
    "property_histograms",
    "scaffold_tree",
    "structure_3d",
    "training_curves",
    "training_page",
    "write_training_page",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
