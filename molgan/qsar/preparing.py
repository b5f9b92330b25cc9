"""From rows to molecules with one value each: reading, merging of repeats, and what to say of both.

A molecule is told by its graph: stereoisomers, and a salt and its parent, are one molecule, since
fingerprints cannot tell them apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.chem import identity, quiet_rdkit
from molgan.errors import DataError
from molgan.qsar.assays import Assays
from molgan.qsar.features import read_molecule
from molgan.qsar.targets import Target, TargetSettings

#: Fewer molecules than this are no basis for a model and an honest test.
LEAST = 20

_REASONS = {"parse": "not a valid SMILES", "empty": "no atoms", "dummy": "a dummy atom"}


@dataclass(frozen=True)
class Conflict:
    """A molecule whose repeats disagree.

    Attributes:
        smiles: of the molecule.
        where: its rows.
        values: theirs.
    """

    smiles: str
    where: tuple[str, ...]
    values: tuple[float, ...]


@dataclass
class Prepared:
    """Molecules ready to be split and fitted.

    Attributes:
        target: what their values are.
        mols: sanitised molecules.
        smiles: their identities.
        values: (n,) one number each.
        fates: for each row of the table its molecule's SMILES ("" if unread) and what became of
            it: "used", "merged" or the reason why it was left out.
        conflicts: molecules whose repeats disagree.
    """

    target: Target
    mols: list[Chem.Mol] = field(default_factory=list)
    smiles: list[str] = field(default_factory=list)
    values: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    fates: list[tuple[str, str]] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Rows, molecules, merged and unusable rows, conflicts."""
        fates = Counter(fate for _, fate in self.fates)
        kept = fates["used"] + fates["merged"]
        return {
            "rows": len(self.fates),
            "molecules": len(self.mols),
            "merged": fates["merged"],
            "unusable": len(self.fates) - kept,
            "conflicts": len(self.conflicts),
        }

    def reasons(self) -> dict[str, int]:
        """Why rows were left out, the most frequent first; what was quoted from a cell is cut."""
        found = Counter(
            fate.partition(":")[0] for _, fate in self.fates if fate not in ("used", "merged")
        )
        return dict(found.most_common())


def prepare(assays: Assays, settings: TargetSettings) -> Prepared:
    """Read the molecules and values of a table and merge the repeats.

    Repeats get the median of their values; of classes the majority, and none where there is none.
    Repeats disagree when they spread over more than one standard deviation of the whole column, or
    over both classes.

    Raises:
        DataError: If what is left is too little: fewer than 20 molecules, one value, one class.
    """
    where = assays.origin or "the molecules"
    target, numbers, reasons = settings.read([row.value for row in assays.rows], where)
    prepared = Prepared(target)
    groups: dict[str, list[int]] = {}
    mols: dict[str, Chem.Mol] = {}
    with quiet_rdkit():
        for place, row in enumerate(assays.rows):
            reason = row.reason or reasons[place]
            mol = None
            if row.reason is None:
                mol, unread = read_molecule(row.smiles)
                reason = (None if unread is None else _REASONS.get(unread, unread)) or reason
            smiles = None if mol is None else identity(mol)
            if smiles is None or mol is None:
                prepared.fates.append(("", reason or _REASONS["parse"]))
            elif reason is not None:
                prepared.fates.append((smiles, reason))
            else:
                prepared.fates.append((smiles, "merged" if smiles in groups else "used"))
                groups.setdefault(smiles, []).append(place)
                mols.setdefault(smiles, mol)
    _merge(prepared, groups, mols, numbers, assays)
    _check(prepared, where)
    return prepared


def _merge(
    prepared: Prepared,
    groups: dict[str, list[int]],
    mols: dict[str, Chem.Mol],
    numbers: npt.NDArray[np.float64],
    assays: Assays,
) -> None:
    used = [place for places in groups.values() for place in places]
    spread = float(numbers[used].std()) if used else 0.0
    values = []
    for smiles, places in groups.items():
        own = numbers[places]
        apart = float(np.ptp(own))
        if apart > 0 and (prepared.target.classify or apart > spread):
            rows = tuple(assays.rows[place].where for place in places)
            prepared.conflicts.append(Conflict(smiles, rows, tuple(map(float, own))))
        value = float(np.median(own))
        if prepared.target.classify and value == 0.5:
            for place in places:
                prepared.fates[place] = (smiles, "as many rows in one class as in the other")
            continue
        prepared.mols.append(mols[smiles])
        prepared.smiles.append(smiles)
        values.append(value)
    prepared.values = np.array(values)


def _check(prepared: Prepared, where: str) -> None:
    count = len(prepared.mols)
    if count < LEAST:
        reasons = ", ".join(f"{n} x {why}" for why, n in list(prepared.reasons().items())[:4])
        left_out = f" ({reasons})" if reasons else ""
        raise DataError(
            f"{where}: {count} molecules with a value are left of "
            f"{len(prepared.fates)} rows{left_out}; at least {LEAST} are needed"
        )
    if np.ptp(prepared.values) == 0:
        name = prepared.target.name
        what = "belong to one class" if prepared.target.classify else "have the same value"
        raise DataError(
            f"{where}: all molecules {what} in {name!r} ({_plain(prepared.values[:1])}); there is "
            "nothing to learn"
        )


def _plain(values: Sequence[float] | npt.NDArray[np.float64]) -> str:
    return ", ".join(f"{value:g}" for value in values)
