"""The embedded model itself, for the tests of what it says: `engine` and all that stand on it are the real one here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dp_tools.engine import open_engine
from dp_tools.engine.questions import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The embedded model, loaded once for all tests of this folder; its answers are not kept."""
    opened = open_engine("nano", cache=False, wait=True)
    yield opened
    opened.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
