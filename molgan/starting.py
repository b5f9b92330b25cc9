"""Training that starts from a finished model: its networks, and the data in its numbering."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from molgan.errors import ConfigError
from molgan.graphs import pack_pairs, unpack_pairs

if TYPE_CHECKING:
    from molgan.bundle import Bundle
    from molgan.chem import Vocabulary
    from molgan.data import MoleculeDataset


def start_from(init_from: str | Path | None, dataset: MoleculeDataset) -> Bundle | None:
    """The model to start from, if the molecules fit it.

    Args:
        init_from: a bundle, a run folder or the name of a ready model; None: no such model.
        dataset: molecules to train on.

    Raises:
        BundleError: when the model cannot be read.
        ConfigError: when molecules hold atoms or bonds that the model does not know, or are too
            large; it says which.
    """
    if init_from is None:
        return None
    from molgan.bundle import Bundle

    bundle = Bundle.load(init_from)
    problem = _misfit(dataset.vocabulary, dataset.max_atoms, bundle)
    if problem:
        raise ConfigError(f"init_from={init_from}: {problem}")
    return bundle


def _misfit(vocabulary: Vocabulary, max_atoms: int, bundle: Bundle) -> str | None:
    known = bundle.vocabulary
    if vocabulary.bonds != known.bonds:
        wanted = str(known.aromatic).lower()
        return f"the model has other bond types than the data: use data.aromatic={wanted}"
    new = [str(a) for a in vocabulary.atoms if known.atom_index(a.symbol, a.charge) is None]
    if new:
        return (
            f"the model does not know the atoms {', '.join(new)}, only "
            f"{', '.join(map(str, known.atoms))}: leave their molecules out (data.min_count drops "
            "rare types) or train from the start"
        )
    if max_atoms > bundle.max_atoms:
        return (
            f"the model draws at most {bundle.max_atoms} heavy atoms and the data have up to "
            f"{max_atoms}: use data.max_atoms={bundle.max_atoms}"
        )
    return None


def renumbered(
    atoms: Tensor, bonds: Tensor, vocabulary: Vocabulary, bundle: Bundle
) -> tuple[Tensor, Tensor]:
    """Molecules of a data set in the numbering and size of a model.

    Args:
        atoms: ``(M, N)`` uint8, atom types of ``vocabulary``.
        bonds: ``(M, N(N-1)/2)`` uint8, packed.
        vocabulary: of the data.
        bundle: the model.

    Returns:
        The same for the model's ``N`` and its vocabulary.
    """
    table = [0, *(bundle.vocabulary.atom_index(a.symbol, a.charge) for a in vocabulary.atoms)]
    atoms = torch.tensor(table, dtype=torch.uint8)[atoms.long()]
    more = bundle.max_atoms - atoms.shape[1]
    if not more:
        return atoms, bonds
    matrices = unpack_pairs(bonds, atoms.shape[1])
    pad = torch.nn.functional.pad
    return pad(atoms, (0, more)), pack_pairs(pad(matrices, (0, more, 0, more)))
