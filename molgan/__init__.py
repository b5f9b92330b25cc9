"""Graph GANs with a reward network that propose new molecules.

The public names below are loaded when first used, so that `import molgan` costs nothing:

    from molgan import MolGAN
    model = MolGAN.load("my-run/last.molgan")
    library = model.sample(1000, seed=0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from molgan.lazy import lazy_names

if TYPE_CHECKING:
    from molgan.data import MoleculeDataset as MoleculeDataset
    from molgan.errors import MolganError as MolganError
    from molgan.library import Library as Library
    from molgan.model import MolGAN as MolGAN

__version__ = "0.1.0"

_HOMES: dict[str, str | None] = {
    "Library": "library",
    "MolGAN": "model",
    "MoleculeDataset": "data",
    "MolganError": "errors",
} | dict.fromkeys(
    ("chem", "config", "data", "library", "metrics", "pretrained", "qsar", "rewards", "views")
)

__all__ = ["Library", "MolGAN", "MoleculeDataset", "MolganError", "__version__", "config"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
