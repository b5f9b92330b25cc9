"""Short names of components and transforms, and objectives made from plain data.

A component is looked up among molgan's own, then the scores of the library bench, then the plug-ins
that installed packages offer, then RDKit's descriptors. A plug-in is an entry point of the group
``molgan.components`` that names a class or function; called with the settings of the component it
returns a `Component`:

    [project.entry-points."molgan.components"]
    carbon_share = "my_package.scores:CarbonShare"
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

from molgan.chem.scores import SCORES, rdkit_descriptor
from molgan.errors import ConfigError, MolganError
from molgan.rewards.command import Command
from molgan.rewards.components import QED, Component, LogP, SAScore, Uniqueness, Validity
from molgan.rewards.models import QSAR, DockingScore
from molgan.rewards.python_function import PythonFunction
from molgan.rewards.scores import Score
from molgan.rewards.similarity import Dissimilarity, Novelty, Similarity
from molgan.rewards.structures import AlertPenalty, Scaffold, Substructure
from molgan.rewards.transforms import TRANSFORMS, Transform

ENTRY_POINTS = "molgan.components"

COMPONENTS: dict[str, Callable[..., Component]] = {
    "qed": QED,
    "logp": LogP,
    "sa": SAScore,
    "validity": Validity,
    "uniqueness": Uniqueness,
    "score": Score,
    "similarity": Similarity,
    "dissimilarity": Dissimilarity,
    "novelty": Novelty,
    "substructure": Substructure,
    "scaffold": Scaffold,
    "alerts": AlertPenalty,
    "python": PythonFunction,
    "command": Command,
    "qsar": QSAR,
    "docking": DockingScore,
}
"""molgan's own components by their short names."""


# Settings of every component, taken before it is made.
_OF_ANY = ("type", "weight", "required")


def make_component(name: str, settings: Mapping[str, Any]) -> Component:
    """Build a component from plain data.

    Args:
        name: What it is called in the objective, for messages; also its type if there is none.
        settings: ``type`` (see the module), ``transform`` (see `make_transform`), and the settings
            of the type.

    Raises:
        ConfigError: If the type is unknown, or a setting cannot work; it names the component.
        MolganError: If a file cannot be used.
    """
    given = dict(settings)
    kind = str(given.pop("type", name))
    where = f"reward component {name}"
    try:
        if "transform" in given:
            given["transform"] = make_transform(given["transform"])
        factory, fixed = _factory(kind)
        made = _call(factory, kind, {**fixed, **given}, _OF_ANY)
    except MolganError as error:
        raise type(error)(f"{where}: {error}") from error
    transform = getattr(made, "transform", None)
    if not callable(made) or not callable(transform) or not hasattr(made, "batch_level"):
        raise ConfigError(
            f"{where}: {kind} makes no component: it must be callable on a batch of molecules and "
            "have transform and batch_level, as molgan.rewards.MoleculeComponent has"
        )
    component: Component = made
    return component


def make_transform(spec: Any) -> Transform:
    """Build a transform from plain data.

    Args:
        spec: A transform; its name; or a mapping with ``type`` and its settings.

    Raises:
        ConfigError: If there is no such transform, or its settings contradict each other.
    """
    if callable(spec):
        made: Transform = spec
        return made
    given = {"type": spec} if isinstance(spec, str) else dict(spec or {})
    kind = str(given.pop("type", None))
    if kind not in TRANSFORMS:
        raise ConfigError(
            f"transform: there is no type {kind!r}{_near(kind, TRANSFORMS)}; there are "
            + ", ".join(TRANSFORMS)
        )
    made = _call(TRANSFORMS[kind], f"transform {kind}", given)
    return made


def plug_ins() -> dict[str, metadata.EntryPoint]:
    """Components that installed packages offer, by name; the first package of a name counts."""
    found: dict[str, metadata.EntryPoint] = {}
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        found.setdefault(entry.name, entry)
    return found


def _factory(kind: str) -> tuple[Callable[..., Any], dict[str, Any]]:
    if kind in COMPONENTS:
        return COMPONENTS[kind], {}
    if kind in SCORES:
        return Score, {"name": kind}
    offered = plug_ins()
    if kind in offered:
        entry = offered[kind]
        try:
            factory = entry.load()
        except Exception as error:  # a foreign module raises what it likes
            raise ConfigError(
                f"the plug-in {entry.value} cannot be loaded ({type(error).__name__}: {error})"
            ) from error
        if not callable(factory):
            raise ConfigError(f"the plug-in {entry.value} is neither a class nor a function")
        return factory, {}
    try:
        rdkit_descriptor(kind)
    except ConfigError as error:
        known = list(dict.fromkeys([*COMPONENTS, *SCORES, *offered]))
        raise ConfigError(
            f"there is no component {kind!r}{_near(kind, known)}; there are {', '.join(known)}, "
            f"and RDKit's descriptors by name ({error})"
        ) from error
    return Score, {"name": kind}


def _call(
    factory: Callable[..., Any], kind: str, settings: dict[str, Any], more: Sequence[str] = ()
) -> Any:
    """Call a factory; arguments that do not fit are a mistake in the settings.

    `more` names settings that there are besides, for the message.
    """
    try:
        known = inspect.signature(factory).parameters
    except ValueError:  # of some classes written in C
        known = None
    if known is not None:
        open_ended = any(each.kind is each.VAR_KEYWORD for each in known.values())
        unknown = [] if open_ended else [key for key in settings if key not in known]
        missing = [
            name
            for name, each in known.items()
            if name not in settings
            and each.default is each.empty
            and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        ]
        if unknown or missing:
            names = [*known, *more]
            wrong = f"{missing[0]} must be given" if missing else ""
            if unknown:
                wrong = f"there is no {unknown[0]}{_near(unknown[0], names)}"
            listed = ", ".join(names) or "none"
            raise ConfigError(f"{kind}: {wrong}; its settings are {listed}")
    try:
        return factory(**settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{kind}: {error}") from error


def _near(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=2)
    return f" (did you mean {' or '.join(close)}?)" if close else ""
