"""Molecules as components see them, and programs for the external command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent

import pytest
from rdkit import Chem

from molgan.chem import Decoded


@pytest.fixture(scope="session")
def valid() -> Callable[..., list[Decoded]]:
    """Decoded molecules of the SMILES given, which count as canonical."""

    def decode(*smiles: str) -> list[Decoded]:
        return [Decoded(Chem.MolFromSmiles(text), text, None) for text in smiles]

    return decode


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Sequence[str]]:
    """Writes a Python program and returns the words that run it."""

    def write(code: str) -> list[str]:
        path = tmp_path / "program.py"
        path.write_text(dedent(code))
        return [sys.executable, "-S", str(path)]

    return write
