"""Whole-table jobs: started, watched, cancelled, and taken up again where they stopped, whoever stopped them."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dp_tools.engine.questions import Progress
from dp_tools.errors import Cancelled, DpToolsError, InvalidRequest, TableUnavailable
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.answers import Job, Status
from dp_tools.tables.formats import result_of
from dp_tools.tables.job_requests import AnyJobRequest, JobResult, TableSource
from dp_tools.tables.job_store import JobStore
from dp_tools.tables.paths import Roots, fingerprint, new_file
from dp_tools.tables.table import Table, inline_table, open_table
from dp_tools.tables.work import Work

_BLOCK = 2**20
"""Bytes that are copied at once."""
QUICK = 2.0
"""Seconds that `start` waits for a result before it returns the handle alone."""
_BEAT = 1.0
"""Seconds between two notes of how far a job is."""
_LISTEN = 0.2
"""Seconds between two looks whether another process cancelled a job."""
_GRACE = 0.5
"""Seconds that a cancelled job has to end by itself before it counts as cancelled all the same."""
_STRAGGLE = 30.0
"""Seconds to wait for the thread of a cancelled job that is to be resumed, busy with what cannot be interrupted."""

REQUEST: TypeAdapter[AnyJobRequest] = TypeAdapter(AnyJobRequest)
"""Reads any job request from JSON by its kind."""


@dataclass(frozen=True)
class _Run:
    """One run of a job in this process.

    Args:
        thread: carries it out.
        stop: set to stop it.
        over: set once it ended, or was cancelled and given up on.
    """

    thread: threading.Thread
    stop: threading.Event
    over: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """The jobs of one server, or one command.

    Args:
        preprocessor: gives what answers, when it is first needed.
        roots: where files may be read and written.
        folder: where the state is kept (default: the user's own).
    """

    def __init__(self, preprocessor: Callable[[], Preprocessor], roots: Roots, folder: Path | None = None) -> None:
        self.store = JobStore(folder)
        self.roots = roots
        self._preprocessor = preprocessor
        self._runs: dict[str, _Run] = {}
        self._closing = False

    def start(self, request: AnyJobRequest, *, wait: float = QUICK) -> Job:
        """Start a job; returns its result if it is quick, its handle otherwise.

        Args:
            request: what to do.
            wait: seconds to wait for the result.

        Raises:
            TableUnavailable: a file is not there, or is in the way.
            InvalidRequest: the request cannot be carried out as it is.
        """
        JobRun(self, "", request).require_free_targets()
        job = f"{request.kind}-{secrets.token_hex(4)}"
        self.store.add(job, request.kind, request.model_dump_json())
        return self._run(job, wait)

    def resume(self, job: str, *, wait: float = QUICK) -> Job:
        """Go on with a job that was interrupted, cancelled or failed; what was answered is not asked again.

        Raises:
            InvalidRequest: there is no such job, it is running, or it is done.
        """
        if self.get(job).status == "done":
            raise InvalidRequest(f"The job {job} is done; start a new one.")
        if job in self._runs and self._runs[job].over.is_set():
            self._runs[job].thread.join(_STRAGGLE)
        if self.store.is_held(job):
            raise InvalidRequest(f"The job {job} is running already; get it to see how far it is.")
        self.store.update(job, cancel=0)
        return self._run(job, wait)

    def unfinished(self, request: AnyJobRequest) -> str | None:
        """The job that was asked for in the same words and stopped before its end, if there is one among the latest."""
        wanted = request.model_dump_json()
        for job in self.list():
            if job.status in ("interrupted", "cancelled") and self.store.row(job.id)["request"] == wanted:
                return job.id
        return None

    def get(self, job: str) -> Job:
        """A job as it stands.

        Raises:
            InvalidRequest: there is no such job.
        """
        return self._seen(self.store.row(job))

    def list(self, limit: int = 20) -> list[Job]:
        """The latest jobs, newest first."""
        return [self._seen(row) for row in self.store.rows(limit)]

    def cancel(self, job: str) -> Job:
        """Stop a job, in whatever process it runs; what was answered is kept.

        Raises:
            InvalidRequest: there is no such job, or it is done.
        """
        if self.get(job).status == "done":
            raise InvalidRequest(f"The job {job} is done already.")
        self.store.update(job, cancel=1)
        if job in self._runs:
            self._runs[job].stop.set()
        elif not self.store.is_held(job):
            self.store.update(job, status="cancelled")
        return self.get(job)

    def wait(self, job: str, seconds: float | None = None) -> Job:
        """Wait for a job of this process to end, or for so many seconds."""
        if job in self._runs:
            self._runs[job].over.wait(seconds)
        return self.get(job)

    def output(self, job: str) -> Path:
        """The folder with the files that a job wrote, kept beside its state."""
        return self.store.folder / str(self.store.row(job)["id"]) / "out"

    def close(self) -> None:
        """Stop the jobs of this process; they can be resumed."""
        self._closing = True
        for run in self._runs.values():
            run.stop.set()
            if not run.over.is_set():
                run.thread.join(10)

    def _run(self, job: str, wait: float) -> Job:
        stop = threading.Event()
        thread = threading.Thread(target=self._carry_out, args=(job, stop), name=f"job {job}", daemon=True)
        run = self._runs[job] = _Run(thread, stop)
        self.store.update(job, status="running", problem=None)
        thread.start()
        threading.Thread(target=self._listen, args=(job, run), name=f"cancels job {job}", daemon=True).start()
        run.over.wait(wait)
        return self.get(job)

    def _listen(self, job: str, run: _Run) -> None:
        """Stop a run once its job is cancelled, in whatever process; it need not hear that to count as cancelled."""
        while run.thread.is_alive() and not run.stop.is_set():
            run.thread.join(_LISTEN)
            with suppress(DpToolsError):  # A store that cannot be read now may be read the next time.
                if self.store.row(job)["cancel"]:
                    run.stop.set()
        run.thread.join(_GRACE)
        if run.thread.is_alive() and not self._closing:
            with suppress(DpToolsError):
                self.store.update(job, status="cancelled")
        run.over.set()

    def _carry_out(self, job: str, stop: threading.Event) -> None:
        try:
            with self.store.running(job):
                if self.store.row(job)["status"] != "done":
                    self._hold(job, stop)
        except InvalidRequest:
            return  # Somebody else was quicker, and runs it.

    def _hold(self, job: str, stop: threading.Event) -> None:
        try:
            request = REQUEST.validate_json(self.store.row(job)["request"])
            result = JobRun(self, job, request, stop).carry_out()
            self.store.update(job, status="done", result=result.model_dump_json(), problem=None, updated=time.time())
        except Exception as error:  # A thread must not end without a word.
            self._end(job, stop, error)

    def _end(self, job: str, stop: threading.Event, error: Exception) -> None:
        """Note why a job ended early; once it is to stop, whatever goes wrong is of no interest."""
        if stop.is_set() or isinstance(error, Cancelled):
            if not self._closing:
                self.store.update(job, status="cancelled")
            return
        if isinstance(error, DpToolsError):
            self.store.update(job, status="failed", problem=str(error))
            return
        self.store.update(job, status="failed", problem=f"An unexpected {type(error).__name__}: {error}")
        raise error

    def preprocessor(self) -> Preprocessor:
        """What answers."""
        return self._preprocessor()

    def _seen(self, row: sqlite3.Row) -> Job:
        try:
            return self._read(row)
        except (ValidationError, TypeError, ValueError, IndexError):
            raise TableUnavailable(
                f"What {self.store.folder} keeps of a job is damaged: restore it from a backup, or name another folder."
            ) from None

    def _read(self, row: sqlite3.Row) -> Job:
        status: Status = row["status"]
        if status in ("waiting", "running") and not self._alive(row["id"]):
            # The owner may have finished between the two looks.
            row = self.store.row(row["id"])
            status = "interrupted" if row["status"] in ("waiting", "running") else row["status"]
        rate = row["rate"] if status == "running" else None
        return Job(
            id=row["id"],
            kind=row["kind"],
            status=status,
            stage=row["stage"],
            done=row["done"],
            total=row["total"],
            rate=rate,
            seconds_left=round((row["total"] - row["done"]) / rate, 1) if rate else None,
            problem=row["problem"] if status == "failed" else None,
            result=JobResult.model_validate_json(row["result"]) if row["result"] and status == "done" else None,
            resource=f"jobs://{row['id']}/result" if status == "done" else None,
        )

    def _alive(self, job: str) -> bool:
        return (job in self._runs and self._runs[job].thread.is_alive()) or self.store.is_held(job)


class JobRun:
    """One run of a job: what its steps need, and nothing they should not touch.

    Args:
        jobs: where it belongs.
        job: its handle.
        request: what to do.
        stop: set to stop it.
    """

    def __init__(self, jobs: Jobs, job: str, request: AnyJobRequest, stop: threading.Event | None = None) -> None:
        self.jobs, self.job, self.request = jobs, job, request
        self.stop = stop or threading.Event()
        self._read: list[tuple[str, Path | None, str]] = []
        self._notes: list[str] = []
        self._stage, self._since, self._first, self._told = "", 0.0, 0, 0.0

    def carry_out(self) -> JobResult:
        """Do it.

        Raises:
            DpToolsError: it cannot be done; nothing was written then.
        """
        from dp_tools.tables.job_steps import STEPS

        self.folder.mkdir(parents=True, exist_ok=True)
        result = STEPS[self.request.kind](self)
        # How a table was read belongs to what came of it: a wrong sheet or header explains a wrong result.
        return result.model_copy(update={"summary": " ".join((result.summary, *self._notes))})

    @property
    def folder(self) -> Path:
        """Where the run makes its files before they are published."""
        return self.jobs.store.folder / self.job / "out"

    def work(self) -> Work:
        """What asks the model, through the job's journal."""
        return Work(
            self.jobs.preprocessor(),
            self.jobs.store.journal(self.job),
            progress=lambda done, total: self.tell("asking", done, total),
            cancel=self.stop,
            report=self.tell,
        )

    def open(self, source: TableSource) -> Table:
        """The table of a source.

        Raises:
            TableUnavailable: it cannot be read, lies outside the roots, or is not the one that the job began with.
        """
        progress = self.stage("reading records")
        if source.records is not None:
            table, path = inline_table(source.records), None
        elif source.path is not None:
            path = self.jobs.roots.to_read(source.path)
            table = open_table(path, progress=progress, cancel=self.stop, **source.options)
        else:
            raise InvalidRequest("Say which table: give a path, or records.")
        name = source.path or "records"
        known = self.jobs.store.sources(self.job)
        if known.setdefault(name, table.fingerprint) != table.fingerprint:
            table.close()
            raise TableUnavailable(f"{name} was changed since the job {self.job} began; start a new job.")
        self.jobs.store.update(self.job, sources=json.dumps(known))
        self._read.append((name, path, table.fingerprint))
        if table.reading.notes:
            self._notes.append(f"{table.name}: {' '.join(table.reading.notes)}")
        return table

    def target(self, source: TableSource, word: str, suffix: str | None = None) -> Path:
        """Where a result goes: what was asked for, or beside the source.

        Raises:
            TableUnavailable: it lies outside the roots.
            InvalidRequest: the source is no file, and no output was named.
        """
        if self.request.output is not None:
            return self.jobs.roots.to_write(self.request.output)
        if source.path is None:
            raise InvalidRequest("Name an output file: records that are passed along have no place beside them.")
        path = self.jobs.roots.to_read(source.path)
        return self.jobs.roots.to_write(result_of(path, word, suffix))

    def require_free_targets(self) -> None:
        """Refuse to start where the result could not be put in the end.

        Raises:
            TableUnavailable: a source is missing or outside the roots, or something stands where the result goes.
        """
        from dp_tools.tables.job_steps import targets_of

        sources = [getattr(self.request, name) for name in ("source", "left", "right") if hasattr(self.request, name)]
        for source in sources:
            if source.records is None and source.path is None:
                raise InvalidRequest("Say which table: give a path, or records.")
            if source.path is not None:
                self.jobs.roots.to_read(source.path)
        for target in targets_of(self):
            if target.exists() and not self.request.overwrite:
                raise TableUnavailable(f"{target} already exists; write elsewhere, or ask for it to be overwritten.")

    def publish(self, made: Path, target: Path) -> Path:
        """Put a file that the run made in its place, unless an earlier run of the job did so already.

        Raises:
            TableUnavailable: something else stands there, a source changed meanwhile, or the disk refuses.
            Cancelled: the run was stopped.
        """
        for name, path, before in self._read:
            if path is not None and fingerprint(path) != before:
                raise TableUnavailable(f"{name} was changed while the job {self.job} ran; start a new job.")
        if target.exists() and fingerprint(target) == fingerprint(made):
            return target
        with (
            new_file(target, overwrite=self.request.overwrite) as part,
            made.open("rb") as source,
            part.open("wb") as file,
        ):
            while block := source.read(_BLOCK):
                self.check()
                file.write(block)
        return target

    def check(self) -> None:
        """Stop here if the run is to stop.

        Raises:
            Cancelled: it is.
        """
        if self.stop.is_set():
            raise Cancelled(f"The job {self.job} was cancelled; what was answered is kept.")

    def tell(self, stage: str, done: int, total: int) -> None:
        """Note how far the job is, at most once a beat within a stage."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._since, self._first, self._told = stage, now, done, 0.0
        if now - self._told < _BEAT and done != total:
            return
        self._told = now
        seconds = now - self._since
        rate = (done - self._first) / seconds if seconds > 0 and done > self._first else None
        self.jobs.store.update(self.job, stage=stage, done=done, total=total, rate=rate, updated=time.time())

    def stage(self, name: str) -> Progress:
        """Begin a stage outside of the work; its progress also stops there if the run is to stop."""

        def tell(done: int, total: int) -> None:
            self.check()
            self.tell(name, done, total)

        tell(0, 0)
        return tell
