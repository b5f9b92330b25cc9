"""QED with RDKit's values in a fraction of RDKit's time, and the parts of it that others can use.

QED (Bickerton et al., Nature Chemistry 4, 90, 2012) is a mean of eight desirabilities. RDKit spends
its time on SMARTS: 116 structural alerts, 110 atom types of logP with explicit hydrogens, 11 kinds
of acceptors. Here what each atom adds to logP and to the acceptors is asked of RDKit once for each
surrounding and remembered; alerts are screened by surroundings (`molgan.chem.qed_alerts`); all
constants, patterns and desirability functions are RDKit's own, read from its module. Molecules
without keys (see `molgan.chem.environments`) go to RDKit as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from rdkit import Chem
from rdkit.Chem import QED, rdMolDescriptors

from molgan.chem.environments import MAX_REMEMBERED, Keys, Surroundings
from molgan.chem.qed_alerts import QedAlerts

_HYDROGEN_BONDING = (7, 8, 16)
"""Elements whose contributions depend on their neighbours' neighbours."""

_KNOWN_CENTRES = (6, 7, 8, 9, 16, 17, 35, 53)
"""Elements of which is known when they can be no stereocentres."""


class Contribution(NamedTuple):
    """What an atom with its hydrogens adds to logP and to the acceptors as QED counts them."""

    logp: float
    acceptors: int


class Memory:
    """What was learnt of RDKit so far: keys, contributions of atoms, demands of alerts."""

    def __init__(self) -> None:
        """Start with nothing learnt."""
        self.keys = Keys()
        self.alerts = QedAlerts(QED.StructuralAlerts, self.keys)
        self._far: list[bool] = []  # by code: whether the near key does not tell all
        self._aromatic: list[bool] = []  # by code
        self._stereo: list[bool] = []  # by near key
        self._known: dict[int | tuple[int, ...], Contribution] = {}
        self._desirability: list[dict[float, float]] = [{} for _ in QED.WEIGHT_MEAN]

    def contributions(self, mol: Chem.Mol, seen: Surroundings) -> Contribution:
        """Return the sum over all atoms."""
        far = self._of_codes(self._far, lambda atom: atom.GetAtomicNum() in _HYDROGEN_BONDING)
        keys = [
            seen.far(atom) if far[code] else near
            for atom, (code, near) in enumerate(zip(seen.codes, seen.near, strict=True))
        ]
        known = self._known
        try:
            found = [known[key] for key in keys]
        except KeyError:
            self._learn(mol, keys)
            found = [known[key] for key in keys]
        logp, acceptors = 0.0, 0
        for one in found:
            logp += one[0]
            acceptors += one[1]
        return Contribution(logp, acceptors)

    def aromatic(self, seen: Surroundings) -> list[bool]:
        """Return for each atom whether it is aromatic."""
        of_code = self._of_codes(self._aromatic, lambda atom: atom.GetIsAromatic())
        return [of_code[code] for code in seen.codes]

    def desirability(self, index: int, name: str, value: float) -> float:
        """Return weight times log of one desirability of QED."""
        known = self._desirability[index]
        found = known.get(value)
        if found is None:
            if len(known) > MAX_REMEMBERED:
                known.clear()
            found = QED.WEIGHT_MEAN[index] * math.log(QED.ads(value, QED.adsParameters[name]))
            known[value] = found
        return found

    def stereo_candidates(self, seen: Surroundings) -> list[int]:
        """Return the atoms that could be centres of stereochemistry, and some that are none."""
        while len(self._stereo) < len(self.keys.near):
            self._stereo.append(self._could_be_centre(self.keys.near[len(self._stereo)]))
        could = self._stereo
        return [atom for atom, near in enumerate(seen.near) if could[near]]

    def is_full(self) -> bool:
        """Whether it is time to begin anew."""
        return max(len(self._known), len(self.keys.near)) > MAX_REMEMBERED

    def _of_codes(self, known: list[bool], function: Any) -> list[bool]:
        while len(known) < len(self.keys.atoms):
            known.append(function(self.keys.atoms[len(known)][0]))
        return known

    def _could_be_centre(self, near: tuple[int, ...]) -> bool:
        atom = self.keys.atoms[near[0]][0]
        element, neighbours = atom.GetAtomicNum(), atom.GetTotalDegree()
        if element not in _KNOWN_CENTRES:
            return True  # RDKit takes even the atom of phosphine for a centre
        if neighbours < 3 or atom.GetIsAromatic():
            return False
        if element == 6 and neighbours != 4:
            return False
        if element in (6, 7, 8) and atom.GetTotalNumHs() > 1:
            return False
        # Two equal ends, as in CF3 or SO2, rule out a centre.
        ends = [entry for entry in near[1:] if self.keys.atoms[entry >> 4][0].GetDegree() == 1]
        return len(ends) == len(set(ends))

    def _learn(self, mol: Chem.Mol, keys: Sequence[int | tuple[int, ...]]) -> None:
        """Ask RDKit about every atom of a molecule, and remember the answers."""
        n = mol.GetNumAtoms()
        with_hydrogens = Chem.AddHs(mol)
        logp = [0.0] * n
        for index, (value, _) in enumerate(rdMolDescriptors._CalcCrippenContribs(with_hydrogens)):
            if index >= n:
                index = with_hydrogens.GetAtomWithIdx(index).GetNeighbors()[0].GetIdx()
            logp[index] += value
        acceptors = [0] * n
        for pattern in QED.Acceptors:
            for (atom,) in mol.GetSubstructMatches(pattern):
                acceptors[atom] += 1
        for key, one in zip(keys, map(Contribution, logp, acceptors), strict=True):
            self._known.setdefault(key, one)


@dataclass
class Shared:
    """One molecule and what several of its scores need, computed when first asked for."""

    mol: Chem.Mol
    seen: Surroundings
    memory: Memory

    @cached_property
    def contributions(self) -> Contribution:
        """LogP, and acceptors as QED counts them."""
        return self.memory.contributions(self.mol, self.seen)

    @cached_property
    def rotatable_bonds(self) -> int:
        """By RDKit's strict definition, as QED has it."""
        return rdMolDescriptors.CalcNumRotatableBonds(
            self.mol, rdMolDescriptors.NumRotatableBondsOptions.Strict
        )

    @cached_property
    def weight(self) -> float:
        """Average molecular weight in g/mol."""
        return rdMolDescriptors._CalcMolWt(self.mol)

    @cached_property
    def tpsa(self) -> float:
        """Topological polar surface area in square angstrom."""
        return rdMolDescriptors.CalcTPSA(self.mol)

    @cached_property
    def donors(self) -> int:
        """Hydrogen bond donors."""
        return rdMolDescriptors.CalcNumHBD(self.mol)

    def qed(self) -> float:
        """Quantitative estimate of drug-likeness."""
        contributions = self.contributions
        values = (
            self.weight,
            contributions.logp,
            contributions.acceptors,
            self.donors,
            self.tpsa,
            self.rotatable_bonds,
            self.qed_rings(),
            self.memory.alerts.count(self.mol, self.seen.near),
        )
        desirability = self.memory.desirability
        names = QED.QEDproperties._fields
        total = sum(map(desirability, range(len(values)), names, values))
        return math.exp(total / sum(QED.WEIGHT_MEAN))

    def qed_rings(self) -> int:
        """Rings left when aliphatic ring atoms with a single bond to such an atom are taken away.

        That is how RDKit's QED counts aromatic rings: three in phenothiazine and anthraquinone. An
        aliphatic neighbour outside the rings does it, too, but not one behind a double bond.
        """
        seen = self.seen
        if not seen.rings:
            return 0
        aromatic = self.memory.aromatic(seen)
        tails, starts = seen.tails, seen.starts
        kept = set()
        for atom in {atom for ring in seen.rings for atom in ring}:
            if not aromatic[atom]:
                first, end = starts[atom], starts[atom + 1]
                if any(
                    [
                        bond & 7 < 4 and not aromatic[tail]
                        for tail, bond in zip(tails[first:end], seen.bonds[first:end], strict=True)
                    ]
                ):
                    continue
            kept.add(atom)
        # Rings = bonds - atoms + pieces; each bond that joins two pieces takes one piece away.
        root = {atom: atom for atom in kept}
        rings = 0
        for atom in kept:
            for tail in tails[starts[atom] : starts[atom + 1]]:
                if tail > atom and tail in kept:
                    first, second = atom, tail
                    while root[first] != first:
                        first = root[first]
                    while root[second] != second:
                        second = root[second]
                    if first == second:
                        rings += 1
                    else:
                        root[first] = second
        return rings


def shared(mol: Chem.Mol) -> Shared | None:
    """Prepare the scores of a sanitised molecule; None if only RDKit itself can give them."""
    global _memory
    if _memory is None or _memory.is_full():
        _memory = Memory()
    seen = _memory.keys.surroundings(mol)
    return None if seen is None else Shared(mol, seen, _memory)


def fast_qed(mol: Chem.Mol) -> float:
    """Quantitative estimate of drug-likeness, 0 to 1, higher is better: the value of RDKit's QED.

    Args:
        mol: Sanitised molecule, not kekulised.
    """
    prepared = shared(mol)
    return float(QED.qed(mol)) if prepared is None else prepared.qed()


def forget() -> None:
    """Forget all that was learnt, as in a fresh process."""
    global _memory
    _memory = None


_memory: Memory | None = None
