"""Ready models: bundles that come with molgan, each with its card, facts and picture beside it.

    from molgan import MolGAN, pretrained
    pretrained.available()
    model = MolGAN.from_pretrained("qm9")
    print(pretrained.card("qm9"))

A model is three files in this folder, and a picture: `NAME.molgan`, `NAME.md` (the card, for
people) and `NAME.json` (the card's facts and figures). `python -m molgan.release` writes them;
nothing about them is written in code.
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

from molgan.errors import BundleError

#: Of bundles; not in molgan.bundle_file, so that looking for a model does not import torch.
SUFFIX = ".molgan"
FOLDER = Path(__file__).parent


def available() -> list[str]:
    """Names of the ready models, sorted."""
    return sorted(file.stem for file in FOLDER.glob(f"*{SUFFIX}"))


def path(name: str) -> Path:
    """The bundle of a ready model.

    Args:
        name: of the model, one of `available()`.

    Raises:
        BundleError: for an unknown name; it lists those there are.
    """
    names = available()
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        guess = f"did you mean {close[0]!r}? " if close else ""
        held = f"there are: {', '.join(names)}" if names else "this installation holds none"
        file = "; a file or run folder is read with MolGAN.load" if Path(name).exists() else ""
        raise BundleError(f"there is no ready model {name!r}: {guess}{held}{file}")
    return FOLDER / f"{name}{SUFFIX}"


def card(name: str) -> str:
    """The card of a ready model, as Markdown: data, recipe, figures, intended use, limits.

    Args:
        name: of the model, one of `available()`.

    Raises:
        BundleError: for an unknown name, or a model without a card.
    """
    return _beside(name, ".md")


def facts(name: str) -> dict[str, Any]:
    """What the card of a ready model is made of; `molgan.release.cards` says what that is.

    Args:
        name: of the model, one of `available()`.

    Raises:
        BundleError: for an unknown name, or a model without facts.
    """
    found: dict[str, Any] = json.loads(_beside(name, ".json"))
    return found


def _beside(name: str, suffix: str) -> str:
    file = path(name).with_suffix(suffix)
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise BundleError(
            f"the ready model {name!r} has no {file.name}: reinstall molgan"
        ) from error
