"""Progress bars: tqdm's, which look right in a terminal and in a notebook."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # Where ipywidgets are missing a notebook gets plain bars, which is no reason for a red box.
    warnings.filterwarnings("ignore", message="IProgress not found")
    from tqdm.auto import tqdm

__all__ = ["tqdm"]
