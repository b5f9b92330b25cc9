"""Protonation states and stereoisomers: the rows that docking needs beyond those of a library."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rdkit import Chem

from molgan.chem.deadline import Outcome, run_each
from molgan.chem.rdkit_log import quiet_rdkit
from molgan.errors import ChemistryError, ConfigError
from molgan.library.extras import docking_extra


@dataclass(frozen=True)
class Ligand:
    """One molecule to write, under a name of its own.

    Attributes:
        name: Unique; goes into the files as it is, and into file names made safe.
        smiles: The molecule, in the state in which it shall dock.
        scores: Written as properties of the SDF and as columns of the index.
        parent: Name of the molecule of which this is a protonation state or stereoisomer.
    """

    name: str
    smiles: str
    scores: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""


@dataclass(frozen=True)
class States:
    """Rows that are added before docking; as it stands, none.

    Attributes:
        ph: Lowest and highest pH for protonation, or None to keep the charges given.
        protonation_limit: Most protonation states of one molecule.
        stereo_limit: Most stereoisomers of one protonation state; 0 leaves open centres open, and
            each gets whichever configuration embeds.
    """

    ph: tuple[float, float] | None = None
    protonation_limit: int = 8
    stereo_limit: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return self.ph is not None or self.stereo_limit > 0


def protonate(
    smiles: str, ph_min: float = 6.4, ph_max: float = 8.4, *, limit: int = 8
) -> list[str]:
    """Protonation states that are populated at a pH, by dimorphite-dl's table of pKa values.

    Ropp et al., J. Cheminf. 11, 14 (2019). A site whose pKa, give or take its spread, lies within
    the range is written both ways.

    Args:
        smiles: One molecule.
        ph_min: Lowest pH, 0 to 14.
        ph_max: Highest pH, `ph_min` to 14.
        limit: Most states; the most probable are kept.

    Returns:
        Canonical SMILES, each once; the molecule itself where it has no site that is known.

    Raises:
        ChemistryError: the SMILES is none.
        ConfigError: the pH range or the limit cannot work.
        MolganError: dimorphite-dl is not installed.
    """
    if not 0 <= ph_min <= ph_max <= 14:
        raise ConfigError(f"a pH range from {ph_min} to {ph_max} is none within 0 to 14")
    if limit < 1:
        raise ConfigError(f"the limit of protonation states must be 1 or more, not {limit}")
    dimorphite = docking_extra("dimorphite_dl")
    with quiet_rdkit():
        _read(smiles)
        states = dimorphite.protonate_smiles(
            smiles, ph_min=ph_min, ph_max=ph_max, max_variants=limit
        )
        return list(dict.fromkeys(Chem.MolToSmiles(_read(state)) for state in states))[:limit]


def enumerate_stereo(smiles: str, limit: int = 16) -> list[str]:
    """Stereoisomers by all centres and double bonds that the SMILES leaves open.

    Args:
        smiles: One molecule; what it states is kept.
        limit: Most isomers, 1 or more. Of more than that a random, but always the same, part.

    Returns:
        Canonical SMILES, each once, sorted; the molecule alone where nothing is open.

    Raises:
        ChemistryError: the SMILES is none.
    """
    from rdkit.Chem.EnumerateStereoisomers import (
        EnumerateStereoisomers,
        StereoEnumerationOptions,
    )

    if limit < 1:
        raise ConfigError(f"the limit of stereoisomers must be 1 or more, not {limit}")
    options = StereoEnumerationOptions(onlyUnassigned=True, unique=True, maxIsomers=limit, rand=7)
    with quiet_rdkit():
        isomers = EnumerateStereoisomers(_read(smiles), options=options)
        return sorted({Chem.MolToSmiles(isomer) for isomer in isomers})


def with_states(
    ligands: Iterable[Ligand], states: States, seconds: float
) -> Iterator[tuple[int, Ligand, str | None]]:
    """Yield every ligand, or in its place its states, named ``<name>_p1_s1`` where there are some.

    Args:
        ligands: Molecules.
        states: What to add.
        seconds: For one molecule, after which the worker that does it is killed.

    Yields:
        1 for the first state of a molecule, 2 for its second, ...; a ligand and None, or a ligand
        and the reason why its states are not known.
    """
    if not states:
        yield from ((1, ligand, None) for ligand in ligands)
        return
    asked: deque[Ligand] = deque()

    def sources() -> Iterator[str]:
        for ligand in ligands:
            asked.append(ligand)
            yield ligand.smiles

    for outcome in run_each(states_of, sources(), states, seconds=seconds):
        ligand = asked.popleft()
        yield from _expanded(ligand, outcome)


def _expanded(ligand: Ligand, outcome: Outcome) -> Iterator[tuple[int, Ligand, str | None]]:
    if outcome.reason is not None:
        yield 1, ligand, outcome.reason
        return
    parent = ligand.parent or ligand.name
    for number, (suffix, smiles) in enumerate(outcome.value, 1):
        name = ligand.name + suffix
        yield number, replace(ligand, name=name, smiles=smiles, parent=parent), None


def states_of(smiles: str, states: States) -> list[tuple[str, str]]:
    """(suffix of the name, SMILES) of every state of one molecule."""
    forms = [smiles]
    if states.ph is not None:
        forms = protonate(smiles, *states.ph, limit=states.protonation_limit)
    rows = []
    for number, form in enumerate(forms, 1):
        isomers = enumerate_stereo(form, states.stereo_limit) if states.stereo_limit else [form]
        for place, isomer in enumerate(isomers, 1):
            suffix = f"_p{number}" if len(forms) > 1 else ""
            suffix += f"_s{place}" if len(isomers) > 1 else ""
            rows.append((suffix, isomer))
    return rows


def _read(smiles: str) -> Any:
    mol: Any = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise ChemistryError(f"RDKit does not read the SMILES {smiles!r}")
    if mol.GetNumAtoms() == 0:
        raise ChemistryError("a molecule without atoms has no states")
    return mol
