"""Molecules as a QSAR model reads them, and the fingerprints of which forests and networks learn.

Stereochemistry is dropped, as everywhere in molgan: generated molecules have none. Of salts and
solvates the largest organic fragment counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molgan.chem import read_smiles
from molgan.chem.standardize import Standardizer
from molgan.errors import BundleError, ConfigError

Counts = npt.NDArray[np.uint8]

# Only the choice of the fragment: everything else stays as the user's table has it.
_LARGEST = Standardizer(normalize=False, reionize=False, neutralize=False, stereo="drop")

_PROBE = "CC(=O)Nc1ccc(OCC2CCNCC2)c(Cl)c1C#N"
"""A molecule whose fingerprint is kept with a model, to notice an RDKit that computes others."""


def read_molecule(smiles: str) -> tuple[Chem.Mol | None, str | None]:
    """A molecule without stereochemistry, of several fragments the largest; or a reason.

    Returns:
        The molecule and None, or None and the reason: ``parse``, ``empty``, or one of the
        standardiser's, such as ``dummy``.
    """
    mol, reason = read_smiles(smiles)
    if mol is None:
        return None, reason
    if "." in smiles and len(Chem.GetMolFrags(mol)) > 1:
        largest = _LARGEST(mol)
        return largest.mol, largest.reason
    return mol, None


@dataclass(frozen=True)
class Fingerprint:
    """Morgan fingerprints of a fixed length (Rogers and Hahn, J. Chem. Inf. Model. 50, 742, 2010).

    The numbers of DeepChem's `CircularFingerprint`, some ten times as fast.

    Args:
        radius: Bonds around each atom that one environment covers.
        size: Positions onto which the environments are folded, at most 65,536.
        counts: How often each environment occurs, up to 255; False: whether it occurs.

    Raises:
        ConfigError: If a number is out of range.
    """

    radius: int = 2
    size: int = 2048
    counts: bool = True

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 <= self.radius <= 6:
            raise ConfigError(f"family.radius={self.radius}: a number from 0 to 6 is wanted")
        if not 16 <= self.size <= 65_536:
            raise ConfigError(f"family.size={self.size}: a number from 16 to 65536 is wanted")

    def matrix(self, mols: Sequence[Chem.Mol]) -> Counts:
        """Fingerprints of sanitised molecules, shape (n, size)."""
        generator = _generator(self.radius, self.size)
        table = np.empty((len(mols), self.size), dtype=np.uint8)
        for row, mol in enumerate(mols):
            if self.counts:
                table[row] = np.minimum(generator.GetCountFingerprintAsNumPy(mol), 255)
            else:
                table[row] = generator.GetFingerprintAsNumPy(mol)
        return table

    def to_dict(self) -> dict[str, Any]:
        """The settings with a probe of what they give, as plain data for a model file."""
        return {"kind": "morgan", **asdict(self), "probe": self._probe()}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Fingerprint:
        """The fingerprint that a model file describes.

        Raises:
            BundleError: If it is another kind of features, or this RDKit computes other ones.
        """
        if plain.get("kind") != "morgan":
            raise BundleError(
                f"it was fitted on the features {plain.get('kind')!r}, which this molgan does not "
                "know: use the version that wrote it, or fit again"
            )
        try:
            features = cls(int(plain["radius"]), int(plain["size"]), bool(plain["counts"]))
        except ConfigError as error:
            raise BundleError(str(error)) from error
        if features._probe() != plain["probe"]:
            raise BundleError(
                "it was fitted on fingerprints that this version of RDKit computes differently: "
                "fit again"
            )
        return features

    def _probe(self) -> list[list[int]]:
        """Positions and counts of the probe molecule."""
        row = self.matrix([Chem.MolFromSmiles(_PROBE)])[0]
        return [[int(place), int(row[place])] for place in np.flatnonzero(row)]


@cache
def _generator(radius: int, size: int) -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=size)
