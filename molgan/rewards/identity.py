"""What decides the scores of an objective, as plain data: for caches, manifests, resumed runs."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def identity_of(value: Any) -> Any:
    """A value as plain, JSON-able data that is the same for equal values and for no others.

    Files stand for their content, arrays for their bytes, objects for their class, the code of its
    module, and what their `identity()` says, else their fields or attributes.

    Args:
        value: A component, a transform, a setting.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return {"content": _content(value)} if value.exists() else str(value)
    if isinstance(value, np.ndarray):
        data = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"array": data, "shape": list(value.shape), "type": str(value.dtype)}
    if isinstance(value, Mapping):
        return {str(key): identity_of(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [identity_of(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(identity_of(item)) for item in value)
    return {"class": _class_of(value), "code": _code_of(type(value)), "settings": _settings(value)}


def digest_of(value: Any) -> str:
    """SHA-256 of `identity_of`, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(identity_of(value), sort_keys=True).encode()).hexdigest()


def settings_of(value: Any) -> dict[str, Any]:
    """Class and settings of a component or transform as a person wrote them, for manifests."""
    plain: dict[str, Any] = {"class": _class_of(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.init and field.compare:
                plain[field.name] = _readable(getattr(value, field.name))
    return plain


def _readable(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _readable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(item) for item in value]
    return settings_of(value) if dataclasses.is_dataclass(value) else str(value)


def _settings(value: Any) -> Any:
    own = getattr(value, "identity", None)
    if callable(own):
        return identity_of(own())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: identity_of(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.compare
        }
    try:
        return {"pickle": hashlib.sha256(pickle.dumps(value)).hexdigest()}
    except Exception:  # what cannot be pickled raises what it likes
        return {}


def _class_of(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def _code_of(kind: type) -> str | None:
    """Digest of the module of a class: scores change with the code that makes them."""
    try:
        file = inspect.getsourcefile(kind)
    except TypeError:
        return None
    return None if file is None or not Path(file).is_file() else _content(Path(file))


def _content(path: Path) -> str:
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()
