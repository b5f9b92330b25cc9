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


def main() -> int:
    """Print one line for each command.

    Returns:
        The exit code, always 0.
    """
    print(f"molgan {molgan.__version__}: new molecules from a graph GAN with a reward network\n")
    for name, purpose in COMMANDS.items():
        if find_spec(f"molgan.{name}"):
            print(f"  python -m molgan.{name:<10} {purpose}")
    print("\nEach command explains its settings with --help.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
