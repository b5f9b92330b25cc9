"""Scaffold memory: a reward that falls where the generator has been often enough.

After the diversity filter of Blaschke et al., J. Cheminform. 12, 68 (2020), which REINVENT uses.
Theirs sets the reward of a full bucket to 0; here it falls by a factor, so that a small chemical
space, such as that of nine atoms, does not run out of rewards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem, DataStructs
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgan.chem import quiet_rdkit
from molgan.errors import ConfigError

KINDS = ("murcko", "generic", "similarity", "smiles")


class DiversityFilter:
    """Counts good molecules by bucket and says what a further one in each is still worth.

    Args:
        kind: what a bucket is: ``murcko`` one Murcko scaffold, ``generic`` one such scaffold with
            all atoms carbon and all bonds single, ``similarity`` scaffolds near the bucket's first,
            ``smiles`` one molecule, so that repeats are punished. A molecule without rings has no
            scaffold: its own carbon skeleton takes the place.
        bucket_size: molecules up to which a bucket costs nothing.
        decay: factor on the reward for every further ``bucket_size`` molecules, 0 to 1.
        min_score: molecules below this score are not counted.
        similarity: least Tanimoto similarity (Morgan, radius 2, of the scaffolds) to the first
            member of a bucket; used by ``similarity`` alone.

    Raises:
        ConfigError: naming the key.
    """

    def __init__(
        self,
        kind: str = "murcko",
        bucket_size: int = 100,
        decay: float = 0.7,
        min_score: float = 0.4,
        similarity: float = 0.6,
    ) -> None:
        if kind not in KINDS:
            raise ConfigError(f"diversity.kind={kind} is unknown: use {', '.join(KINDS)}")
        if bucket_size < 1:
            raise ConfigError(f"diversity.bucket_size={bucket_size} must be at least 1")
        for key, value in {"decay": decay, "similarity": similarity}.items():
            if not 0 <= value <= 1:
                raise ConfigError(f"diversity.{key}={value} must be from 0 to 1")
        self.kind, self.bucket_size, self.decay = kind, bucket_size, decay
        self.min_score, self.similarity = min_score, similarity
        self.counts: Counter[str] = Counter()
        self._buckets: dict[str, str] = {}  # of each molecule asked about
        self._seen: set[str] = set()
        self._first: dict[str, Any] = {}  # fingerprint of the first scaffold of each bucket

    def visit(self, smiles: Sequence[str], scores: Iterable[float]) -> None:
        """Count generated molecules; of scaffolds, each distinct molecule once.

        Args:
            smiles: canonical SMILES.
            scores: their scores, 0 to 1.
        """
        for text, score in zip(smiles, scores, strict=True):
            if score < self.min_score or (self.kind != "smiles" and text in self._seen):
                continue
            self._seen.add(text)
            self.counts[self.bucket(text)] += 1

    def factors(self, smiles: Sequence[str]) -> npt.NDArray[np.float64]:
        """What the reward of each molecule is multiplied by, 0 to 1.

        Args:
            smiles: canonical SMILES.
        """
        counts = np.array([self.counts[self.bucket(text)] for text in smiles], dtype=np.float64)
        over = np.maximum(counts / self.bucket_size - 1, 0)
        found: npt.NDArray[np.float64] = np.where(over > 0, self.decay**over, 1.0)
        return found

    def bucket(self, smiles: str) -> str:
        """The bucket of a molecule, by name.

        Args:
            smiles: canonical SMILES.
        """
        if self.kind == "smiles":
            return smiles
        if smiles not in self._buckets:
            with quiet_rdkit():
                scaffold = _scaffold(smiles, generic=self.kind == "generic")
                if self.kind == "similarity":
                    scaffold = self._near(scaffold)
            self._buckets[smiles] = scaffold
        return self._buckets[smiles]

    def _near(self, scaffold: str) -> str:
        """The first bucket whose first scaffold is similar enough; else a new one."""
        if scaffold in self._first:
            return scaffold
        from rdkit.Chem import rdFingerprintGenerator

        mol = Chem.MolFromSmiles(scaffold)
        print_ = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024).GetFingerprint(
            mol
        )
        # Not the nearest, which later buckets would change: a resumed run asks anew.
        values = DataStructs.BulkTanimotoSimilarity(print_, list(self._first.values()))
        for name, value in zip(self._first, values, strict=True):
            if value >= self.similarity:
                return name
        self._first[scaffold] = print_
        return scaffold

    def state_dict(self) -> dict[str, Any]:
        """What was counted, as plain values."""
        return {"counts": dict(self.counts), "seen": sorted(self._seen), "first": [*self._first]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave.

        Args:
            state: of a filter with the same settings.
        """
        self.counts = Counter(state["counts"])
        self._seen = set(state["seen"])
        self._first = {}
        self._buckets = {}
        for scaffold in state["first"]:
            # In their order, each becomes the first of its own bucket again.
            self._near(scaffold)


def _scaffold(smiles: str, generic: bool) -> str:
    mol = Chem.MolFromSmiles(smiles)
    scaffold = MurckoScaffold.GetScaffoldForMol(mol)
    if not scaffold.GetNumAtoms():
        scaffold, generic = mol, True
    if generic:
        scaffold = MurckoScaffold.MakeScaffoldGeneric(scaffold)
    found: str = Chem.MolToSmiles(scaffold)
    return found
