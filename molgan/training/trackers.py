"""Where figures go while training runs: a JSON-lines file always, TensorBoard if asked for."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from molgan.errors import MolganError
from molgan.library import atomic_write, draw_grid
from molgan.library.writers import cannot_write

#: the phase of the row with the final figures
FINAL = "final"


class Tracker(Protocol):
    """Receives rows of figures."""

    def log(self, row: Mapping[str, Any]) -> None:
        """Take one row: ``molecules_seen``, ``phase`` and figures by flat name.

        Args:
            row: ``molecules_seen`` (the axis), ``phase`` (its name), and figures by flat name, such
                as ``loss/critic``.
        """

    def close(self) -> None:
        """Write what is left."""


class JsonLines(Tracker):
    """One JSON object a line in ``metrics.jsonl``, flushed at once.

    Args:
        path: the file; rows that a resumed run will write again are cut off.
        molecules_seen: where the run stands; 0 starts the file anew.

    Raises:
        MolganError: when the disk refuses; the rows that were there are untouched.
    """

    def __init__(self, path: Path, molecules_seen: int = 0) -> None:
        self.path = path
        kept = []
        if molecules_seen and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                except ValueError:
                    continue  # the line on which a killed run was writing
                if row["molecules_seen"] <= molecules_seen and row["phase"] != FINAL:
                    kept.append(line + "\n")
        with atomic_write(path) as file:
            file.writelines(kept)
        self._file: IO[str] = path.open("a", encoding="utf-8")

    def log(self, row: Mapping[str, Any]) -> None:
        """Append a row; figures that are not finite become null, which JSON can hold.

        Raises:
            MolganError: when the disk refuses.
        """
        plain = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        try:
            self._file.write(json.dumps(plain) + "\n")
            self._file.flush()
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def close(self) -> None:
        """Close the file; a row that could not be written has been reported already."""
        with contextlib.suppress(OSError):
            self._file.close()


class TensorBoard(Tracker):
    """Curves, pictures and settings for TensorBoard (extra ``track``).

    Args:
        folder: of the event files.
        molecules_seen: where the run stands: TensorBoard shows nothing that was written for later,
            since a resumed run writes it again; 0 starts the curves anew.

    Raises:
        MolganError: when the package is missing.
    """

    def __init__(self, folder: Path, molecules_seen: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MolganError(
                'tracker=tensorboard needs a package that is not here: pip install "molgan[track]"'
            ) from error
        self._folder, self._described = folder, False
        # Event files are only added to: points from this step on, of the files before, are void.
        first = molecules_seen + 1 if molecules_seen else 0
        self._writer = SummaryWriter(str(folder), purge_step=first)

    def log(self, row: Mapping[str, Any]) -> None:
        """Add one point to each curve; the axis is molecules seen."""
        step = int(row["molecules_seen"])
        for key, value in row.items():
            if isinstance(value, int | float) and key != "molecules_seen":
                self._writer.add_scalar(key, value, step)

    def show(self, molecules_seen: int, smiles: Sequence[str]) -> None:
        """Add a picture of molecules made of the same noise; with the first one the settings.

        Args:
            molecules_seen: where the run stands.
            smiles: what is drawn; nothing is added without any.
        """
        if not self._described:
            self._described = True
            self._describe(molecules_seen)
        if smiles:
            picture = np.asarray(draw_grid(smiles).convert("RGB"))
            self._writer.add_image("same noise", picture, molecules_seen, dataformats="HWC")

    def _describe(self, molecules_seen: int) -> None:
        """The run's settings as a table of text; its folder is above that of the event files."""
        try:
            text = (self._folder.parent / "config.json").read_text(encoding="utf-8")
        except OSError:
            return
        listing = "\n".join(f"    {line}" for line in text.splitlines())
        self._writer.add_text("settings", listing, molecules_seen)

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()
