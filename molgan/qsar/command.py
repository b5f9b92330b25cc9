"""``python -m molgan.qsar fit`` and ``predict``: from a table to a model, from it to numbers."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from molgan import cli, config
from molgan.errors import ConfigError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from molgan.data.streaming import Row
    from molgan.qsar.model import QSARModel
    from molgan.qsar.study import Study

_CHUNK = 1024  # rows predicted together

USAGE = """\
usage: python -m molgan.qsar fit data=assays.csv target=pIC50 [key=value ...]
       python -m molgan.qsar predict model=qsar in=library.smi [key=value ...]

fit      a model of a measured property from a table of molecules, tested on molecules held out
predict  the property for molecules in a file, with uncertainty and applicability domain

Each explains its settings with --help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    typed = list(sys.argv[1:] if argv is None else argv)
    tasks = {"fit": fit, "predict": predict}
    verb = typed[0] if typed else ""
    if verb in ("-h", "--help"):
        print(USAGE)
        return 0
    if verb not in tasks:
        print(USAGE, file=sys.stderr)
        what = f"{verb!r} is neither fit nor predict" if verb else "say fit or predict"
        return cli.report(ConfigError(f"{what}: python -m molgan.qsar fit --help"))
    name = f"qsar_{verb}"
    return cli.run(tasks[verb], name, config.as_hydra_reads(typed[1:], name))


def fit(cfg: DictConfig) -> Study:
    """Fit a model on ``cfg.data_path``, print how good it is and write it into ``cfg.out``.

    Raises:
        MolganError: for a table, a setting or a disk that cannot work; see the message.
    """
    from hydra.utils import instantiate

    from molgan.config import to_plain, whole_number
    from molgan.qsar.assays import read_assays
    from molgan.qsar.report import write_study
    from molgan.qsar.study import run_study
    from molgan.qsar.summary import text

    for key, least in {"seed": 0, "n_jobs": -1}.items():
        whole_number(cfg, key, least)
    plain = to_plain(cfg)
    out = Path(str(plain["out"])).expanduser()
    target = str(plain["target"])
    assays = read_assays(
        str(plain["data_path"]),
        target,
        column=_text(plain["column"]),
        delimiter=_text(plain["delimiter"]),
    )
    result = run_study(
        assays,
        target=target,
        family=instantiate(cfg.family, _convert_="all"),
        split=str(plain["split"]),
        fractions=_numbers(plain, "fractions"),
        task=str(plain["task"]),
        unit=_text(plain["unit"]) or "",
        transform=str(plain["transform"]),
        threshold=None if plain["threshold"] is None else _number(plain, "threshold"),
        positive=_text(plain["positive"]),
        domain_quantile=_number(plain, "domain_quantile"),
        refit=bool(plain["refit"]),
        seed=int(plain["seed"]),
        n_jobs=int(plain["n_jobs"]),
        device=str(plain["device"]),
        progress=bool(plain["progress"]),
    )
    print(text(result))
    names = write_study(result, assays, out)
    print(f"\n{out}: {', '.join(names)}")
    return result


def predict(cfg: DictConfig) -> dict[str, int]:
    """Predict the molecules of ``cfg["in"]`` with ``cfg.model_path``; a row for every row.

    Returns:
        Numbers of rows: all, unreadable ones, those outside the domain.

    Raises:
        MolganError: for a model, a file or a disk that cannot work; see the message.
    """
    from molgan.config import to_plain
    from molgan.data.files import user_path
    from molgan.data.streaming import stream_rows
    from molgan.library.writers import atomic_write
    from molgan.progress import tqdm
    from molgan.qsar.model import QSARModel

    plain = to_plain(cfg)
    model = QSARModel.load(str(plain["model_path"]))
    path = user_path(str(plain["in"]), "in")
    out = Path(str(plain["out"])).expanduser()
    rows = stream_rows(
        path,
        column=_text(plain["column"]),
        name_column=_text(plain["name_column"]),
        delimiter=_text(plain["delimiter"]),
    )
    counts = {"rows": 0, "unreadable": 0, "outside": 0}
    bar = tqdm(desc="predict", unit="mol", disable=not plain["progress"], leave=False)
    with atomic_write(out) as file, bar:
        for chunk in _chunks(rows):
            found = _write_chunk(file, model, chunk, header=counts["rows"] == 0)
            counts = {key: counts[key] + found[key] for key in counts}
            bar.update(len(chunk))
    print(
        f"{model}\n{counts['rows']:,} rows: {counts['unreadable']:,} unreadable, "
        f"{counts['outside']:,} outside the applicability domain\n{out}"
    )
    return counts


def _write_chunk(
    file: IO[str], model: QSARModel, rows: Sequence[Row], *, header: bool
) -> dict[str, int]:
    """Predict some rows and write them; returns how many there were of each kind."""
    from molgan.data.streaming import one_line

    writer = csv.writer(file, lineterminator="\n")
    if header:
        value = "probability" if model.target.classify else "predicted"
        names = ["row", "name", "smiles", value, "std", "in_domain", "similarity", "reason"]
        writer.writerow(names)
    smiles = [_smiles(row) for row in rows]
    found = model.predict(smiles)
    unreadable = 0
    for place, row in enumerate(rows):
        reason = row.reason or ("parse" if not smiles[place] else found.reasons[place])
        line = [row.where, one_line(row.name), one_line(smiles[place] or row.text)]
        if reason is not None:
            unreadable += 1
            writer.writerow([*line, "", "", "", "", reason])
            continue
        writer.writerow(
            [
                *line,
                f"{found.mean[place]:.6g}",
                f"{found.std[place]:.6g}",
                str(bool(found.in_domain[place])).lower(),
                f"{found.similarity[place]:.4f}",
                "",
            ]
        )
    outside = int((~found.in_domain).sum()) - unreadable
    return {"rows": len(rows), "unreadable": unreadable, "outside": outside}


def _smiles(row: Row) -> str:
    """The SMILES of a row; of an SDF record that of its structure; "" if there is none."""
    if row.reason is not None:
        return ""
    if not row.where.startswith("record"):
        return row.text
    from rdkit import Chem

    from molgan.screening.work import read_row

    mol, _ = read_row(row.text)
    return "" if mol is None else Chem.MolToSmiles(mol)


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(plain: dict[str, Any], key: str) -> float:
    value = plain[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{key}={value}: a number is wanted")
    return float(value)


def _numbers(plain: dict[str, Any], key: str) -> list[float]:
    values = plain[key]
    if not isinstance(values, list) or any(
        isinstance(one, bool) or not isinstance(one, int | float) for one in values
    ):
        raise ConfigError(f"{key}={values}: a list of numbers is wanted, such as [0.8,0.1,0.1]")
    return [float(one) for one in values]
