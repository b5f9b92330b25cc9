"""``python -m molgan.release``: a finished run in, a ready model with its card out.

In two steps, because figures have to be of the very file that is released:

    python -m molgan.release run=RUN name=qm9 words=docs/models/qm9.words.md
    python -m molgan.evaluate library=qm9 reference=qm9 protocol=gdss_qm9 seed=0 out=figures/0
    python -m molgan.release run=RUN name=qm9 words=docs/models/qm9.words.md evaluations=[figures/0]

The bundle is the same, byte for byte, each time.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from molgan import cli

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from molgan.bundle import Bundle
    from molgan.cards import Facts

#: A repository and a package should not carry more for one model.
LARGEST = 20_000_000
# How the model is drawn from, which can be found to be better than the run thought.
_SAMPLING = ("noise_scale", "refine_steps")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return cli.run(release, "release", argv)


def release(cfg: DictConfig) -> Facts:
    """Write bundle, picture, facts and card of a ready model into ``cfg.out``.

    Returns:
        The facts.

    Raises:
        MolganError: for a run, evaluations or settings that cannot work; see the message.
    """
    from molgan.bundle import Bundle
    from molgan.cards import card_text, facts_of_run, read_evaluations
    from molgan.config import given, whole_number
    from molgan.data.files import user_path
    from molgan.library.writers import atomic_write
    from molgan.training.run_folder import versions

    for key, least in {"molecules": 1, "compared": 1, "seed": 0}.items():
        whole_number(cfg, key, least)
    name, run_dir, stem = _settings(cfg)
    words = user_path(str(cfg.words), "words").read_text(encoding="utf-8")
    sampling = {key: cfg[key] for key in _SAMPLING if cfg[key] is not None}
    facts: Facts = {"name": name, **facts_of_run(run_dir), "versions": versions()}
    own = replace(Bundle.load(run_dir), **sampling).drawn_with(given(cfg, "denoising"))
    file = _write_bundle(own, stem, str(cfg.precision))
    released = Bundle.load(file)
    facts["file"] = _facts_of_file(file, released)
    facts["agreement"] = _agreement(own, released, int(cfg.compared), int(cfg.seed))
    facts["pictured"] = _picture(
        released, stem.with_suffix(".png"), int(cfg.molecules), int(cfg.seed)
    )
    measured = [str(each) for each in cfg.evaluations]
    facts["evaluations"] = read_evaluations(measured, facts["file"]["sha256"])
    with atomic_write(stem.with_suffix(".json")) as handle:
        handle.write(json.dumps(facts, indent=1) + "\n")
    with atomic_write(stem.with_suffix(".md")) as handle:
        handle.write(card_text(facts, words))
    _tell(facts, stem)
    return facts


def _settings(cfg: DictConfig) -> tuple[str, Path, Path]:
    """Name, run folder, and what the files are to be called, without ending.

    Raises:
        ConfigError: for a missing or impossible one.
    """
    from molgan import pretrained
    from molgan.errors import ConfigError

    name, run_dir = str(cfg.name), Path(str(cfg.run))
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise ConfigError(f"name={name}: small letters, digits, - and _ are wanted")
    if not run_dir.is_dir():
        raise ConfigError(f"run={run_dir}: there is no such folder; give a run of molgan.train")
    folder = pretrained.FOLDER if cfg.out is None else Path(str(cfg.out))
    return name, run_dir, folder / name


def _write_bundle(own: Bundle, stem: Path, precision: str) -> Path:
    """Write a run's bundle as it may leave the machine: no folders, molgan's version in it."""
    import molgan
    from molgan.cards import without_folders
    from molgan.pretrained import SUFFIX

    versions = own.versions | {"molgan": molgan.__version__}
    bundle = replace(own, config=without_folders(own.config), versions=versions)
    return bundle.save(stem.with_suffix(SUFFIX), precision)


def _facts_of_file(file: Path, released: Bundle) -> Facts:
    from molgan.data.files import file_sha256

    return {
        "name": file.name,
        "bytes": file.stat().st_size,
        "sha256": file_sha256(file),
        "precision": released.precision,
        "sampling": {key: getattr(released, key) for key in ("discretization", *_SAMPLING)},
        "max_atoms": released.max_atoms,
        "atoms": [str(kind) for kind in released.vocabulary.atoms],
        "parameters": _parameters(released),
    }


def _parameters(bundle: Bundle) -> dict[str, int]:
    networks = {"generator": bundle.generator, "encoder": bundle.encoder}
    return {
        name: sum(each.numel() for each in network.parameters())
        for name, network in networks.items()
        if network is not None
    }


def _agreement(own: Bundle, released: Bundle, n: int, seed: int) -> Facts:
    """How many of n draws from the same noise are the same molecule, or both none."""
    pair = [
        [
            item.smiles
            for draw in bundle.sampler(repeats=1.0).stream(n, seed)
            for item in draw.decoded
        ]
        for bundle in (own, released)
    ]
    same = sum(a == b for a, b in zip(*pair, strict=True))
    return {"drawn": n, "seed": seed, "identical": same / n}


def _picture(bundle: Bundle, path: Path, n: int, seed: int) -> Facts:
    """Draw the first n distinct molecules."""
    from molgan.library.pictures import write_grid
    from molgan.model import MolGAN

    smiles = MolGAN(bundle).sample(4 * n, seed).distinct().smiles[:n]
    write_grid(path, smiles)
    return {"molecules": len(smiles), "seed": seed}


def _tell(facts: Facts, stem: Path) -> None:
    size, name = facts["file"]["bytes"], facts["name"]
    print(f"{stem}.molgan, .md, .json, .png: {size / 1e6:.1f} MB, {facts['file']['sha256']}")
    if size > LARGEST:
        print(f"warning: more than {LARGEST / 1e6:g} MB: too large for molgan's own repository")
    if not facts["evaluations"]:
        print(
            f"no figures yet: measure it with python -m molgan.evaluate library={stem}.molgan "
            f"protocol=... seed=... out=FOLDER, then release {name} again with "
            "evaluations=[FOLDER,...]"
        )


if __name__ == "__main__":
    sys.exit(main())
