"""A table that several look at is read once, and stays open as long as somebody may look again."""

from __future__ import annotations

from pathlib import Path

import pytest

from dp_tools.errors import TableUnavailable
from dp_tools.mcp_server.open_tables import OpenTables


def files(folder: Path, count: int) -> list[Path]:
    found = [folder / f"{number}.csv" for number in range(count)]
    for file in found:
        file.write_text("a,b\n1,2\n")
    return found


def test_a_table_is_read_once_while_it_is_profiled_and_looked_at(tmp_path: Path) -> None:
    tables, (file,) = OpenTables(), files(tmp_path, 1)
    with tables.open(file) as profiled, tables.open(file, keep=True) as shown:
        assert shown is profiled
    with tables.open(file) as again:
        assert again is shown
    file.write_text("a,b\n1,2\n3,4\n")
    with tables.open(file) as changed:
        assert (changed.count, again.count) == (2, 1)
    tables.close()
    assert not shown.parts[0].exists()


def test_only_the_tables_looked_at_last_stay_open_and_none_is_closed_in_use(tmp_path: Path) -> None:
    tables, (first, *more) = OpenTables(), files(tmp_path, 5)
    with tables.open(first) as profiled:
        pass
    assert not profiled.parts[0].exists()
    with tables.open(first, keep=True) as held:
        for file in more:
            with tables.open(file, keep=True):
                pass
        tables.close()
        assert held.parts[0].exists()
    assert not held.parts[0].exists()


def test_what_cannot_be_read_is_refused_each_time(tmp_path: Path) -> None:
    tables, (file,) = OpenTables(), files(tmp_path, 1)
    file.write_bytes(b"")
    for wrong in (file, file, tmp_path / "none.csv"):
        with pytest.raises(TableUnavailable), tables.open(wrong, keep=True):
            pass
