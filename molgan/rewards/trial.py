"""The trial before a run: a few molecules scored, so that what cannot work is said at once."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from rdkit import Chem

from molgan.chem import Decoded, quiet_rdkit, read_smiles
from molgan.errors import ConfigError
from molgan.rewards.models import OUTSIDE
from molgan.rewards.objective import Objective

log = logging.getLogger("molgan")

MOLECULES = ("CCO", "c1ccccc1O", "CC(=O)Nc1ccccc1")
"""Ethanol, phenol and acetanilide, where there are no molecules of the user's."""


def check_objective(objective: Objective, smiles: Sequence[str] = MOLECULES) -> None:
    """Score some molecules with every component, and refuse one that fails on all of them.

    One that fails on some is only warned about. A prediction outside a model's domain is no failure
    of the component.

    Args:
        objective: Whose files were opened when it was made.
        smiles: Molecules of the kind that will be scored, some three.

    Raises:
        ConfigError: Naming the component and what it said.
    """
    with quiet_rdkit():
        decoded = [_decoded(text) for text in smiles]
        for name, component in objective.components.items():
            if getattr(component, "needs_training_set", False):
                raise ConfigError(
                    f"reward component {name} has no training set here: give it path=FILE, or the "
                    "screen known=FILE"
                )
            try:
                scores = component(decoded)
                values, reasons = list(scores.values), list(scores.reasons)
            except Exception as error:  # a plug-in raises what it likes
                raise ConfigError(
                    f"reward component {name} cannot score: {type(error).__name__}: {error}"
                ) from error
            if len(values) != len(decoded) or len(reasons) != len(decoded):
                raise ConfigError(
                    f"reward component {name} returned {len(values)} scores and {len(reasons)} "
                    f"reasons for {len(decoded)} molecules"
                )
            _judge(name, smiles, reasons)


def _judge(name: str, smiles: Sequence[str], reasons: Sequence[str | None]) -> None:
    failed = [
        (text, reason)
        for text, reason in zip(smiles, reasons, strict=True)
        if reason is not None and reason != OUTSIDE
    ]
    if not failed:
        return
    text, reason = failed[0]
    if len(failed) == len(smiles):
        raise ConfigError(
            f"reward component {name} fails on each of {len(smiles)} trial molecules; on {text}: "
            f"{reason}"
        )
    log.warning(
        "reward component %s fails on %d of %d trial molecules; on %s: %s",
        name,
        len(failed),
        len(smiles),
        text,
        reason,
    )


def _decoded(smiles: str) -> Decoded:
    mol, reason = read_smiles(smiles)
    if mol is None:
        return Decoded(None, None, reason)
    return Decoded(mol, Chem.MolToSmiles(mol), None)
