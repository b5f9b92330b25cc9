"""The same screen in memory: a library in, a library of hits and a table of rejected ones out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from molgan.library import Library
from molgan.screening.job import Engine, Job
from molgan.screening.picking import Pick
from molgan.screening.pipeline import run
from molgan.screening.settings import Screen
from molgan.screening.tables import FIRST

if TYPE_CHECKING:
    import pandas as pd


def screen_library(
    library: Library,
    screen: Screen,
    pick: Pick | None = None,
    *,
    engine: Engine | None = None,
    progress: bool = False,
) -> tuple[Library, pd.DataFrame]:
    """Screen a library, and pick among the hits if asked.

    Args:
        library: The molecules.
        screen: What is done to each of them.
        pick: What is chosen among the hits; None is all of them.
        engine: How the work is done; None is one worker process.
        progress: Whether to show a bar.

    Returns:
        The hits with their scores, those picked in the order of picking, and how many were lost at
        which stage as `rejected`; and the table of rejected molecules with stage, rule, atoms and
        detail.

    Raises:
        MolganError: For settings that cannot work, or a library of which nothing can be read.
    """
    import pandas as pd

    with tempfile.TemporaryDirectory(prefix="molgan-screen-") as folder:
        source, out = Path(folder) / "library.smi", Path(folder) / "out"
        library.write_smi(source)
        job = Job(
            source,
            out,
            screen,
            pick or Pick(),
            engine=engine or Engine(),
            progress=progress,
            report=False,
        )
        manifest = run(job)
        stem = "picked" if "picked" in manifest else "hits"
        # A molecule may be called "NA": only an empty number is none.
        scores = screen.numbers()
        texts = {name: str for name in (*FIRST, *screen.columns()) if name not in scores}
        missing = dict.fromkeys(scores, "")
        hits = pd.read_csv(
            out / f"{stem}.csv",
            dtype={**texts, "row": int, "copies": int},
            keep_default_na=False,
            na_values=missing,
        )
        rejected = pd.read_csv(out / "rejected.csv", dtype=str, keep_default_na=False)
    lost = {key: count for key, count in manifest["rejected_at"].items() if count}
    for key in ("unreadable", "duplicates"):
        if manifest["counts"][key]:
            lost[key] = manifest["counts"][key]
    return Library(hits, rejected=lost), rejected.astype({"row": int})
