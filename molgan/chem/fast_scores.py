"""All scores of one molecule, with the work shared between them: exactly RDKit's values.

QED and logP are learnt by atom surroundings (`molgan.chem.fast_qed`); SA and NP scores share one
Morgan fingerprint, and the number of stereocentres with the SA score. What RDKit counts quickly,
RDKit counts.
"""

from __future__ import annotations

import gzip
import math
import pickle
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rdkit import Chem, RDConfig
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from molgan.chem.fast_qed import Shared, fast_qed, shared
from molgan.chem.scores import extra_score
from molgan.errors import ChemistryError

_NO_FRAGMENT = -4.0  # contribution of a fragment that no molecule of PubChem had
_SA_WORST, _SA_BEST = -4.0, 2.5  # raw SA scores that become 10 and 1
_LARGE_RING = 8
_STRICT = rdMolDescriptors.NumRotatableBondsOptions.Strict


def describe(mol: Chem.Mol, also: Iterable[str] = ()) -> dict[str, float]:
    """Return all scores of one molecule; `SCORES` says what they are.

    Args:
        mol: Sanitised molecule, not kekulised. As RDKit's SA score does, this marks the possible
            stereocentres of the molecule, and removes marks of centres that are none.
        also: Further scores: names of `EXTRA_SCORES`, or of RDKit's descriptors.

    Raises:
        ChemistryError: The molecule has no atoms, or RDKit came without its Contrib folder.
        ConfigError: A further score is not known.
    """
    if mol.GetNumAtoms() == 0:
        raise ChemistryError("a molecule without atoms has no scores")
    prepared = shared(mol)
    scores = _describe_by_rdkit(mol) if prepared is None else _describe_shared(mol, prepared)
    for name in also:
        scores[name] = float(extra_score(name)(mol))
    return scores


def fast_sa_score(mol: Chem.Mol) -> float:
    """Synthetic accessibility, 1 (easy) to 10 (hard): the value of RDKit's Contrib.

    Raises:
        ChemistryError: The molecule has no atoms, or RDKit came without its Contrib folder.
    """
    if mol.GetNumAtoms() == 0:
        raise ChemistryError("a molecule without atoms has no SA score")
    prepared = shared(mol)
    centres = _all_centres(mol) if prepared is None else _stereocentres(prepared)
    fingerprint = _morgan().GetSparseCountFingerprint(mol).GetNonzeroElements()
    return _sa_score(mol, fingerprint, mol.GetRingInfo().AtomRings(), centres)


def _describe_shared(mol: Chem.Mol, prepared: Shared) -> dict[str, float]:
    fingerprint = _morgan().GetSparseCountFingerprint(mol).GetNonzeroElements()
    centres = _stereocentres(prepared)
    contributions = prepared.contributions
    return {
        "qed": prepared.qed(),
        "sa": _sa_score(mol, fingerprint, prepared.seen.rings, centres),
        "np": _np_score(mol, fingerprint),
        "logp": contributions.logp,
        "weight": prepared.weight,
        "exact_weight": rdMolDescriptors.CalcExactMolWt(mol),
        "tpsa": prepared.tpsa,
        "hba": rdMolDescriptors.CalcNumHBA(mol),
        "hbd": prepared.donors,
        "rotatable_bonds": prepared.rotatable_bonds,
        "rings": len(prepared.seen.rings),
        "aromatic_rings": rdMolDescriptors.CalcNumAromaticRings(mol),
        "fsp3": rdMolDescriptors.CalcFractionCSP3(mol),
        "formal_charge": Chem.GetFormalCharge(mol),
        "heavy_atoms": mol.GetNumHeavyAtoms(),
        "stereocentres": centres,
    }


def _describe_by_rdkit(mol: Chem.Mol) -> dict[str, float]:
    fingerprint = _morgan().GetSparseCountFingerprint(mol).GetNonzeroElements()
    rings = mol.GetRingInfo().AtomRings()
    centres = _all_centres(mol)
    return {
        "qed": fast_qed(mol),
        "sa": _sa_score(mol, fingerprint, rings, centres),
        "np": _np_score(mol, fingerprint),
        "logp": rdMolDescriptors.CalcCrippenDescriptors(mol)[0],
        "weight": rdMolDescriptors._CalcMolWt(mol),
        "exact_weight": rdMolDescriptors.CalcExactMolWt(mol),
        "tpsa": rdMolDescriptors.CalcTPSA(mol),
        "hba": rdMolDescriptors.CalcNumHBA(mol),
        "hbd": rdMolDescriptors.CalcNumHBD(mol),
        "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds(mol, _STRICT),
        "rings": len(rings),
        "aromatic_rings": rdMolDescriptors.CalcNumAromaticRings(mol),
        "fsp3": rdMolDescriptors.CalcFractionCSP3(mol),
        "formal_charge": Chem.GetFormalCharge(mol),
        "heavy_atoms": mol.GetNumHeavyAtoms(),
        "stereocentres": centres,
    }


def _sa_score(
    mol: Chem.Mol,
    fingerprint: Mapping[int, int],
    rings: Sequence[Sequence[int]],
    centres: int,
) -> float:
    """SA score from what it needs; formula of the paper as RDKit's Contrib has it."""
    table = _sa_fragments()
    total = sum([table.get(bit, _NO_FRAGMENT) * count for bit, count in fingerprint.items()])
    raw = total / sum(fingerprint.values())
    atoms = mol.GetNumAtoms()
    # What makes a molecule complex: size, stereocentres, spiro atoms, bridges, large rings.
    raw -= math.pow(atoms, 1.005) - atoms
    raw -= math.log10(centres + 1)
    if rings:
        raw -= math.log10(rdMolDescriptors.CalcNumSpiroAtoms(mol) + 1)
        raw -= math.log10(rdMolDescriptors.CalcNumBridgeheadAtoms(mol) + 1)
        if max(map(len, rings)) > _LARGE_RING:
            raw -= math.log10(2)
    # Fewer different fragments than atoms: a symmetrical molecule, easier than its size says.
    if atoms > len(fingerprint):
        raw += 0.5 * math.log(atoms / len(fingerprint))
    score = 11.0 - (raw - _SA_WORST + 1.0) / (_SA_BEST - _SA_WORST) * 9.0
    if score > 8.0:
        score = 8.0 + math.log(score - 8.0)
    return min(max(score, 1.0), 10.0)


def _np_score(mol: Chem.Mol, fingerprint: Mapping[int, int]) -> float:
    """Natural-product likeness from a molecule's fragments, each counted once."""
    table = _np_fragments()
    score = sum([table.get(bit, 0.0) for bit in fingerprint]) / mol.GetNumAtoms()
    if score > 4.0:
        return 4.0 + math.log10(score - 3.0)
    if score < -4.0:
        return -4.0 - math.log10(-3.0 - score)
    return score


def _stereocentres(prepared: Shared) -> int:
    """Count stereocentres, looking only at atoms that can be some."""
    candidates = prepared.memory.stereo_candidates(prepared.seen)
    if not candidates:
        return 0
    if not Chem.GetUseLegacyStereoPerception():
        return _all_centres(prepared.mol)
    atoms = [prepared.mol.GetAtomWithIdx(atom) for atom in candidates]
    for atom in atoms:
        atom.ClearProp("_ChiralityPossible")
    Chem.AssignStereochemistry(
        prepared.mol, cleanIt=True, force=True, flagPossibleStereoCenters=True
    )
    return sum([atom.HasProp("_CIPCode") or atom.HasProp("_ChiralityPossible") for atom in atoms])


def _all_centres(mol: Chem.Mol) -> int:
    return len(Chem.FindMolChiralCenters(mol, includeUnassigned=True))


@cache
def _morgan() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2)


@cache
def _sa_fragments() -> dict[int, float]:
    groups = _contrib("SA_Score", "fpscores.pkl.gz")
    return {bit: float(group[0]) for group in groups for bit in group[1:]}


@cache
def _np_fragments() -> dict[int, float]:
    return dict(_contrib("NP_Score", "publicnp.model.gz"))


def _contrib(folder: str, name: str) -> Any:
    """Read a table that RDKit's Contrib folder carries; RDKit itself has it pickled."""
    path = Path(RDConfig.RDContribDir) / folder / name
    if not path.is_file():
        raise ChemistryError(
            f"RDKit's {folder} is missing at {path}; install RDKit from PyPI: pip install rdkit"
        )
    with gzip.open(path) as file:
        return pickle.load(file)
