"""Standardisation: one way of writing down what different suppliers and programs draw differently.

Built on RDKit's rdMolStandardize (after MolVS). Every option is a decision about chemistry that a
later step (duplicates, scores, docking) depends on, so each is explained at `Standardizer`, can be
switched off, and is recorded for a molecule that it changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from rdkit import Chem
from rdkit.Chem import rdinchi
from rdkit.Chem.MolStandardize import rdMolStandardize

from molgan.chem.decoding import reason_of
from molgan.chem.rdkit_log import quiet_rdkit
from molgan.chem.reading import MAX_PASSES
from molgan.errors import ConfigError

STANDARDIZE_REASONS = {
    "empty": "no heavy atom",
    "dummy": "an atom that stands for others (*)",
    "valence": "an atom with too many bonds",
    "kekulize": "an aromatic ring without alternating bonds",
    "sanitize": "no molecule to RDKit",
    "inorganic": "no carbon atom",
    "fragments": "several fragments (a salt or mixture)",
    "isotopes": "an isotope label",
    "standardize": "RDKit's standardisation fails",
    "tautomer": "no canonical tautomer",
    "inchi": "no InChIKey",
}
"""Why a molecule cannot be standardised, or a policy refuses it: reason -> in words."""


@dataclass(frozen=True)
class Standardized:
    """A standardised molecule, or the reason why there is none.

    Attributes:
        mol: As it is read from `smiles`: atom i is the i-th atom of the SMILES. None if it failed.
        smiles: Canonical, isomeric SMILES that stays the same when read and written again.
        inchikey: Standard InChIKey, the identity by which duplicates are found. It is blind to most
            movements of hydrogens, so that some tautomers share one; their SMILES differ.
        changes: What was really changed, in order: ``largest fragment of 2``, ``neutralised``, ...
        reason: None, or one of `STANDARDIZE_REASONS`.
    """

    mol: Chem.Mol | None
    smiles: str | None
    inchikey: str | None
    changes: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True)
class Standardizer:
    """Standardises molecules; plain settings, so that it travels to worker processes.

    Args:
        fragment: ``largest`` keeps the largest organic fragment (most atoms, hydrogens counted,
            then weight): right for salts, hydrates and solvates, wrong for mixtures and for salts
            of two large ions, which the record shows. ``reject`` refuses molecules of several
            fragments (reason ``fragments``). ``keep`` leaves them, salts and all.
        inorganic: ``reject`` refuses what has no carbon (reason ``inorganic``): table salt, of
            which HCl would be left as the largest fragment, water, minerals, acids. ``keep`` has
            them standardised like all others.
        normalize: Draw functional groups in one way: nitro groups, azides and N-oxides with
            charges, 1,3- and 1,5-separated charges recombined, salts drawn with a bond between
            metal and O, N or halogen cut into ions. Sulphoxides are written S=O, as in ZINC and
            ChEMBL, and not S+-O- as RDKit's own table has them.
        reionize: Where acidic groups are partly ionised, put the charge on the strongest acid: of
            phenolate and carboxylic acid in one molecule, carboxylate. The net charge stays.
        neutralize: Add or remove hydrogens so that charges vanish: ammonium to amine, carboxylate
            to acid. What no hydrogen can neutralise stays (quaternary nitrogen), and so does the
            charge that balances it (a betaine is a zwitterion). The state at the pH of an assay is
            a question for later: protonate when docking files are written.
        tautomer: Replace by RDKit's canonical tautomer. It makes tautomers one molecule; it is NOT
            the most stable one. Stereo is kept wherever the atom or bond survives (RDKit's default
            would flatten the centre of every amino acid). Slow: milliseconds a molecule.
        isotopes: ``drop`` makes every atom its natural mixture; ``keep``; ``reject`` refuses
            labelled molecules (reason ``isotopes``).
        stereo: ``keep``, or ``drop`` to make stereoisomers one molecule. Docking has to enumerate
            what is dropped.
        max_tautomers: At most so many tautomers are looked at.
        max_transforms: At most so many movements of hydrogens are tried. With either limit reached,
            the best tautomer so far is taken and ``tautomer limit reached`` recorded: it may differ
            between two tautomers of one molecule. Counts and not seconds, so that a result does not
            depend on the machine.

    Raises:
        ConfigError: If a policy is unknown or a limit is not positive.
    """

    fragment: str = "largest"
    inorganic: str = "reject"
    normalize: bool = True
    reionize: bool = True
    neutralize: bool = True
    tautomer: bool = False
    isotopes: str = "drop"
    stereo: str = "keep"
    max_tautomers: int = 200
    max_transforms: int = 500

    def __post_init__(self) -> None:
        """Check the settings."""
        _one_of("fragment", self.fragment, ("largest", "reject", "keep"))
        _one_of("inorganic", self.inorganic, ("reject", "keep"))
        _one_of("isotopes", self.isotopes, ("drop", "keep", "reject"))
        _one_of("stereo", self.stereo, ("keep", "drop"))
        for name in ("max_tautomers", "max_transforms"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more, not {getattr(self, name)}")

    def __call__(self, mol: Chem.Mol) -> Standardized:
        """Standardise one molecule.

        Args:
            mol: Sanitised or not, with explicit hydrogens or not; it is not changed. Atom map
                numbers are dropped.
        """
        changes: list[str] = []
        with quiet_rdkit():
            try:
                result = self._standard(Chem.Mol(mol), changes)
                if isinstance(result, str):
                    return Standardized(None, None, None, tuple(changes), result)
                return _finished(result, tuple(changes))
            except (RuntimeError, ValueError, Chem.MolSanitizeException):
                # RDKit's own steps raise on what they cannot make sense of.
                return Standardized(None, None, None, tuple(changes), "standardize")

    def _standard(self, mol: Chem.Mol, changes: list[str]) -> Chem.Mol | str:
        for atom in mol.GetAtoms():
            if atom.GetAtomicNum() == 0:
                return "dummy"
            atom.SetAtomMapNum(0)
        if any(atom.GetIsotope() for atom in mol.GetAtoms()):
            if self.isotopes == "reject":
                return "isotopes"
            if self.isotopes == "drop":
                for atom in mol.GetAtoms():
                    atom.SetIsotope(0)
                changes.append("isotopes dropped")
        failure = Chem.SanitizeMol(mol, catchErrors=True)
        if failure:
            return reason_of(failure)
        mol = Chem.RemoveHs(mol)
        if mol.GetNumHeavyAtoms() == 0:
            return "empty"
        if self.inorganic == "reject" and not any(a.GetAtomicNum() == 6 for a in mol.GetAtoms()):
            return "inorganic"
        tools = _tools(self.max_tautomers, self.max_transforms)
        if self.normalize:
            mol = _recorded("normalised", _normalized(mol, tools), mol, changes)
        count = len(Chem.GetMolFrags(mol))
        if count > 1 and self.fragment == "reject":
            return "fragments"
        if count > 1 and self.fragment == "largest":
            mol = tools.largest.choose(mol)
            changes.append(f"largest fragment of {count}")
        # Charges are what the next two move: without any there is nothing to do.
        if any(atom.GetFormalCharge() for atom in mol.GetAtoms()):
            if self.reionize:
                mol = _recorded("reionised", tools.reionizer.reionize(mol), mol, changes)
            if self.neutralize:
                mol = _recorded("neutralised", tools.uncharger.uncharge(mol), mol, changes)
        if self.stereo == "drop":
            flat = Chem.Mol(mol)
            Chem.RemoveStereochemistry(flat)
            mol = _recorded("stereo dropped", flat, mol, changes)
        if self.tautomer:
            result = _tautomer(mol, tools, changes)
            if result is None:
                return "tautomer"
            mol = result
        return mol


class _Tools(NamedTuple):
    largest: Any
    normalizer: Any
    metals: Any
    reionizer: Any
    uncharger: Any
    tautomers: Any


@lru_cache(maxsize=4)
def _tools(max_tautomers: int, max_transforms: int) -> _Tools:
    """Make RDKit's objects once in each process: their tables take milliseconds to read."""
    tautomers = rdMolStandardize.TautomerEnumerator()
    tautomers.SetMaxTautomers(max_tautomers)
    tautomers.SetMaxTransforms(max_transforms)
    tautomers.SetRemoveSp3Stereo(False)
    tautomers.SetRemoveBondStereo(False)
    return _Tools(
        rdMolStandardize.LargestFragmentChooser(preferOrganic=True),
        rdMolStandardize.Normalizer(),
        rdMolStandardize.MetalDisconnector(),
        rdMolStandardize.Reionizer(),
        rdMolStandardize.Uncharger(),
        tautomers,
    )


# Atoms that are no metal: what lies outside may be bound as if it were an organic atom.
_NONMETALS = frozenset((1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 33, 34, 35, 36, 52, 53, 54))


def _normalized(mol: Chem.Mol, tools: _Tools) -> Chem.Mol:
    if any(atom.GetAtomicNum() not in _NONMETALS for atom in mol.GetAtoms()):
        mol = tools.metals.Disconnect(mol)
    mol = Chem.RWMol(tools.normalizer.normalize(mol))
    for sulphur, oxygen in mol.GetSubstructMatches(_sulphoxide()):
        mol.GetAtomWithIdx(sulphur).SetFormalCharge(0)
        mol.GetAtomWithIdx(oxygen).SetFormalCharge(0)
        mol.GetBondBetweenAtoms(sulphur, oxygen).SetBondType(Chem.BondType.DOUBLE)
    Chem.SanitizeMol(mol)
    return mol.GetMol()


@lru_cache(maxsize=1)
def _sulphoxide() -> Chem.Mol:
    return Chem.MolFromSmarts("[S;+1;X3;v3]-[O;-1;X1]")


def _tautomer(mol: Chem.Mol, tools: _Tools, changes: list[str]) -> Chem.Mol | None:
    """Return the canonical tautomer, or None if RDKit finds none."""
    result = tools.tautomers.Enumerate(mol)
    status = str(result.status)
    if status.endswith(("MaxTautomersReached", "MaxTransformsReached")):
        changes.append("tautomer limit reached")
    elif not status.endswith("Completed"):
        return None
    canonical = tools.tautomers.PickCanonical(result)
    flat = [Chem.MolToSmiles(m, isomericSmiles=False) for m in (mol, canonical)]
    # With the same atoms and hydrogens, what is drawn is kept, stereo included.
    if flat[0] == flat[1]:
        return mol
    return _recorded("tautomer", canonical, mol, changes)


def _recorded(change: str, after: Chem.Mol, before: Chem.Mol, changes: list[str]) -> Chem.Mol:
    """Record a step if the molecule is not the same after it, and return the molecule after it."""
    if Chem.MolToSmiles(after) != Chem.MolToSmiles(before):
        changes.append(change)
    return after


def _finished(mol: Chem.Mol, changes: tuple[str, ...]) -> Standardized:
    """Read and write the SMILES until it stays the same, and add the InChIKey."""
    smiles = Chem.MolToSmiles(mol)
    for _ in range(MAX_PASSES):
        again = _read(smiles)
        if again is None:
            return Standardized(None, None, None, changes, "sanitize")
        rewritten = Chem.MolToSmiles(again)
        if rewritten == smiles:
            key = rdinchi.MolToInchiKey(again)
            if not key:
                return Standardized(None, None, None, changes, "inchi")
            return Standardized(again, smiles, key, changes, None)
        smiles = rewritten
    return Standardized(None, None, None, changes, "standardize")


def _read(smiles: str) -> Chem.Mol | None:
    return Chem.MolFromSmiles(smiles)


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}; choose one of: {', '.join(choices)}")
