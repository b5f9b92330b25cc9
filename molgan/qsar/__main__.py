"""``python -m molgan.qsar``: see `molgan.qsar.command`."""

from __future__ import annotations

import sys

from molgan.qsar.command import main

if __name__ == "__main__":
    sys.exit(main())
