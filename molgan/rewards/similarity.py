"""Components that compare with reference molecules: similarity, dissimilarity, novelty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from molgan.chem import Decoded, identity
from molgan.errors import MolganError
from molgan.metrics.identity import HashedIdentities, hash_all
from molgan.metrics.similarity import Bits, morgan_bits, nearest
from molgan.rewards.components import BatchComponent, Scored
from molgan.rewards.references import read_references
from molgan.rewards.transforms import Identity, Linear, Transform

TRAINING = "training"
"""What `Novelty` compares with unless it is told otherwise."""


@dataclass(frozen=True)
class Similarity(BatchComponent):
    """Tanimoto similarity to the most similar of some reference molecules, 0 to 1.

    Morgan fingerprints of radius 2 and 1,024 bits, as everywhere in molgan; stereochemistry does
    not count. Reference molecules are read when the component is made.

    Attributes:
        smiles: One SMILES or several; or
        path: a file of molecules.
        transform: Identity: similar is good.

    Raises:
        ConfigError: If there is no reference molecule, or one cannot be read.
        DataError: If the file cannot be used.
    """

    smiles: str | Sequence[str] | None = None
    path: str | None = None
    transform: Transform = field(default_factory=Identity)
    bits: Bits = field(init=False, repr=False, compare=False)
    kind: ClassVar[str] = "similarity"

    def __post_init__(self) -> None:
        """Read the reference molecules."""
        bits = morgan_bits(read_references(self.kind, self.smiles, self.path))
        object.__setattr__(self, "bits", np.unique(bits, axis=0))

    def identity(self) -> dict[str, Any]:
        """What decides the scores."""
        return {"bits": self.bits, "transform": self.transform}

    def score_all(self, valid: Sequence[Decoded]) -> list[Scored]:
        """Return the similarity to the nearest reference molecule of each."""
        mols = [item.mol for item in valid if item.mol is not None]
        values, _ = nearest(morgan_bits(mols), self.bits)
        return [(float(value), None) for value in values]


@dataclass(frozen=True)
class Dissimilarity(Similarity):
    """The same similarity, but different is good: 1 - similarity after the transform.

    Attributes:
        smiles: One SMILES or several; or
        path: a file of molecules.
        transform: Of the similarity, which stays the raw score; the default wants it low.
    """

    transform: Transform = field(default_factory=lambda: Linear(worst=1.0, best=0.0))
    kind: ClassVar[str] = "dissimilarity"


@dataclass(frozen=True)
class Novelty(BatchComponent):
    """1 for a molecule that is not in a set, 0 for one that is, by identity without stereo.

    Attributes:
        path: File of the molecules that are not novel. Without it and without `smiles` it is the
            training set: `molgan.train` and `molgan.generate` know it, `molgan.screen` takes the
            file `known=`.
        smiles: The molecules themselves.
        transform: Identity.

    Raises:
        ConfigError: If a SMILES cannot be read.
        DataError: If the file cannot be used.
    """

    path: str | None = None
    smiles: str | Sequence[str] | None = None
    transform: Transform = field(default_factory=Identity)
    known: HashedIdentities | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the molecules, if they are given."""
        if self.path is not None or self.smiles is not None:
            mols = read_references("novelty", self.smiles, self.path)
            texts = [text for text in map(identity, mols) if text is not None]
            object.__setattr__(self, "known", HashedIdentities(hash_all(texts)))

    @property
    def needs_training_set(self) -> bool:
        """Whether it does not know yet what to compare with."""
        return self.known is None

    def with_training_set(self, identities: HashedIdentities) -> Novelty:
        """The same with the training set, where no other set was given.

        Args:
            identities: Of the training molecules.
        """
        if self.known is not None:
            return self
        bound = replace(self)
        object.__setattr__(bound, "known", identities)
        return bound

    def identity(self) -> dict[str, Any]:
        """What decides the scores."""
        known = TRAINING if self.known is None else self.known.array
        return {"known": known, "transform": self.transform}

    def score_all(self, valid: Sequence[Decoded]) -> list[Scored]:
        """Return 1 for each novel molecule, 0 for each known one.

        Raises:
            MolganError: If it was given no molecules and no training set.
        """
        if self.known is None:
            raise MolganError("novelty has no training set here: give it path=FILE")
        texts = [_identity(item) for item in valid]
        found = self.known.contains([text or "" for text in texts])
        return [
            (float(not hit), None) if text else (math.nan, "no canonical SMILES")
            for text, hit in zip(texts, found.tolist(), strict=True)
        ]


def _identity(item: Decoded) -> str | None:
    """A molecule's identity; only a screen's SMILES carry stereochemistry, which has no part."""
    if item.mol is not None and set(item.smiles or "") & set("@/\\"):
        return identity(item.mol)
    return item.smiles
