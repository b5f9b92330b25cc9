"""Graph GANs with a reward network that propose new molecules.

The public names below are loaded when first used, so that `import molgan` costs nothing:

    from molgan import MolGAN
    model = MolGAN.load("runs/2026-01-31/12-00-00/best")
    library = model.sample(1000, seed=0)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molgan.data import MoleculeDataset as MoleculeDataset
    from molgan.errors import MolganError as MolganError
    from molgan.library import Library as Library
    from molgan.model import MolGAN as MolGAN

__version__ = "0.1.0"

_HOME = {
    "Library": "molgan.library",
    "MolGAN": "molgan.model",
    "MoleculeDataset": "molgan.data",
    "MolganError": "molgan.errors",
}
_MODULES = (
    "chem",
    "config",
    "data",
    "library",
    "metrics",
    "pretrained",
    "qsar",
    "rewards",
    "views",
)

__all__ = ["Library", "MolGAN", "MoleculeDataset", "MolganError", "__version__", "config"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _MODULES:
        value = import_module(f"molgan.{name}")
    else:
        raise AttributeError(f"module 'molgan' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_MODULES})
