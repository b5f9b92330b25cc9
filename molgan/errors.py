"""Errors a user can cause: one clear sentence each, saying what is wrong, where, and what to do.

Entry points print the message of a `MolganError` and exit with its `exit_code`; anything else is a
bug of ours and shows its traceback.
"""

from __future__ import annotations


class MolganError(Exception):
    """Base of all errors that tell the user something about their input, settings or machine."""

    exit_code = 1


class ChemistryError(MolganError):
    """A molecule or an array cannot be read as the chemistry that was asked for."""


class DataError(MolganError):
    """A file of molecules, a download or a split cannot be used; the message names it."""


class ConfigError(MolganError):
    """A setting has a value that cannot work; the message names the key."""

    exit_code = 2


class BundleError(MolganError):
    """A saved model cannot be read: truncated, foreign, or written by an incompatible version."""


class TrainingError(MolganError):
    """Training cannot go on (NaN, collapse with `on_collapse=stop`); good checkpoints are kept."""
