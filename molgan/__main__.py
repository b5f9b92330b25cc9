"""`python -m molgan` lists the commands."""

from __future__ import annotations

from importlib.util import find_spec

import molgan

COMMANDS = {
    "train": "train a model on molecules; leaves a run folder with model, library and figures",
    "generate": "write a library of new molecules from a trained model",
    "screen": "standardise, score, filter and pick a library; write files for docking",
    "evaluate": "measure libraries or models by the field's metrics, side by side",
    "qsar": "fit models of measured properties on a table of your own, and predict with them",
    "release": "make a ready model with its card from a finished run",
}

_MORE = """
A first library, from a model that is ready:

  python -m molgan.generate model=qm9 n=1000 out=library.smi
  python -m molgan.screen in=library.smi out=hits

Settings are typed as key=value; each command lists its own with --help, and --cfg job shows those
of a run without running it. The Tab key completes them once the shell has been told:

  eval "$(molgan-train --shell-completion install=bash)"\
"""


def main() -> int:
    """Print one line for each command, and how to begin.

    Returns:
        The exit code, always 0.
    """
    print(f"molgan {molgan.__version__}: new molecules from a graph GAN with a reward network\n")
    for name, purpose in COMMANDS.items():
        if find_spec(f"molgan.{name}"):
            print(f"  python -m molgan.{name:<10} {purpose}")
    print(_MORE)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
