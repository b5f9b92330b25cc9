"""What generated graphs that are no molecules should have been: targets for self-distillation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from molgan.chem import Codec, fit_valence
from molgan.graphs import MolGraphs, pack_pairs, unpack_pairs
from molgan.models import GraphLogits


@dataclass(frozen=True)
class RepairTargets:
    """A batch of graphs: which are molecules, and what the others should have been.

    Attributes:
        drawn_atoms: ``(B, N)`` int64, atom types of all graphs.
        drawn_bonds: ``(B, P)`` int64, packed bond types of all graphs.
        broken: ``(R,)`` rows of graphs that are no molecules.
        atoms: ``(R, N)`` int64, their atom types, which a repair leaves alone.
        bonds: ``(R, P)`` int64, packed bond types of the repaired graphs.
        valid: ``(V,)`` rows of graphs that are molecules.
    """

    drawn_atoms: Tensor
    drawn_bonds: Tensor
    broken: Tensor
    atoms: Tensor
    bonds: Tensor
    valid: Tensor


def repair_targets(codec: Codec, logits: GraphLogits, graphs: MolGraphs) -> RepairTargets:
    """The nearest molecules that the generator's own probabilities allow.

    Bonds are taken by descending probability while valence allows (the ``valence`` policy). A
    graph that is still no molecule afterwards is left out: nothing is known about it.

    Args:
        codec: says what a molecule is.
        logits: of ``B`` graphs.
        graphs: what was drawn from them.
    """
    atoms, bonds = graphs.to_indices()
    types, adjacency = atoms.cpu().numpy(), bonds.cpu().numpy()
    strays = np.array([item.smiles is None for item in codec.decode(types, adjacency)], dtype=bool)
    rows = np.flatnonzero(strays)
    fitted = adjacency[rows]
    if len(rows):
        index = torch.from_numpy(rows).to(graphs.device)
        soft = unpack_pairs(torch.softmax(logits.pairs[index].detach(), -1), atoms.shape[1])
        fitted = fit_valence(types[rows], adjacency[rows], codec, soft.cpu().numpy())
        mended = [item.smiles is not None for item in codec.decode(types[rows], fitted)]
        rows, fitted = rows[mended], fitted[mended]
    broken = torch.from_numpy(rows).to(graphs.device)
    drawn = atoms.long()
    return RepairTargets(
        drawn,
        pack_pairs(bonds).long(),
        broken,
        drawn[broken],
        pack_pairs(torch.from_numpy(fitted).to(graphs.device)).long(),
        torch.from_numpy(np.flatnonzero(~strays)).to(graphs.device),
    )
