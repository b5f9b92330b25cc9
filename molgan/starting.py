"""Training that starts from a finished model: its networks, and the data in its numbering."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from molgan.chem import AtomType, Vocabulary, most_similar_type
from molgan.errors import ConfigError
from molgan.graphs import pack_pairs, unpack_pairs
from molgan.models import LatentGenerator, widened

if TYPE_CHECKING:
    from molgan.bundle import Bundle
    from molgan.data import MoleculeDataset

log = logging.getLogger("molgan")

DEFAULT_NOISE = 0.8
"""Standard deviation of the noise on latents in the default recipe."""

NEW_ATOMS = ("refuse", "extend")
"""What to do about atom types that the start model does not know, see `start_from`."""


def start_from(
    init_from: str | Path | None,
    dataset: MoleculeDataset,
    new_atoms: str = "refuse",
    key: str = "init_from",
    device: torch.device | str = "cpu",
) -> Bundle | None:
    """The model to start from, if the molecules fit it.

    Args:
        init_from: a bundle, a run folder or the name of a ready model; None: no such model.
        dataset: molecules to train on.
        new_atoms: ``refuse`` molecules with atom types (elements, charges) that the model does not
            know, or ``extend`` the model by them; encoder and decoder then have to be trained.
        key: setting that named the model, for messages.
        device: of the run; where its networks go.

    Raises:
        BundleError: when the model cannot be read.
        ConfigError: when molecules hold atoms or bonds that the model does not know, or are too
            large; it says which.
    """
    if new_atoms not in NEW_ATOMS:
        raise ConfigError(f"new_atoms={new_atoms} is unknown: use {' or '.join(NEW_ATOMS)}")
    if init_from is None:
        return None
    from molgan.bundle import Bundle

    bundle = Bundle.load(init_from, device)
    new = [
        kind
        for kind in dataset.vocabulary.atoms
        if bundle.vocabulary.atom_index(kind.symbol, kind.charge) is None
    ]
    if new and new_atoms == "extend":
        bundle = extended(bundle, new)
    problem = _misfit(dataset.vocabulary, dataset.max_atoms, bundle)
    if problem:
        raise ConfigError(f"{key}={init_from}: {problem}")
    return bundle


def teacher_from(
    teacher: str | Path,
    dataset: MoleculeDataset,
    init_from: str | Path | None,
    device: torch.device | str = "cpu",
) -> Bundle:
    """The model that a smaller one is to be distilled from, if the molecules fit it.

    Args:
        teacher: a bundle, a run folder or the name of a ready model.
        dataset: molecules to compare with.
        init_from: of the same settings; a student starts anew.
        device: as for `start_from`.

    Raises:
        BundleError: when the model cannot be read.
        ConfigError: for a model that cannot be distilled, or as in `start_from`.
    """
    if init_from is not None:
        raise ConfigError(
            f"teacher={teacher} and init_from={init_from}: a student starts anew; leave one out"
        )
    bundle = start_from(teacher, dataset, key="teacher", device=device)
    assert bundle is not None
    problem = None
    if not isinstance(bundle.generator, LatentGenerator) or bundle.encoder is None:
        problem = "it has no latent space and no encoder; a model trained with model=latent has"
    elif bundle.conditions is not None:
        problem = "a conditional model is asked for properties, which a student does not learn"
    elif bundle.guide is not None:
        problem = "its guide chooses among candidates, which a student does not learn"
    elif bundle.discretization != "argmax":
        problem = f"it is sampled with discretization={bundle.discretization}, not argmax"
    if problem:
        raise ConfigError(f"teacher={teacher} cannot be distilled: {problem}")
    return bundle


def extended(bundle: Bundle, new: list[AtomType]) -> Bundle:
    """The same model with further atom types, each beginning as the most similar known one.

    They come last in its vocabulary, and are not drawn until they have been learnt; see
    `molgan.models.widened`.
    """
    known = bundle.vocabulary
    models = [most_similar_type(kind, known.atoms) for kind in new]
    sources = [1 + known.atoms.index(model) for model in models]
    learnt = ", ".join(f"{kind} (from {model})" for kind, model in zip(new, models, strict=True))
    log.info("atom types new to the model: %s", learnt)
    return replace(
        bundle,
        generator=widened(bundle.generator, sources),
        encoder=None if bundle.encoder is None else widened(bundle.encoder, sources),
        vocabulary=Vocabulary((*known.atoms, *new), known.bonds),
    )


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
            "rare types), or let the model learn them with new_atoms=extend (experiment=finetune)"
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


def replayed(bundle: Bundle, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Molecules that a model draws, as data: what it is not to forget.

    Args:
        bundle: the model.
        count: molecules to draw; repeats and what is no molecule are left out.
        seed: of the draw.

    Returns:
        ``(M, N)`` uint8 atom types and ``(M, N(N-1)/2)`` uint8 packed bond types.
    """
    # One refining pass makes molecules of what is drawn. Where there are more, they mend what the
    # sampler has done, and come on top of it in sampling again: nothing that it could forget.
    steps = min(bundle.refine_steps, 1)
    stream = bundle.sampler(refine_steps=steps, repeats=1.0).stream(count, seed)
    drawn = [item.smiles for draw in stream for item in draw.decoded]
    distinct = list(dict.fromkeys(text for text in drawn if text is not None))
    encoded = bundle.codec.encode_smiles(distinct, verify=False)
    return torch.from_numpy(encoded.atoms), torch.from_numpy(encoded.bonds)


def latent_noise(bundle: Bundle) -> float:
    """The noise on latent points in which a model's autoencoder has learnt to read.

    Returns:
        A standard deviation; that of the default recipe where the model does not say.
    """
    phase = bundle.config.get("trainer", {}).get("phases", {}).get("autoencoder") or {}
    return float(phase.get("latent_noise", DEFAULT_NOISE))
