"""Fixtures that more than one test file uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dp_tools.engine import open_engine
from dp_tools.engine.questions import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The embedded model, loaded once for all tests; its answers are not kept."""
    opened = open_engine("nano", cache=False)
    yield opened
    opened.close()
