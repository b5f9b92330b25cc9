"""The settings in conf/ as pages: every key with its default and what it means.

What a key means is the comment beside or above it; where there is none, what the docstring of the
object says whose argument it is, or what the same key is said to mean in a place that stands for
it (the group that a recipe changes, the score that a component is). `undocumented` names those of
which nothing is said.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

OUR_WAY = ("_target_", "_partial_", "_convert_", "defaults", "hydra")
"""Keys that are how settings are written, not settings."""


@dataclass
class Key:
    """One setting of a file.

    Attributes:
        name: Dotted, within its file.
        value: As written.
        text: What it means; empty where nothing says so.
    """

    name: str
    value: str
    text: str


def files(conf: Path) -> list[Path]:
    """All files of settings, entry points first; not Hydra's own."""
    found = sorted(conf.glob("*.yaml")) + sorted(conf.glob("*/*.yaml"))
    return [path for path in found if path.parent.name != "hydra"]


def header(path: Path) -> str:
    """What the file says of itself: its comment at the top."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# @package"):
            continue
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(lines)


def keys(path: Path, known: dict[str, str] | None = None) -> list[Key]:
    """All settings of a file, and what they mean.

    Args:
        path: The file.
        known: Last part of a name -> what it means elsewhere, for keys of which this file says
            nothing.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    node = yaml.compose(text)
    if not isinstance(node, yaml.MappingNode):
        return []
    return list(_walk(node, "", lines, {}, dict(known or {})))


def undocumented(conf: Path) -> list[str]:
    """`file: key` of every setting that nothing explains."""
    known = meanings(conf)
    return [
        f"{path.relative_to(conf)}: {key.name}"
        for path in files(conf)
        for key in keys(path, known)
        if not key.text
    ]


def meanings(conf: Path) -> dict[str, str]:
    """Last part of a name -> what the first file that explains it says."""
    found: dict[str, str] = {}
    for path in files(conf):
        for key in keys(path):
            if key.text:
                found.setdefault(key.name.rpartition(".")[2], key.text)
    return found


def page(conf: Path) -> str:
    """The whole reference as Markdown."""
    known = meanings(conf)
    grouped = False
    parts = [
        "# Settings\n\n",
        "Every key of every file in `conf/`, made from the files themselves. `key=value` on the "
        "command line changes a setting, `group=option` swaps a group, `--cfg job` shows the "
        "settings of a run without running it.\n",
    ]
    for path in files(conf):
        name = str(path.relative_to(conf).with_suffix(""))
        entry = "/" not in name
        if not entry and not grouped:
            grouped = True
            parts.append("\n## Groups\n")
        parts.append(f"\n{'##' if entry else '###'} {name.replace('/', '=')}\n")
        parts += [f"\n{_paragraph(header(path))}\n", _groups(path)]
        rows = keys(path, known)
        if rows:
            parts.append("\n| key | default | |\n|---|---|---|\n")
            parts += [
                f"| `{key.name}` | {_code(key.value)} | {_cell(key.text)} |\n" for key in rows
            ]
    return "".join(parts)


def _paragraph(text: str) -> str:
    """A header as prose; its commands, which are indented, as code."""
    out, fenced = [], False
    for line in text.splitlines():
        command = line.startswith("  ")
        if command != fenced:
            out.append("\n```text" if command else "```\n")
            fenced = command
        out.append(line.strip() if command else line)
    return "\n".join([*out, *(["```"] if fenced else [])])


def _groups(path: Path) -> str:
    """The defaults list: which groups there are."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r"\s+- (?:override /)?(\w+): ([\w/]+)\s*(?:# (.*))?$", line)
        if match and match[1] != "hydra":
            rows.append(f"| `{match[1]}` | {_code(match[2])} | {_cell(match[3] or '')} |\n")
    return "\n| group | option | |\n|---|---|---|\n" + "".join(rows) if rows else ""


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _walk(
    node: yaml.MappingNode,
    prefix: str,
    lines: list[str],
    above: dict[str, str],
    known: dict[str, str],
) -> Iterator[Key]:
    """Settings of a mapping, depth first.

    `above` is what the arguments of the object around them mean, and under "" what was said last
    of a mapping whose keys are values of one kind.
    """
    target = next((v.value for k, v in node.value if k.value == "_target_"), None)
    arguments = above | (arguments_of(target) if isinstance(target, str) else {})
    for key_node, value_node in node.value:
        name = str(key_node.value)
        if name in OUR_WAY:
            continue
        text = (
            _comment(key_node, value_node, lines) or arguments.get(name, "") or known.get(name, "")
        )
        text = text or _of_scores(name) or arguments.get("", "")
        if not text and _written(value_node) == "null":
            text = "none in this one"  # a recipe that leaves a part out
        full = f"{prefix}{name}"
        if isinstance(value_node, yaml.MappingNode) and value_node.value:
            inner = {"": text} if text else {}
            yield from _walk(value_node, f"{full}.", lines, arguments | inner, known)
        else:
            value = _written(value_node)
            yield Key(full, value, text)
            if text:
                known.setdefault(name, text)


def _written(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return f"[{', '.join(_written(item) for item in node.value)}]"
    return "{}"


def _comment(key: yaml.Node, value: yaml.Node, lines: list[str]) -> str:
    """The comment at the end of the line, or else those right above."""
    row = key.start_mark.line
    # A value in braces or brackets may hold a number sign; what follows its end is the comment.
    last = value.end_mark if not isinstance(value, yaml.MappingNode) else key.end_mark
    if isinstance(value, yaml.MappingNode) and value.flow_style:
        last = value.end_mark
    rest = (
        lines[last.line][last.column :] if last.line == row else lines[row][key.end_mark.column :]
    )
    match = re.search(r"(?:^|\s)#\s?(.*)$", rest)
    if match:
        return match[1].strip()
    found: list[str] = []
    while row > 0 and lines[row - 1].strip().startswith("#"):
        row -= 1
        found.insert(0, lines[row].strip().removeprefix("#").strip())
    if row == 0:  # the head of the file, which is about all of it
        return ""
    return " ".join(found)


def arguments_of(target: str) -> dict[str, str]:
    """What the docstring of a class or function says of each of its arguments."""
    from hydra.utils import get_object

    found: Any = get_object(target)
    homes = inspect.getmro(found) if inspect.isclass(found) else [found]
    texts: dict[str, str] = {}
    for home in homes:
        for name, text in _arguments(inspect.getdoc(home) or "").items():
            texts.setdefault(name, text)
    return texts


def _arguments(docstring: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    section, name = "", ""
    for line in docstring.splitlines():
        if re.match(r"\w[\w ]*:$", line):
            section, name = line[:-1], ""
        elif section in ("Args", "Attributes"):
            match = re.match(r" {4}\*{0,2}(\w+): (.*)$", line)
            if match:
                name = match[1]
                texts[name] = match[2]
            elif name and line.startswith(" " * 8):
                texts[name] += " " + line.strip()
    return texts


def _of_scores(name: str) -> str:
    """A reward component called as a score of the bench, or as a class of component."""
    from molgan.chem import SCORES
    from molgan.rewards import COMPONENTS

    if name in SCORES:
        info = SCORES[name]
        return f"{info.label}, {info.unit}"
    component = COMPONENTS.get(name)
    return (inspect.getdoc(component) or "").partition("\n")[0] if component else ""
