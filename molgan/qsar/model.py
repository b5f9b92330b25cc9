"""`QSARModel`: a fitted model that predicts molecules and says how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.chem import quiet_rdkit
from molgan.qsar.calibration import Calibration
from molgan.qsar.domain import Domain
from molgan.qsar.families.base import Ensemble
from molgan.qsar.features import read_molecule
from molgan.qsar.targets import Target

if TYPE_CHECKING:
    from molgan.qsar.families.base import Family

SUFFIX = ".qsar"

_CHUNK = 1024  # molecules predicted together


@dataclass(frozen=True)
class Predictions:
    """Predictions for n molecules, in their order.

    Attributes:
        mean: (n,) predicted values, for classification the probability of the positive class; NaN
            for a SMILES that cannot be read.
        std: (n,) standard deviation of the error to be expected, calibrated on the validation
            molecules; for classification the spread of the members' probabilities. NaN likewise.
        in_domain: (n,) whether the molecule is near enough to the training set.
        similarity: (n,) Tanimoto similarity to the nearest training molecule, 0 to 1; NaN likewise.
        reasons: for each molecule why it cannot be predicted, or None.
    """

    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    in_domain: npt.NDArray[np.bool_]
    similarity: npt.NDArray[np.float64]
    reasons: tuple[str | None, ...]

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        """For `mean, std, in_domain = model.predict(...)`."""
        return iter((self.mean, self.std, self.in_domain))


@dataclass
class QSARModel:
    """A fitted model of one property.

    Attributes:
        target: what it predicts.
        ensemble: what predicts it.
        calibration: from the members' spread to an error.
        domain: the neighbourhood of its training molecules.
        training: mean, standard deviation, minimum and maximum of the training values, in the
            scale of the predictions, and their number.
        record: figures on held-out molecules, counts of the data, settings, versions; plain data.
    """

    target: Target
    ensemble: Ensemble
    calibration: Calibration
    domain: Domain
    training: dict[str, float] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        smiles: Sequence[str],
        values: Sequence[str | float],
        *,
        target: str = "target",
        family: str | Family = "forest",
        **settings: Any,
    ) -> QSARModel:
        """Fit on molecules and their measured values.

        Args:
            smiles: One SMILES each.
            values: One number each, or two different texts for classes.
            target: What the values are called.
            family: ``forest``, ``network``, ``dmpnn``, or settings of one of them.
            **settings: As for `molgan.qsar.run_study`, which also gives the held-out molecules.

        Raises:
            DataError: If the molecules or values are no basis for a model.
            ConfigError: If a setting cannot work.
        """
        from molgan.qsar.assays import assays_of
        from molgan.qsar.study import run_study

        assays = assays_of(smiles, list(values))
        return run_study(assays, target=target, family=family, **settings).model

    def predict(self, smiles: Sequence[str]) -> Predictions:
        """Predict molecules; a SMILES that cannot be read gives NaN and a reason.

        Args:
            smiles: Any number; stereochemistry is ignored, of several fragments the largest counts.
        """
        with quiet_rdkit():
            read = [read_molecule(text) for text in smiles]
        found = [(place, mol) for place, (mol, _) in enumerate(read) if mol is not None]
        mean, std, similarity = (np.full(len(read), np.nan) for _ in range(3))
        for start in range(0, len(found), _CHUNK):
            chunk = [place for place, _ in found[start : start + _CHUNK]]
            mols = [mol for _, mol in found[start : start + _CHUNK]]
            mean[chunk], std[chunk], similarity[chunk] = self.predict_mols(mols)
        return Predictions(
            mean, std, self.domain.holds(similarity), similarity, tuple(why for _, why in read)
        )

    def predict_mols(self, mols: Sequence[Chem.Mol]) -> tuple[npt.NDArray[np.float64], ...]:
        """(n,) means, standard deviations and similarities of sanitised, stereo-free molecules.

        Args:
            mols: n of them, as `molgan.chem.read_smiles` gives them.
        """
        members = self.ensemble.members(mols)
        spread = self.calibration(members.std(axis=0))
        return members.mean(axis=0), spread, self.domain.nearest(mols)[0]

    def save(self, path: str | Path) -> Path:
        """Write the model as one file.

        Args:
            path: The file, usually .qsar.

        Raises:
            MolganError: When the disk refuses; a file that was there before is untouched.
        """
        from molgan.qsar.storage import write

        return write(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> QSARModel:
        """Read a model file, or the one in a folder of `molgan.qsar fit`; runs no code of it.

        Args:
            path: The file or folder.

        Raises:
            BundleError: For a missing, truncated, foreign or incompatible file, or a model fitted
                on features that are not computed here.
            DataError: For a D-MPNN where DeepChem is missing.
        """
        from molgan.qsar.storage import read

        return read(path)

    def __str__(self) -> str:
        """One line: what it predicts, of which family, from how many molecules."""
        count = int(self.training.get("count", 0))
        return f"{self.ensemble.family} for {self.target.label}, fitted on {count:,} molecules"
