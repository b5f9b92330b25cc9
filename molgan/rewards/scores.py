"""`Score`: any score of the library bench or descriptor of RDKit, as a component."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rdkit import Chem

from molgan.chem.fast_scores import describe
from molgan.chem.scores import SCORES, rdkit_descriptor
from molgan.errors import ConfigError
from molgan.rewards.components import MOLGAN_LOGP, MOLGAN_SA, MoleculeComponent
from molgan.rewards.transforms import TRANSFORMS, Identity, Transform

REMEMBERED = 1024
"""Molecules whose scores are kept for other components of the same objective."""

_UNSAID = Identity()  # told from any other by being this object
_DEFAULTS: dict[str, Transform] = {"qed": Identity(), "logp": MOLGAN_LOGP, "sa": MOLGAN_SA}


@dataclass(frozen=True)
class Score(MoleculeComponent):
    """A score by name: one of `molgan.chem.scores.SCORES`, or any of RDKit's descriptors.

    Scores of `SCORES` that several components name are worked out together, once for a molecule.

    Attributes:
        name: Such as "tpsa", "weight" or "rings"; or "BertzCT", as in ``rdkit.Chem.Descriptors``.
        transform: To [0, 1]. May be left out for "qed", "sa" and "logp", which then take MolGAN's
            normalisation; which way is better for any other score only you can say.

    Raises:
        ConfigError: If there is no such score, or no transform.
    """

    name: str
    transform: Transform = _UNSAID

    def __post_init__(self) -> None:
        """Look the name up, and take the default transform."""
        if self.name not in SCORES:
            _descriptor(self.name)
        if self.transform is _UNSAID:
            if self.name not in _DEFAULTS:
                raise ConfigError(
                    f"the score {self.name!r} needs a transform, which says what is good: "
                    + ", ".join(TRANSFORMS)
                )
            object.__setattr__(self, "transform", _DEFAULTS[self.name])

    @property
    def score_name(self) -> str:
        """The same number elsewhere: its column in a screen."""
        return self.name

    def score(self, mol: Chem.Mol) -> float:
        """Return the score of one molecule, in the unit that `SCORES` gives."""
        if self.name in SCORES:
            return _described(mol)[self.name]
        return float(_descriptor(self.name)(mol))


# By the molecule object, which stays alive here: the components of an objective see the same ones.
@lru_cache(maxsize=REMEMBERED)
def _described(mol: Chem.Mol) -> Mapping[str, float]:
    return describe(mol)


def _descriptor(name: str) -> Callable[[Any], float]:
    try:
        return rdkit_descriptor(name)
    except ConfigError as error:
        raise ConfigError(
            f"there is no score {name!r}; the library bench has {', '.join(SCORES)}, and {error}"
        ) from error
