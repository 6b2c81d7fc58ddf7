"""Fixtures that more than one test file uses."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dp_tools.engine import open_engine
from dp_tools.engine.questions import Engine
from dp_tools.preprocessor import Preprocessor

_CACHE = Path(__file__).parent.parent / ".pytest_cache" / "dp-tools"
_HOME = Path(tempfile.mkdtemp(prefix="dp-tools-tests-"))


def pytest_configure() -> None:
    """The user's own rules, jobs and answers are never read or written; prepared weights stay for the next run."""
    (_CACHE / "answers.db").unlink(missing_ok=True)
    os.environ.update(
        XDG_DATA_HOME=str(_HOME / "data"), XDG_STATE_HOME=str(_HOME / "state"), DP_TOOLS_CACHE=str(_CACHE)
    )


def pytest_unconfigure() -> None:
    """Nothing of a run is left behind."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The embedded model, loaded once for all tests; its answers are not kept."""
    opened = open_engine("nano", cache=False, wait=True)
    yield opened
    opened.close()


class Lent:
    """The session's engine for somebody who closes what he opens."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def close(self) -> None:
        """It is not the borrower's to close."""


@pytest.fixture
def lent_engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Lent:
    """Whoever opens an engine in this process gets the session's."""
    lent = Lent(engine)
    for module in ("preprocessor", "cli.bench", "cli.bench_explain", "cli.bench_rules", "cli.calibrate"):
        monkeypatch.setattr(f"dp_tools.{module}.open_engine", lambda *_, **__: lent)
    return lent


@pytest.fixture
def preprocessor(engine: Engine) -> Iterator[Preprocessor]:
    """The public API on the session's engine, with the shipped packs and nothing else."""
    with Preprocessor("nano", ":memory:", engine=Lent(engine)) as opened:  # type: ignore[arg-type]
        yield opened
