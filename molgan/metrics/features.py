"""What the distribution metrics need to know of a set of molecules, worked out once.

Every metric compares features of two sets. They are computed for distinct molecules only, in worker
processes if asked, and kept on disk by content where the set is a reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import rdkit
from rdkit import Chem

from molgan.chem import logp, molecular_weight, qed, sa_score
from molgan.chem.parallel import map_chunks
from molgan.data.storage import read_arrays, write_arrays
from molgan.metrics import guacamol, nspdk
from molgan.metrics.chemnet import FCDStatistics, chemnet_activations, statistics_of
from molgan.metrics.moses import brics_fragments, ring_scaffold
from molgan.metrics.moses_filters import filter_reason
from molgan.metrics.similarity import morgan_bits
from molgan.metrics.structure import KnownFrameworks, Structure, structure

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Arrays = dict[str, npt.NDArray[Any]]

_FORMAT = 1  # of the cached arrays; raise it when their meaning changes
_CHUNK = 1000

#: Columns of `Features.properties`.
PROPERTIES = ("logp", "sa", "qed", "weight", "heavy_atoms")


class Features:
    """Features of a set of molecules, computed when first asked for.

    Args:
        smiles: n valid molecules as canonical SMILES, repeats included.
        n_jobs: worker processes for RDKit.
        cache_dir: folder for the arrays, under the hash of the molecules; None keeps nothing.
        progress: show progress bars.
        label: of these.
        device: for ChemNet; None takes the GPU if there is one.

    Attributes:
        smiles: as given.
        distinct: the D different ones, in the order in which they first occur.
        inverse: (n,) which of them each molecule is.
        counts: (D,) how often each occurs.
    """

    def __init__(
        self,
        smiles: Sequence[str],
        *,
        n_jobs: int = 1,
        cache_dir: str | Path | None = None,
        progress: bool = False,
        label: str = "molecules",
        device: str | None = None,
    ) -> None:
        self.smiles = list(smiles)
        index: dict[str, int] = {}
        self.inverse = np.array(
            [index.setdefault(text, len(index)) for text in self.smiles], dtype=np.int64
        )
        self.distinct = list(index)
        self.counts = np.bincount(self.inverse, minlength=len(index)).astype(np.int64)
        self.n_jobs = n_jobs
        self.progress = progress
        self.label = label
        self.device = device
        self._cache = None if cache_dir is None else Path(cache_dir) / "features"
        self._known: dict[str, Arrays] = {}
        self._structures: list[Structure] | None = None
        self._hash = ""

    def __len__(self) -> int:
        """Number of molecules, repeats included."""
        return len(self.smiles)

    def require(self, *kinds: str) -> None:
        """Compute several kinds in one pass: every molecule is read from its SMILES once only.

        Args:
            *kinds: names of the methods that give one row for each distinct molecule.
        """
        missing = [kind for kind in kinds if not self._load(kind)]
        if not missing:
            return
        label = f"{self.label}: {', '.join(missing)}" if self.progress else None
        parts = list(
            map_chunks(_describe, self.distinct, self.n_jobs, missing, chunk=_CHUNK, label=label)
        )
        for kind in missing:
            names = parts[0][kind] if parts else _describe([], [kind])[kind]
            arrays = {
                name: np.concatenate([part[kind][name] for part in parts]) if parts else names[name]
                for name in names
            }
            self._keep(kind, arrays)

    # ---- one row for each distinct molecule -----------------------------------------------------

    def properties(self) -> dict[str, npt.NDArray[np.float64]]:
        """`PROPERTIES` -> (D,) values."""
        values = self._arrays("properties")["values"]
        return {name: values[:, column] for column, name in enumerate(PROPERTIES)}

    def bits(self) -> npt.NDArray[np.uint8]:
        """(D, 128) packed Morgan fingerprints, see `molgan.metrics.similarity`."""
        return self._arrays("bits")["bits"]

    def ring_scaffolds(self) -> list[str]:
        """D Murcko scaffolds of two rings and more, see `molgan.metrics.moses`; empty for none."""
        return _strings(self._arrays("ring_scaffolds")["scaffolds"])

    def structures(self) -> list[Structure]:
        """D scaffolds, ring systems and ring sizes, see `molgan.metrics.structure`."""
        if self._structures is None:
            parts = map_chunks(
                _structures, self.distinct, self.n_jobs, chunk=_CHUNK, label=self._bar("scaffolds")
            )
            self._structures = [item for part in parts for item in part]
        return self._structures

    def fragments(self) -> list[list[str]]:
        """D lists of BRICS fragments, see `molgan.metrics.moses`."""
        arrays = self._arrays("fragments")
        names = _strings(arrays["names"])
        ends = np.cumsum(arrays["lengths"]).tolist()
        starts = [0, *ends][: len(ends)]
        return [names[start:end] for start, end in zip(starts, ends, strict=True)]

    def filters(self) -> list[str]:
        """D reasons why MOSES would filter the molecule out; empty for those that pass."""
        return _strings(self._arrays("filters")["reasons"])

    def descriptors(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
        """(D, 9) GuacaMol descriptors and (D, 512) packed fingerprints."""
        arrays = self._arrays("descriptors")
        return arrays["values"], arrays["fingerprints"]

    # ---- of the whole set -----------------------------------------------------------------------

    def kl_features(self) -> npt.NDArray[np.float64]:
        """(D, 10) features of GuacaMol's KL score; the last one depends on the whole set."""
        if not self._load("kl"):
            self._keep("kl", {"values": guacamol.kl_features(*self.descriptors())})
        return self._known["kl"]["values"]

    def activations(self) -> npt.NDArray[np.float32]:
        """(D, 512) ChemNet activations.

        Raises:
            MolganError: when the `fcd` package is missing.
        """
        if "activations" not in self._known:
            values = chemnet_activations(self.distinct, device=self.device, progress=self.progress)
            self._known["activations"] = {"values": values}
        return self._known["activations"]["values"]

    def fcd_statistics(self) -> FCDStatistics:
        """Mean and covariance of the activations, repeats included."""
        if not self._load("fcd"):
            statistics = statistics_of(self.activations()[self.inverse])
            self._keep("fcd", {"mean": statistics.mean, "covariance": statistics.covariance})
            if self._cache is not None:
                self._known.pop("activations", None)  # a reference needs them no more
        arrays = self._known["fcd"]
        return FCDStatistics(arrays["mean"], arrays["covariance"], len(self))

    def nspdk(self) -> csr_matrix:
        """(D, buckets) NSPDK features."""
        from scipy.sparse import vstack

        parts = map_chunks(
            _nspdk, self.distinct, self.n_jobs, chunk=_CHUNK, label=self._bar("NSPDK")
        )
        return vstack(list(parts), format="csr")

    def nspdk_mean(self) -> npt.NDArray[np.float64]:
        """(buckets,) mean NSPDK feature of the set, repeats included; without keeping the rows."""
        if not self._load("nspdk_mean"):
            total = np.zeros(nspdk.BUCKETS)
            start = 0
            for part in self._nspdk_parts():
                weights = self.counts[start : start + part.shape[0]]
                total += part.T @ weights.astype(np.float64)
                start += part.shape[0]
            self._keep("nspdk_mean", {"mean": total / max(len(self), 1)})
        return self._known["nspdk_mean"]["mean"]

    def known_frameworks(self) -> KnownFrameworks:
        """Hashed scaffolds and ring systems of the set, to tell what is new."""
        if not self._load("frameworks"):
            self._keep("frameworks", dict(KnownFrameworks.of(self.structures()).arrays()))
            self._structures = None  # a reference needs them no more
        return KnownFrameworks.load(self._known["frameworks"])

    # ---- kept in memory and on disk -------------------------------------------------------------

    def _nspdk_parts(self) -> Iterator[csr_matrix]:
        label = self._bar("NSPDK")
        return map_chunks(_nspdk, self.distinct, self.n_jobs, chunk=_CHUNK, label=label)

    def _bar(self, what: str) -> str | None:
        return f"{self.label}: {what}" if self.progress else None

    def _arrays(self, kind: str) -> Arrays:
        self.require(kind)
        return self._known[kind]

    def _path(self, kind: str) -> Path | None:
        if self._cache is None:
            return None
        if not self._hash:
            # What RDKit makes of a molecule may change with its version.
            digest = hashlib.blake2b(f"{_FORMAT} {rdkit.__version__}\n".encode(), digest_size=16)
            for text in self.smiles:
                digest.update(text.encode() + b"\n")
            self._hash = digest.hexdigest()
        return self._cache / f"{self._hash}-{kind}.npz"

    def _load(self, kind: str) -> bool:
        """Whether the kind is known now, from memory or from disk."""
        if kind in self._known:
            return True
        path = self._path(kind)
        if path is None:
            return False
        stored = read_arrays(path)
        if stored is not None:
            self._known[kind] = stored
        return stored is not None

    def _keep(self, kind: str, arrays: Arrays) -> None:
        self._known[kind] = arrays
        path = self._path(kind)
        if path is not None:
            write_arrays(path, arrays)


def _describe(smiles: Sequence[str], kinds: Iterable[str]) -> dict[str, Arrays]:
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    return {kind: _KINDS[kind](mols) for kind in kinds}


def _structures(smiles: Sequence[str]) -> list[Structure]:
    return [structure(Chem.MolFromSmiles(text)) for text in smiles]


def _nspdk(smiles: Sequence[str]) -> csr_matrix:
    return nspdk.nspdk_matrix([Chem.MolFromSmiles(text) for text in smiles])


def _strings(array: npt.NDArray[Any]) -> list[str]:
    return [str(text) for text in array.tolist()]


def _text(values: Iterable[str]) -> npt.NDArray[Any]:
    return np.array(list(values), dtype=np.str_)


def _properties(mols: Sequence[Chem.Mol]) -> Arrays:
    rows = [
        (logp(mol), sa_score(mol), qed(mol), molecular_weight(mol), mol.GetNumHeavyAtoms())
        for mol in mols
    ]
    return {"values": np.array(rows, dtype=np.float64).reshape(-1, len(PROPERTIES))}


def _fragments(mols: Sequence[Chem.Mol]) -> Arrays:
    found = [brics_fragments(mol) for mol in mols]
    return {
        "names": _text(name for names in found for name in names),
        "lengths": np.array([len(names) for names in found], dtype=np.int64),
    }


def _descriptors(mols: Sequence[Chem.Mol]) -> Arrays:
    fingerprints = [guacamol.fingerprint(mol) for mol in mols]
    values = np.array([guacamol.descriptors(mol) for mol in mols], dtype=np.float64)
    return {
        "values": values.reshape(-1, len(guacamol.DESCRIPTORS)),
        "fingerprints": np.array(fingerprints, dtype=np.uint8).reshape(len(mols), -1),
    }


_KINDS: dict[str, Callable[[Sequence[Chem.Mol]], Arrays]] = {
    "properties": _properties,
    "bits": lambda mols: {"bits": morgan_bits(mols)},
    "ring_scaffolds": lambda mols: {"scaffolds": _text(ring_scaffold(mol) for mol in mols)},
    "fragments": _fragments,
    "filters": lambda mols: {"reasons": _text(filter_reason(mol) or "" for mol in mols)},
    "descriptors": _descriptors,
}
