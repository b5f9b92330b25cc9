"""The table of rooms in docs/architecture.md is what the imports say."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import molgan

PACKAGE = Path(molgan.__file__).parent
PAGE = PACKAGE.parent / "docs" / "architecture.md"


def rows() -> dict[str, int]:
    """Room -> number of the first row that names it."""
    found: dict[str, int] = {}
    table = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    for number, line in enumerate(table):
        for path in re.findall(r"`molgan/([^`]+)`", line.split("|")[1]):
            names = re.findall(r"\w+", path.split("/")[0].removesuffix(".py"))
            for name in names:
                found.setdefault(name, number)
    return found


def imported(path: Path) -> set[str]:
    """Rooms that a module imports as it is imported itself."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module == "molgan":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("molgan."):
            found.add(str(node.module).split(".")[1])
    return found - {"__version__"}


def test_every_room_is_in_the_table():
    modules = {path.stem for path in PACKAGE.glob("*.py")}
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert sorted((modules | folders) - set(rows()) - {"__init__", "__main__"}) == []


def test_a_room_imports_only_from_rooms_above_it():
    number = rows()
    wrong = []
    for path in itertools.chain(PACKAGE.glob("*.py"), PACKAGE.glob("*/**/*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room in ("__init__", "__main__"):
            continue
        below = [name for name in imported(path) if number[name] > number[room]]
        wrong += [f"{path.relative_to(PACKAGE)} imports {name}" for name in below]
    assert sorted(wrong) == []
