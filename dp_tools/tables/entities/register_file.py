"""The SQLite file of an entity register: its schema, and how it is opened.

What happened is only ever added: steps, the records, their moves between entities, and what persons said of pairs.
Which entity a record is in now, the index for blocking and the questions that wait follow from these.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.sqlite_file import is_empty, make_whole

SUFFIX = ".register.sqlite"
"""What the name of a register's file ends in."""
_VERSION = 1
_PATIENCE_S = 30.0
_CACHE_KIB = 65_536
"""Pages that a connection keeps in memory: a large file's index is written in many places."""
_AT_ONCE = 500
"""Values of a query's list."""
_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE steps (
    step INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, what TEXT NOT NULL, who TEXT NOT NULL,
    why TEXT NOT NULL, source TEXT NOT NULL, undoes INTEGER REFERENCES steps (step)
);
CREATE TABLE entities (entity INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER NOT NULL REFERENCES steps (step));
CREATE TABLE records (
    record INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL,
    step INTEGER NOT NULL REFERENCES steps (step), UNIQUE (name, digest)
);
CREATE TABLE moves (
    step INTEGER NOT NULL REFERENCES steps (step), record INTEGER NOT NULL REFERENCES records (record),
    before INTEGER REFERENCES entities (entity), after INTEGER REFERENCES entities (entity),
    PRIMARY KEY (step, record)
) WITHOUT ROWID;
CREATE INDEX moves_before ON moves (before);
CREATE INDEX moves_after ON moves (after);
CREATE TABLE decisions (
    step INTEGER NOT NULL REFERENCES steps (step), one TEXT NOT NULL, two TEXT NOT NULL, same INTEGER NOT NULL,
    PRIMARY KEY (step, one, two)
) WITHOUT ROWID;
CREATE INDEX decisions_one ON decisions (one);
CREATE INDEX decisions_two ON decisions (two);
CREATE TABLE places (
    record INTEGER PRIMARY KEY REFERENCES records (record), name TEXT NOT NULL UNIQUE,
    entity INTEGER NOT NULL REFERENCES entities (entity)
);
CREATE INDEX places_entity ON places (entity);
CREATE TABLE keys (key INTEGER NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (key, record)) WITHOUT ROWID;
CREATE TABLE counts (item INTEGER PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE grams (item INTEGER PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE scores (
    one INTEGER NOT NULL, two INTEGER NOT NULL, score REAL NOT NULL, PRIMARY KEY (one, two)
) WITHOUT ROWID;
CREATE INDEX scores_two ON scores (two, one);
CREATE TABLE waiting (
    entity INTEGER NOT NULL, other INTEGER, one INTEGER NOT NULL, two INTEGER NOT NULL, score REAL
);
CREATE INDEX waiting_entity ON waiting (entity);
CREATE INDEX waiting_other ON waiting (other);
CREATE INDEX waiting_one ON waiting (one);
CREATE INDEX waiting_two ON waiting (two);
"""
"""`places` holds the records that are in force, `name` is what stays when a record changes: its source's key, or its
content. A move from or to no entity (NULL) is a record that comes or goes. `waiting` holds what a person is to decide:
whether two entities are one, or, without `other`, whether an entity falls apart; `one` and `two` are the records that
say so most. `keys` is the blocking index; `counts` and `grams` say how many records hold a token or a 3-gram."""
_ADDED = ("steps", "records", "moves", "decisions")
"""Tables that are only added to."""


class RegisterFile:
    """A register's database.

    Args:
        path: its file, which is made if it is not there.
        make: whether it may be made.

    Raises:
        InvalidRequest: there is no such register, and none may be made.
        TableUnavailable: it cannot be read or written, or was made by a newer dp-tools.
    """

    def __init__(self, path: Path, *, make: bool = True) -> None:
        self.path = path
        if is_empty(path):
            raise TableUnavailable(f"{path} is empty, so it was cut off: restore it from a backup, or remove it.")
        if not path.exists():
            if not make:
                raise InvalidRequest(f"There is no register {path}; `dp-tools dedupe FILE --register NAME` makes one.")
            with self._named_errors():
                path.parent.mkdir(parents=True, exist_ok=True)
                make_whole(path, _make)
        with self.reading() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            raise TableUnavailable(
                f"{path} is no register of this dp-tools (version {version}): upgrade dp-tools, or name another file."
            )

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the register."""
        with self._named_errors(), contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            _prepare(connection)
            connection.execute("BEGIN")
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes appear whole when it ends without an error, or not at all."""
        with self._named_errors(), contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            _prepare(connection)
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the register: no other process changes it meanwhile.

        Raises:
            TableUnavailable: another process holds it.
        """
        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), thread_local=False)
        try:
            lock.acquire(timeout=_PATIENCE_S)
        except Timeout:
            raise TableUnavailable(f"Another process works on {self.path}; try again when it is done.") from None
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            why = " ".join(str(error).split())
            raise TableUnavailable(
                f"The register {self.path} cannot be read or written ({why}); free some room, or name another file."
            ) from None


def in_parts(
    connection: sqlite3.Connection, query: str, values: Collection[int] | Collection[str]
) -> Iterator[tuple[Any, ...]]:
    """The rows of a query that has one list of values, for any number of them.

    Args:
        connection: of the register.
        query: with {} in the place of the list.
        values: the list.
    """
    for part in parts_of([*values]):
        yield from connection.execute(query.format(", ".join("?" * len(part))), part)


def parts_of(values: Sequence[int | str]) -> Iterator[Sequence[int | str]]:
    """The values in lists that a query can hold."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def _make(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(_SCHEMA)
    for table in _ADDED:
        for event in ("UPDATE", "DELETE"):
            connection.execute(
                f"CREATE TRIGGER {table}_{event.lower()} BEFORE {event} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'what happened is not changed'); END"
            )
    connection.execute(f"PRAGMA user_version = {_VERSION}")
