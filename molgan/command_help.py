"""What `--help` shows: a command's settings with the words that conf/ has for them.

The files themselves are printed, comments and all: what a user reads is what is composed.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from molgan import config

_WIDTH = 118
# How settings are written, not settings; the entry points' own block for Hydra goes with them.
_OURS = re.compile(r"^\s*(_target_|_partial_|_convert_):")
_GROUP = re.compile(r"^  - (\w+): (\w+)(?:\s+# (.*))?$")

_FOOTER = """\
KEY=VALUE changes a setting, GROUP=OPTION swaps a group; null means none. Inner settings are joined
by dots, pick.n=100; brackets and braces need quotes: 'rules=[veber]' 'ranges={qed:[0.5,null]}'.
--cfg job shows the settings of a run without running it; traceback=true where an error arose."""


def help_text(config_name: str, overrides: Sequence[str] = (), folder: Path | None = None) -> str:
    """Usage, groups with their options, and every setting with its default and what it means.

    Args:
        config_name: the settings file in conf/, without `.yaml`.
        overrides: what was typed besides `--help`; chosen options are shown in place of defaults.
        folder: another settings folder; None is molgan's own.

    Raises:
        ConfigError: for settings that cannot be composed.
    """
    folder = folder or config.config_dir()
    lines = (folder / f"{config_name}.yaml").read_text(encoding="utf-8").splitlines()
    chosen = config.choices(overrides, config_name, folder)
    found = [match for match in map(_GROUP.match, lines) if match and match[1] in chosen]
    groups = {match[1]: match[3] or "" for match in found}
    more = " [GROUP=OPTION ...]" if groups else ""
    parts = [f"usage: python -m molgan.{config_name.replace('_', ' ')} [KEY=VALUE ...]{more}"]
    if lines[0].startswith("#"):  # `# python -m molgan.train: what it does`
        parts.append(lines[0].partition(": ")[2])
    if groups:
        parts += ["", "Groups:"]
    for group, words in groups.items():
        parts += _group(group, chosen[group], words, folder)
    parts += ["", "Settings:", *_renamed(_body(lines), config_name)]
    for group in groups:
        option = chosen[group]
        if option in (None, "none"):
            continue
        text = (folder / group / f"{option}.yaml").read_text(encoding="utf-8").splitlines()
        recipe = any(line.startswith("# @package _global_") for line in text)
        head = f"{group}={option} sets:" if recipe else f"{group}: # of {group}={option}"
        parts += ["", head, *(f"  {line}" for line in _body(text))]
    return "\n".join([*parts, "", _FOOTER])


def _group(group: str, option: str | None, words: str, folder: Path) -> list[str]:
    """The group with its present option, and below it what else it can be."""
    options = sorted(path.stem for path in (folder / group).glob("*.yaml"))
    text = textwrap.fill(
        ", ".join(options), _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
    )
    return [f"  {group}={option or 'null'}" + (f" # {words}" if words else ""), text]


def _body(lines: Sequence[str]) -> list[str]:
    """A file's settings with their comments: no head, no defaults list, no block for Hydra."""
    kept: list[str] = []
    started = skipping = False
    for line in lines:
        if not started and (line.startswith("#") or not line.strip()):
            continue
        started = True
        if re.match(r"(defaults|hydra):", line):
            skipping = True
        elif skipping and (line.startswith(" ") or not line.strip()):
            continue
        else:
            skipping = False
            if not _OURS.match(line) and line.strip() != "{}":
                kept.append(line)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _renamed(lines: list[str], config_name: str) -> list[str]:
    """Settings as they are typed, and `???` in words."""
    key = config.RENAMED.get(config_name)
    lines = [re.sub(rf"^{key}_path:", f"{key}:", line) for line in lines] if key else lines
    return [re.sub(r"^(\w+): \?\?\?", r"\1: (to be given)", line) for line in lines]
