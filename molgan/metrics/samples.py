"""A sample to be measured: everything a generator drew, valid or not, in the order drawn.

A sample comes from a file of SMILES (one line is one molecule drawn), from a list, or fresh from a
model. The file of a run holds only what was kept; its share of valid molecules is then that of the
file. To measure a model, measure the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.chem import Codec, Vocabulary, judge_all, quiet_rdkit, repair
from molgan.chem.parallel import map_chunks
from molgan.chem.raw import raw_arrays, raw_molecule, raw_molecule_from_smiles
from molgan.errors import ConfigError, DataError

if TYPE_CHECKING:
    from molgan.bundle import Bundle
    from molgan.sampling import Draw

#: Longest list of unusable entries that is kept to be shown.
MAX_EXAMPLES = 20


@dataclass
class Sample:
    """What was drawn, as n entries.

    Attributes:
        name: shown in tables.
        smiles: n entries, canonical stereo-free SMILES, or None where there is no molecule.
        reasons: n entries, None for a molecule, else why there is none.
        examples: the first entries without a molecule, as ``line 7: C1CC (parse)``.
        texts: n SMILES as written, where the sample comes as text; else None.
        atoms: (n, N) uint8 atom types as drawn, where it comes from a model; else None.
        bonds: (n, N, N) uint8 bond types as drawn, likewise.
        vocabulary: what these mean.
        repaired: n entries, SMILES or None after the repair policy; None without one.
        notes: sentences about where the sample comes from.
    """

    name: str
    smiles: list[str | None]
    reasons: list[str | None]
    examples: list[str] = field(default_factory=list)
    texts: list[str] | None = None
    atoms: npt.NDArray[np.uint8] | None = None
    bonds: npt.NDArray[np.uint8] | None = None
    vocabulary: Vocabulary | None = None
    repaired: list[str | None] | None = None
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of molecules drawn."""
        return len(self.smiles)

    @property
    def valid(self) -> list[str]:
        """The valid molecules, repeats included, in the order drawn."""
        return [text for text in self.smiles if text is not None]

    def first(self, n: int | None) -> Sample:
        """The first n molecules drawn, or all of them.

        Args:
            n: how many; None for all.
        """
        if n is None or n >= len(self):
            return self
        return Sample(
            self.name,
            self.smiles[:n],
            self.reasons[:n],
            self.examples,
            None if self.texts is None else self.texts[:n],
            None if self.atoms is None else self.atoms[:n],
            None if self.bonds is None else self.bonds[:n],
            self.vocabulary,
            None if self.repaired is None else self.repaired[:n],
            self.notes,
        )

    def raw_molecules(self) -> Iterator[Chem.Mol | None]:
        """The n graphs as drawn, not sanitised; None where the text is no SMILES at all.

        For the looser countings of `molgan.metrics.relaxed`.
        """
        if self.atoms is not None:
            assert self.bonds is not None
            assert self.vocabulary is not None
            for atoms, bonds in zip(self.atoms, self.bonds, strict=True):
                yield raw_molecule(atoms, bonds, self.vocabulary)
        else:
            assert self.texts is not None
            for text in self.texts:
                yield raw_molecule_from_smiles(text)


def sample_from_smiles(
    smiles: Sequence[str],
    name: str = "library",
    *,
    repair_policy: str | None = None,
    n_jobs: int = 1,
    where: Sequence[str] | None = None,
) -> Sample:
    """Judge a list of SMILES strictly.

    Args:
        smiles: One entry for each molecule drawn; what is no SMILES counts as invalid.
        name: Of the sample.
        repair_policy: Also repair what is invalid; see `molgan.chem.repair`. Entries that are no
            SMILES at all stay as they are.
        n_jobs: Worker processes.
        where: What to call each entry in `Sample.examples`; default ``entry 1``, ...

    Raises:
        DataError: If one string is given instead of a list.
    """
    if isinstance(smiles, str):
        raise DataError(f"a list of SMILES is wanted, not one string: [{smiles!r}]")
    texts = ["" if text is None else str(text).strip() for text in smiles]
    judged = [one for part in map_chunks(judge_all, texts, n_jobs) for one in part]
    sample = Sample(
        name,
        [found for found, _ in judged],
        [reason for _, reason in judged],
        texts=texts,
    )
    for row, (found, reason) in enumerate(judged):
        if found is None and len(sample.examples) < MAX_EXAMPLES:
            place = where[row] if where is not None else f"entry {row + 1}"
            sample.examples.append(f"{place}: {texts[row][:80]} ({reason})")
    if repair_policy is not None:
        sample.repaired = _repaired_texts(sample, repair_policy)
    return sample


def sample_from_file(
    path: str | Path,
    name: str | None = None,
    *,
    column: str | None = None,
    repair_policy: str | None = None,
    n_jobs: int = 1,
) -> Sample:
    """Read a library: .smi, .csv or .sdf, also .gz; one row is one molecule drawn.

    Rows without a SMILES, or whose bytes are no text, count as invalid. Blank lines of a .smi file
    do not count.

    Args:
        path: The file.
        name: Of the sample; None takes the file's name without its ending.
        column: Column of SMILES in a table; None finds it by its usual names.
        repair_policy: As for `sample_from_smiles`.
        n_jobs: Worker processes; -1 for one per core.

    Raises:
        DataError: for a file that cannot be read or holds no rows.
    """
    from molgan.data.files import file_format, user_path
    from molgan.data.readers import read_molecules

    path = user_path(path, "library")
    raw = read_molecules(path, column=column)
    unread = {
        reason: count
        for reason, count in raw.skipped.items()
        if not (reason == "blank" and file_format(path) == "smi")
    }
    if not raw.smiles and not unread:
        raise DataError(f"library={path} holds no molecules.")
    sample = sample_from_smiles(
        raw.smiles,
        name or path.name.removesuffix(".gz").rsplit(".", 1)[0],
        repair_policy=repair_policy,
        n_jobs=n_jobs,
        where=[f"row {row + 1}" for row in raw.rows],
    )
    for reason, count in unread.items():
        sample.smiles += [None] * count
        sample.reasons += [reason] * count
        assert sample.texts is not None
        sample.texts += [""] * count
        if sample.repaired is not None:
            sample.repaired += [None] * count
        room = max(MAX_EXAMPLES - len(sample.examples), 0)
        sample.examples += [f"{place} ({reason})" for place in raw.examples.get(reason, [])][:room]
    sample.notes.append(f"every row of {path.name} counts as one molecule drawn")
    return sample


def sample_from_model(
    model: str | Path | Bundle,
    n: int,
    name: str | None = None,
    *,
    seed: int = 0,
    repair_policy: str | None = None,
    device: str = "cpu",
    n_jobs: int = 1,
    progress: bool = False,
) -> Sample:
    """Draw n molecules from a model; all of them are in the sample.

    Args:
        model: A bundle, its file, or a run folder.
        n: Molecules to draw.
        name: Of the sample; default: the file's.
        seed: Same seed, same molecules.
        repair_policy: Also repair what is invalid.
        device: Of the networks, where `model` is a path.
        n_jobs: Worker processes for decoding.
        progress: Show a progress bar.

    Raises:
        BundleError: for a model that cannot be read.
    """
    from molgan.bundle import Bundle
    from molgan.bundle_file import locate
    from molgan.progress import tqdm

    if not isinstance(model, Bundle):
        path = locate(model)
        name = name or (Path(model).name if Path(model).is_dir() else path.stem)
        model = Bundle.load(path, device)
    sampler = model.sampler(repair=repair_policy, n_jobs=n_jobs, repeats=1.0)
    draws = []
    with tqdm(total=n, desc="sampling", unit="mol", disable=not progress) as bar:
        for draw in sampler.stream(n, seed):
            draws.append(draw)
            bar.update(len(draw.decoded))
    sample = sample_from_draws(
        draws, name or "model", model.vocabulary, repaired=repair_policy is not None
    )
    sample.notes.append(f"{n:,} molecules drawn from the model with seed {seed}")
    return sample


def sample_from_draws(
    draws: Sequence[Draw], name: str, vocabulary: Vocabulary, repaired: bool = False
) -> Sample:
    """A sample of what a `Sampler` drew.

    Args:
        draws: batches, in the order drawn.
        name: Of the sample.
        vocabulary: Of their arrays.
        repaired: Whether the sampler had a repair policy, whose results are to be counted too.
    """
    decoded = [item for draw in draws for item in draw.decoded]
    after = [item.smiles for draw in draws for item in draw.repaired] if repaired else None
    return Sample(
        name,
        [item.smiles for item in decoded],
        [item.reason for item in decoded],
        atoms=np.concatenate([draw.atoms for draw in draws]),
        bonds=np.concatenate([draw.bonds for draw in draws]),
        vocabulary=vocabulary,
        repaired=after,
    )


def _repaired_texts(sample: Sample, policy: str) -> list[str | None]:
    """Repair what parses but is invalid, by way of our own arrays."""
    from molgan.chem import POLICIES

    if policy not in POLICIES:
        raise ConfigError(
            f"repair={policy} is unknown: use one of {', '.join(sorted(POLICIES))} or null"
        )
    result = list(sample.smiles)
    assert sample.texts is not None
    rows, graphs = [], []
    with quiet_rdkit():
        for row, text in enumerate(sample.texts):
            if sample.smiles[row] is None and sample.reasons[row] not in ("parse", "empty"):
                mol = raw_molecule_from_smiles(text)
                if mol is not None and mol.GetNumAtoms():
                    rows.append(row)
                    graphs.append(mol)
    if not graphs:
        return result
    atoms, bonds, vocabulary = raw_arrays(graphs)
    codec = Codec(vocabulary, atoms.shape[1])
    for row, item in zip(rows, repair(policy, atoms, bonds, codec), strict=True):
        result[row] = item.smiles
    return result
