"""``python -m molgan.explore``: a lead in, a library of molecules around it out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from molgan import cli, config

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from molgan.library import Library
    from molgan.model import MolGAN
    from molgan.rewards import Scorer

log = logging.getLogger("molgan")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    typed = sys.argv[1:] if argv is None else argv
    return cli.run(explore, "explore", config.as_hydra_reads(typed, "explore"))


def explore(cfg: DictConfig) -> Library:
    """Look around ``cfg.lead``, or walk from it to ``cfg.to``; write the library to ``cfg.out``.

    Returns:
        The molecules.

    Raises:
        MolganError: for a lead, a fragment, a model or settings that cannot work; see the message.
    """
    from molgan.bundle import Bundle
    from molgan.errors import ConfigError
    from molgan.generate import the_reward, with_scores
    from molgan.library import LibraryWriter
    from molgan.model import MolGAN
    from molgan.rewards import Scorer

    for key, least in {"n": 1, "seed": 0, "resize": 0}.items():
        config.whole_number(cfg, key, least)
    if cfg.out is None:
        raise ConfigError("out must be given: add out=neighbours.smi to the command")
    walk = cfg.to is not None
    if walk and (cfg.contains is not None or cfg.radius is not None):
        raise ConfigError("to= walks between two molecules: leave out radius= and contains=")
    bundle = Bundle.load(str(cfg.model_path), str(cfg.device))
    reward = the_reward(bundle, cfg)
    objective, scores = with_scores(reward, bool(cfg.scores))
    own = ["position"] if walk else ["similarity", "radius", "novel"]
    columns = [*own, *scores, *reward.column_names()]
    with LibraryWriter(str(cfg.out), columns, prefix=str(cfg.prefix)) as writer:
        library = _found(MolGAN(bundle), cfg)
        table: dict[str, Sequence[Any]] = {name: library.frame[name].tolist() for name in own}
        table |= _scored(library, Scorer(objective))
        writer.append(library.smiles, table)
    drawn = len(library) + sum(library.rejected.values())
    print(f"{len(library):,} molecules in {cfg.out} ({drawn:,} drawn)")
    for reason, count in sorted(library.rejected.items(), key=lambda item: -item[1]):
        print(f"  {reason}: {count:,}")
    if len(library) < int(cfg.n) and not walk:
        log.warning(
            "no more was found: a larger radius, a larger resize or a smaller fragment gives more"
        )
    return library


def _found(model: MolGAN, cfg: DictConfig) -> Library:
    if cfg.to is not None:
        return model.interpolate(str(cfg.lead), str(cfg.to), int(cfg.n), prefix=str(cfg.prefix))
    return model.explore(
        str(cfg.lead),
        int(cfg.n),
        config.real_number(cfg, "radius"),
        int(cfg.seed),
        contains=None if cfg.contains is None else str(cfg.contains),
        resize=int(cfg.resize),
        prefix=str(cfg.prefix),
    )


def _scored(library: Library, scorer: Scorer) -> dict[str, Sequence[Any]]:
    """Score columns, as `molgan.generate` writes them."""
    from rdkit import Chem

    from molgan.chem import Decoded, quiet_rdkit

    with quiet_rdkit():
        decoded = [Decoded(Chem.MolFromSmiles(text), text, None) for text in library.smiles]
    result = scorer(decoded)
    columns = {name: values.tolist() for name, values in result.columns().items()}
    return {**columns, "reward_note": result.notes()}


if __name__ == "__main__":
    sys.exit(main())
