"""Molecules per second of a training step: paper-size networks against DeepChem's, and our default.

    python benchmarks/train_speed.py [--threads 1] [--repeats 5] [--json FILE] [data=... ...]

Both sides train the graph GAN of the MolGAN paper with WGAN-GP: batch 128, five critic updates for
one of the generator, Adam, 32-bit floats, the same one-hot graphs with the same atom and bond
types, drawn anew for every update; no reward network, which DeepChem does not have. A molecule is
a real one that a critic update has seen. The rows:

* **molgan**: `experiment=molgan_paper` at batch 128 as `molgan.train` runs it, loss statistics,
  gradient norms and the moving average of the generator included;
* **DeepChem**: `BasicMolGANModel.fit_gan` as it stands, and with the paper's widths in its critic.
  It takes the penalty at the real graphs; ours takes it between real and generated ones, as WGAN-GP
  is defined, which costs one more forward pass.
* **default**: the phases of `model=latent`.

Words with `=` are settings of `molgan.train` for the data; without them, the bundled set.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate

from molgan.building import build_fabric, build_trainer
from molgan.config import compose
from molgan.data import MoleculeDataset
from molgan.training import RealMolecules, Trainer

BATCH = 128
CRITIC_STEPS = 5
PAPER = [
    "experiment=molgan_paper",
    "reward=none",
    "trainer.phases.reinforcement=null",
    f"trainer.phases.pretraining.batch_size={BATCH}",
    f"trainer.phases.pretraining.critic_steps={CRITIC_STEPS}",
]
# Name of a row: molecules of a step, and a function that does so many steps.
Row = tuple[int, Callable[[int], None]]


def our_trainer(settings: list[str], device: str = "cpu") -> tuple[Trainer, MoleculeDataset]:
    """A trainer as `molgan.train` makes it, without a run folder."""
    cfg = compose(["precision=32-true", f"device={device}", "progress=false", *settings])
    dataset = instantiate(cfg.data)
    return build_trainer(cfg, dataset, build_fabric(cfg), None), dataset


def our_rows(trainer: Trainer, label: str) -> dict[str, Row]:
    """One row for each phase; a phase starts from networks that have learnt nothing."""
    rows: dict[str, Row] = {}
    for name, phase in trainer._phases.items():
        phase.begin()

        def steps(count: int, phase: Any = phase) -> None:
            for _ in range(count):
                phase.advance()

        rows[label.format(name)] = (phase.molecules_per_step, steps)
    return rows


def their_rows(data: RealMolecules) -> dict[str, Row]:
    """DeepChem's model as it stands, and with the critic of the paper's widths."""
    # Its import warns of every package that it does not find.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        from deepchem.models.torch_models import BasicMolGANModel
        from deepchem.models.torch_models.molgan import Discriminator
    logging.disable(logging.NOTSET)

    class PaperWidths(BasicMolGANModel):  # type: ignore[misc, valid-type]
        """Convolutions of 64 and 32, graph vector of 128."""

        def create_discriminator(self) -> Any:
            return Discriminator(0.0, [(64, 32), 128], self.edges, self.nodes, self.device)

    def row(kind: Any) -> Row:
        gan = kind(
            edges=data.num_bond_types,
            vertices=data.atoms.shape[1],
            nodes=data.num_atom_types,
            embedding_dim=32,
            batch_size=BATCH,
            learning_rate=1e-3,
            device=torch.device("cpu"),
        )

        def batches(count: int) -> Iterator[dict[str, torch.Tensor]]:
            # As its documentation feeds it: one-hot, a batch at a time.
            for _ in range(count):
                graphs = data.graphs(torch.randint(len(data), (BATCH,)))
                yield dict(zip(gan.data_inputs, (graphs.edges, graphs.nodes), strict=True))

        def steps(count: int) -> None:
            gan.fit_gan(
                batches(CRITIC_STEPS * count),
                generator_steps=1 / CRITIC_STEPS,
                checkpoint_interval=0,
            )

        return CRITIC_STEPS * BATCH, steps

    return {
        "DeepChem, as it stands": row(BasicMolGANModel),
        "DeepChem, the paper's widths": row(PaperWidths),
    }


def measure(rows: dict[str, Row], repeats: int, seconds: float, threads: int) -> dict[str, float]:
    """Molecules per second of each row: the best of several rounds, in which all rows take turns.

    On one thread the process's own time counts, so that other load does not.
    """
    clock = time.process_time if threads == 1 else time.perf_counter
    counts: dict[str, int] = {}
    best = dict.fromkeys(rows, 0.0)
    for name, (_, steps) in rows.items():
        steps(2)
        start = clock()
        steps(1)
        counts[name] = max(1, int(seconds / (clock() - start)))
    for _ in range(repeats):
        for name, (molecules, steps) in rows.items():
            start = clock()
            steps(counts[name])
            rate = molecules * counts[name] / (clock() - start)
            best[name] = max(best[name], rate)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("settings", nargs="*", help="settings of the data, such as data=qm9")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="rounds; the best one counts")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one row in one round")
    parser.add_argument("--no-deepchem", action="store_true", help="our rows only")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    data = arguments.settings or ["data=bundled"]
    paper, dataset = our_trainer([*PAPER, *data])
    lazy, _ = our_trainer([*PAPER, "loss.penalty_interval=5", *data])
    default, _ = our_trainer(data)
    rows = our_rows(paper, "molgan, the paper's networks")
    rows |= our_rows(lazy, "molgan, penalty in every fifth round")
    if not arguments.no_deepchem:
        rows |= their_rows(paper.context.data)
    rows |= our_rows(default, "default: {}")
    rates = measure(rows, arguments.repeats, arguments.seconds, arguments.threads)

    theirs = rates.get("DeepChem, as it stands")
    vocabulary = dataset.vocabulary
    print(
        f"graphs of {dataset.max_atoms} atoms, {vocabulary.num_atom_types} atom and "
        f"{vocabulary.num_bond_types} bond types; {arguments.threads} threads; torch "
        f"{torch.__version__}, deepchem {version('deepchem') if theirs else '-'}"
    )
    print(f"{'':40s} molecules/s  times DeepChem")
    for name, rate in rates.items():
        compared = theirs and not name.startswith("default")
        print(f"{name:40s} {rate:11,.0f}  {f'{rate / theirs:14.2f}' if compared else ''}")
    if arguments.json:
        found = {"threads": arguments.threads, "batch": BATCH, "data": data}
        found |= {"torch": torch.__version__, "molecules_per_second": rates}
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
