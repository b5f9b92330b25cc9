"""Three-dimensional structures of molecules, in bounded time, with a reason where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdDistGeom
from rdkit.Chem import rdForceFieldHelpers as force_fields

from molgan.chem.deadline import run_each
from molgan.chem.rdkit_log import quiet_rdkit
from molgan.errors import ConfigError

ATTEMPTS = 10
"""Starts of the distance geometry for one molecule; most need one or two."""

SECONDS = 60.0
"""Wall-clock time for one molecule; drug-like ones take some 0.05 s."""

_FORCE_FIELD_STEPS = 2000


@dataclass(frozen=True)
class Conformer:
    """A molecule with all its hydrogens and one set of coordinates.

    Attributes:
        mol: RDKit molecule, hydrogens explicit, one conformer in angstrom.
        smiles: Canonical SMILES of what was built, without explicit hydrogens. Where the input
            left a stereocentre open, it names the one that came out.
        energy: Of the force field in kcal/mol; comparable between conformers of one molecule only.
        force_field: "MMFF94s", or "UFF" where MMFF has no parameters.
    """

    mol: Chem.Mol
    smiles: str
    energy: float
    force_field: str


def embed(
    smiles: str,
    *,
    seed: int = 0,
    attempts: int = ATTEMPTS,
    seconds: float = SECONDS,
    conformers: int = 1,
) -> Conformer | str:
    """Build one molecule in 3D: ETKDGv3, then MMFF94s (UFF where MMFF lacks parameters).

    Wang et al., J. Chem. Inf. Model. 60, 2044 (2020); Halgren, J. Comput. Chem. 20, 720 (1999).
    Open stereocentres get whichever configuration embeds; `molgan.library.docking_files` can list
    them all before. `embed_all` also survives what hangs in spite of `seconds`, or crashes.

    Args:
        smiles: One molecule of one fragment, in the protonation state wanted.
        seed: Of the coordinates, 0 or more; the same gives the same coordinates, whatever other
            molecules there are.
        attempts: Starts of the distance geometry; a second series with random coordinates follows
            where the first fails, as RDKit advises for large and strained molecules.
        seconds: Time for each of these two series, in whole seconds, at least 1.
        conformers: How many to build; the one of lowest energy is kept.

    Returns:
        The conformer, or the reason why there is none: "parse", "empty", "dummy", "fragments",
        "embedding failed (...)", "no force field parameters", "no finite energy".
    """
    check_settings(seed, attempts, seconds, conformers)
    with quiet_rdkit():
        mol: Any = Chem.MolFromSmiles(smiles)
        if mol is None:
            return "parse"
        if mol.GetNumAtoms() == 0:
            return "empty"
        if any(atom.GetAtomicNum() == 0 for atom in mol.GetAtoms()):
            return "dummy"
        if len(Chem.GetMolFrags(mol)) > 1:
            return "fragments"
        mol = Chem.AddHs(mol)
        failure = _embed(mol, seed, attempts, seconds, conformers)
        if failure:
            return failure
        return _relaxed(mol)


def embed_all(
    smiles: Iterable[str],
    *,
    seed: int = 0,
    attempts: int = ATTEMPTS,
    seconds: float = SECONDS,
    conformers: int = 1,
    n_jobs: int = 1,
    progress: bool = False,
) -> Iterator[Conformer | str]:
    """`embed` each in worker processes: one that hangs or crashes its worker costs only itself.

    Args:
        smiles: Molecules.
        seed: As in `embed`; the same for all.
        attempts: As in `embed`.
        seconds: Wall-clock time for one molecule, after which its worker is killed.
        conformers: As in `embed`.
        n_jobs: Worker processes, -1 for one per core. The coordinates do not depend on it.
        progress: Whether to show a bar with rate and remaining time on standard error.

    Yields:
        A conformer or a reason for each, in order; further reasons are "took longer than 60 s" and
        "worker crashed (SIGSEGV)".
    """
    from molgan.progress import tqdm

    check_settings(seed, attempts, seconds, conformers)
    total = len(smiles) if isinstance(smiles, list | tuple) else None
    settings = (seed, attempts, seconds, conformers)
    outcomes = run_each(_embedded, smiles, *settings, seconds=seconds, n_jobs=n_jobs)
    for outcome in tqdm(outcomes, "3D", total, unit="mol", disable=not progress):
        if outcome.reason is not None or isinstance(outcome.value, str):
            yield outcome.reason or outcome.value
        else:
            binary, *rest = outcome.value
            yield Conformer(Chem.Mol(binary), *rest)


def _embedded(
    smiles: str, seed: int, attempts: int, seconds: float, conformers: int
) -> str | tuple[bytes, str, float, str]:
    result = embed(smiles, seed=seed, attempts=attempts, seconds=seconds, conformers=conformers)
    if isinstance(result, str):
        return result
    # A plain pickle rounds coordinates to float32, which can change a written digit.
    kept = Chem.PropertyPickleOptions.CoordsAsDouble | Chem.PropertyPickleOptions.AllProps
    return result.mol.ToBinary(int(kept)), result.smiles, result.energy, result.force_field


def _embed(mol: Chem.Mol, seed: int, attempts: int, seconds: float, conformers: int) -> str | None:
    """Add conformers to a molecule with hydrogens, or say why that failed."""
    causes: list[int] = []
    for random_coordinates in (False, True):
        settings: Any = rdDistGeom.ETKDGv3()
        settings.randomSeed = seed
        settings.maxIterations = attempts
        settings.timeout = max(1, int(seconds))
        settings.numThreads = 1
        settings.trackFailures = True
        settings.useRandomCoords = random_coordinates
        try:
            if len(rdDistGeom.EmbedMultipleConfs(mol, conformers, settings)):
                return None
        except (ValueError, RuntimeError) as error:
            return f"embedding failed ({' '.join(str(error).split())})"
        causes = list(settings.GetFailureCounts())
    names = rdDistGeom.EmbedFailureCauses.values
    if not any(causes):
        return f"embedding failed ({attempts} attempts, then {attempts} from random coordinates)"
    worst = str(names[causes.index(max(causes))]).lower().replace("_", " ")
    return f"embedding failed ({attempts} attempts, then {attempts} from random ones: {worst})"


def _relaxed(mol: Chem.Mol) -> Conformer | str:
    """The conformer of lowest energy after minimisation."""
    if force_fields.MMFFHasAllMoleculeParams(mol):
        name = "MMFF94s"
        results = force_fields.MMFFOptimizeMoleculeConfs(
            mol, numThreads=1, maxIters=_FORCE_FIELD_STEPS, mmffVariant=name
        )
    elif force_fields.UFFHasAllMoleculeParams(mol):
        name = "UFF"
        results = force_fields.UFFOptimizeMoleculeConfs(
            mol, numThreads=1, maxIters=_FORCE_FIELD_STEPS
        )
    else:
        return "no force field parameters"
    energies = [
        (energy, conformer.GetId())
        for (status, energy), conformer in zip(results, mol.GetConformers(), strict=True)
        if status >= 0 and abs(energy) < float("inf")
    ]
    if not energies:
        return "no finite energy"
    energy, best = min(energies)
    kept = Chem.Mol(mol, False, best)
    # The structure may have been given open centres: what is drawn in 3D is what counts.
    Chem.AssignStereochemistryFrom3D(kept)
    return Conformer(kept, Chem.MolToSmiles(Chem.RemoveHs(kept)), float(energy), name)


def check_settings(seed: int, attempts: int, seconds: float, conformers: int) -> None:
    """Raise a ConfigError for a setting of `embed` that cannot work; it is named."""
    for name, value in {"attempts": attempts, "conformers": conformers}.items():
        if value < 1:
            raise ConfigError(f"{name} for a 3D structure must be 1 or more, not {value}")
    if not seconds > 0:
        raise ConfigError(f"seconds for a 3D structure must be more than 0, not {seconds}")
    if not 0 <= seed < 2**31:
        raise ConfigError(f"the seed of a 3D structure must lie in 0 to 2147483647, not {seed}")
