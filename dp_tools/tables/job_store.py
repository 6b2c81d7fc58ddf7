"""The state of jobs in SQLite: what was asked for, how far it is, every answer of the model, and what awaits a person.

Several processes may use one store. Who holds a job's lock file runs it; the system frees the lock when a process dies.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.sqlite_file import is_empty, make_whole

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, request TEXT NOT NULL, status TEXT NOT NULL, created REAL NOT NULL,
    updated REAL, stage TEXT NOT NULL DEFAULT 'reading',
    done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,
    rate REAL, cancel INTEGER NOT NULL DEFAULT 0, problem TEXT, result TEXT, sources TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS answers (
    job TEXT NOT NULL REFERENCES jobs(id), key TEXT NOT NULL, answer TEXT NOT NULL, PRIMARY KEY (job, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reviews (
    id INTEGER PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs(id), task TEXT NOT NULL, dataset TEXT, attribute TEXT,
    question TEXT NOT NULL, subject TEXT NOT NULL, proposal TEXT, confidence REAL NOT NULL,
    status TEXT NOT NULL DEFAULT 'open', answer TEXT, who TEXT, answered REAL
);
CREATE INDEX IF NOT EXISTS reviews_open ON reviews (status, job, confidence);
"""


class JobStore:
    """Jobs in one folder: `jobs.sqlite`, and a folder for each job's files.

    Args:
        folder: where to keep them (default: the user's state folder).

    Raises:
        TableUnavailable: the folder cannot be written, or its database is broken.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_state_path("dp-tools") / "jobs"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TableUnavailable(f"{self.folder} cannot be made ({error.strerror}); name another folder.") from None
        self._path = self.folder / "jobs.sqlite"
        if is_empty(self._path):
            raise TableUnavailable(
                f"{self._path} is empty, so it was cut off: restore it from a backup, or remove it to begin anew."
            )
        with self.connected() as connection:
            connection.executescript(_SCHEMA)

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """A connection of this thread, each statement its own transaction unless `BEGIN` says otherwise."""
        try:
            if not self._path.exists():
                make_whole(self._path, _make)
            with contextlib.closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                yield connection
        except (sqlite3.Error, UnicodeDecodeError) as error:
            why = " ".join(str(error).split())
            raise TableUnavailable(
                f"The jobs in {self._path} cannot be read or written ({why}); free some room, or name another folder."
            ) from None

    def add(self, job: str, kind: str, request: str) -> None:
        """Note a new job."""
        with self.connected() as connection:
            connection.execute(
                "INSERT INTO jobs (id, kind, request, status, created) VALUES (?, ?, ?, 'waiting', ?)",
                (job, kind, request, time.time()),
            )

    def row(self, job: str) -> sqlite3.Row:
        """A job as it stands.

        Raises:
            InvalidRequest: there is no such job.
        """
        with self.connected() as connection:
            row: sqlite3.Row | None = connection.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
        if row is None:
            raise InvalidRequest(f"There is no job {job!r}; list the jobs to see which there are.")
        return row

    def rows(self, limit: int) -> list[sqlite3.Row]:
        """The latest jobs, newest first."""
        with self.connected() as connection:
            return connection.execute("SELECT * FROM jobs ORDER BY created DESC, id LIMIT ?", (limit,)).fetchall()

    def update(self, job: str, **fields: Any) -> None:
        """Set fields of a job."""
        settings = ", ".join(f"{name} = ?" for name in fields)
        with self.connected() as connection:
            connection.execute(f"UPDATE jobs SET {settings} WHERE id = ?", (*fields.values(), job))

    @contextlib.contextmanager
    def running(self, job: str, patience: float = 2.0) -> Iterator[None]:
        """Hold the job: nobody else, in whatever process, can run it meanwhile.

        Args:
            job: the job.
            patience: seconds to wait for the lock; who only looks whether it is held has it for a moment.

        Raises:
            InvalidRequest: somebody runs it.
        """
        lock = FileLock(self.folder / f"{job}.lock", thread_local=False)
        try:
            lock.acquire(timeout=patience, poll_interval=0.02)
        except Timeout:
            raise InvalidRequest(f"The job {job} is running already; get it to see how far it is.") from None
        try:
            yield
        finally:
            lock.release()

    def is_held(self, job: str) -> bool:
        """Whether some process runs the job right now."""
        try:
            with self.running(job, patience=0):
                return False
        except InvalidRequest:
            return True

    def journal(self, job: str) -> JobJournal:
        """The answers that the model gave to a job."""
        return JobJournal(self, job)

    def sources(self, job: str) -> dict[str, str]:
        """The fingerprints of the files that a job reads, by path."""
        sources: dict[str, str] = json.loads(self.row(job)["sources"])
        return sources

    def add_reviews(self, job: str, reviews: Sequence[dict[str, Any]]) -> None:
        """Put cases before a person; those of an earlier run of the job that are still open make room."""
        with self.connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM reviews WHERE job = ? AND status = 'open'", (job,))
            connection.executemany(
                "INSERT INTO reviews (job, task, dataset, attribute, question, subject, proposal, confidence) VALUES "
                "(:job, :task, :dataset, :attribute, :question, :subject, :proposal, :confidence)",
                [{"job": job, **review} for review in reviews],
            )
            connection.execute("COMMIT")


def _make(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(_SCHEMA)


class JobJournal:
    """See `dp_tools.tables.work.Journal`. Every `put` is one committed transaction."""

    def __init__(self, store: JobStore, job: str) -> None:
        self._store, self._job = store, job

    def get(self, key: str) -> str | None:
        with self._store.connected() as connection:
            row = connection.execute(
                "SELECT answer FROM answers WHERE job = ? AND key = ?", (self._job, key)
            ).fetchone()
        return None if row is None else str(row["answer"])

    def put(self, key: str, answer: str) -> None:
        with self._store.connected() as connection:
            connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (self._job, key, answer))
