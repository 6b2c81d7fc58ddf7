"""A table or a query of a SQLite or DuckDB file, opened so that it can neither be changed nor lead elsewhere."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.tables.layout import distinct_names
from dp_tools.tables.reading import ROWS_PER_BATCH, Edit, Reading, Row

_READING = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}


@dataclass
class DatabaseFile:
    """A table, or the result of a query, in a database file.

    Args:
        path: the database.
        kind: sqlite or duckdb.
        table: the table's name (default: the only one).
        query: a SELECT instead of a table; its result can be read, not written back.

    Raises:
        TableUnavailable: it is no such database, has no such table, or the query fails.
    """

    path: Path
    kind: str
    table: str | None = None
    query: str | None = None
    exact: bool = False
    columns: tuple[str, ...] = field(default=())
    _notes: tuple[str, ...] = ()
    _has_rowid: bool = True

    def __post_init__(self) -> None:
        if self.table and self.query:
            raise InvalidRequest("Give a table or a query, not both.")
        with self._connected() as connection:
            if not self.query:
                tables = self._tables(connection)
                if self.table is None and len(tables) != 1:
                    raise TableUnavailable(
                        f"{self.path.name} has {len(tables)} tables; name one"
                        + (f" of {', '.join(tables[:20])}." if tables else " in another file.")
                    )
                self.table = self.table or tables[0]
                if self.table not in tables:
                    raise TableUnavailable(
                        f"{self.path.name} has no table {self.table!r}; choose from {', '.join(tables[:20])}."
                    )
                self._has_rowid = self._find_rowid(connection)
            cursor = connection.execute(f"SELECT * FROM ({self._select()}) LIMIT 0")
            names = [entry[0] for entry in cursor.description]
        self.columns, notes = distinct_names(names)
        self._notes = tuple(notes)

    @property
    def reading(self) -> Reading:
        return Reading(self.kind, {"query": self.query} if self.query else {"table": self.table}, self._notes)

    def rows(self) -> Iterator[Row]:
        with self._connected() as connection:
            cursor = connection.execute(self._select())
            number = 0
            while batch := cursor.fetchmany(ROWS_PER_BATCH):
                for values in batch:
                    yield number, tuple(None if value is None else _as_text(value) for value in values)
                    number += 1

    def rewrite(self, edits: Iterator[Edit], target: Path, keep: Callable[[int, str | None], None]) -> None:  # noqa: ARG002
        if self.query or not self._has_rowid:
            raise TableUnavailable(
                f"What was read of {self.path.name} cannot be written back; write it to a .csv file."
            )
        if self.kind == "sqlite":
            with self._connected() as connection, contextlib.closing(sqlite3.connect(target)) as copy:
                connection.set_authorizer(None)
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
        table = _quoted(self.table or "")
        ids = [row[0] for row in copy.execute(f"SELECT rowid FROM {table} ORDER BY rowid").fetchall()]
        for number, values in edits:
            settings = ", ".join(f"{_quoted(name)} = ?" for name in values)
            try:
                copy.execute(f"UPDATE {table} SET {settings} WHERE rowid = ?", [*values.values(), ids[number]])
            except Exception as error:
                raise TableUnavailable(
                    f"A new value does not fit its column in {self.path.name} ({str(error).splitlines()[0]}); "
                    "write the result to a .csv file."
                ) from None

    def _select(self) -> str:
        if self.query:
            return self.query.strip().rstrip(";")
        return f"SELECT * FROM {_quoted(self.table or '')}" + (" ORDER BY rowid" if self._has_rowid else "")

    def _find_rowid(self, connection: Any) -> bool:
        """Whether records can be found again by their row id (a table WITHOUT ROWID has none)."""
        try:
            connection.execute(f"SELECT rowid FROM {_quoted(self.table or '')} LIMIT 0")
        except sqlite3.OperationalError:
            return False
        return True

    def _tables(self, connection: Any) -> list[str]:
        if self.kind == "sqlite":
            listed = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
        else:
            listed = "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
        return [row[0] for row in connection.execute(listed).fetchall()]

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        """A connection that only reads and only this file."""
        try:
            if self.kind == "sqlite":
                connection: Any = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)
                connection.set_authorizer(_only_reading)
            else:
                connection = _duckdb().connect(
                    str(self.path),
                    read_only=True,
                    config={"enable_external_access": "false", "lock_configuration": "true"},
                )
            with contextlib.closing(connection):
                yield connection
        except TableUnavailable:
            raise
        except _errors() as error:
            raise TableUnavailable(
                f"{self.path.name} cannot be read as {self.kind} ({str(error).splitlines()[0][:200]})."
            ) from None


def _only_reading(action: int, *names: str | None) -> int:
    allowed = action in _READING and "load_extension" not in names
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _as_text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise TableUnavailable("DuckDB files need duckdb: install dp-tools[tables].") from None
    return duckdb


def _errors() -> tuple[type[Exception], ...]:
    try:
        import duckdb
    except ImportError:
        return (sqlite3.Error,)
    return (sqlite3.Error, duckdb.Error)
