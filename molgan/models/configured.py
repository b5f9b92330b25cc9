"""Networks that remember how they were made, so that a saved model is rebuilt without guessing."""

from __future__ import annotations

import functools
import inspect
from typing import Any, TypeVar

import numpy as np
from torch import nn

from molgan.errors import BundleError

N = TypeVar("N", bound="type[nn.Module]")

_NETWORKS: dict[str, type[nn.Module]] = {}


def rebuildable(cls: N) -> N:
    """Class decorator: keep the constructor's arguments as plain data in ``self.config``.

    Only classes marked in this way can be named by a saved model, so reading a file never runs
    foreign code.
    """
    original = cls.__init__
    signature = inspect.signature(original)

    @functools.wraps(original)
    def __init__(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        arguments = {name: _plain(value) for name, value in list(bound.arguments.items())[1:]}
        original(self, *args, **kwargs)
        if type(self) is cls:
            object.__setattr__(self, "config", {"network": cls.__name__, **arguments})

    cls.__init__ = __init__  # type: ignore[method-assign]
    _NETWORKS[cls.__name__] = cls
    return cls


def rebuild(config: dict[str, Any]) -> nn.Module:
    """The network (with fresh weights) that a ``config`` describes.

    Settings that a class had once are listed in its ``FORMER``, with what they would be today:
    a saved model may still have them, at that value.

    Args:
        config: what `rebuildable` stored: the class name under ``"network"`` and its arguments.

    Raises:
        BundleError: for an unknown class, arguments that it does not take, or a former setting at
            another value than today's.
    """
    arguments = dict(config)
    name = arguments.pop("network", None)
    if name not in _NETWORKS:
        raise BundleError(
            f"unknown network {name!r}; this version of molgan knows {', '.join(sorted(_NETWORKS))}"
        )
    former: dict[str, Any] = getattr(_NETWORKS[name], "FORMER", {})
    for setting, today in former.items():
        stored = arguments.pop(setting, today)
        if stored != today:
            raise BundleError(
                f"a {name} with {setting}={stored} is no longer part of molgan: use the version "
                "that wrote it, or train again"
            )
    try:
        return _NETWORKS[name](**arguments)
    except TypeError as error:
        raise BundleError(
            f"the saved {name} does not fit this version of molgan: {error}"
        ) from error


def _plain(value: Any) -> Any:
    """Tuples and list-likes (OmegaConf's among them) as lists, numpy's numbers as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    if hasattr(value, "items"):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value]
