"""Nothing that was acknowledged is lost when writers are killed, from before the store exists."""

from __future__ import annotations

from pathlib import Path

import pytest
from attacks.killed_writers import attack


def test_eight_writers_lose_nothing_that_they_acknowledged_when_they_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert attack(tmp_path, kills=4) == []
