"""Every setting and every public name says what it is."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from molgan import config

ROOT = Path(__file__).resolve().parents[1]
GENERATOR = ROOT / "docs" / "gen" / "configuration.py"
SITE = ROOT / "docs" / "gen" / "site.py"
#: Rooms of the reference, as the site lists them.
ROOMS = re.findall(r'^    "(molgan[\w.]*)": "', SITE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script that makes the settings' page."""
    spec = importlib.util.spec_from_file_location("molgan_docs_configuration", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    importlib.import_module("sys").modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_every_setting_is_explained(generator: ModuleType):
    assert generator.undocumented(config.config_dir()) == []


def test_a_setting_that_nothing_explains_is_found(generator: ModuleType, tmp_path: Path):
    (tmp_path / "a.yaml").write_text(
        "# About the file.\n"
        "said: 1 # what it is\n"
        "# What the next is.\n"
        "above: 2\n"
        "unsaid: 3\n"
        'text: "a # b"\n'
        "phase:\n"
        "  _target_: molgan.training.Evaluation\n"
        "  samples: 5\n"
        "  charm: 6\n"
    )
    assert generator.undocumented(tmp_path) == [
        "a.yaml: unsaid",
        "a.yaml: text",
        "a.yaml: phase.charm",
    ]
    said = {key.name: key.text for key in generator.keys(tmp_path / "a.yaml")}
    assert said["said"] == "what it is"
    assert said["above"] == "What the next is."
    assert said["phase.samples"].startswith("molecules drawn at each evaluation")


def test_the_page_of_settings_holds_each_file_and_its_defaults(generator: ModuleType):
    page = generator.page(config.config_dir())
    for path in generator.files(config.config_dir()):
        name = str(path.relative_to(config.config_dir()).with_suffix("")).replace("/", "=")
        assert f"# {name}\n" in page
    assert "| `n` | `10000` | molecules to write" in page


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_explained(room: str):
    module = importlib.import_module(room)
    silent = [name for name in _public(module) if not _explained(module, name)]
    assert silent == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_argument_is_explained(generator: ModuleType, room: str):
    silent = []
    for call in _calls(importlib.import_module(room)):
        said = {name for text in call.texts for name in generator._arguments(text)}
        silent += [f"{call.name}: {argument}" for argument in call.arguments - said]
    assert sorted(silent) == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_error_is_named(room: str):
    silent = []
    for call in _calls(importlib.import_module(room)):
        text = "".join(call.texts)
        silent += [f"{call.name}: {error}" for error in call.errors if error not in text]
    assert sorted(silent) == []


def test_what_is_not_explained_is_found(generator: ModuleType):
    class Above:
        """Read in notebooks.

        Attributes:
            length: in atoms.
        """

        def say(self, word: str, loud: bool) -> None:  # noqa: D417 (that is the point)
            """Say it.

            Args:
                word: what to say.
            """

    class Below(Above):
        def __init__(self, length: int, width: int) -> None:
            if width < 0:
                raise ValueError("too narrow")

        def say(self, word: str, loud: bool) -> None:
            raise KeyError(word)

    calls = {call.name: call for call in _calls_of("Below", Below)}
    assert sorted(calls) == ["Below", "Below.say"]
    assert calls["Below"].arguments == {"length", "width"}
    assert calls["Below"].errors == {"ValueError"}
    assert calls["Below.say"].errors == {"KeyError"}
    for name, silent in {"Below": {"width"}, "Below.say": {"loud"}}.items():
        said = {word for text in calls[name].texts for word in generator._arguments(text)}
        assert calls[name].arguments - said == silent


@dataclass
class Call:
    """Something public that can be called.

    Attributes:
        name: as written in the reference.
        arguments: that must be explained.
        errors: names of the classes that its own body raises.
        texts: docstrings that may explain it: its own, and those of what it stands in for in the
            classes above its own.
    """

    name: str
    arguments: set[str]
    errors: set[str]
    texts: list[str]


def _calls(module: ModuleType) -> Iterator[Call]:
    for name in _public(module):
        value = getattr(module, name)
        if inspect.isclass(value) and not issubclass(value, Exception):
            yield from _calls_of(name, value)
        elif inspect.isfunction(value):
            yield Call(name, _arguments(value), _raised(value), [inspect.getdoc(value) or ""])


def _calls_of(name: str, kind: type) -> Iterator[Call]:
    """A class: making one, and its methods."""
    homes = inspect.getmro(kind)
    made = [vars(kind)[key] for key in ("__init__", "__post_init__") if key in vars(kind)]
    made = [one for one in made if one.__module__ == kind.__module__]  # not of typing.Protocol
    texts = [inspect.cleandoc(one.__doc__ or "") for one in (*homes, *made)]
    yield Call(name, _arguments(kind), set().union(*map(_raised, made)), texts)
    for key, value in vars(kind).items():
        one = getattr(value, "__func__", value)  # of a class method
        if key[0] != "_" and inspect.isfunction(one):
            above = [getattr(home, key) for home in homes if key in vars(home)]
            texts = [inspect.cleandoc(method.__doc__ or "") for method in above]
            yield Call(f"{name}.{key}", _arguments(one), _raised(one), texts)


def _arguments(value: Callable[..., Any]) -> set[str]:
    names = inspect.signature(value).parameters
    return {name for name in names if name[0] != "_"} - {"self", "cls", "args", "kwargs"}


def _raised(value: Callable[..., Any]) -> set[str]:
    """Classes of errors that a function's own body raises and lets out."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    except (OSError, TypeError):  # made by dataclasses
        return set()
    raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    calls = [error.func if isinstance(error, ast.Call) else error for error in raised]
    names = {call.id for call in calls if isinstance(call, ast.Name) and call.id[0].isupper()}
    # What the system says, a function here puts into its own words before it leaves.
    inner = {name for name in names if issubclass(vars(builtins).get(name, Exception), OSError)}
    return names - inner - {"AssertionError", "NotImplementedError"}


def _public(module: ModuleType) -> list[str]:
    """Names of `__all__`; of a module without it, those that it defines."""
    here = [
        name
        for name, value in vars(module).items()
        if name[0] != "_" and getattr(value, "__module__", None) == module.__name__
    ]
    return list(getattr(module, "__all__", here))


def _explained(module: ModuleType, name: str) -> bool:
    value = getattr(module, name)
    if inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value):
        return bool(inspect.getdoc(value))
    if name.startswith("__"):
        return True
    folder = Path(module.__file__ or "").parent
    return any(_has_words(path, name) for path in folder.rglob("*.py"))


def _has_words(path: Path, name: str) -> bool:
    """Whether a module assigns the name, with a text below it or a comment above or beside it."""
    text = path.read_text(encoding="utf-8")
    if name not in text:
        return False
    lines, body = text.splitlines(), ast.parse(text).body
    for place, node in enumerate(body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if not any(isinstance(target, ast.Name) and target.id == name for target in targets):
            continue
        after = body[place + 1] if place + 1 < len(body) else None
        below = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        above = lines[node.lineno - 2].strip().startswith("#")
        return below or above or " # " in lines[node.lineno - 1]
    return False
