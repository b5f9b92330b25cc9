"""What mkdocs asks while it builds: pages made from code, settings and cards of models.

mkdocs.yml names this file as a hook. Nothing is written into the checkout.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

#: Room -> what its page says first.
ROOMS = {
    "molgan": "The public names: a model, a data set, a library, an error.",
    "molgan.data": "Molecules in: sources, readers, splits, the dataset that training reads.",
    "molgan.chem": "What a chemist asks of one molecule, without torch.",
    "molgan.library": "Libraries: tables of molecules, with readers, writers and pictures.",
    "molgan.views": "What molecules, libraries and runs look like, in notebooks and files.",
    "molgan.metrics": "Figures by which generators are compared.",
    "molgan.rewards": "Objectives: scores, their transforms and their aggregate.",
    "molgan.screening": "From a file of molecules to hits with scores, and reasons for the others.",
    "molgan.qsar": "Models of measured properties.",
    "molgan.pretrained": "Ready models.",
    "molgan.config": "Settings, composed as the command line does.",
    "molgan.docking": "Docking with AutoDock Vina.",
    "molgan.training": "The loop over phases.",
    "molgan.models": "Networks.",
    "molgan.losses": "Adversarial objectives, penalties, losses of the reward network.",
    "molgan.errors": "Errors that a user can mend.",
}

# Pages that live elsewhere in the repository: place in the site -> file.
_ELSEWHERE = {
    **{
        f"models/{file.name}": f"molgan/pretrained/{file.name}"
        for file in sorted((ROOT / "molgan" / "pretrained").iterdir())
        if file.suffix in (".md", ".png")
    },
    "bundled-set.md": "data/README.md",
    "changes.md": "CHANGELOG.md",
}
_LINKS = {
    "../../molgan/pretrained": ".",
    "../molgan/pretrained": "models",
    "../../data/README.md": "../bundled-set.md",
    "../data/README.md": "bundled-set.md",
}


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Add the pages that are made, and those that live elsewhere."""
    from mkdocs.structure.files import File

    # Here and not above: mkdocs gives sys.path back as it was once it has read a hook.
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
    import configuration

    made = {"configuration.md": configuration.page(ROOT / "conf")}
    made |= {f"reference/{room}.md": _room(room, text) for room, text in ROOMS.items()}
    made["reference/index.md"] = "# Reference\n\n" + "".join(
        f"- [`{room}`]({room}.md): {text}\n" for room, text in ROOMS.items()
    )
    for place, text in made.items():
        files.append(File.generated(config, place, content=text))
    for place, source in _ELSEWHERE.items():
        if (ROOT / source).exists():
            content = (ROOT / source).read_bytes()
            files.append(File.generated(config, place, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to files of the repository lead to their pages; those without a page are text."""
    for link, page in _LINKS.items():
        markdown = re.sub(rf"\]\({re.escape(link)}(?=[/)])", f"]({page}", markdown)
    return re.sub(
        r"\[([^\]]+)\]\((?:\.\./)+(?:molgan|data|conf|tests|benchmarks)/[^)]*\)", r"\1", markdown
    )


@cache
def _package() -> Any:
    """The package as griffe reads it, without importing it."""
    import griffe

    return griffe.load("molgan", search_paths=[str(ROOT)], resolve_aliases=True)


def _room(room: str, text: str) -> str:
    """One page of the reference: public names of a package, from their own modules."""
    package = _package()
    module = package if room == "molgan" else package[room.removeprefix("molgan.")]
    if module.exports is None:  # a module of its own, not a package of re-exported names
        return f"# {room}\n\n{text}\n\n::: {room}\n    options:\n      heading_level: 2\n"
    parts = [f"# {room}\n\n{text}\n"]
    for name in sorted(map(str, module.exports), key=str.lower):
        if name.startswith("_"):
            continue
        found = module[name] if name in module.members else None
        if found is None or found.is_module:
            continue
        parts.append(f"\n::: {found.canonical_path}\n    options:\n      heading_level: 2\n")
    return "".join(parts)
