"""What is wrong with a setting, in one sentence that names the key and what may have been meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from molgan.errors import ConfigError

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

# A setting that holds a number or a switch may also be left to the program ...
_AUTO = "auto"
# ... and a switch may take a file in place of "true": the file to use.
_PATH = re.compile(r"[/\\]|\.\w+$")


def explain(error: BaseException, known: Sequence[str] = ()) -> str:
    """One sentence for an error of Hydra or OmegaConf.

    Args:
        error: the exception as they raised it.
        known: dotted keys that exist, from which a misspelt one is guessed.

    Returns:
        The sentence, without a final line break.
    """
    from hydra.errors import MissingConfigException, OverrideParseException
    from omegaconf.errors import InterpolationKeyError, MissingMandatoryValue

    text = str(error) or str(error.__cause__ or type(error).__name__)
    if isinstance(error, OverrideParseException):
        return (
            f"cannot read {error.override!r} as a setting: write key=value. Spaces, brackets and "
            "braces are taken apart by the shell: put single quotes around such a setting, as in "
            "'rules=[lipinski,veber]' or 'ranges={qed:[0.5,null]}'"
        )
    several = re.search(r"Ambiguous value for argument '([^=']+)=(.*)'", text)
    if several:
        return (
            f"{several[1]}={several[2]}: a list is written in brackets, with quotes for the shell: "
            f"'{several[1]}=[{several[2]}]'; a text with commas in quotes of its own: "
            f"{several[1]}=\"'{several[2]}'\""
        )
    if isinstance(error, MissingConfigException) and error.missing_cfg_file is not None:
        named = re.search(r"Available options in '([^']+)'", text)
        group = named.group(1) if named else error.missing_cfg_file.rpartition("/")[0]
        return _explain_missing_file(error.missing_cfg_file, group, error.options or ())
    if isinstance(error, MissingMandatoryValue):
        key = _full_key(error, text)
        return f"{key} must be given: add {key}=... to the command"
    if isinstance(error, InterpolationKeyError):
        return (
            f"{_full_key(error, text)} refers to a setting that does not exist: {_first_line(text)}"
        )
    unknown = re.search(r"Could not (?:override|delete)(?: from config\.)? '([^']+)'", text)
    if unknown:
        key = unknown.group(1)
        return f"there is no setting {key!r}{_did_you_mean(key, known)}"
    return _first_line(text)


def known_keys(config_name: str, overrides: Sequence[str]) -> list[str]:
    """Dotted keys of the settings as they are without the overrides that set single values.

    Hydra must be initialized. A choice that does not exist leaves the default in place.
    """
    groups, _ = _parse(overrides)
    return sorted(_baseline(config_name, groups))


def check_values(config_name: str, overrides: Sequence[str]) -> None:
    """Refuse a value of another kind than the setting holds, such as text for a number.

    Hydra must be initialized. Always allowed: null, `auto`, a path for a switch, and anything
    in place of a null or a text.

    Raises:
        ConfigError: naming the key, the value given and the present one.
    """
    from hydra.core.override_parser.types import OverrideType

    groups, values = _parse(overrides)
    present = _baseline(config_name, groups) if values else {}
    for override in values:
        key = override.key_or_group
        if (
            override.type != OverrideType.CHANGE
            or key not in present
            or override.is_sweep_override()
        ):
            continue
        wanted = _mismatch(present[key], _plain(override.value()))
        if wanted:
            raise ConfigError(f"{override.input_line}: {wanted}{_example(key, present[key])}")


def _explain_missing_file(path: str, group: str, options: Sequence[str]) -> str:
    if not group:
        return f"there is no settings file {path}.yaml in the settings folder"
    option = path.removeprefix(f"{group}/")
    close = difflib.get_close_matches(option, options, n=1)
    guess = f"; did you mean {group}={close[0]}?" if close else ""
    choices = ", ".join(options) or "none"
    return f"{group}={option}: there is no such option{guess} ({group} can be: {choices})"


def _did_you_mean(key: str, known: Sequence[str]) -> str:
    """A guess at what was meant: the same last word elsewhere, or a similar spelling."""
    *parents, last = key.split(".")
    same_word = [other for other in known if other.split(".")[-1] == last]
    siblings = [other for other in known if other.split(".")[:-1] == parents]
    others = [other for other in known if not key.startswith(f"{other}.")]
    similar = difflib.get_close_matches(key, [*siblings, *others], n=3, cutoff=0.75)
    guesses = list(dict.fromkeys([*same_word, *similar]))[:3]
    if guesses:
        return f"; did you mean {' or '.join(guesses)}?"
    if siblings and parents:
        names = ", ".join(other.split(".")[-1] for other in siblings)
        return f" ({'.'.join(parents)} holds: {names})"
    return "; --help lists all settings"


def _parse(overrides: Sequence[str]) -> tuple[list[str], list[Override]]:
    """Overrides that choose an option of a group, as typed; and those that set single values."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    loader = GlobalHydra.instance().config_loader()
    parser = OverridesParser.create(config_loader=loader)
    groups: list[str] = []
    values: list[Override] = []
    for text in overrides:
        try:
            override = parser.parse_override(text)
        except HydraException:
            continue  # composing has refused it already
        if loader.get_group_options(override.key_or_group):
            groups.append(text)
        else:
            values.append(override)
    return groups, values


def _baseline(config_name: str, groups: Sequence[str]) -> dict[str, Any]:
    """Dotted keys and values before single ones are set; empty if not even the defaults compose."""
    from hydra import compose
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    for attempt in (list(groups), []):
        try:
            return _flatten(compose(config_name=config_name, overrides=attempt))
        except (HydraException, OmegaConfBaseException):
            continue
    return {}


def _flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value, for branches as well as for leaves; references stay unresolved."""
    from omegaconf import DictConfig, OmegaConf

    plain: Any = node
    if isinstance(node, DictConfig):
        plain = OmegaConf.to_container(node, resolve=False)
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        flat[f"{prefix}{key}"] = value
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
    return flat


def _plain(value: Any) -> Any:
    """Hydra keeps a quoted text as an object of its own; molgan cares only for the text."""
    from hydra.core.override_parser.types import QuotedString

    return value.text if isinstance(value, QuotedString) else value


def _mismatch(present: Any, given: Any) -> str | None:
    """What kind of value is wanted instead of `given`, or None if it will do."""
    text = given if isinstance(given, str) else None
    if given is None or present is None or text == _AUTO or (text or "").startswith("${"):
        return None
    if isinstance(present, str):
        # A reference or a missing value may stand for anything.
        free = present == "???" or present.startswith("${")
        return (
            None if free or not isinstance(given, dict | list) else "a single value is wanted here"
        )
    if isinstance(present, bool):
        fits = isinstance(given, bool) or bool(text and _PATH.search(text))
        return None if fits else "true or false is wanted here"
    if isinstance(present, int | float):
        number = isinstance(given, int | float) and not isinstance(given, bool)
        return None if number else "a number is wanted here"
    if isinstance(present, list):
        return None if isinstance(given, list) else "a list is wanted here"
    if isinstance(present, dict):
        return None if isinstance(given, dict) else "this is a group of settings, not one value"
    return None


def _full_key(error: BaseException, text: str) -> str:
    found = getattr(error, "full_key", None) or re.search(r"full_key: (\S+)", text)
    if isinstance(found, re.Match):
        return found.group(1)
    return str(found or re.sub(r"^.*: ", "", _first_line(text)))


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[0] if lines else "unknown error"


def _example(key: str, value: Any) -> str:
    """The present value as an example of how to write one."""
    if isinstance(value, dict):
        return f"; the settings in {key} are {', '.join(map(str, value)) or 'none'}"
    if isinstance(value, list):
        return f", as in {key}=[{','.join(map(str, value))}]"
    return f", as in {key}={str(value).lower() if isinstance(value, bool) else value}"
