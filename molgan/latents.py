"""Latent points of molecules by a model's encoder, and the way between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from molgan.errors import ChemistryError, MolganError
from molgan.graphs import MolGraphs

if TYPE_CHECKING:
    from molgan.bundle import Bundle
    from molgan.chem import Encoded

_CHUNK = 1024  # molecules that go through the encoder together


def encoded_by(bundle: Bundle, smiles: Sequence[str]) -> tuple[npt.NDArray[np.float32], Encoded]:
    """Latent points of molecules ``(len(smiles), latent_dim)``, and the molecules as arrays.

    Args:
        bundle: the model.
        smiles: molecules of its atom types and size.

    Raises:
        ChemistryError: naming the first molecule that the model cannot represent.
        MolganError: when the model has no encoder.
    """
    if bundle.encoder is None:
        raise MolganError("this model has no encoder; train one with model=latent")
    texts = _listed(smiles)
    encoded = bundle.codec.encode_smiles(texts)
    if len(encoded) < len(texts):
        raise _cannot_encode(bundle, texts, set(encoded.rows.tolist()))
    device = next(bundle.encoder.parameters()).device
    types = bundle.vocabulary.num_atom_types, bundle.vocabulary.num_bond_types
    arrays = torch.from_numpy(encoded.atoms), torch.from_numpy(encoded.bonds)
    parts = []
    # As one-hot graphs all at once, the molecules of ZINC250k would take gigabytes.
    for atoms, bonds in zip(*(each.split(_CHUNK) for each in arrays), strict=True):
        graphs = MolGraphs.from_indices(atoms.to(device), bonds.to(device), *types)
        with torch.no_grad():
            parts.append(bundle.encoder(graphs).cpu())
    latent: npt.NDArray[np.float32] = torch.cat(parts).numpy()
    return latent, encoded


def great_circle(
    start: npt.NDArray[np.float32], end: npt.NDArray[np.float32], positions: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Points ``(n, D)`` on the shortest way between two of a sphere (Shoemake 1985).

    Args:
        start: ``(D,)``.
        end: ``(D,)``, as far from the origin.
        positions: ``(n,)``, 0 at the start to 1 at the end.
    """
    cosine = float(start @ end / max(float(np.linalg.norm(start) * np.linalg.norm(end)), 1e-12))
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    if angle < 1e-4 or np.pi - angle < 1e-4:  # the same point, or opposite ones: any way is one
        mixed = np.outer(1 - positions, start) + np.outer(positions, end)
    else:
        weights = np.sin((1 - positions) * angle), np.sin(positions * angle)
        mixed = (np.outer(weights[0], start) + np.outer(weights[1], end)) / np.sin(angle)
    path: npt.NDArray[np.float32] = mixed.astype(np.float32)
    return path


def _listed(smiles: Sequence[str]) -> list[str]:
    """A list of SMILES, also from a column of a table; never the letters of a single one."""
    if isinstance(smiles, str):
        raise MolganError(f"a list of SMILES is wanted, not one string: [{smiles!r}]")
    texts = list(smiles)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise MolganError(f"entry {row} of the list of SMILES is {text!r}, not a text")
    return texts


def _cannot_encode(bundle: Bundle, smiles: Sequence[str], usable: set[int]) -> ChemistryError:
    """Why the first molecule that is not usable is none of this model's."""
    from molgan.chem.coverage import REASON_TEXTS

    text = next(text for row, text in enumerate(smiles) if row not in usable)
    report = bundle.codec.encode_smiles([text]).coverage
    (reason,) = report.dropped
    details = "".join(f": {detail}" for detail in report.details.get(reason, ()))
    atoms = ", ".join(str(kind) for kind in bundle.vocabulary.atoms)
    return ChemistryError(
        f"cannot encode {text[:200]!r}: {REASON_TEXTS[reason]}{details}. This model knows "
        f"molecules of up to {bundle.max_atoms} heavy atoms: {atoms}"
    )
