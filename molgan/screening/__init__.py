"""Screening: a file of molecules to hits with scores, rejected ones with reasons, and a pick."""

from __future__ import annotations

from molgan.screening.docking import Dock
from molgan.screening.export import Export
from molgan.screening.job import Engine, Job
from molgan.screening.library import screen_library
from molgan.screening.picking import Pick
from molgan.screening.pipeline import run
from molgan.screening.settings import OtherScores, Screen

__all__ = [
    "Dock",
    "Engine",
    "Export",
    "Job",
    "OtherScores",
    "Pick",
    "Screen",
    "run",
    "screen_library",
]
