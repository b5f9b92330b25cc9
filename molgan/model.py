"""`MolGAN`: the whole toolkit as one object, for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from molgan.errors import ConfigError, MolganError

if TYPE_CHECKING:
    from molgan.bundle import Bundle
    from molgan.conditions import Targets
    from molgan.data import MoleculeDataset
    from molgan.library import Library
    from molgan.metrics import Figures


_STOPPING = "stopping after this step; the model keeps what it has learnt; once more stops at once"


class MolGAN:
    """A generator of molecules: fit it to a set, sample it, save it, load it.

    Example:
        >>> model = MolGAN().fit(["CCO", "CCN", "CCC", "CCCO"], overrides=["debug=smoke"])
        >>> library = model.sample(100, seed=0).distinct().scored()
        >>> library.write_smi("library.smi")

    Attributes:
        bundle: the trained model; None before `fit`.
    """

    def __init__(self, bundle: Bundle | None = None) -> None:
        self.bundle = bundle

    def fit(
        self,
        data: MoleculeDataset | Sequence[str],
        *,
        seed: int = 0,
        run_dir: str | Path | None = None,
        overrides: Sequence[str] = (),
        progress: bool = True,
    ) -> MolGAN:
        """Train on a data set or a list of SMILES.

        Args:
            data: molecules.
            seed: of every random choice.
            run_dir: folder for models, samples, figures and their curves (``training.png``); None
                keeps nothing on disk. A run of the same settings and molecules that is there goes
                on where it stopped; any other is refused, unless ``overrides`` hold
                ``"resume=never"``, which replaces it.
            overrides: settings as on the command line, such as ``"reward=qed"``.
            progress: show progress bars.

        Returns:
            The same object, trained. After Ctrl-C, or Jupyter's stop button, it is what had been
            learnt by then.

        Raises:
            MolganError: for molecules or settings that cannot work.
        """
        from molgan import building
        from molgan.config import compose, to_plain
        from molgan.data import MoleculeDataset
        from molgan.library import write_curves
        from molgan.running import begun, checkpoint_to_resume
        from molgan.training.run_folder import CURVES, METRICS, check_same_config, check_same_data
        from molgan.views.runs import write_training_page

        _refuse_arguments(overrides)
        if not isinstance(data, MoleculeDataset):
            data = MoleculeDataset.from_smiles(data, seed=seed, progress=progress)
        folder = None if run_dir is None else Path(run_dir)
        flags = [f"seed={seed}", f"progress={str(progress).lower()}"]
        cfg = compose([*flags, *([] if folder is None else [f"run_dir={folder}"]), *overrides])
        resume_from = None if folder is None else checkpoint_to_resume(str(cfg.resume), folder)
        if resume_from is not None:
            check_same_config(resume_from.parent, to_plain(cfg))
            check_same_data(resume_from.parent, data.content_hash)
        fabric = building.build_fabric(cfg)
        fabric.launch()
        with begun(cfg, data, fabric, folder, resume_from) as trainer:
            try:
                with trainer.stop.on_signals(_STOPPING):
                    trainer.fit()
            except KeyboardInterrupt:
                self.bundle = trainer.bundle
                raise
            trainer.bundle.metrics = dict(trainer.figures)
            self.bundle = trainer.bundle
        if folder is not None:
            write_curves(folder / METRICS, folder / CURVES)
            write_training_page(folder)
        return self

    def sample(
        self,
        n: int,
        seed: int = 0,
        *,
        condition: Targets | None = None,
        condition_outside: bool = False,
        candidates: int | None = None,
        repeats: float | None = None,
        repair: str | None = None,
        prefix: str = "mol",
    ) -> Library:
        """Draw ``n`` molecules.

        Args:
            n: molecules to draw; the library holds the valid ones, repeats included, with a column
                `novel` (1: not in the training set, else 0), and counts the others by reason in
                `Library.rejected`. `Library.distinct` drops repeats, `Library.scored` adds scores.
            seed: same seed, same molecules.
            condition: of a conditional model: properties asked for, such as ``{"logp": 2.5}``, or
                one value for each molecule drawn. Each becomes a column ``wanted_logp``, and
                ``logp`` what was obtained.
            condition_outside: allow values that no training molecule has.
            candidates: of so many graphs for each molecule asked for, the model's own guess of
                their properties picks the one to decode; None: as the model was trained.
            repeats: of a steered model: share of its odds that a graph keeps each time the library
                has it already, from 0 (none comes twice while there are others) to 1 (draws are
                independent, as figures such as uniqueness need them); None: as the model was
                trained.
            repair: ``largest_fragment`` or ``valence``: repair invalid molecules instead of leaving
                them out.
            prefix: of names.

        Raises:
            ConfigError: for numbers that cannot work, or a condition that the model does not know
                or that is outside the data.
        """
        from molgan.asked import Request
        from molgan.library import Library
        from molgan.rewards import Objective

        bundle, n, seed = self._trained(), _whole("n", n), _whole("seed", seed)
        wanted = bundle.wanted(condition, n, condition_outside)
        sampler = bundle.sampler(repair, wanted=wanted, candidates=candidates, repeats=repeats)
        draws = sampler.stream(n, seed)
        decoded = [item for draw in draws for item in draw.repaired]
        # An invalid molecule has no SMILES; its entry does not reach the table.
        known = bundle.identities.contains([item.smiles or "" for item in decoded])
        request = Request(bundle.conditions, wanted)
        raw = Objective(request.components())(decoded).raw
        columns = {"novel": (~known).astype(int).tolist(), **request.met(raw, len(decoded)), **raw}
        return Library.from_decoded(decoded, columns, prefix=prefix)

    def evaluate(self, n: int = 10_000, seed: int = 0) -> Figures:
        """Strict figures of ``n`` molecules drawn independently; see `molgan.metrics.evaluate`.

        Args:
            n: molecules to draw, 1 or more; figures such as unique depend on it.
            seed: of the draws.
        """
        from molgan.metrics import evaluate

        bundle, n, seed = self._trained(), _whole("n", n), _whole("seed", seed)
        stream = bundle.sampler(repeats=1.0).stream(n, seed)
        decoded = [item for draw in stream for item in draw.decoded]
        return evaluate(decoded, bundle.identities, training_size=len(bundle.identities))

    def encode(self, smiles: Sequence[str]) -> npt.NDArray[np.float32]:
        """Latent points of molecules.

        Args:
            smiles: molecules of the model's atom types and size.

        Returns:
            ``(len(smiles), latent_dim)``.

        Raises:
            ChemistryError: naming the first molecule that the model cannot represent.
            MolganError: when the model has no encoder.
        """
        from molgan.latents import encoded_by

        return encoded_by(self._trained(), smiles)[0]

    def interpolate(
        self, a: str, b: str, n: int = 8, *, repair: str | None = None, prefix: str = "step"
    ) -> Library:
        """Molecules between two others: the latents on the great circle between theirs, decoded.

        Latents lie on a sphere, which a straight line would leave. The number of atoms goes from
        one to the other in equal steps. What is decoded is refined as in `sample`.

        Args:
            a: SMILES at the start; its latent may decode to another molecule.
            b: SMILES at the end.
            n: points, both ends included; at least 2.
            repair: as for `sample`.
            prefix: of names.

        Returns:
            The valid molecules in order, with `position`, 0 at ``a`` to 1 at ``b``; the others are
            counted in `Library.rejected`.

        Raises:
            ChemistryError: when the model cannot represent one of the two.
            MolganError: when it has no encoder, or ``n`` is below 2.
        """
        import torch

        from molgan.latents import encoded_by, great_circle
        from molgan.library import Library

        n = _whole("n", n)
        if n < 2:
            raise MolganError(f"a walk has two points or more, not n={n}")
        bundle = self._trained()
        latents, encoded = encoded_by(bundle, [a, b])
        positions = np.linspace(0.0, 1.0, n)
        points = torch.from_numpy(great_circle(latents[0], latents[1], positions))
        ends = (encoded.atoms > 0).sum(1)
        sizes = torch.from_numpy(
            np.rint(ends[0] + (ends[1] - ends[0]) * positions).astype(np.int64)
        )
        decoded = bundle.sampler(repair).decode_latents(points, sizes).repaired
        return Library.from_decoded(decoded, {"position": positions.tolist()}, prefix=prefix)

    def explore(
        self,
        smiles: str,
        n: int = 100,
        radius: float | None = None,
        seed: int = 0,
        *,
        contains: str | None = None,
        resize: int = 1,
        prefix: str = "near",
    ) -> Library:
        """Distinct molecules around a lead: its latent point with noise, decoded.

        Args:
            smiles: the lead; it is not in the library itself.
            n: molecules wanted; there are fewer where 50 draws for each, or 2,000 in a row,
                find no more.
            radius: standard deviation of the noise, where a coordinate of the latent space has unit
                variance. 0.5 gives near ones, 1.5 little more than the size in common. None climbs
                a ladder from 0.25 to 1.5, with as many molecules from each rung.
            seed: same seed, same molecules.
            contains: SMARTS, or a fragment as SMILES, that every molecule has to contain and the
                lead does. Its atoms and bonds stay at their places in the lead, and the model
                decodes the rest.
            resize: atoms by which a molecule may be smaller or larger than the lead.
            prefix: of names.

        Returns:
            Molecules, the most similar first, with `similarity` to the lead (Tanimoto, Morgan
            fingerprints of radius 2), `radius`, and `novel`, 1 for those not in the training set.
            `Library.rejected` counts all others that were drawn.

        Example:
            >>> model = MolGAN.from_pretrained("qm9")
            >>> library = model.explore("CC1COC1C#N", 50, contains="C1COC1")

        Raises:
            ChemistryError: when the model cannot represent the lead, or it lacks the fragment.
            ConfigError: for a fragment that RDKit does not read, or numbers that cannot work.
            MolganError: when the model has no encoder.
        """
        import torch

        from molgan.chem import Fragment
        from molgan.latents import encoded_by
        from molgan.library import Library
        from molgan.neighbours import Lead

        bundle, n, seed = self._trained(), _whole("n", n), _whole("seed", seed)
        fragment = None if contains is None else Fragment.parse(contains)
        latents, encoded = encoded_by(bundle, [smiles])
        # What is held has to be seen by a refining pass, so that the rest is fitted to it.
        steps = bundle.refine_steps if fragment is None else max(bundle.refine_steps, 1)
        sampler = bundle.sampler(refine_steps=steps)
        arrays = (latents[0], encoded.atoms[0], encoded.bonds[0])
        point, atoms, bonds = (torch.from_numpy(each).to(sampler.device) for each in arrays)
        lead = Lead(sampler, encoded.smiles[0], point, atoms, bonds, fragment)
        found = lead.around(n, radius, seed, resize)
        order = np.argsort(-np.array(found.similarities), kind="stable").tolist()
        decoded = [found.decoded[row] for row in order]
        known = bundle.identities.contains([item.smiles or "" for item in decoded])
        columns = {
            "similarity": [found.similarities[row] for row in order],
            "radius": [found.radii[row] for row in order],
            "novel": (~known).astype(int).tolist(),
        }
        library = Library.from_decoded(decoded, columns, prefix=prefix)
        library.rejected = found.rejected
        return library

    def save(self, path: str | Path, precision: str | None = None) -> Path:
        """Write the model as one self-contained file.

        Args:
            path: the file.
            precision: ``full`` or, in half the space, ``half``; None as the model was read.
        """
        return self._trained().save(path, precision)

    @classmethod
    def load(cls, path: str | Path, device: str = "cpu") -> MolGAN:
        """Read a model from a bundle or a run folder.

        Args:
            path: a .molgan file, or the folder of a run, whose last model is taken.
            device: where its networks go.

        Raises:
            BundleError: for a missing, truncated, foreign or incompatible file.
        """
        from molgan.bundle import Bundle

        return cls(Bundle.load(path, device))

    @classmethod
    def from_pretrained(cls, name: str, device: str = "cpu") -> MolGAN:
        """A model that comes with molgan, ready to sample.

        Args:
            name: one of `pretrained_models`; `card` says what each has learnt and how well.
            device: where its networks go.

        Example:
            >>> MolGAN.from_pretrained("qm9").sample(1000, seed=0).write_smi("library.smi")

        Raises:
            BundleError: for an unknown name; it lists those there are.
        """
        from molgan import pretrained
        from molgan.bundle import Bundle

        return cls(Bundle.load(pretrained.path(name), device))

    @staticmethod
    def pretrained_models() -> list[str]:
        """Names for `from_pretrained`."""
        from molgan import pretrained

        return pretrained.available()

    @staticmethod
    def card(name: str) -> str:
        """The card of a ready model, as Markdown: data, recipe, figures, intended use, limits.

        Args:
            name: one of `pretrained_models`.

        Raises:
            BundleError: for an unknown name; it lists those there are.
        """
        from molgan import pretrained

        return pretrained.card(name)

    def _trained(self) -> Bundle:
        if self.bundle is None:
            raise MolganError("this model is not trained yet: call fit(...) or MolGAN.load(path)")
        return self.bundle


def _whole(name: str, value: float) -> int:
    """A count or a seed; ``1e4`` is one too.

    Raises:
        ConfigError: for anything but a whole number from 0 up.
    """
    number = isinstance(value, int | float | np.integer) and not isinstance(value, bool)
    if not number or not float(value).is_integer() or value < 0:
        raise ConfigError(f"{name}={value!r}: a whole number from 0 up is wanted")
    return int(value)


def _refuse_arguments(overrides: Sequence[str]) -> None:
    """Refuse settings of which `MolGAN.fit` takes no notice, since its arguments say it.

    Raises:
        ConfigError: naming the setting and where it belongs.
    """
    if isinstance(overrides, str):
        raise ConfigError(f"overrides is a list of settings: overrides=[{overrides!r}]")
    for typed in overrides:
        key = typed.partition("=")[0].strip("+~")
        if key == "data" or (key.startswith("data.") and key != "data.cache_dir"):
            raise ConfigError(
                f"overrides: {typed} says which molecules to learn, but fit is given them; "
                "data.max_atoms and the like are arguments of MoleculeDataset(...)"
            )
        if key == "run_dir":
            raise ConfigError(f"overrides: {typed} is an argument: fit(..., run_dir=...)")
