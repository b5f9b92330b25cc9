"""`python -m molgan` lists the commands."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from importlib.util import find_spec

import molgan

COMMANDS = {
    "train": "train a model on molecules; leaves a run folder with model, library and figures",
    "generate": "write a library of new molecules from a trained model",
    "explore": "write molecules around a lead, or on the way to another one",
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


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line for each command, and how to begin.

    Args:
        argv: arguments as typed; None takes the process's own.

    Returns:
        The exit code: 0, or 2 where a command was typed as an argument.
    """
    typed = list(sys.argv[1:] if argv is None else argv)
    if typed and not typed[0].startswith("-"):
        close = difflib.get_close_matches(typed[0], COMMANDS, n=1)
        hint = f"; write it with a dot: python -m molgan.{close[0]}" if close else ""
        print(f"error: {typed[0]!r} is no argument of molgan{hint}", file=sys.stderr)
        return 2
    print(f"molgan {molgan.__version__}: new molecules from a graph GAN with a reward network\n")
    for name, purpose in COMMANDS.items():
        if find_spec(f"molgan.{name}"):
            print(f"  python -m molgan.{name:<10} {purpose}")
    print(_MORE)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
