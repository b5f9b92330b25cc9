"""`PythonFunction`: a user's own function of SMILES as a component."""

from __future__ import annotations

import hashlib
import importlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from molgan.chem import Decoded
from molgan.errors import ConfigError
from molgan.rewards.components import BatchComponent, Scored, reason_of, scored
from molgan.rewards.transforms import Transform


@dataclass(frozen=True)
class PythonFunction(BatchComponent):
    """A function of your own: ``mypackage.scores:hardness``, or ``scores.py:hardness``.

    A module is looked for where Python looks and in the current folder, and is imported once in a
    process; a file is read against the current folder, anew for each component. Worker processes
    import it too, so it must be a plain function of a module.

    Attributes:
        function: ``module:name`` or ``file.py:name``.
        batch: True: it takes a list of SMILES and returns as many numbers. False: it takes one
            SMILES and returns a number. There is no default: guessing wrong would be silent.
        transform: What is good.

    Raises:
        ConfigError: If it cannot be imported, or is no function.
    """

    function: str
    batch: bool
    transform: Transform
    loaded: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Import it now, so that a mistake is said before any work."""
        if not isinstance(self.batch, bool):
            raise ConfigError(f"python: batch={self.batch} must be true or false")
        object.__setattr__(self, "loaded", _load(self.function))

    def __getstate__(self) -> dict[str, Any]:
        """Without the function, which other processes import for themselves."""
        return {**self.__dict__, "loaded": None}

    def _loaded(self) -> tuple[Callable[[Any], Any], str]:
        """The function and the digest of the code that it came from."""
        if self.loaded is None:
            object.__setattr__(self, "loaded", _load(self.function))
        found: tuple[Callable[[Any], Any], str] = self.loaded
        return found

    def identity(self) -> dict[str, Any]:
        """What decides the scores: the code of its module too."""
        return {
            "function": self.function,
            "code": self._loaded()[1],
            "batch": self.batch,
            "transform": self.transform,
        }

    def score_all(self, valid: Sequence[Decoded]) -> list[Scored]:
        """Call the function on the canonical SMILES of the molecules."""
        call = self._loaded()[0]
        smiles = [str(item.smiles) for item in valid]
        if not self.batch:
            return [_one(call, text) for text in smiles]
        try:
            return _several(call, smiles)
        except Exception as error:
            if len(smiles) == 1:
                return [(math.nan, reason_of(error))]
            # One molecule that it cannot take must not cost the others their scores.
            return [self._alone(call, text) for text in smiles]

    def _alone(self, call: Callable[[Any], Any], smiles: str) -> Scored:
        try:
            return _several(call, [smiles])[0]
        except Exception as error:
            return math.nan, reason_of(error)


def _one(call: Callable[[Any], Any], smiles: str) -> Scored:
    try:
        return scored(call(smiles))
    except Exception as error:
        return math.nan, reason_of(error)


def _several(call: Callable[[Any], Any], smiles: list[str]) -> list[Scored]:
    returned = call(list(smiles))
    try:
        values = list(returned)
    except TypeError:
        values = None
    if values is None or isinstance(returned, str):
        reason = f"the function returned {type(returned).__name__}, not a list of numbers"
    elif len(values) != len(smiles):
        reason = f"the function returned {len(values)} scores for {len(smiles)} molecules"
    else:
        return [scored(value) for value in values]
    return [(math.nan, reason)] * len(smiles)


def _is_file(function: str) -> bool:
    return function.rpartition(":")[0].endswith(".py")


def _load(function: str) -> tuple[Callable[[Any], Any], str]:
    """The function, and the SHA-256 of the file that it came from."""
    where, _, name = function.rpartition(":")
    if not where or not name:
        raise ConfigError(
            f"python: function={function!r} must be module:name or file.py:name, such as "
            "mypackage.scores:hardness"
        )
    try:
        module, digest = _module_of_file(where) if _is_file(function) else _module(where)
    except Exception as error:  # a module of a user raises what it likes
        raise ConfigError(
            f"python: function={function}: cannot import {where} ({reason_of(error)})"
        ) from error
    call = module
    for part in name.split("."):
        call = getattr(call, part, None)
    if not callable(call):
        raise ConfigError(f"python: function={function}: {where} has no function {name}")
    found: Callable[[Any], Any] = call
    return found, digest


@lru_cache(maxsize=64)
def _module(name: str) -> tuple[Any, str]:
    """Remembered with its digest: Python keeps the module too, whatever becomes of its file."""
    # Commands installed as scripts, unlike python -m, do not look into the current folder.
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    module = importlib.import_module(name)
    source = Path(getattr(module, "__file__", None) or "")
    return module, _sha256(source.read_bytes() if source.is_file() else b"")


def _module_of_file(path: str) -> tuple[Any, str]:
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"there is no such file (looked at {file.absolute()})")
    name = f"_molgan_user_{_sha256(str(file.absolute()).encode())[:12]}"
    code = file.read_bytes()
    module = ModuleType(name)
    module.__file__ = str(file)
    before = sys.modules.get(name)
    sys.modules[name] = module  # where dataclasses and pickle look for it
    try:
        # Not by import, which takes a file changed within a second for the one it has compiled.
        exec(compile(code, str(file), "exec"), module.__dict__)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module, _sha256(code)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
