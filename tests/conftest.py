"""Fixtures for all tests: the real data beside the checkout, and a cache that is nobody's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# Same examples every time, and no limit that a busy machine could exceed.
hypothesis.settings.register_profile("molgan", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("molgan")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published molecule sets beside the checkout; skips where it is absent."""
    folder = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    if not (folder / "README.md").is_file():
        pytest.skip("needs the published data sets in ../shared/data beside the checkout")
    return folder.resolve()


@pytest.fixture(scope="session", autouse=True)
def molgan_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh MOLGAN_CACHE for the session, so that no test meets a user's files or leaves any."""
    folder = tmp_path_factory.mktemp("molgan-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLGAN_CACHE", str(folder))
        yield folder
