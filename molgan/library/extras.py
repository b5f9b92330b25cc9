"""Optional packages: imported where they are needed, and named when they are not there."""

from __future__ import annotations

import importlib
from typing import Any

from molgan.errors import MolganError


def docking_extra(module: str) -> Any:
    """Import a module of the extra ``docking``.

    Raises:
        MolganError: it is not installed; the message says how to get it.
    """
    from rdkit import rdBase

    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        raise MolganError(
            f"this needs {module}, which cannot be imported ({error}); "
            'install it with: pip install "molgan[docking]"'
        ) from error
    if module == "meeko":
        # Importing Meeko sends RDKit's log to Python's logging, for the whole process.
        rdBase.LogToCppStreams()
    return loaded
