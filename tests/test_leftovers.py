"""What a killed process leaves behind is gone when the next one has begun; what a living one has in hand is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dp_tools import leftovers

SCRIPT = """
import sys, time
from pathlib import Path
from dp_tools.tables.io.paths import new_file
from dp_tools.tables.snapshot import open_table
folder = Path(sys.argv[1])
table = open_table(folder / "people.csv")
with new_file(folder / "result.csv") as part:
    part.write_text("half")
    print("in hand", flush=True)
    time.sleep(60)
"""


def begun(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in hand\n"
    return process


def test_what_killed_processes_left_is_swept_and_what_a_living_one_has_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "people.csv").write_text("name\nAnn\n")
    (tmp_path / ".mine.part").write_text("another program's")
    with begun(tmp_path) as killed:
        killed.kill()
    assert (len(list(tmp_path.glob(".result*.part"))), len(list((tmp_path / "tmp").iterdir()))) == (1, 1)
    with begun(tmp_path) as living:
        try:
            leftovers.sweep()
            assert (len(list(tmp_path.glob(".result*.part"))), len(list((tmp_path / "tmp").iterdir()))) == (1, 1)
        finally:
            living.kill()
    leftovers.sweep()
    assert (list(tmp_path.glob(".result*.part")), list((tmp_path / "tmp").iterdir())) == ([], [])
    assert (tmp_path / ".mine.part").read_text() == "another program's"
    assert list((tmp_path / "state").rglob("*.paths")) == []


def test_a_list_that_was_tampered_with_removes_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    treasure = tmp_path / "treasure.csv"
    treasure.write_text("a\n1\n")
    folder = tmp_path / "dp-tools" / "unfinished"
    folder.mkdir(parents=True)
    (folder / "0.paths").write_text(f'"{treasure}"\n"{tmp_path}"\nno JSON\n')
    leftovers.sweep()
    assert treasure.exists()
