"""What is done to one molecule: read, standardise, score, filter. Runs in the worker processes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from rdkit import Chem

from molgan.chem import identity, murcko_scaffold, quiet_rdkit
from molgan.chem.decoding import reason_of
from molgan.chem.reading import parse
from molgan.chem.standardize import STANDARDIZE_REASONS
from molgan.data.streaming import Row, one_line
from molgan.metrics.identity import HashedIdentities
from molgan.metrics.similarity import Bits, molecule_bits, nearest
from molgan.screening.reward import Rewarded, rewards
from molgan.screening.settings import Screen

READ = "read"
"""The stage of rows that hold no molecule that can be read."""


_LONGEST_PER_ATOM = 40  # characters of a SMILES for one heavy atom, with hydrogens and labels


class Reason(NamedTuple):
    """Why a molecule is not among the hits.

    Attributes:
        rule: What it broke, such as "lipinski" or "PAINS: azo_A(324)".
        atoms: Positions in the standardised SMILES, from 0, of the atoms that an alert matched.
        detail: In words and numbers, such as "weight 612.3 > 500".
    """

    rule: str
    atoms: tuple[int, ...] = ()
    detail: str = ""


class Result(NamedTuple):
    """What became of one row.

    Attributes:
        stage: Where it stopped; None for a hit.
        reasons: Why, all of that stage; empty for a hit.
        smiles: Standardised; "" where it never came so far.
        inchikey: Of the standardised molecule.
        changes: What standardising did.
        values: One field for each of `Screen.columns()`; empty but for hits.
        bits: Packed Morgan fingerprint, if wanted.
        given: SMILES of a record that was no SMILES.
    """

    stage: str | None
    reasons: tuple[Reason, ...] = ()
    smiles: str = ""
    inchikey: str = ""
    changes: str = ""
    values: tuple[str, ...] = ()
    bits: bytes = b""
    given: str = ""


class _Passed(NamedTuple):
    """A molecule that no filter rejects."""

    result: Result
    mol: Chem.Mol
    scores: dict[str, float]
    texts: dict[str, str]
    bits: Bits | None


@dataclass(frozen=True)
class References:
    """What molecules are compared with.

    Attributes:
        actives: (A, 128) packed fingerprints of known actives, or None.
        active_names: A names.
        known: Molecules that count as not novel, or None.
        other: Name of a molecule in the input -> score of another program.
    """

    actives: Bits | None = None
    active_names: tuple[str, ...] = ()
    known: HashedIdentities | None = None
    other: Mapping[str, float] = field(default_factory=dict)


class Work:
    """Screens rows; the callable that travels to the workers.

    Args:
        screen: The settings.
        references: What to compare with.
        bits: Whether results carry fingerprints, for picking.
    """

    def __init__(self, screen: Screen, references: References, *, bits: bool = False) -> None:
        self.screen = screen
        self.references = references
        self.bits = bits
        self._tools: Any = None
        self._reward = screen.reward
        if self._reward is not None and references.known is not None:
            self._reward = self._reward.with_training_set(references.known)

    def __getstate__(self) -> dict[str, Any]:
        """Without the alert catalogues, which are C++ and built where they are used."""
        return {**self.__dict__, "_tools": None}

    def __call__(self, rows: Sequence[Row]) -> list[Result]:
        """Return what becomes of each row; without rows, load what will be needed."""
        tools = self._loaded()
        with quiet_rdkit():
            found = [self._one(row, tools) for row in rows]
            passed = [one for one in found if isinstance(one, _Passed)]
            judged = iter(self._rewarded(passed))
            results = [
                self._finished(one, next(judged), tools) if isinstance(one, _Passed) else one
                for one in found
            ]
        return results

    def _loaded(self) -> Any:
        if self._tools is None:
            self._tools = self.screen.tools()
            with quiet_rdkit():
                self._one(Row(1, "", "", "CC(=O)Oc1ccccc1C(=O)O"), self._tools)
        return self._tools

    def _rewarded(self, passed: Sequence[_Passed]) -> Sequence[Rewarded]:
        """Score what passed the filters, together: components may be costly to start."""
        if self._reward is None or not passed:
            return [Rewarded({}, "")] * len(passed)
        return rewards(self._reward, [(one.mol, one.result.smiles) for one in passed])

    def _finished(self, passed: _Passed, judged: Rewarded, tools: Any) -> Result:
        """The result of a molecule that passed the filters."""
        # A score that the table has already stays as it is there.
        scores = {**judged.scores, **passed.scores}
        texts = {**passed.texts, "reward_note": judged.note}
        if reasons := tools.unrewarded(scores):
            if judged.note:  # a score that failed is why the total is 0
                reasons = [one._replace(detail=f"{one.detail} ({judged.note})") for one in reasons]
            return passed.result._replace(stage="reward", reasons=tuple(reasons))
        texts["flags"] = "; ".join(reason.rule for reason in tools.flags(passed.mol))
        if self.screen.scaffolds:
            texts["scaffold"] = murcko_scaffold(passed.mol)
        values = tuple(
            texts[name] if name in texts else _number(scores.get(name))
            for name in self.screen.columns()
        )
        packed = passed.bits.tobytes() if self.bits and passed.bits is not None else b""
        return passed.result._replace(stage=None, values=values, bits=packed)

    def _one(self, row: Row, tools: Any) -> Result | _Passed:
        if row.reason is not None:
            return Result(READ, (Reason(row.reason.partition(":")[0], (), row.reason),))
        limit = self.screen.max_atoms
        # Parsing a million atoms takes minutes and gigabytes: the text says enough.
        if "\n" not in row.text and len(row.text) > _LONGEST_PER_ATOM * limit:
            return Result("size", (Reason("max_atoms", (), f"more than {limit} heavy atoms"),))
        mol, given = read_row(row.text)
        if mol is None:
            return Result(READ, (_why(row.text),))
        if (size := mol.GetNumHeavyAtoms()) > limit:
            reason = Reason("max_atoms", (), f"{size} heavy atoms > {limit}")
            return Result("size", (reason,), given=given)
        clean = self.screen.standardizer(mol)
        if clean.mol is None or clean.smiles is None or clean.inchikey is None:
            rule = clean.reason or "standardize"
            detail = "; ".join([STANDARDIZE_REASONS[rule], *clean.changes])
            return Result("standardize", (Reason(rule, (), detail),), given=given)
        changes = "; ".join(clean.changes)
        found = Result("", (), clean.smiles, clean.inchikey, changes, given=given)
        mol = clean.mol
        scores: dict[str, float] = tools.describe(mol)
        texts: dict[str, str] = {}
        if self.screen.other is not None:
            scores[self.screen.other.column] = self.references.other.get(row.name, math.nan)
        bits = molecule_bits(mol) if self.bits or self.references.actives is not None else None
        if self.references.actives is not None and bits is not None:
            similarity, index = nearest(bits[None], self.references.actives)
            scores["similarity"] = float(similarity[0])
            texts["nearest_active"] = self.references.active_names[int(index[0])]
        if self.references.known is not None:
            known_already = self.references.known.contains([identity(mol) or ""])[0]
            scores["novel"] = float(not known_already)
        for stage, reasons in tools.filters(mol, scores):
            if reasons:
                return found._replace(stage=stage, reasons=tuple(reasons))
        return _Passed(found, mol, scores, texts, bits)


def read_row(text: str) -> tuple[Chem.Mol | None, str]:
    """A molecule from a SMILES or an SDF record, and the SMILES of the latter."""
    if "\n" not in text:
        return Chem.MolFromSmiles(text), ""
    mol = Chem.MolFromMolBlock(text, sanitize=True, removeHs=True)
    return mol, "" if mol is None else Chem.MolToSmiles(mol)


def _why(text: str) -> Reason:
    """Why RDKit makes no molecule of a text: its grammar, or its chemistry."""
    mol: Chem.Mol | None
    if "\n" in text:
        mol = Chem.MolFromMolBlock(text, sanitize=False, removeHs=False)
    else:
        mol = parse(text)
    if mol is None:
        return Reason("parse", (), "RDKit cannot read it as a molecule")
    failure = Chem.SanitizeMol(mol, catchErrors=True)
    return Reason(reason_of(failure) if failure else "parse", (), "no molecule to RDKit")


def _number(value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return ""
    return f"{value:.6g}"


def lost(reason: str, detail: str) -> Result:
    """The result of a row that took its worker along."""
    return Result("run", (Reason(reason, (), one_line(detail)),))
