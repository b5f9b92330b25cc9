"""Composing a run's settings from conf/, for the entry points and for notebooks.

    from molgan import config
    cfg = config.compose(["data=qm9", "data.path=qm9.csv.gz", "seed=1"])

Configuration stops at the entry points: everything below them takes plain arguments.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molgan.errors import ConfigError

if TYPE_CHECKING:
    from omegaconf import DictConfig

HYDRA_VERSION_BASE = "1.3"

RENAMED = {"generate": "model", "explore": "model", "qsar_fit": "data", "qsar_predict": "model"}
"""Command -> the setting that it calls `KEY_path` because conf/KEY is a group of another one."""


STRUCTURES = {"generate": ("contains",), "explore": ("lead", "to", "contains")}
"""Command -> settings that hold SMILES or SMARTS, whose signs mean other things to Hydra."""


# Values that Hydra reads as they are typed.
_PLAIN = re.compile(r"[\w/.:+-]*", re.ASCII)


def config_dir() -> Path:
    """The folder that holds train.yaml and its groups, as an absolute path.

    An installed package carries a copy inside itself; a checkout and an editable install use conf/
    at the repository's root.

    Raises:
        ConfigError: there is neither.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "conf", package.parent / "conf"):
        if candidate.is_dir():
            return candidate
    raise ConfigError(
        f"the settings folder conf/ is in neither {package} nor {package.parent}; reinstall molgan"
    )


def compose(
    overrides: Sequence[str] = (), config_name: str = "train", directory: Path | None = None
) -> DictConfig:
    """Compose settings as the command line would, any number of times in one process.

    Args:
        overrides: what one would type after the command, such as `data=qm9` or `seed=1`.
        config_name: the file in conf/ to start from, without `.yaml`: train, generate or evaluate.
        directory: another folder to compose from; None is molgan's own.

    Returns:
        The settings. Interpolations are resolved as they are read; see `to_plain`.

    Raises:
        ConfigError: an unknown key or option, or a value of another kind than the setting holds.
            The message names the key and what may have been meant.
    """
    from hydra import compose as hydra_compose
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from molgan import config_checks

    overrides = as_hydra_reads(overrides, config_name)
    with _initialized(directory or config_dir()):
        try:
            cfg = hydra_compose(config_name=config_name, overrides=overrides)
        except (HydraException, OmegaConfBaseException) as error:
            known = config_checks.known_keys(config_name, overrides)
            raise ConfigError(config_checks.explain(error, known)) from error
        config_checks.check_values(config_name, overrides)
    return cfg


def choices(
    overrides: Sequence[str] = (), config_name: str = "train", directory: Path | None = None
) -> dict[str, str | None]:
    """Which option of each group is composed; None for a group that is left out.

    Args:
        overrides: as for `compose`, and so are the others.
        config_name: the file in conf/.
        directory: another folder to compose from.

    Raises:
        ConfigError: as `compose` does.
    """
    from hydra import compose as hydra_compose

    directory = directory or config_dir()
    compose(overrides, config_name, directory)  # which says in a sentence what is wrong
    typed = as_hydra_reads(overrides, config_name)
    with _initialized(directory):
        cfg = hydra_compose(config_name, overrides=typed, return_hydra_config=True)
    chosen = {str(key): value for key, value in cfg.hydra.runtime.choices.items()}
    return {key: value for key, value in chosen.items() if not key.startswith("hydra")}


def as_hydra_reads(overrides: Sequence[str], config_name: str) -> list[str]:
    """Settings as typed, with those renamed that Hydra would take for something else.

    To Hydra, `model=...` chooses an option of the group conf/model, whatever the command; to
    molgan.generate it is the model's file or folder, `model_path` in generate.yaml. The same holds
    for `data=` and `model=` of molgan.qsar. And `data=molecules.smi` is short for that file as data
    of molgan.train, `reference=molecules.smi` as reference, `reward=mine.yaml` as reward.
    `condition.logp=2.5` of molgan.generate names what only the model knows. SMILES and SMARTS are
    quoted, and so is a text that Hydra's grammar has no place for. A setting such as
    `reward.transform={type: linear, ...}` takes the place of the transform that is there, of whose
    settings another type knows nothing.

    Args:
        overrides: settings as typed.
        config_name: the command's file in conf/, without `.yaml`.
    """
    groups = ("reference", "reward", *(("data",) if config_name == "train" else ()))
    overrides = [text for typed in overrides for text in _own_file(typed, groups)]
    overrides = [_quoted(text, STRUCTURES.get(config_name, ())) for text in overrides]
    overrides = [text for typed in overrides for text in _whole_transform(typed)]
    overrides = [_readable(text) for text in overrides]
    if config_name == "generate":
        overrides = [re.sub(r"^(condition[.=])", r"++\1", text) for text in overrides]
    if config_name in RENAMED:
        key = RENAMED[config_name]
        return [re.sub(rf"^(\+{{0,2}}){key}=", rf"\1{key}_path=", text) for text in overrides]
    return overrides


def _quoted(typed: str, keys: Sequence[str]) -> str:
    """`lead=CC(=O)N` with the quotes that Hydra needs; other settings as they are."""
    key, _, value = typed.partition("=")
    plain = value and value != "null" and value[0] not in "'\""
    return f"{key}='{value}'" if key in keys and plain else typed


def _readable(typed: str) -> str:
    """`out=Müller (1)/a.smi` with the quotes that Hydra needs; what Hydra reads stays as it is.

    A tilde at the beginning is the home folder: zsh leaves `out=~/a.smi` as it is.
    """
    key, found, value = typed.partition("=")
    if value.startswith("~/"):
        value = os.path.expanduser(value)
        typed = f"{key}={value}"
    if not found or _PLAIN.fullmatch(value) or value.startswith(("[", "{", "'", '"')):
        return typed

    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Quote, QuotedString
    from hydra.errors import HydraException

    try:
        OverridesParser.create().parse_override(typed)
    except HydraException:
        return f"{key}={QuotedString(value, Quote.single).with_quotes()}"
    return typed


def _whole_transform(typed: str) -> list[str]:
    """A transform with its type as the two settings that replace one; others as they are."""
    found = re.fullmatch(r"(reward[\w.]*\.transform)=(\{.*\btype *:.*\})", typed)
    return [f"~{found[1]}", f"+{found[1]}={found[2]}"] if found else [typed]


def _own_file(typed: str, groups: Sequence[str]) -> list[str]:
    """`GROUP=FILE` as the two settings that it means; others as they are."""
    key, _, value = typed.partition("=")
    # The options of these groups have neither an ending nor a folder.
    if key not in groups or not re.search(r"[./\\~]", value):
        return [typed]
    return [f"{key}=file", f"{key}.path={value}"]


def to_plain(cfg: DictConfig) -> dict[str, Any]:
    """Settings as plain dictionaries, lists, numbers and strings, with all references resolved.

    Args:
        cfg: settings as `compose` gives them.

    Raises:
        ConfigError: a reference leads nowhere, or a setting that must be given is missing.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from molgan import config_checks

    try:
        plain = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(config_checks.explain(error)) from error
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def flat_settings(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value of every setting that is no group; an empty group holds none.

    Args:
        config: plain settings, nested.
        prefix: of the keys.
    """
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= flat_settings(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def given(cfg: DictConfig, group: str) -> dict[str, Any]:
    """The settings of a group that are not null, as plain data.

    Args:
        cfg: composed settings.
        group: its key.
    """
    settings = to_plain(cfg)[group]
    return {key: value for key, value in settings.items() if value is not None}


def whole_number(cfg: DictConfig, key: str, least: int) -> int:
    """The value of a setting that counts something.

    Args:
        cfg: settings.
        key: dotted name of the setting.
        least: smallest number allowed.

    Raises:
        ConfigError: for null, a fraction or a number below `least`.
    """
    value = cfg[key]
    if not isinstance(value, int | float) or not float(value).is_integer() or value < least:
        shown = "null" if value is None else value
        raise ConfigError(f"{key}={shown}: a whole number from {least} up is wanted")
    return int(value)


def real_number(cfg: DictConfig, key: str) -> float | None:
    """The value of a setting that may be left to the program with null.

    Args:
        cfg: settings.
        key: dotted name of the setting.

    Raises:
        ConfigError: for anything but a number or null.
    """
    value = cfg[key]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{key}={value}: a number or null is wanted")
    return float(value)


@contextmanager
def _initialized(directory: Path) -> Iterator[None]:
    """Hydra set up for `directory`, whether or not a Hydra application is already running.

    Hydra keeps one global instance and refuses a second; the outer one is put back afterwards.
    """
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(
            version_base=HYDRA_VERSION_BASE, config_dir=str(directory.resolve())
        ):
            yield
    finally:
        GlobalHydra.instance().clear()
        if outer is not None:
            GlobalHydra.instance().initialize(outer)
