"""Reads a database in a process of its own, which can be stopped at any moment and has its own bounds.

Started by `dp_tools.tables.io.database`, by its path. It takes one request as a line of JSON and writes lines of JSON:
`{"tables": …, "table": …, "has_rowid": …, "names": …}`, or `{"rows": […]}` again and again, and `{"end": true}` or
`{"refused": "…"}` or `{"limit": "…"}` at the end. It imports nothing of dp-tools, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

_READING = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_STEPS_A_LOOK = 100_000
_FETCH = 64
"""Records that are fetched at once: each may be as long as a record may be."""
_LINE = 4 * 2**20
"""Characters of records from which a line is long enough."""
_RECORDS = 10_000
"""Records from which it is, however short they are: whoever reads the lines counts them against the limit."""
_TABLES_SHOWN = 1_000


def main() -> None:
    """Answer the request on standard input."""
    request = json.loads(sys.stdin.readline())
    try:
        _bound(request)
        with contextlib.closing(_connected(request)) as connection:
            answer = _rows if request["rows"] else _described
            for message in answer(connection, request):
                _write(message)
        _write({"end": True})
    except MemoryError:
        _write({"limit": "memory"})
    except Exception as error:  # Whatever the database's library says is the answer.
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        _write({"limit": limit} if (limit := _limit(reason)) else {"refused": reason})


def _described(connection: Any, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tables, the one that is meant, whether its records have row ids, and the names of what is selected."""
    tables, table, has_rowid = [], request["table"], False
    if not request["query"]:
        tables = _tables(connection, request["kind"])
        table = table or (tables[0] if len(tables) == 1 else None)
        if table not in tables:
            yield {"tables": tables[:_TABLES_SHOWN], "count": len(tables), "table": None}
            return
        has_rowid = _has_rowid(connection, table)
    selected = select({**request, "table": table, "has_rowid": has_rowid})
    description = connection.execute(f"SELECT * FROM (\n{selected}\n) LIMIT 0").description
    yield {"table": table, "has_rowid": has_rowid, "names": [entry[0] for entry in description]}


def _rows(connection: Any, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All records, in lines of a bounded length."""
    selected, allowed = select(request), request["limits"].get("rows")
    if allowed is not None and request["kind"] == "duckdb":
        if len(connection.extract_statements(selected)) != 1:
            raise ValueError("it is more than one statement")
        # DuckDB works out the whole result before it hands out the first record.
        selected = f"SELECT * FROM (\n{selected}\n) LIMIT {allowed + 1}"
    cursor = connection.execute(selected)
    batch: list[list[str | None]] = []
    length = 0
    while rows := cursor.fetchmany(_FETCH):
        for row in rows:
            values = [
                None if value is None else value.hex() if isinstance(value, bytes) else str(value) for value in row
            ]
            batch.append(values)
            length += sum(map(len, filter(None, values)))
            if length >= _LINE or len(batch) >= _RECORDS:
                yield {"rows": batch}
                batch, length = [], 0
    if batch:
        yield {"rows": batch}


def select(request: dict[str, Any]) -> str:
    """The statement that reads the query or the table."""
    if request["query"]:
        return str(request["query"]).strip().rstrip(";")
    return f"SELECT * FROM {quoted(request['table'])}" + (" ORDER BY rowid" if request["has_rowid"] else "")


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _tables(connection: Any, kind: str) -> list[str]:
    if kind == "sqlite":
        listed = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    else:
        listed = "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
    return [row[0] for row in connection.execute(listed).fetchall()]


def _has_rowid(connection: Any, table: str) -> bool:
    """Whether records can be found again by their row id (a table WITHOUT ROWID has none)."""
    try:
        connection.execute(f"SELECT rowid FROM {quoted(table)} LIMIT 0")
    except sqlite3.OperationalError:
        return False
    return True


def _connected(request: dict[str, Any]) -> Any:
    """A connection that only reads, only this file, and within the limits."""
    limits = request["limits"]
    if request["kind"] == "duckdb":
        import duckdb

        return duckdb.connect(
            request["path"],
            read_only=True,
            config={
                "enable_external_access": "false",
                "memory_limit": f"{limits['memory']}B",
                "max_temp_directory_size": "0B",
                "threads": "2",
                "lock_configuration": "true",
            },
        )
    connection = sqlite3.connect(request["uri"], uri=True)
    connection.execute(f"PRAGMA hard_heap_limit = {limits['memory']}")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limits["value"])
    connection.set_authorizer(_only_reading)
    if "steps" in limits:
        left = iter(range(limits["steps"] // _STEPS_A_LOOK))
        connection.set_progress_handler(lambda: next(left, None) is None, _STEPS_A_LOOK)
    return connection


def _only_reading(action: int, *names: str | None) -> int:
    allowed = action in _READING and "load_extension" not in names
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _bound(request: dict[str, Any]) -> None:
    """Bounds that the system keeps, where it has them: they hold for what a library does in one step, too."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        limits = request["limits"]
        room = 3 * limits["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        if "seconds" in limits:
            resource.setrlimit(resource.RLIMIT_CPU, (2 * limits["seconds"], 2 * limits["seconds"]))


def _limit(reason: str) -> str | None:
    """The limit that a library's message speaks of, or None."""
    words = {"interrupted": "steps", "too big": "value", "ut of memory": "memory", "Out of Memory": "memory"}
    return next((limit for word, limit in words.items() if word in reason), None)


def _write(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
