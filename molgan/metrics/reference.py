"""What a library is compared with: the training set, held-out molecules, scaffold-held-out ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from molgan.errors import ConfigError, DataError

if TYPE_CHECKING:
    from molgan.data import MoleculeDataset
    from molgan.metrics.features import Features
    from molgan.metrics.reporting.report import Report

#: D. Polykovskiy et al., Front. Pharmacol. 11, 565644 (2020); files of molecularsets/moses.
_MOSES_HOME = "https://media.githubusercontent.com/media/molecularsets/moses/master/data/"
_MOSES_FILES = {
    "train": ("train.csv", "49fe1aae29604ec0f5023ea34edc8789415f954138f2903dabd005a4b888a961"),
    "test": ("test.csv", "257165e8f1e1be2d5712db51c93d2b1544564b782dc303d7d19c887c21a858e6"),
    "test_scaffolds": (
        "test_scaffolds.csv",
        "8bc942dd807147e07b506151fe8675f58780ed8e494801b705c4bdadb3df3440",
    ),
}


@dataclass
class Reference:
    """Molecules to compare with, as canonical stereo-free SMILES.

    Attributes:
        name: shown in tables: "qm9", "zinc250k", "moses", or the user's own.
        test: held-out molecules: distances are taken to these.
        train: training molecules: novelty and memorisation are against these; empty if unknown.
        test_scaffolds: molecules whose scaffolds are not in the training set; empty if there are
            none.
        cache_dir: folder for statistics; None keeps none.
        n_jobs: worker processes for them.
        progress: show progress bars.
        notes: sentences about the sets.
    """

    name: str
    test: list[str] = field(default_factory=list)
    train: list[str] = field(default_factory=list)
    test_scaffolds: list[str] = field(default_factory=list)
    cache_dir: Path | None = None
    n_jobs: int = 1
    progress: bool = False
    notes: list[str] = field(default_factory=list)
    _features: dict[str, Features] = field(default_factory=dict, repr=False)

    def features(self, split: str) -> Features:
        """Features of ``train``, ``test`` or ``test_scaffolds``, cached on disk by content.

        Args:
            split: ``train``, ``test`` or ``test_scaffolds``.

        Raises:
            DataError: where the reference has no such molecules.
        """
        from molgan.metrics.features import Features

        smiles: list[str] = getattr(self, split)
        if not smiles:
            raise DataError(f"the reference {self.name} has no molecules for {split}")
        if split not in self._features:
            self._features[split] = Features(
                smiles,
                n_jobs=self.n_jobs,
                cache_dir=self.cache_dir,
                progress=self.progress,
                label=f"{self.name} {split}",
            )
        return self._features[split]

    def report(self) -> Report:
        """Properties of the test molecules, as the last column of a table and for histograms."""
        from molgan.metrics.reporting.report import Report

        properties = self.features("test").properties()
        figures = {name: float(properties[name].mean()) for name in ("qed", "logp", "sa")}
        figures["mean_atoms"] = float(properties["heavy_atoms"].mean())
        return Report(f"{self.name} test", figures, properties=dict(properties))

    def subset(self, split: str, rows: npt.NDArray[np.int64], label: str) -> Features:
        """Features of some molecules of a split, cached on disk like those of a whole one.

        Args:
            split: ``train``, ``test`` or ``test_scaffolds``.
            rows: (r,) positions in that split, from 0.
            label: a name of its own for each choice of rows: features are kept by it.
        """
        from molgan.metrics.features import Features

        smiles: list[str] = getattr(self, split)
        key = f"{split}: {label}"
        if key not in self._features:
            self._features[key] = Features(
                [smiles[row] for row in rows],
                n_jobs=self.n_jobs,
                cache_dir=self.cache_dir,
                progress=self.progress,
                label=f"{self.name} {label}",
            )
        return self._features[key]


def no_reference(**_: Any) -> None:
    """``reference=none``: only figures that need no other molecules."""


def dataset_reference(dataset: MoleculeDataset, name: str | None = None) -> Reference:
    """The splits of a data set; without a test split, its validation or training molecules.

    Args:
        dataset: with its splits.
        name: of the reference; None takes the data set's.
    """
    held_out = next(
        (split for split in ("test", "valid") if len(dataset.split_indices[split]) > 1), "train"
    )
    train = dataset.split_smiles("train")
    test = dataset.split_smiles(held_out)
    notes = [
        f"{len(train):,} training molecules, distances to {len(test):,} of the {held_out} split"
    ]
    if held_out == "train":
        notes.append("there is no held-out split: distances are to the training molecules")
    return Reference(
        name or dataset.source.name, test, train, cache_dir=Path(dataset.root), notes=notes
    )


def benchmark_reference(
    source: str,
    *,
    path: str | Path | None = None,
    split_path: str | Path | None = None,
    column: str | None = None,
    cache_dir: str | Path | None = None,
    n_jobs: int = 1,
    progress: bool = True,
) -> Reference:
    """QM9 or ZINC250k with the field's test molecules, or the bundled set.

    The test indices are those of Liu et al. (CGVAE, 2018), which MoFlow, GDSS and their followers
    use; QM9's count from 1. (GDSS reads them from 0, one row off.) Repeated molecules are merged.

    Args:
        source: ``qm9``, ``zinc250k`` or ``bundled``.
        path: Local file of the molecules; None downloads them.
        split_path: Local file of the test indices; None downloads them.
        column: Column of SMILES in a table.
        cache_dir: Folder for downloads, encoded sets and statistics.
        n_jobs: Worker processes.
        progress: Show progress bars.
    """
    from molgan.data import load_dataset

    dataset = load_dataset(
        source,
        path=path,
        column=column,
        split="random" if source == "bundled" else "standard",
        split_path=split_path,
        cache_dir=cache_dir,
        n_jobs=n_jobs,
        progress=progress,
    )
    reference = dataset_reference(dataset)
    reference.n_jobs, reference.progress = n_jobs, progress
    return reference


def file_reference(
    path: str | Path | None = None,
    *,
    train: str | Path | None = None,
    test: str | Path | None = None,
    test_scaffolds: str | Path | None = None,
    column: str | None = None,
    name: str | None = None,
    cache_dir: str | Path | None = None,
    n_jobs: int = 1,
    progress: bool = True,
) -> Reference:
    """A user's own molecules.

    Args:
        path: One file that serves as training and as test set.
        train: File of training molecules.
        test: File of held-out molecules.
        test_scaffolds: File of molecules with held-out scaffolds.
        column: Column of SMILES in tables.
        name: Shown in tables.
        cache_dir: Folder for statistics; default as for data sets.
        n_jobs: Worker processes.
        progress: Show progress bars.

    Raises:
        ConfigError: when no file is named, or `path` together with the others.
        DataError: for a file that cannot be used.
    """
    from molgan.data import cache_root

    named = {"train": train, "test": test, "test_scaffolds": test_scaffolds}
    given = {split: file for split, file in named.items() if file is not None}
    if (path is None) == (not given):
        raise ConfigError(
            "reference=file needs reference.path=FILE (training and test set in one), or "
            "reference.train=FILE and reference.test=FILE"
        )
    if path is not None:
        both, note = _canonical(path, "reference.path", column, n_jobs, progress)
        sets = {"train": both, "test": both}
        notes = [note, "one file is training and test set: distances are to known molecules"]
    else:
        sets, notes = {}, []
        for split, file in given.items():
            sets[split], note = _canonical(file, f"reference.{split}", column, n_jobs, progress)
            notes.append(note)
        if "test" not in sets and "train" in sets:
            sets["test"] = sets["train"]
            notes.append("no test file: distances are to the training molecules")
    return Reference(
        name or Path(str(path or test or train or test_scaffolds)).name.split(".")[0],
        sets.get("test", []),
        sets.get("train", []),
        sets.get("test_scaffolds", []),
        cache_dir=cache_root(cache_dir),
        n_jobs=n_jobs,
        progress=progress,
        notes=notes,
    )


def moses_reference(
    *,
    train: str | Path | None = None,
    test: str | Path | None = None,
    test_scaffolds: str | Path | None = None,
    splits: Sequence[str] = ("train", "test", "test_scaffolds"),
    cache_dir: str | Path | None = None,
    n_jobs: int = 1,
    progress: bool = True,
) -> Reference:
    """The three sets of the MOSES benchmark; files that are not given are downloaded (84 MB).

    Args:
        train: ``train.csv``, 1,584,663 molecules.
        test: ``test.csv``, 176,074 molecules.
        test_scaffolds: ``test_scaffolds.csv``, 176,226 molecules with held-out scaffolds.
        splits: Which of them are wanted; without ``train`` there is no novelty.
        cache_dir: Folder for downloads and statistics.
        n_jobs: Worker processes.
        progress: Show progress bars.

    Raises:
        ConfigError: If there is no such split.
        DataError: If a file cannot be used or downloaded.
    """
    from molgan.data import cache_root, fetch

    root = cache_root(cache_dir)
    named = {"train": train, "test": test, "test_scaffolds": test_scaffolds}
    unknown = [split for split in splits if split not in named]
    if unknown:
        raise ConfigError(f"reference.splits: there is no {unknown[0]}; use {', '.join(named)}")
    sets, notes = {}, []
    for split in splits:
        file, sha256 = _MOSES_FILES[split]
        path = named[split] or fetch(
            _MOSES_HOME + file,
            sha256,
            f"moses_{file}",
            root,
            progress=progress,
            setting=f"reference.{split}",
        )
        sets[split], note = _canonical(path, f"reference.{split}", None, n_jobs, progress)
        notes.append(note)
    return Reference(
        "moses",
        sets.get("test", []),
        sets.get("train", []),
        sets.get("test_scaffolds", []),
        cache_dir=root,
        n_jobs=n_jobs,
        progress=progress,
        notes=notes,
    )


def _canonical(
    path: str | Path, key: str, column: str | None, n_jobs: int, progress: bool
) -> tuple[list[str], str]:
    """Distinct canonical SMILES of a file in file order, and a sentence about what was left out."""
    from molgan.chem import judge_all
    from molgan.chem.parallel import map_chunks
    from molgan.data.files import user_path
    from molgan.data.readers import read_molecules

    file = user_path(path, key)
    raw = read_molecules(file, column=column)
    label = f"reading {file.name}" if progress else None
    judged = [
        one for part in map_chunks(judge_all, raw.smiles, n_jobs, label=label) for one in part
    ]
    usable = [smiles for smiles, _ in judged if smiles is not None]
    distinct = list(dict.fromkeys(usable))
    if not distinct:
        raise DataError(f"{key}={path} holds no usable molecule.")
    note = f"{file.name}: {len(distinct):,} distinct molecules"
    if left := raw.total - len(usable):
        note += f", {left:,} rows left out (unreadable, salts or fragments)"
    return distinct, note
