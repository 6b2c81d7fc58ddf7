"""Fixtures of the laboratory's tests."""

from __future__ import annotations

import pytest
from engines import Lent


@pytest.fixture
def lent_engine(lent_engine: Lent, monkeypatch: pytest.MonkeyPatch) -> Lent:
    """Whoever opens an engine in this process, a command of the laboratory too, gets the session's."""
    for module in ("bench_explain", "bench_rules", "calibrate"):
        monkeypatch.setattr(f"lab.commands.{module}.open_engine", lambda *_, **__: lent_engine)
    return lent_engine
