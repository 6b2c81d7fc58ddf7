"""The state of jobs in SQLite: their requests, progress, model answers and open reviews.

Several processes may use one store. Who holds a job's lock file runs it; the system frees the lock when a process dies.
A job belongs to the caller that began it, and no other caller sees it; a person at a shell sees all.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    rate REAL, cancel INTEGER NOT NULL DEFAULT 0, error TEXT, result TEXT, sources TEXT NOT NULL DEFAULT '{}',
    caller TEXT NOT NULL DEFAULT '', leave TEXT NOT NULL DEFAULT '{}', provenance TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE IF NOT EXISTS outputs (
    path TEXT NOT NULL, fingerprint TEXT NOT NULL, job TEXT NOT NULL REFERENCES jobs(id),
    PRIMARY KEY (path, fingerprint, job)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    job TEXT NOT NULL REFERENCES jobs(id), key TEXT NOT NULL, answer TEXT NOT NULL, PRIMARY KEY (job, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reviews (
    id INTEGER PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs(id), task TEXT NOT NULL, dataset TEXT, attribute TEXT,
    question TEXT NOT NULL, subject TEXT NOT NULL, proposal TEXT, confidence REAL NOT NULL, row INTEGER,
    status TEXT NOT NULL DEFAULT 'open', answer TEXT, who TEXT, answered REAL
);
CREATE INDEX IF NOT EXISTS reviews_open ON reviews (status, job, confidence);
CREATE INDEX IF NOT EXISTS reviews_unsure ON reviews (status, abs(confidence - 0.5), id);
"""
_VERSION = 2
"""Of the schema, as `PRAGMA user_version`. Version 0 had other names in jobs, requests and answers; until version 2
cases for a person had no row."""
_FILE = "jobs.sqlite"
_WORKERS = "workers.json"
_ENDED = "jobs.status IN ('done', 'failed', 'cancelled')"
FRAMES = "frames"
"""Folder of the tables that were in memory, each in a folder named by its digest."""


def own_state() -> Path:
    """The folder of the jobs that are begun at a shell."""
    return user_state_path("dp-tools", appauthor=False) / "jobs"


def server_state(*names: str) -> Path:
    """The folder of the jobs of a server, by what it serves: other rules or other folders make other jobs."""
    digest = hashlib.sha256(json.dumps(names).encode("utf-8", "surrogatepass")).hexdigest()
    return user_state_path("dp-tools", appauthor=False) / "servers" / digest[:16]


def known_states() -> list[Path]:
    """The folders of this user that hold jobs: those of a shell first, then those of servers."""
    servers = sorted(own_state().parent.glob(f"servers/*/{_FILE}"))
    return [own_state(), *(file.parent for file in servers)]


class JobStore:
    """Jobs in one folder: `jobs.sqlite`, and a folder for each job's files.

    Args:
        folder: where to keep them (default: `own_state`).

    Raises:
        TableUnavailable: the folder cannot be written, or its database is broken.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or own_state()
        self._caller: str | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TableUnavailable(f"{self.folder} cannot be made ({error.strerror}); name another folder.") from None
        self._path = self.folder / _FILE
        if is_empty(self._path):
            raise TableUnavailable(
                f"{self._path} is empty, so it was cut off: restore it from a backup, or remove it to begin anew."
            )
        with self.connected() as connection:
            self._upgrade(connection)
            connection.executescript(_SCHEMA)

    def of(self, caller: str) -> JobStore:
        """The same store as one caller sees it: with the jobs that it began, and no others."""
        view = copy.copy(self)
        view._caller = caller
        return view

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

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        """Bring the tables of an older dp-tools up to date.

        Its jobs stay. The answers that they kept are dropped, because they have other fields now: a job that is
        resumed asks again.
        """
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise TableUnavailable(
                f"{self._path} was made by a newer dp-tools; upgrade dp-tools, or name another folder."
            )
        if version == _VERSION:
            return
        connection.execute("BEGIN IMMEDIATE")
        if any(column["name"] == "problem" for column in connection.execute("PRAGMA table_info(jobs)")):
            connection.execute("ALTER TABLE jobs RENAME COLUMN problem TO error")
            connection.execute(
                "UPDATE jobs SET provenance = '[]', request = replace(request, ?, ?)",
                ('"averaged":', '"permutation_averaged":'),
            )
            connection.execute("DELETE FROM answers")
        columns = [column["name"] for column in connection.execute("PRAGMA table_info(reviews)")]
        if columns and "row" not in columns:
            connection.execute("ALTER TABLE reviews ADD COLUMN row INTEGER")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")

    def add(self, job: str, kind: str, request: str, leave: str = "{}") -> None:
        """Note a new job of this caller; see `dp_tools.tables.jobs.job_files.Leave`."""
        with self.connected() as connection:
            connection.execute(
                "INSERT INTO jobs (id, kind, request, status, created, caller, leave) "
                "VALUES (?, ?, ?, 'waiting', ?, ?, ?)",
                (job, kind, request, time.time(), self._caller or "", leave),
            )

    def row(self, job: str) -> sqlite3.Row:
        """A job as it stands.

        Raises:
            InvalidRequest: there is no such job.
        """
        with self.connected() as connection:
            row: sqlite3.Row | None = connection.execute(
                f"SELECT * FROM jobs WHERE id = :job AND {self.mine}", {"job": job, **self.me}
            ).fetchone()
        if row is None:
            raise InvalidRequest(f"There is no job {job!r}; list the jobs to see which there are.")
        return row

    def knows(self, job: str) -> bool:
        """Whether there is such a job."""
        try:
            self.row(job)
        except InvalidRequest:
            return False
        return True

    def rows(self, limit: int) -> list[sqlite3.Row]:
        """The latest jobs, newest first."""
        with self.connected() as connection:
            return connection.execute(
                f"SELECT * FROM jobs WHERE {self.mine} ORDER BY created DESC, id LIMIT :limit",
                {"limit": limit, **self.me},
            ).fetchall()

    def asked_for(self, request: str) -> list[sqlite3.Row]:
        """The jobs of this very request, newest first."""
        with self.connected() as connection:
            return connection.execute(
                f"SELECT * FROM jobs WHERE request = :request AND {self.mine} ORDER BY created DESC, id",
                {"request": request, **self.me},
            ).fetchall()

    def forget_ended(self, kind: str, keep: int) -> list[str]:
        """Remove the jobs of a kind that ended, with their files, but for the latest; returns which."""
        with self.connected() as connection:
            ended = connection.execute(
                f"SELECT id FROM jobs WHERE kind = :kind AND {_ENDED} AND {self.mine} "
                "ORDER BY created DESC, id LIMIT -1 OFFSET :keep",
                {"kind": kind, "keep": keep, **self.me},
            ).fetchall()
        jobs = [str(row["id"]) for row in ended]
        self._forget(*jobs)
        self._unlock(*jobs)
        return jobs

    def ended_before(self, moment: float) -> tuple[list[str], list[str]]:
        """The jobs that ended before a moment, in seconds since 1970: those without an open review, and those with."""
        with self.connected() as connection:
            rows = connection.execute(
                "SELECT id, EXISTS (SELECT 1 FROM reviews WHERE job = jobs.id AND reviews.status = 'open') AS waits "
                f"FROM jobs WHERE {_ENDED} AND coalesce(updated, created) <= :moment AND {self.mine} ORDER BY created",
                {"moment": moment, **self.me},
            ).fetchall()
        return [row["id"] for row in rows if not row["waits"]], [row["id"] for row in rows if row["waits"]]

    def remove(self, jobs: Iterable[str]) -> None:
        """Remove jobs: their answers, reviews and copies of results, and tables in memory that no other job reads.

        What a job wrote elsewhere stays.

        Raises:
            InvalidRequest: there is no such job, or somebody runs it.
        """
        for job in jobs:
            request = str(self.row(job)["request"])
            with self.running(job, patience=0.5):  # Who has just ended it still has the lock for a moment.
                self._forget(job)
            self._unlock(job)
            for table in set(re.findall(rf"{FRAMES}[/\\]+(\w+)", request)):
                with self.connected() as connection:
                    if not connection.execute("SELECT 1 FROM jobs WHERE instr(request, ?)", (table,)).fetchone():
                        shutil.rmtree(self.folder / FRAMES / table, ignore_errors=True)

    def _forget(self, *jobs: str) -> None:
        with self.connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for table, column in (("answers", "job"), ("outputs", "job"), ("reviews", "job"), ("jobs", "id")):
                connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(job,) for job in jobs])
            connection.execute("COMMIT")
        for job in jobs:
            shutil.rmtree(self.folder / job, ignore_errors=True)

    def _unlock(self, *jobs: str) -> None:
        for job in jobs:
            (self.folder / f"{job}.lock").unlink(missing_ok=True)

    @property
    def mine(self) -> str:
        """The condition, on a query of jobs, for those that this caller sees; its value is in `me`."""
        return "1" if self._caller is None else "jobs.caller = :caller"

    @property
    def me(self) -> dict[str, str]:
        """The value that `mine` names."""
        return {} if self._caller is None else {"caller": self._caller}

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

    def note_workers(self, job: str, workers: Sequence[Mapping[str, object]]) -> None:
        """Keep what each worker does for a job. Where the disk refuses, nobody sees it, and the job goes on."""
        file = self.folder / job / _WORKERS
        with contextlib.suppress(OSError):
            file.parent.mkdir(exist_ok=True)
            part = file.with_suffix(".part")
            part.write_text(json.dumps(workers), encoding="utf-8")
            part.replace(file)

    def workers(self, job: str) -> list[dict[str, Any]]:
        """What each worker did for a job when that was last noted; empty where this machine answered by itself."""
        try:
            found: list[dict[str, Any]] = json.loads((self.folder / job / _WORKERS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return found

    def sources(self, job: str) -> dict[str, str]:
        """The fingerprints of the files that a job reads, by path."""
        sources: dict[str, str] = json.loads(self.row(job)["sources"])
        return sources

    def note_output(self, job: str, path: Path, fingerprint: str) -> None:
        """Note what a job is about to write, before it does: a file that it wrote is never taken for another's."""
        with self.connected() as connection:
            connection.execute("INSERT OR IGNORE INTO outputs VALUES (?, ?, ?)", (str(path), fingerprint, job))

    def wrote(self, path: Path, fingerprint: str) -> bool:
        """Whether a job that this caller sees wrote this file as it stands."""
        with self.connected() as connection:
            found = connection.execute(
                "SELECT 1 FROM outputs JOIN jobs ON jobs.id = outputs.job "
                f"WHERE path = :path AND fingerprint = :fingerprint AND {self.mine}",
                {"path": str(path), "fingerprint": fingerprint, **self.me},
            ).fetchone()
        return found is not None

    def add_reviews(self, job: str, reviews: Sequence[dict[str, Any]]) -> None:
        """Put cases before a person; those of an earlier run of the job that are still open make room."""
        with self.connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM reviews WHERE job = ? AND status = 'open'", (job,))
            connection.executemany(
                "INSERT INTO reviews (job, task, dataset, attribute, question, subject, proposal, confidence, row) "
                "VALUES (:job, :task, :dataset, :attribute, :question, :subject, :proposal, :confidence, :row)",
                [{"job": job, "row": None, **review} for review in reviews],
            )
            connection.execute("COMMIT")


def _make(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version = {_VERSION}")


class JobJournal:
    """See `dp_tools.tables.asking.Journal`. Every `put` is one committed transaction."""

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

    def __len__(self) -> int:
        with self._store.connected() as connection:
            (count,) = connection.execute("SELECT count(*) FROM answers WHERE job = ?", (self._job,)).fetchone()
        return int(count)
