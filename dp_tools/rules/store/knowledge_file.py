"""The SQLite file under the store: opening it, waiting for its locks, transactions, and failures as one sentence."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import platformdirs
from pydantic import ValidationError
from sqlite_utils import Database

from dp_tools import leftovers
from dp_tools.errors import InvalidRequest, KnowledgeUnavailable
from dp_tools.rules.store.migrations import migrations
from dp_tools.sqlite_file import is_empty, make_whole

PATIENCE_S = 30.0
"""How long a call waits for another process to finish writing before it gives up."""

_Answer = TypeVar("_Answer")


class KnowledgeFile:
    """One open SQLite file with the store's tables. Calls from several threads take turns."""

    def __init__(self, database: Database, path: Path | None, copy: TemporaryDirectory[str] | None = None) -> None:
        """Use `KnowledgeFile.open`."""
        self.db = database
        self.path = path
        self._copy = copy
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path | str | None) -> KnowledgeFile:
        """As `KnowledgeStore.open`."""
        in_memory = str(path) == ":memory:"
        file = None if in_memory else Path(path) if path is not None else default_path()
        try:
            if file is None:
                opened = cls(_connect(":memory:"), None)
            else:
                if file.exists():
                    _require_store(file)
                else:
                    file.parent.mkdir(parents=True, exist_ok=True)
                    make_whole(file, _make)
                opened = cls._of(file)
        except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
            raise KnowledgeUnavailable(f"The knowledge store {file} cannot be opened: {_brief(error)}.") from error
        try:
            opened._prepare()
        except BaseException:
            opened.close()
            raise
        return opened

    @classmethod
    def _of(cls, file: Path) -> KnowledgeFile:
        try:
            return cls(_connect(str(file)), file)
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
                raise
        # Reading, too, needs files beside it, which a read-only folder does not take: a copy is read as it is now.
        copy = TemporaryDirectory(prefix="dp-tools-")
        leftovers.note(Path(copy.name))
        try:
            for suffix in ("", "-wal"):
                if (beside := file.with_name(file.name + suffix)).exists():
                    shutil.copyfile(beside, Path(copy.name) / f"store{suffix}")
            opened = cls(_connect(str(Path(copy.name) / "store")), file, copy)
            opened.db.execute("PRAGMA query_only = ON")
        except BaseException:
            copy.cleanup()
            raise
        return opened

    @property
    def read_only(self) -> bool:
        """Whether it lies where nothing can be written; what is read is as it was when it was opened."""
        return self._copy is not None

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        with self._lock:
            self.db.close()
            if self._copy is not None:
                self._copy.cleanup()

    def read(self, work: Callable[[], _Answer]) -> _Answer:
        """Run a read; turn whatever SQLite has to say into one sentence."""
        with self._lock:
            try:
                return work()
            except sqlite3.Error as error:
                raise self._unavailable(error) from error
            except UnicodeDecodeError as error:  # SQLite's message, or a name in its tables, quotes damaged bytes
                raise self._damaged() from error
            except UnicodeEncodeError as error:
                raise InvalidRequest("Half a character (a lone surrogate) is not text; leave it out.") from error
            except (ValidationError, json.JSONDecodeError) as error:
                raise KnowledgeUnavailable(
                    f"The knowledge store {self.path} holds a rule that cannot be read; restore the file from a backup."
                ) from error

    def snapshot(self, work: Callable[[], _Answer]) -> _Answer:
        """Run reads that must see one state of the file."""
        self.db.execute("BEGIN")
        try:
            return work()
        finally:
            self.db.rollback()

    def write(self, work: Callable[[], _Answer]) -> _Answer:
        """Run work in one transaction that holds the write lock from its start, so that it never has to be redone."""

        def transaction() -> _Answer:
            self._begin()
            try:
                answer = work()
                self.db.commit()
            except BaseException:
                with suppress(sqlite3.Error):
                    self.db.rollback()
                raise
            return answer

        return self.read(transaction)

    def _prepare(self) -> None:
        """Bring the tables up to date; a file that is up to date is only read."""

        def outdated() -> bool:
            names = {step.name for step in migrations.applied(self.db)}
            if not names and self.db.table_names():
                raise KnowledgeUnavailable(f"{self.path} holds another program's data; name another file.")
            if names - _known_migrations():
                raise KnowledgeUnavailable(
                    f"{self.path} was made by a newer dp-tools; upgrade dp-tools, or name another file."
                )
            return bool(migrations.pending(self.db))

        def update() -> None:
            if outdated():
                migrations.apply(self.db)

        if self.read(lambda: self.snapshot(outdated)):
            self.write(update)

    def _begin(self) -> None:
        """Take the write lock. SQLite's own waiting does not cover every case (opening, recovery), so ask again."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.db.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _damaged(self) -> KnowledgeUnavailable:
        why = "its content is damaged; restore it from a backup or name another file"
        return KnowledgeUnavailable(f"The knowledge store {self.path or ':memory:'} cannot be used: {why}.")

    def _unavailable(self, error: sqlite3.Error) -> KnowledgeUnavailable:
        if isinstance(error, sqlite3.OperationalError) and _is_busy(error):
            why = "another program keeps writing to it; try again when that has ended"
        elif "readonly" in str(error):
            why = "it may not be written to; change its permissions or name another file"
        elif "malformed" in str(error) or "not a database" in str(error):
            return self._damaged()
        else:
            why = _brief(error)
        return KnowledgeUnavailable(f"The knowledge store {self.path or ':memory:'} cannot be used: {why}.")


def default_path() -> Path:
    """The user's own store."""
    return Path(platformdirs.user_data_dir("dp-tools", appauthor=False)) / "knowledge.db"


def _connect(target: str) -> Database:
    connection = sqlite3.connect(target, timeout=PATIENCE_S, check_same_thread=False)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            _patiently(connection, f"PRAGMA {pragma}")
        return Database(connection, execute_plugins=False)
    except BaseException:
        connection.close()
        raise


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """SQLite does not wait for a lock when it changes the journal mode, so ask again."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            connection.execute(statement).fetchall()
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _known_migrations() -> set[str]:
    with Database(memory=True) as empty:
        return {step.name for step in migrations.pending(empty)}


def _is_busy(error: sqlite3.Error) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def _require_store(file: Path) -> None:
    if is_empty(file):
        raise KnowledgeUnavailable(
            f"{file} is empty, so it was cut off: restore it from a backup, or remove it to begin a new store."
        )
    with file.open("rb") as stream:
        if stream.read(16) != b"SQLite format 3\x00":
            raise KnowledgeUnavailable(f"{file} is not a knowledge store; name another file or move it away.")


def _make(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    migrations.apply(Database(connection, execute_plugins=False))
    connection.commit()


def _brief(error: Exception) -> str:
    """What SQLite or the system says, on one line."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(text.split())
