"""Molecules in: sources, downloads, readers, splits and the dataset that training reads.

Names are looked up on first use, so that `import molgan.data.readers` needs neither torch nor
PyTorch Geometric and `import molgan.data` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from molgan.lazy import lazy_names

if TYPE_CHECKING:
    from molgan.data.dataset import MoleculeDataset
    from molgan.data.dense import DenseMolecules
    from molgan.data.download import cache_root, fetch
    from molgan.data.loading import load_dataset
    from molgan.data.marginals import Marginals
    from molgan.data.molnet import MolNet
    from molgan.data.readers import RawMolecules, read_molecules
    from molgan.data.sources import (
        QM9,
        Bundled,
        MoleculeFile,
        SmilesList,
        Source,
        ZINC250k,
    )
    from molgan.data.splits import random_split, scaffold_split, standard_split

_HOMES = {
    "Bundled": "sources",
    "DenseMolecules": "dense",
    "Marginals": "marginals",
    "MolNet": "molnet",
    "MoleculeDataset": "dataset",
    "MoleculeFile": "sources",
    "QM9": "sources",
    "RawMolecules": "readers",
    "SmilesList": "sources",
    "Source": "sources",
    "ZINC250k": "sources",
    "cache_root": "download",
    "fetch": "download",
    "load_dataset": "loading",
    "random_split": "splits",
    "read_molecules": "readers",
    "scaffold_split": "splits",
    "standard_split": "splits",
}

__all__ = [
    "QM9",
    "Bundled",
    "DenseMolecules",
    "Marginals",
    "MolNet",
    "MoleculeDataset",
    "MoleculeFile",
    "RawMolecules",
    "SmilesList",
    "Source",
    "ZINC250k",
    "cache_root",
    "fetch",
    "load_dataset",
    "random_split",
    "read_molecules",
    "scaffold_split",
    "standard_split",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
