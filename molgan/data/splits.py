"""Splits of a data set into train, valid and test: random, by Murcko scaffold, or the field's own.

All return indices into the molecules, ascending and disjoint, as `{"train", "valid", "test"}`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molgan.data.files import user_path
from molgan.data.sources import QM9_MOLECULES, ZINC250K_MOLECULES, Remote
from molgan.data.storage import write_atomic
from molgan.errors import ConfigError, DataError

Split = dict[str, NDArray[np.int64]]
_Indices = Sequence[int] | NDArray[np.int64]

# Q. Liu et al., NeurIPS 2018 (constrained graph variational autoencoders); used by MoFlow, GDSS and
# most later work. The commit is fixed, so the address always means the same bytes.
_CGVAE = (
    "https://raw.githubusercontent.com/microsoft/constrained-graph-variational-autoencoder/"
    "d89d3f416ab7451f89c328fcd258af8ef49e2418/data/"
)
STANDARD_SPLITS = {
    "qm9": Remote(
        _CGVAE + "valid_idx_qm9.json",
        "valid_idx_qm9.json",
        "889fd232a33d8a2c00f057c807b119e72abd5baa48f6fab93e8d8b7a79340f4d",
    ),
    "zinc250k": Remote(
        _CGVAE + "valid_idx_zinc.json",
        "valid_idx_zinc250k.json",
        "5ea3d2e4248a592c4f019a337efe3863687c78f359a461d47fb2d9a25c3629ec",
    ),
}


def check_fractions(
    fractions: Sequence[float], prefix: str = "data."
) -> tuple[float, float, float]:
    """Check the three shares (train, valid, test), each 0 to 1, sum 1, train above 0.

    Args:
        fractions: the shares.
        prefix: of the keys in messages.

    Raises:
        ConfigError: naming `data.fractions`.
    """
    shares = tuple(float(share) for share in fractions)
    if (
        len(shares) != 3
        or any(not 0.0 <= share <= 1.0 for share in shares)
        or abs(sum(shares) - 1.0) > 1e-6
        or shares[0] == 0.0
    ):
        raise ConfigError(
            f"{prefix}fractions={list(fractions)} must be three shares (train, valid, test) from 0 "
            f"to 1 that add up to 1, with train above 0."
        )
    return shares[0], shares[1], shares[2]


def _as_split(train: _Indices, valid: _Indices, test: _Indices) -> Split:
    named = {"train": train, "valid": valid, "test": test}
    return {name: np.sort(np.asarray(part, dtype=np.int64)) for name, part in named.items()}


def random_split(n: int, fractions: Sequence[float], seed: int, prefix: str = "data.") -> Split:
    """Split `n` molecules at random.

    Valid and test are rounded down, so train is never empty: one molecule is a training set of one.

    Args:
        n: number of molecules.
        fractions: shares of train, valid and test.
        seed: same seed, same split.
        prefix: of the keys in messages.
    """
    _, valid, test = check_fractions(fractions, prefix)
    # The small addend keeps 0.3 * 10 = 2.9999... from losing one.
    n_valid, n_test = int(n * valid + 1e-9), int(n * test + 1e-9)
    order = np.random.default_rng(seed).permutation(n)
    held_out = n_valid + n_test
    return _as_split(order[held_out:], order[:n_valid], order[n_valid:held_out])


def scaffold_split(
    smiles: Sequence[str], fractions: Sequence[float], seed: int = 0, prefix: str = "data."
) -> Split:
    """Split so that no Murcko scaffold is shared between the parts, by DeepChem's ScaffoldSplitter.

    Groups go to train in order of falling size until it is full, then to valid, then to test;
    molecules without a ring are one group.

    Args:
        smiles: the molecules.
        fractions: shares of train, valid and test, which add up to 1.
        seed: changes nothing: the groups have one order.
        prefix: of the keys in messages.

    Raises:
        DataError: if deepchem is missing, or one scaffold is too large for train.
        ConfigError: if the fractions are no shares.
    """
    shares = check_fractions(fractions, prefix)
    if len(smiles) == 1:
        return _as_split([0], [], [])
    from molgan.data.molnet import import_deepchem, quiet_logging

    deepchem = import_deepchem(f"{prefix}split=scaffold")
    with quiet_logging():
        holder = deepchem.data.NumpyDataset(
            X=np.zeros((len(smiles), 1)), ids=np.asarray(smiles, dtype=object)
        )
        train, valid, test = deepchem.splits.ScaffoldSplitter().split(
            holder, *shares, seed=seed, log_every_n=10**9
        )
    if not train:
        raise DataError(
            f"{prefix}split=scaffold leaves nothing to train on: one scaffold group (molecules "
            "without a ring are one group) is larger than the training share; use "
            f"{prefix}split=random."
        )
    return _as_split(train, valid, test)


def kept_scaffold_split(
    smiles: Sequence[str], fractions: Sequence[float], seed: int, folder: Path | None
) -> Split:
    """`scaffold_split`, kept in a folder: scaffolds of a large set take minutes.

    Args:
        smiles: the molecules.
        fractions: shares of train, valid and test, which add up to 1.
        seed: as for `scaffold_split`.
        folder: of this very set; None keeps nothing.
    """
    key = "-".join(f"{share:g}" for share in fractions)
    path = None if folder is None else folder / f"scaffold-{key}.json"
    if path is not None:
        try:
            stored = json.loads(path.read_text())
            if sum(len(part) for part in stored.values()) == len(smiles):
                return {name: np.asarray(part, dtype=np.int64) for name, part in stored.items()}
        except (OSError, ValueError, AttributeError):
            pass  # not there yet, or damaged: work it out again
    split = scaffold_split(smiles, fractions, seed)
    if path is not None:
        plain = {name: part.tolist() for name, part in split.items()}
        write_atomic(path, json.dumps(plain).encode())
    return split


def read_standard_indices(name: str, path: Path) -> NDArray[np.int64]:
    """Held-out row numbers, from 0, in a published index file.

    QM9's file counts molecules from 1 (they are `gdb_` numbers); ZINC250k's counts rows from 0.

    Raises:
        DataError: if the file is not such a list, or its numbers do not fit the data set.
    """
    size = QM9_MOLECULES if name == "qm9" else ZINC250K_MOLECULES
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            content = content["valid_idxs"]
        indices = np.asarray([int(entry) for entry in content], dtype=np.int64)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise DataError(
            f"data.split_path={path} is not a list of test indices "
            f"(a JSON list of numbers, or an object with the key valid_idxs)."
        ) from error
    if name == "qm9":
        indices = indices - 1
    if indices.size == 0 or indices.min() < 0 or indices.max() >= size:
        raise DataError(
            f"data.split_path={path} holds numbers that do not fit {name} "
            f"({size:,} molecules, counted from {1 if name == 'qm9' else 0})."
        )
    return np.unique(indices)


def standard_split(
    name: str,
    molecules: NDArray[np.int64],
    rows: NDArray[np.int64],
    n: int,
    *,
    split_path: str | Path | None = None,
    cache_dir: Path | None = None,
    progress: bool = True,
) -> Split:
    """The field's held-out set of QM9 or ZINC250k; everything else is for training.

    The published lists hold source rows, while a molecule here may stand for several rows (QM9 has
    87 pairs that are one molecule to RDKit). A molecule of which any row is held out is in test and
    not in train, so nothing of the test set is ever trained on. `valid` is empty: the field has
    none.

    Args:
        name: "qm9" or "zinc250k".
        molecules: (R,) molecule to which each kept source row belongs.
        rows: (R,) number of that row in the original table, from 0; -1 if unknown.
        n: number of molecules.
        split_path: index file on this machine; None downloads it.
        cache_dir: cache folder for the download.
        progress: show a progress bar.

    Raises:
        DataError: if there is no such split, or the rows cannot be told.
    """
    if name not in STANDARD_SPLITS:
        raise DataError(
            f"data.split=standard exists for qm9 and zinc250k, not for {name}; use "
            f"data.split=random or data.split=scaffold."
        )
    if rows.size and rows.min() < 0:
        size = QM9_MOLECULES if name == "qm9" else ZINC250K_MOLECULES
        also = " or a column mol_id (gdb_1, gdb_2, ...)" if name == "qm9" else ""
        raise DataError(
            f"data.split=standard needs to know which row of {name} each molecule is: the file "
            f"must have all {size:,} rows in the original order{also}."
        )
    if split_path is not None:
        path = user_path(split_path, "data.split_path")
    else:
        path = STANDARD_SPLITS[name].fetch(cache_dir, progress, "data.split_path")
    held_out = np.isin(rows, read_standard_indices(name, path))
    test = np.unique(molecules[held_out])
    train = np.setdiff1d(np.arange(n, dtype=np.int64), test)
    if train.size == 0:
        raise DataError("data.split=standard leaves nothing to train on in this file.")
    return _as_split(train, [], test)
