"""Hostile queries: each is refused with one sentence, in bounded time and memory, and nothing is written."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import duckdb
import psutil
import pytest
from hostile_queries import DUCKDB, ENDLESS, MAY_BE_ANSWERED, SQLITE
from one_sentence import fault_of

from dp_tools.errors import Cancelled, DpToolsError, TableUnavailable
from dp_tools.tables.io import database
from dp_tools.tables.snapshot import open_table


@pytest.fixture
def databases(tmp_path: Path) -> dict[str, Path]:
    rows = [(n, f"value {n}") for n in range(1_000)]
    with sqlite3.connect(tmp_path / "t.db") as made:
        made.execute("CREATE TABLE t (a, b)")
        made.executemany("INSERT INTO t VALUES (?, ?)", rows)
    made.close()
    with duckdb.connect(str(tmp_path / "t.duckdb")) as other:
        other.execute("CREATE TABLE t AS SELECT i AS a, 'value ' || i AS b FROM range(1000) r(i)")
    return {"sqlite": tmp_path / "t.db", "duckdb": tmp_path / "t.duckdb"}


def children() -> set[psutil.Process]:
    """The processes that this one has started; other tests may have left some."""
    return set(psutil.Process().children())


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_query_that_takes_too_much_is_refused_with_one_sentence_and_changes_nothing(
    databases: dict[str, Path], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "QUERY_S", 3)
    monkeypatch.setattr(database, "QUERY_ROWS", 10_000)
    monkeypatch.setattr(database, "QUERY_STEPS", 20_000_000)
    monkeypatch.setattr(database, "DATABASE_MEMORY", 2**28)
    path = databases[kind]
    before, there, others = path.read_bytes(), sorted(path.parent.iterdir()), children()
    faults = []
    for query in {"sqlite": SQLITE, "duckdb": DUCKDB}[kind]:
        memory, started = psutil.Process().memory_info().rss, time.monotonic()
        try:
            with open_table(path, query=query or " "):
                fault = None if query in MAY_BE_ANSWERED else "it was answered"
        except DpToolsError as error:
            fault = fault_of(str(error)) and f"{fault_of(str(error))}: {error}"
        if psutil.Process().memory_info().rss - memory > 300 * 2**20:
            fault = "it took memory"
        if time.monotonic() - started > 10:
            fault = "it took long"
        faults += [f"{query[:80]}: {fault}"] if fault else []
    assert faults == []
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == there
    assert children() <= others


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("sqlite", ENDLESS.format("count(*)")),
        ("sqlite", "SELECT instr(hex(zeroblob(8000000)), hex(zeroblob(4000000)) || '1')"),
        ("duckdb", "SELECT count(*) FROM range(100000000000000)"),
    ],
)
def test_a_query_stops_at_once_when_the_caller_says_so(databases: dict[str, Path], kind: str, query: str) -> None:
    cancel, others = threading.Event(), children()
    threading.Timer(0.5, cancel.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        open_table(databases[kind], query=query, cancel=cancel)
    assert time.monotonic() - started < 5
    assert children() <= others


def test_a_query_within_the_limits_is_answered_in_its_order(databases: dict[str, Path]) -> None:
    for path in databases.values():
        query = "SELECT a AS n, b FROM t WHERE b LIKE 'value 1%' ORDER BY a DESC LIMIT 3 -- the last"
        with open_table(path, query=query) as table:
            assert [record["n"] for _, record in table.records()] == ["199", "198", "197"]


def test_a_table_in_a_database_is_read_whatever_its_size_and_stops_when_it_says_nothing(
    databases: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "QUERY_ROWS", 10)
    for path in databases.values():
        with open_table(path) as table:
            assert table.count == 1_000
    slow = databases["sqlite"].with_name("slow.db")
    with sqlite3.connect(slow) as made:
        made.execute("CREATE TABLE t (a)")
        made.execute("INSERT INTO t (a) VALUES (1)")
        made.execute("ALTER TABLE t ADD COLUMN b AS (instr(hex(zeroblob(8000000)), hex(zeroblob(4000000)) || '1'))")
    made.close()
    monkeypatch.setattr(database, "QUERY_S", 1)
    with pytest.raises(TableUnavailable, match="takes longer than 1 s"):
        open_table(slow)
