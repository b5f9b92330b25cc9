"""MolGAN's own counting, kept to set our figures beside the paper's and for nothing else.

The paper's numbers come from `utils/molecular_metrics.py` and `utils/sparse_molecular_dataset.py`
of nicola-decao/MolGAN. There an empty slot of the graph becomes a dummy atom `*`, a molecule may
fall into fragments, and "valid" means that RDKit sanitises the whole. `*.*.CC.O` is valid, unique
by that very string, and novel in any case, since no training molecule has a `*`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.chem import Vocabulary, quiet_rdkit
from molgan.chem.raw import BOND_TYPES
from molgan.metrics.basic import Figures
from molgan.metrics.identity import HashedIdentities


def evaluate_lenient(
    atoms: npt.NDArray[np.uint8],
    bonds: npt.NDArray[np.uint8],
    vocabulary: Vocabulary,
    training: HashedIdentities | None = None,
) -> Figures:
    """Count a sample as MolGAN's code counted.

    Args:
        atoms: (B, N) atom type indices, 0 for an empty slot.
        bonds: (B, N, N) symmetric bond type indices, 0 for no bond. Bonds at empty slots count:
            they bind the `*`.
        vocabulary: What the indices mean.
        training: Identities of the training molecules; without them no novelty.

    Returns:
        `lenient/valid` over all B, `lenient/unique` over the valid ones (distinct strings), and
        `lenient/novel` over the valid ones (not over the distinct ones, unlike `evaluate`); 0 where
        nothing is valid.
    """
    smiles = [lenient_smiles(atoms[row], bonds[row], vocabulary) for row in range(len(atoms))]
    return lenient_figures(smiles, training)


def lenient_figures(
    smiles: Sequence[str | None], training: HashedIdentities | None = None
) -> Figures:
    """The figures of `evaluate_lenient` from its SMILES.

    Args:
        smiles: One for each molecule drawn, from `lenient_smiles` or `lenient_text`.
        training: Identities of the training molecules; without them no novelty.
    """
    valid = [text for text in smiles if text is not None]
    figures: Figures = {
        "lenient/valid": len(valid) / len(smiles) if smiles else 0.0,
        "lenient/unique": len(set(valid)) / len(valid) if valid else 0.0,
    }
    if training is not None:
        new = int(np.count_nonzero(~training.contains(valid)))
        figures["lenient/novel"] = new / len(valid) if valid else 0.0
    return figures


def lenient_text(smiles: str) -> str | None:
    """What the same counting makes of a molecule that comes as SMILES: canonical, or None."""
    with quiet_rdkit():
        mol: Chem.Mol | None = Chem.MolFromSmiles(smiles)
    if mol is None:
        return None
    return Chem.MolToSmiles(mol, isomericSmiles=False) or None


def lenient_smiles(
    atoms: npt.NDArray[np.uint8], bonds: npt.NDArray[np.uint8], vocabulary: Vocabulary
) -> str | None:
    """Return the SMILES of one graph, `*` for empty slots, or None if RDKit rejects it.

    Args:
        atoms: (N,) atom type indices.
        bonds: (N, N) bond type indices; the lower triangle is read, as in MolGAN's code.
        vocabulary: What the indices mean.
    """
    mol = Chem.RWMol()
    for index in atoms:
        if index == 0:
            mol.AddAtom(Chem.Atom(0))
        else:
            kind = vocabulary.atoms[int(index) - 1]
            atom = Chem.Atom(kind.symbol)
            atom.SetFormalCharge(kind.charge)
            mol.AddAtom(atom)
    for start, end in zip(*np.nonzero(np.tril(bonds, k=-1)), strict=True):
        mol.AddBond(int(start), int(end), BOND_TYPES[vocabulary.bonds[bonds[start, end]]])
    with quiet_rdkit():
        if Chem.SanitizeMol(mol, catchErrors=True):
            return None
    return Chem.MolToSmiles(mol) or None
