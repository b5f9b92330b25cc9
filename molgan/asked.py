"""Properties that molecules are asked for: what measures them, and how well requests were met."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem

from molgan.chem import Decoded, quiet_rdkit
from molgan.conditions import Conditions, FloatArray
from molgan.errors import ConfigError, MolganError
from molgan.rewards import Component, Objective, Scorer, make_component

log = logging.getLogger("molgan")

_CHUNK = 8192


@dataclass(frozen=True)
class Asked:
    """The properties that a run learns to be asked for.

    Attributes:
        conditions: what goes into the model.
        values: ``(M, C)`` properties of the training molecules, NaN where there is none.
        scorer: measures those of others.
    """

    conditions: Conditions
    values: FloatArray
    scorer: Scorer


def property_settings(wanted: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Settings of the component of each property.

    Args:
        wanted: names of scores; or mappings with ``name`` and the settings of a component, such as
            ``{name: gap, type: qsar, model: gap.qsar}``.

    Raises:
        ConfigError: for anything else, or a name that is there twice.
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in wanted:
        settings = dict(entry) if isinstance(entry, Mapping) else {"name": entry}
        name = settings.pop("name", None)
        if not isinstance(name, str) or not name.isidentifier():
            raise ConfigError(
                f"condition.properties: {entry!r:.80} has no name that can be asked for, such as "
                "logp or {name: gap, type: qsar, model: gap.qsar}"
            )
        if name in found:
            raise ConfigError(f"condition.properties names {name} twice")
        found[name] = settings
    return found


def property_objective(properties: Mapping[str, Mapping[str, Any]]) -> Objective:
    """An objective whose raw scores are the properties.

    Raises:
        ConfigError: for a score that there is none of, or one that depends on the whole batch.
        MolganError: when a file cannot be used.
    """
    components = {}
    for name, settings in properties.items():
        # Only the raw score is asked for; most components want to be told what is good.
        component = make_component(name, {"transform": "identity", **settings})
        if component.batch_level:
            raise ConfigError(f"condition.properties: {name} is not of one molecule alone")
        components[name] = component
    return Objective(components)


def measured(scorer: Scorer, smiles: Sequence[str]) -> FloatArray:
    """``(M, C)`` raw scores of molecules by SMILES, NaN where there is none."""
    parts = []
    for start in range(0, len(smiles), _CHUNK):
        chunk = smiles[start : start + _CHUNK]
        with quiet_rdkit():
            decoded = [Decoded(Chem.MolFromSmiles(text), text, None) for text in chunk]
        parts.append(np.stack(list(scorer(decoded).raw.values()), 1))
    return np.concatenate(parts)


@dataclass(frozen=True)
class Agreement:
    """How well one property of molecules is what was asked for.

    Attributes:
        name: of the property.
        wanted: mean of what was asked for, in the unit of the property.
        mean: of what was obtained.
        deviation: its standard deviation.
        error: mean absolute difference of the two.
        correlation: Pearson's, of requested and obtained; NaN where all requests are the same.
        count: molecules compared.
    """

    name: str
    wanted: float
    mean: float
    deviation: float
    error: float
    correlation: float
    count: int

    @classmethod
    def of(cls, name: str, wanted: FloatArray, obtained: FloatArray) -> Agreement | None:
        """From ``(n,)`` requests and ``(n,)`` results; those that are NaN do not count.

        Returns:
            None where nothing can be compared.
        """
        known = np.isfinite(wanted) & np.isfinite(obtained)
        if not known.any():
            return None
        wanted, obtained = wanted[known], obtained[known]
        varied = wanted.std() > 0 and obtained.std() > 0
        return cls(
            name,
            float(wanted.mean()),
            float(obtained.mean()),
            float(obtained.std()),
            float(np.abs(wanted - obtained).mean()),
            float(np.corrcoef(wanted, obtained)[0, 1]) if varied else float("nan"),
            int(known.sum()),
        )


def agreement_table(rows: Sequence[Agreement]) -> str:
    """Requested and obtained values as text, one property a line."""
    lines = ["property      requested    obtained   deviation  mean error  correlation"]
    for row in rows:
        correlation = "-" if np.isnan(row.correlation) else f"{row.correlation:.3f}"
        lines.append(
            f"{row.name:12} {row.wanted:10.3f} {row.mean:11.3f} {row.deviation:11.3f} "
            f"{row.error:11.3f} {correlation:>12}"
        )
    return "\n".join(lines)


class Request:
    """What molecules are asked for, and what they turn out to have.

    Args:
        conditions: of the model; None for a model without.
        wanted: ``(1 or n, C)``, see `Conditions.wanted`; None: nothing.
    """

    def __init__(self, conditions: Conditions | None, wanted: FloatArray | None) -> None:
        self._properties: dict[str, Mapping[str, Any]] = {}
        self._targets: dict[str, FloatArray] = {}
        if conditions is not None and wanted is not None:
            for name, target in zip(conditions.properties, wanted.T, strict=True):
                if np.isfinite(target).any():
                    self._properties[name] = conditions.properties[name]
                    self._targets[name] = target
        self._obtained: dict[str, list[FloatArray]] = {name: [] for name in self._targets}

    def components(self) -> dict[str, Component]:
        """What measures the properties asked for; without what cannot be measured here."""
        found: dict[str, Component] = {}
        for name, settings in self._properties.items():
            try:
                found |= property_objective({name: settings}).components
            except MolganError as error:  # such as a QSAR model whose file was left behind
                log.warning("the %s of the molecules is not measured: %s", name, error)
        return found

    def columns(self) -> list[str]:
        """Names of the columns with what was asked for."""
        return [f"wanted_{name}" for name in self._targets]

    def met(self, raw: Mapping[str, FloatArray], count: int) -> dict[str, list[float]]:
        """These columns for ``count`` molecules; takes note of their scores.

        Args:
            raw: score -> ``(count,)`` values.
            count: molecules: all of them at once, where each has a request of its own.
        """
        for name, found in self._obtained.items():
            if name in raw:
                found.append(raw[name])
        return {
            f"wanted_{name}": np.broadcast_to(target, count).tolist()
            for name, target in self._targets.items()
        }

    def agreements(self) -> list[Agreement]:
        """How far each property was met by the molecules of `met`."""
        rows = []
        for name, parts in self._obtained.items():
            found = np.concatenate([np.zeros(0), *parts])
            row = Agreement.of(name, np.broadcast_to(self._targets[name], len(found)), found)
            rows += [] if row is None else [row]
        return rows
