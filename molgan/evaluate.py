"""``python -m molgan.evaluate``: libraries of molecules in, the field's figures out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molgan import cli, config

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from molgan.metrics import Comparison, Protocol, Reference, Sample

log = logging.getLogger("molgan")

#: What `out=` leaves behind.
FILES = ("results.csv", "results.json", "results.md", "results.tex", "report.html")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    typed = sys.argv[1:] if argv is None else argv
    return cli.run(evaluate, "evaluate", config.as_hydra_reads(typed, "evaluate"))


def evaluate(cfg: DictConfig) -> Comparison:
    """Measure every library of ``cfg.library`` and print the figures side by side.

    Returns:
        The reports, one for each library.

    Raises:
        MolganError: for a library, reference, setting or disk that cannot work; see the message.
    """
    from hydra.utils import instantiate

    from molgan.config import whole_number
    from molgan.devices import usable_device
    from molgan.metrics import Comparison, measure

    for key, least in {"n": 1, "n_jobs": -1, "seed": 0}.items():
        whole_number(cfg, key, least)
    device = str(usable_device(str(cfg.device)))
    protocol: Protocol = instantiate(cfg.protocol)
    names, libraries = _libraries(cfg)
    # First what is quickly found to be wrong, then what takes long.
    samples = [
        _sample(library, name, cfg, protocol, device)
        for library, name in zip(libraries, names, strict=True)
    ]
    reference: Reference | None = instantiate(cfg.reference)
    if cfg.out is not None:
        _make(Path(str(cfg.out)))
    reports = [
        measure(
            sample,
            reference,
            protocol,
            errors=bool(cfg.errors),
            seed=int(cfg.seed),
            n_jobs=int(cfg.n_jobs),
            device=device,
            progress=bool(cfg.progress),
        )
        for sample in samples
    ]
    comparison = Comparison(reports, None if reference is None else reference.report())
    print(comparison.to_text(width=_terminal_width()))
    if cfg.out is not None:
        write(comparison, Path(str(cfg.out)), [_origin(each, cfg, protocol) for each in libraries])
    return comparison


def write(comparison: Comparison, folder: Path, origins: Sequence[dict[str, Any]]) -> None:
    """Write tables and the page into a folder; what is there under the same names is replaced.

    Args:
        comparison: what was measured.
        folder: where to; it is there.
        origins: of what each report is, to go with it into results.json; see `_origin`.

    Raises:
        MolganError: when the disk refuses; it names the file.
    """
    import json

    from molgan.library.writers import atomic_write

    comparison.to_csv(folder / "results.csv")
    plain = [
        {
            "library": report.name,
            **origin,
            "figures": report.figures,
            "errors": report.errors,
            "missing": report.missing,
            "notes": report.notes,
        }
        for report, origin in zip(comparison.reports, origins, strict=True)
    ]
    texts = {
        "results.json": json.dumps(plain, indent=2) + "\n",
        "results.md": comparison.to_markdown() + "\n",
        "results.tex": comparison.to_latex() + "\n",
    }
    for name, text in texts.items():
        with atomic_write(folder / name) as file:
            file.write(text)
    comparison.to_html(folder / "report.html")
    print(f"\n{folder}: {', '.join(FILES)}")


def _make(folder: Path) -> None:
    from molgan.errors import MolganError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MolganError(f"out={folder}: cannot make this folder: {error.strerror}") from error


def _libraries(cfg: DictConfig) -> tuple[list[str], list[str]]:
    """Names and paths of the libraries.

    Raises:
        ConfigError: when their numbers differ.
    """
    from omegaconf import ListConfig

    from molgan.errors import ConfigError

    given = cfg.library
    libraries = [str(one) for one in given] if isinstance(given, ListConfig) else [str(given)]
    if not libraries:
        raise ConfigError("library=[] holds no library: give library=FILE or library=[A,B]")
    if cfg.names is None:
        return names_of(libraries), libraries
    names = [str(one) for one in cfg.names] if isinstance(cfg.names, ListConfig) else [cfg.names]
    if len(names) != len(libraries):
        raise ConfigError(f"names has {len(names)} entries for {len(libraries)} libraries")
    return list(names), libraries


def names_of(libraries: Sequence[str]) -> list[str]:
    """Names by the files, with as much of their folders as it takes to tell them apart."""
    parts = [Path(library).parts for library in libraries]
    for depth in range(1, 4):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            break
    return names


def _origin(library: str, cfg: DictConfig, protocol: Protocol) -> dict[str, Any]:
    """What figures are of: the SHA-256 of the very file, the protocol and the seed."""
    from molgan.bundle_file import locate
    from molgan.data.files import file_sha256, user_path

    path = locate(library) if _is_model(library) else user_path(library, "library")
    return {"sha256": file_sha256(path), "protocol": protocol.name, "seed": int(cfg.seed)}


def _is_model(library: str) -> bool:
    """Whether a library is to be drawn from a model: a run folder, a bundle or a ready model."""
    from molgan.pretrained import SUFFIX, available

    path = Path(library)
    return path.is_dir() or path.suffix == SUFFIX or (not path.exists() and library in available())


def _sample(library: str, name: str, cfg: DictConfig, protocol: Protocol, device: str) -> Sample:
    from molgan.metrics import sample_from_file, sample_from_model

    repair = None if cfg.repair is None else str(cfg.repair)
    path = Path(library)
    if _is_model(library):
        return sample_from_model(
            path,
            protocol.n or int(cfg.n),
            name,
            seed=int(cfg.seed),
            repair_policy=repair,
            device=device,
            n_jobs=int(cfg.n_jobs),
            progress=bool(cfg.progress),
        )
    column = None if cfg.column is None else str(cfg.column)
    return sample_from_file(path, name, column=column, repair_policy=repair, n_jobs=int(cfg.n_jobs))


def _terminal_width() -> int | None:
    """Columns of the terminal; None where the output goes into a file."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


if __name__ == "__main__":
    sys.exit(main())
