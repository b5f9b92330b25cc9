"""From plain settings to a dataset: what `conf/data/*.yaml` instantiates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from molgan.data.dataset import MoleculeDataset
from molgan.data.molnet import MolNet
from molgan.data.sources import QM9, Bundled, MoleculeFile, SmilesList, Source, ZINC250k
from molgan.errors import DataError


def make_source(
    source: str | Source | Sequence[str],
    *,
    path: str | Path | None = None,
    column: str | None = None,
    exclude_uncharacterized: bool | str | Path = False,
) -> Source:
    """Build a source from its short name.

    Args:
        source: "bundled", "qm9", "zinc250k", "file", "molnet_qm9", "molnet_zinc15"; or a source;
            or a list of SMILES.
        path: local file (or, for MolNet, the folder with DeepChem's downloads).
        column: column of SMILES in a table.
        exclude_uncharacterized: see `QM9`.

    Raises:
        DataError: if there is no source of that name.
    """
    if not isinstance(source, str):
        if isinstance(source, Sequence):
            return SmilesList(tuple(source))
        return source
    if source == "bundled":
        if path is not None:
            raise DataError(
                f"data.path={path} does not go with the bundled set; "
                f"use data=file data.path={path}."
            )
        return Bundled()
    if source == "qm9":
        return QM9(path, column, exclude_uncharacterized)
    if source == "zinc250k":
        return ZINC250k(path, column)
    if source == "file":
        return MoleculeFile(path, column)
    if source in ("molnet_qm9", "molnet_zinc15"):
        return MolNet(source.removeprefix("molnet_"), path)
    raise DataError(
        f"data.source={source} is unknown; choose bundled, qm9, zinc250k, file, molnet_qm9 or "
        f"molnet_zinc15."
    )


def load_dataset(
    source: str | Source | Sequence[str] = "bundled",
    *,
    path: str | Path | None = None,
    column: str | None = None,
    exclude_uncharacterized: bool | str | Path = False,
    cache_dir: str | Path | None = None,
    **settings: Any,
) -> MoleculeDataset:
    """Build a dataset from plain settings; this is what `conf/data/*.yaml` instantiates.

    Args:
        source: "bundled", "qm9", "zinc250k", "file", "molnet_qm9", "molnet_zinc15"; or a source;
            or a list of SMILES.
        path: local file, read against the current directory; None downloads where there is
            something to download.
        column: column of SMILES in a table.
        exclude_uncharacterized: QM9 only: leave out the 3,054 molecules listed as such (True
            downloads the list, a path reads it).
        cache_dir: folder for downloads and processed data.
        **settings: as for `MoleculeDataset`.

    Raises:
        DataError: if the data cannot be used.
        ConfigError: if a setting cannot work.
    """
    chosen = make_source(
        source, path=path, column=column, exclude_uncharacterized=exclude_uncharacterized
    )
    return MoleculeDataset(chosen, root=cache_dir, **settings)
