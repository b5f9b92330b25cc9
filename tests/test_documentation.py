"""Every setting and every public name says what it is."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from molgan import config

ROOT = Path(__file__).resolve().parents[1]
GENERATOR = ROOT / "docs" / "gen" / "configuration.py"
SITE = ROOT / "docs" / "gen" / "site.py"
#: Rooms of the reference, as the site lists them.
ROOMS = re.findall(r'^    "(molgan[\w.]*)": "', SITE.read_text(encoding="utf-8"), re.MULTILINE)
#: Those that chemists use: here every argument is explained too.
EVERYDAY = ["molgan", "molgan.config", "molgan.docking", "molgan.pretrained", "molgan.views"]


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


@pytest.mark.parametrize("room", EVERYDAY)
def test_every_argument_of_everyday_use_is_explained(generator: ModuleType, room: str):
    module = importlib.import_module(room)
    silent = []
    for name in _public(module):
        value = getattr(module, name)
        if not callable(value) or (inspect.isclass(value) and issubclass(value, Exception)):
            continue
        members = {name: value}
        if inspect.isclass(value):
            members |= {f"{name}.{key}": one for key, one in vars(value).items() if key[0] != "_"}
        for label, one in members.items():
            if not inspect.isfunction(one) and one is not value:
                continue
            said = generator._arguments(inspect.getdoc(one) or "")
            needed = set(inspect.signature(one).parameters) - {"self", "args", "kwargs"}
            silent += [f"{label}: {missing}" for missing in sorted(needed - said.keys())]
    assert silent == []


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
