"""A table or a query of a SQLite or DuckDB file, opened so that it can neither be changed nor lead elsewhere."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.sqlite_file import reading_uri
from dp_tools.tables.io.database_process import quoted
from dp_tools.tables.io.layout import distinct_names
from dp_tools.tables.io.limits import (
    DATABASE_MEMORY,
    LONGEST_RECORD,
    QUERY_CHARACTERS,
    QUERY_ROWS,
    QUERY_S,
    QUERY_STEPS,
    one_sentence,
    require_columns,
    require_going_on,
)
from dp_tools.tables.io.table_file import Edit, Reading, Row

_PROGRAM = Path(__file__).with_name("database_process.py")
_LOOK_S = 0.05


@dataclass
class DatabaseFile:
    """A table, or the result of a query, in a database file.

    Args:
        path: the database.
        kind: sqlite or duckdb.
        table: the table's name (default: the only one).
        query: a SELECT instead of a table; its result can be read, not written back.
        cancel: set it to stop reading.

    Raises:
        TableUnavailable: it is no such database, has no such table, or the query fails or goes beyond a limit.
        InvalidRequest: a table and a query are given, or the query is too long.
        Cancelled: `cancel` was set.
    """

    path: Path
    kind: str
    table: str | None = None
    query: str | None = None
    cancel: threading.Event | None = field(default=None, repr=False)
    exact: bool = False
    columns: tuple[str, ...] = field(default=())
    _notes: tuple[str, ...] = ()
    _has_rowid: bool = False

    def __post_init__(self) -> None:
        if self.table and self.query:
            raise InvalidRequest("Give a table or a query, not both.")
        if self.query and len(self.query) > QUERY_CHARACTERS:
            raise InvalidRequest(
                f"The query has {len(self.query):,} characters and the limit is {QUERY_CHARACTERS:,}; shorten it."
            )
        found = next(self._messages(rows=False))
        if not self.query and found["table"] is None:
            known = ", ".join(found["tables"][:20])
            if self.table is None:
                raise TableUnavailable(
                    f"{self.path.name} has {found['count']} tables; name one"
                    + (f" of {known}." if known else " in another file.")
                )
            raise TableUnavailable(f"{self.path.name} has no table {self.table!r}; choose from {known}.")
        self.table, self._has_rowid = found["table"], found["has_rowid"]
        require_columns(self.path.name, len(found["names"]))
        self.columns, notes = distinct_names(found["names"])
        self._notes = tuple(notes)

    @property
    def reading(self) -> Reading:
        return Reading(self.kind, {"query": self.query} if self.query else {"table": self.table}, self._notes)

    def rows(self) -> Iterator[Row]:
        number = 0
        for found in self._messages(rows=True):
            for values in found["rows"]:
                yield number, tuple(values)
                number += 1
            if self.query and number > QUERY_ROWS:
                raise self._beyond("rows")

    def rewrite(self, edits: Iterator[Edit], target: Path, keep: Callable[[int, str | None], None]) -> None:  # noqa: ARG002
        if self.query or not self._has_rowid:
            raise TableUnavailable(
                f"What was read of {self.path.name} cannot be written back; write it to a .csv file."
            )
        with one_sentence(self.path.name):
            if self.kind == "sqlite":
                with (
                    contextlib.closing(sqlite3.connect(reading_uri(self.path), uri=True)) as connection,
                    contextlib.closing(sqlite3.connect(target)) as copy,
                ):
                    connection.backup(copy)
                    self._apply(copy, edits)
                    copy.commit()
                return
            shutil.copyfile(self.path, target)
            with contextlib.closing(_duckdb().connect(str(target))) as copy:
                self._apply(copy, edits)

    def restore(self, originals: Iterator[tuple[int, str]], target: Path, rest: object = None) -> None:
        raise NotImplementedError("Databases are restored value by value.")

    def _apply(self, copy: Any, edits: Iterator[Edit]) -> None:
        """Set the new values, finding each record by its row id (the n-th in reading order)."""
        table = quoted(self.table or "")
        ids = [row[0] for row in copy.execute(f"SELECT rowid FROM {table} ORDER BY rowid").fetchall()]
        for number, values in edits:
            settings = ", ".join(f"{quoted(name)} = ?" for name in values)
            try:
                copy.execute(f"UPDATE {table} SET {settings} WHERE rowid = ?", [*values.values(), ids[number]])
            except Exception as error:
                raise TableUnavailable(
                    f"A new value does not fit its column in {self.path.name} ({str(error).splitlines()[0]}); "
                    "write the result to a .csv file."
                ) from None

    def _messages(self, *, rows: bool) -> Iterator[dict[str, Any]]:
        """What the process that reads the database has to say.

        Raises:
            TableUnavailable: the database cannot be read, or the query goes beyond a limit.
            Cancelled: `cancel` was set.
        """
        if self.kind == "duckdb":
            _duckdb()
        limits = {"memory": DATABASE_MEMORY, "value": LONGEST_RECORD}
        if self.query:
            limits |= {"rows": QUERY_ROWS, "steps": QUERY_STEPS, "seconds": QUERY_S}
        request = {
            "path": str(self.path),
            "uri": reading_uri(self.path),
            "kind": self.kind,
            "table": self.table,
            "query": self.query,
            "has_rowid": self._has_rowid,
            "rows": rows,
            "limits": limits,
        }
        with _Process(request, self.cancel) as process:
            for message in process.messages():
                if "refused" in message:
                    raise TableUnavailable(f"{self.path.name} cannot be read as {self.kind} ({message['refused']}).")
                if "limit" in message:
                    raise self._beyond(message["limit"])
                if "end" in message:
                    return
                if not self.query:
                    process.extend()
                yield message
            require_going_on(self.cancel)
            raise self._beyond("seconds" if process.is_late else "memory")

    def _beyond(self, limit: str) -> TableUnavailable:
        what = {
            "rows": f"returns more than {QUERY_ROWS:,} rows",
            "steps": f"takes more than {QUERY_STEPS:,} steps",
            "seconds": f"takes longer than {QUERY_S} s",
            "memory": f"needs more than {DATABASE_MEMORY // 2**30} GB of memory",
            "value": f"holds a value longer than {LONGEST_RECORD // 2**20} MB",
        }[limit]
        if self.query:
            return TableUnavailable(f"The query of {self.path.name} {what}; ask for less of it.")
        return TableUnavailable(
            f"The table {self.table} of {self.path.name} {what}; export what matters of it to .csv."
        )


class _Process:
    """The process that reads a database, ended with the block, when the caller says so, or when its time is over."""

    def __init__(self, request: dict[str, Any], cancel: threading.Event | None) -> None:
        self._request = request
        self._cancel = cancel
        self._over = threading.Event()
        self.extend()

    def extend(self) -> None:
        """Give it its time anew."""
        self._deadline = time.monotonic() + QUERY_S

    @property
    def is_late(self) -> bool:
        """Whether its time is over."""
        return time.monotonic() > self._deadline

    def __enter__(self) -> _Process:
        # The process imports by itself what it needs; -P keeps the modules beside the program out of its way.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self._watch = threading.Thread(target=self._end_in_time, name="database", daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._process.kill()
        self._watch.join()
        with contextlib.suppress(OSError):
            self._process.__exit__(None, None, None)

    def messages(self) -> Iterator[dict[str, Any]]:
        """What it says, line by line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError), self._process.stdin as stdin:
            stdin.write(json.dumps(self._request) + "\n")
        for line in self._process.stdout:
            yield json.loads(line)

    def _end_in_time(self) -> None:
        while not self._over.wait(_LOOK_S):
            if self.is_late or (self._cancel is not None and self._cancel.is_set()):
                self._process.kill()
                return


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise TableUnavailable("DuckDB files need duckdb: install dp-tools[tables].") from None
    return duckdb
