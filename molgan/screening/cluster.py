"""What runs on the workers of a Dask cluster, and how one gets there."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from molgan.errors import ConfigError
from molgan.screening.isolation import Team, Work

CONNECT_SECONDS = 30

_teams: dict[str, Team] = {}
_lock = threading.Lock()


def connect(make_client: Any, scheduler: str) -> Any:
    """A client of the scheduler at an address, or of the one that wrote a scheduler file.

    Raises:
        ConfigError: If none answers.
    """
    try:
        if Path(scheduler).is_file():
            return make_client(scheduler_file=scheduler, timeout=CONNECT_SECONDS)
        return make_client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConfigError(
            f"parallel.scheduler={scheduler}: no Dask scheduler answers there within "
            f"{CONNECT_SECONDS} s ({type(error).__name__})"
        ) from error


def publish(client: Any, work: Work) -> tuple[str, Any]:
    """Send the work to every worker once; returns its name and what stands for it in tasks."""
    task = pickle.dumps(work)
    key = hashlib.sha256(task).hexdigest()
    return key, client.scatter(task, broadcast=True)


def run(key: str, task: bytes, items: Sequence[Any], seconds: float) -> list[Any]:
    """Do one chunk in a child process of this Dask worker, which outlives the call."""
    with _lock:
        if key not in _teams:
            _teams[key] = Team(pickle.loads(task), seconds)
        team = _teams[key]
    return team(items)


def close(key: str) -> None:
    """End the child processes of this Dask worker."""
    with _lock:
        team = _teams.pop(key, None)
    if team is not None:
        team.close()
