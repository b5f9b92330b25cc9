"""Objectives written as data: what conf/reward/*.yaml and a user's own file hold.

    aggregation: geometric            # product (default), arithmetic, geometric, min
    components:
      qed: {weight: 2}
      logp: {transform: {type: double_sigmoid, low: 1, high: 3}}
      no_acid: {type: substructure, smarts: "C(=O)[OH]", wanted: false}

The same in Python:

    from molgan.rewards import make_objective
    good = make_objective({"qed": {"weight": 2}, "sa": {}}, aggregation="geometric")
    print(good.score(["CCO", "c1ccccc1O"]).total)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from molgan.errors import ConfigError, MolganError
from molgan.rewards.components import Component
from molgan.rewards.objective import Aggregation, Objective
from molgan.rewards.registry import make_component

_KEYS = ("components", "weights", "aggregation", "required")


def make_objective(
    components: Mapping[str, Any],
    weights: Mapping[str, float] | None = None,
    aggregation: Aggregation = "product",
    required: Collection[str] | None = None,
) -> Objective:
    """Build an objective from plain data.

    Args:
        components: Name -> a `Component`; or a mapping with ``type`` (else the name is the type),
            ``weight``, ``required``, ``transform`` and the settings of the type; or None or a type,
            which is short for that type as it stands.
        weights: Name -> weight >= 0, where the component does not say it itself; else 1.
        aggregation: As for `Objective`.
        required: Names whose failure makes the total 0; None means all of weight > 0, but for those
            that say ``required: false`` themselves.

    Raises:
        ConfigError: If something cannot work; it names the component.
        MolganError: If a file cannot be used.
    """
    if not isinstance(components, Mapping):
        raise ConfigError("reward components must be a mapping: name -> settings")
    made: dict[str, Component] = {}
    shares = {str(name): float(weight) for name, weight in dict(weights or {}).items()}
    wanted: dict[str, bool] = {}
    for key, spec in components.items():
        name = str(key)
        if callable(spec):
            made[name] = spec
            continue
        settings = _settings(name, spec)
        if "weight" in settings:
            if name in shares:
                raise ConfigError(f"reward component {name}: its weight is given twice")
            shares[name] = _number(name, settings.pop("weight"))
        if "required" in settings:
            wanted[name] = bool(settings.pop("required"))
        made[name] = make_component(name, settings)
    if required is None and wanted:
        required = [name for name in made if wanted.get(name, shares.get(name, 1.0) > 0)]
    elif wanted:
        raise ConfigError("reward: say what is required in the list or at the components, not both")
    return Objective(made, shares, aggregation, required)


def read_objective(path: str | Path) -> Objective:
    """Read an objective from a file of one's own, YAML or JSON; see the module for its form.

    A component may also name its class by ``_target_``, as in conf/reward. Paths inside the file
    are read against the current folder.

    Args:
        path: The file.

    Raises:
        DataError: If the file cannot be read.
        ConfigError: If it is no objective; it names file and key.
    """
    from hydra.utils import instantiate
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from molgan.data.files import user_path

    file = user_path(path, "reward.path")
    try:
        content: Any = OmegaConf.to_container(OmegaConf.load(file), resolve=True)
    except (YAMLError, UnicodeDecodeError, OSError, OmegaConfBaseException) as error:
        said = " ".join(str(error).split())
        raise ConfigError(f"reward.path={path} is no YAML that can be read: {said}") from error
    if not isinstance(content, dict) or "components" not in content:
        raise ConfigError(f"reward.path={path} needs components: a mapping name -> settings")
    content = {key: value for key, value in content.items() if key not in ("_target_", "_convert_")}
    for key in content:
        if key not in _KEYS:
            raise ConfigError(f"reward.path={path}: there is no key {key!r}; use {_listed(_KEYS)}")
    try:
        made: Objective = instantiate(
            {"_target_": "molgan.rewards.make_objective", "_convert_": "all", **content}
        )
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, MolganError):
            cause = cause.__cause__
        if cause is None:
            first = str(error).strip().splitlines()[0]
            raise ConfigError(f"reward.path={path}: {first}") from error
        raise type(cause)(f"reward.path={path}: {cause}") from error
    return made


def qsar_objective(
    model: str | Path,
    transform: Any,
    components: Mapping[str, Any] | None = None,
    aggregation: Aggregation = "product",
    **settings: Any,
) -> Objective:
    """An objective around one QSAR model: ``reward=qsar reward.model=FILE``.

    Args:
        model: What `python -m molgan.qsar fit` has written.
        transform: Of the prediction, as for `make_objective`.
        components: Others beside it, as for `make_objective`.
        aggregation: As for `Objective`.
        **settings: More of `molgan.rewards.QSAR`, such as ``domain`` and ``max_std``.

    Raises:
        ConfigError: If something cannot work.
        MolganError: If the model cannot be read.
    """
    prediction = {"type": "qsar", "model": str(model), "transform": transform, **settings}
    return make_objective({"qsar": prediction, **(components or {})}, aggregation=aggregation)


def _settings(name: str, spec: Any) -> dict[str, Any]:
    if spec is None:
        return {}
    if isinstance(spec, str):
        return {"type": spec}
    if isinstance(spec, Mapping):
        return {str(key): value for key, value in spec.items()}
    raise ConfigError(f"reward component {name} must be a mapping of settings, not {spec!r:.80}")


def _number(name: str, weight: Any) -> float:
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        raise ConfigError(f"reward component {name}: weight={weight} must be a number")
    return float(weight)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)
