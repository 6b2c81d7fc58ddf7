"""Jobs on whole tables, and calls that take long: start, follow, cancel and resume them, from any process."""

from __future__ import annotations

import copy
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dp_tools.decision import Decider
from dp_tools.errors import Cancelled, DpToolsError, InvalidRequest, TableUnavailable
from dp_tools.tables.io.paths import Disk
from dp_tools.tables.jobs.call_jobs import CallWork, kept_answer
from dp_tools.tables.jobs.job_files import Leave, Writes, outputs_of, require_free, resolve_paths, writes_of
from dp_tools.tables.jobs.job_requests import AnyJobRequest, CallRequest, JobResult, paths_of
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.jobs.job_steps import carry_out
from dp_tools.tables.jobs.job_store import JobStore
from dp_tools.tables.jobs.provenance import PROVENANCES, ChangedProvenance, Provenance
from dp_tools.tables.jobs.results import GOING_ON, Job, Status
from dp_tools.tasks.task import Answer, Request

QUICK = 2.0
"""Seconds that `start` waits for a result before it returns the handle alone."""
CALLS = 16
"""Calls that may go on as jobs at once."""
CALLS_EACH = 4
"""How many of them one caller may have."""
_CALLS_KEPT = 50
"""Calls that ended whose answers are kept for a caller, the latest."""
_LOOK_S = 0.1
"""Seconds between two looks at a job of another process."""
_LISTEN = 0.2
"""Seconds between two looks whether another process cancelled a job."""
_GRACE = 0.3
"""Seconds that a cancelled job has to end by itself before it counts as cancelled all the same."""
_STRAGGLE = 30.0
"""Seconds to wait for the thread of a cancelled job that is to be resumed, busy with what cannot be interrupted."""
_STOPPED: tuple[Status, ...] = ("interrupted", "cancelled")

REQUEST: TypeAdapter[AnyJobRequest] = TypeAdapter(AnyJobRequest)
"""Reads any job request from JSON by its kind."""


@dataclass(frozen=True)
class _Run:
    """One run of a job in this process.

    Args:
        thread: carries it out.
        stop: set to stop it.
        over: set once it ended, or was cancelled and given up on.
        errors: what it failed with, if it did.
    """

    thread: threading.Thread
    stop: threading.Event
    over: threading.Event = field(default_factory=threading.Event)
    errors: list[DpToolsError] = field(default_factory=list)


class Jobs:
    """The jobs of one server, or one command.

    Args:
        decider: gives what answers, when it is first needed.
        disk: where files may be read and written: under some roots, or anywhere for a person at a shell.
        folder: where the state is kept (default: the user's own).
        on_behalf: given what a thread is to do, what it does on behalf of whoever starts it.
    """

    def __init__(
        self,
        decider: Callable[[], Decider],
        disk: Disk,
        folder: Path | None = None,
        on_behalf: Callable[[Callable[[], None]], Callable[[], None]] = lambda work: work,
    ) -> None:
        self._on_behalf = on_behalf
        self.store = JobStore(folder)
        self.disk = disk
        self.decider = decider
        self._runs: dict[str, _Run] = {}
        self._closing = threading.Event()
        self._starting = threading.Lock()

    def of(self, caller: str) -> Jobs:
        """The same jobs as one caller has them: it sees its own, and begins its own."""
        view = copy.copy(self)
        view.store = self.store.of(caller)
        return view

    def start(
        self,
        request: AnyJobRequest,
        *,
        wait: float = QUICK,
        leave: Leave | None = None,
        answers: Mapping[str, str] | None = None,
    ) -> Job:
        """Start a job; returns its result if it is quick, its handle otherwise.

        The same request while its job runs starts no second one: it is answered with the first.

        Args:
            request: what to do.
            wait: seconds to wait for the result.
            leave: what a person let this job do besides.
            answers: what its journal holds from the beginning.

        Raises:
            TableUnavailable: a file is not there, may not be read or written, or is in the way.
            InvalidRequest: the request cannot be carried out as it is, or too many calls go on as jobs.
        """
        leave = leave or Leave()
        disk = self.disk.granting(leave.reads)
        resolved = resolve_paths(request, disk)
        with self._starting:
            running = self._latest(resolved, GOING_ON)
            if running is None:
                if request.kind == "call":
                    self._require_room()
                    for ended in self.store.forget_ended(request.kind, _CALLS_KEPT):
                        self._runs.pop(ended, None)
                for file in outputs_of(resolved, disk):
                    require_free(file, resolved, disk, self.store, leave)
                job = f"{request.kind}-{secrets.token_hex(4)}"
                self.store.add(job, request.kind, resolved.model_dump_json(), leave.model_dump_json())
                for key, answer in (answers or {}).items():
                    self.store.journal(job).put(key, answer)
                self._launch(job)
        return self.wait(job if running is None else running.id, wait)

    def unfinished(self, request: AnyJobRequest) -> Job | None:
        """The latest job that was asked for in the same words and is running, or stopped before its end.

        Raises:
            TableUnavailable: a file is not there, or the result may not be written where it would go.
            InvalidRequest: the request cannot be carried out as it is.
        """
        # Whoever began a job on files outside the roots was let read them.
        outside = self.disk.outside(paths_of(request))
        try:
            resolved = resolve_paths(request, self.disk.granting(outside))
        except TableUnavailable:
            if outside:  # Of such files nothing is said yet, not even whether they are there.
                return None
            raise
        return self._latest(resolved, (*GOING_ON, *_STOPPED))

    def writes(self, request: AnyJobRequest, reads: Iterable[Path] = ()) -> Writes:
        """The files that a job would write.

        Args:
            request: what it would do.
            reads: files outside the roots that it would be let read.

        Raises:
            TableUnavailable: one may not be written where it would go, or was not asked to be replaced.
            InvalidRequest: the request cannot be carried out as it is.
        """
        return writes_of(request, self.disk.granting(reads), self.store)

    def resume(self, job: str, *, wait: float = QUICK, with_current_model: bool = False) -> Job:
        """Go on with a job that was interrupted, cancelled or failed; what was answered is not asked again.

        Args:
            job: its handle.
            wait: seconds to wait for the result.
            with_current_model: go on although the model, an adapter, the calibration or the rules are other ones now;
                what they touch is asked again.

        Raises:
            InvalidRequest: there is no such job, it is running, it is done, or it would go on with other things than it
                began with.
            ModelUnavailable, KnowledgeUnavailable: what is to answer cannot be opened.
        """
        if self.get(job).status == "done":
            raise InvalidRequest(f"The job {job} is done; start a new one.")
        if job in self._runs and self._runs[job].over.is_set():
            self._runs[job].thread.join(_STRAGGLE)
        if self.store.is_held(job):
            raise InvalidRequest(f"The job {job} is running already; get it to see how far it is.")
        changed = self.changed(job)
        if changed is not None:
            if not with_current_model:
                raise InvalidRequest(
                    f"{changed.sentence} Go on with what it began with, start anew with another output, or ask for it "
                    "with_current_model (at a shell: jobs resume --with-current-model)."
                )
            self.store.update(job, provenance=PROVENANCES.dump_json([*self._provenances(job), changed.now]).decode())
        if self.get(job).kind == "call":
            self._require_room()
        self.store.update(job, cancel=0)
        self._launch(job)
        return self.wait(job, wait)

    def changed(self, job: str) -> ChangedProvenance | None:
        """With what other things than it began with a stopped job would go on now; None where they are the same.

        Raises:
            InvalidRequest: there is no such job.
            ModelUnavailable, KnowledgeUnavailable: what is to answer cannot be opened.
        """
        known = self._provenances(job)
        if not known:
            return None
        now = Provenance.of(self.decider(), self.request(job))
        return ChangedProvenance(job, known[-1], now, len(self.store.journal(job))) if known[-1].changes(now) else None

    def request(self, job: str) -> AnyJobRequest:
        """What a job was asked.

        Raises:
            InvalidRequest: there is no such job.
        """
        try:
            return REQUEST.validate_json(self.store.row(job)["request"])
        except (ValidationError, TypeError):
            raise self._damaged() from None

    def asked(self, job: str) -> Request:
        """What the call asked that a job goes on with.

        Raises:
            InvalidRequest: there is no such job, or it works on a table.
        """
        return self._call(job).asked

    def answer(self, job: str) -> Answer:
        """The answer of that call, as far as there is one; the other items are pending.

        Raises:
            InvalidRequest: there is no such job, or it works on a table.
            ModelUnavailable, KnowledgeUnavailable: it is not done, and what answers cannot be opened.
        """
        request = self._call(job)
        whole = kept_answer(request, self.output(job)) if self.get(job).status == "done" else None
        return whole or CallWork(self.decider(), request.asked).answer(self.store.journal(job))

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
        """Wait for a job to end, in whatever process it runs, or for so many seconds.

        Raises:
            InvalidRequest: there is no such job.
        """
        found, end = self.get(job), None if seconds is None else time.monotonic() + seconds
        if job in self._runs:
            self._runs[job].over.wait(seconds)
            return self.get(job)
        while found.status in GOING_ON and (end is None or time.monotonic() < end):
            time.sleep(_LOOK_S)
            found = self.get(job)
        return found

    def failure(self, job: str) -> DpToolsError | None:
        """What a job of this process failed with, so that a script can tell one error from another."""
        return next(iter(self._runs[job].errors), None) if job in self._runs else None

    def output(self, job: str) -> Path:
        """The folder with the files that a job wrote, kept beside its state."""
        return self.store.folder / str(self.store.row(job)["id"]) / "out"

    def close(self) -> None:
        """Stop the jobs of this process; they can be resumed."""
        self._closing.set()
        for run in self._runs.values():
            run.stop.set()
            if not run.over.is_set():
                run.thread.join(10)

    def _call(self, job: str) -> CallRequest:
        request = self.request(job)
        if not isinstance(request, CallRequest):
            raise InvalidRequest(f"The job {job} works on a table: its result says what came of it.")
        return request

    def _provenances(self, job: str) -> Sequence[Provenance]:
        """What a job began with, and what it went on with each time."""
        try:
            return PROVENANCES.validate_json(self.store.row(job)["provenance"])
        except (ValidationError, TypeError):
            raise self._damaged() from None

    def _launch(self, job: str) -> None:
        stop = threading.Event()
        work = self._on_behalf(partial(self._carry_out, job, stop))
        thread = threading.Thread(target=work, name=f"job {job}", daemon=True)
        run = self._runs[job] = _Run(thread, stop)
        self.store.update(job, status="running", error=None)
        thread.start()
        threading.Thread(target=self._listen, args=(job, run), name=f"cancels job {job}", daemon=True).start()

    def _latest(self, resolved: AnyJobRequest, statuses: Sequence[Status]) -> Job | None:
        """The latest job of this request that stands so."""
        same = (self._seen(row) for row in self.store.asked_for(resolved.model_dump_json()))
        return next((job for job in same if job.status in statuses), None)

    def _require_room(self) -> None:
        """Refuse one more call that goes on where there are as many as may be."""
        runs = list(self._runs.items())
        going_on = [job for job, run in runs if job.startswith("call-") and not run.over.is_set()]
        if len(going_on) >= CALLS or sum(map(self.store.knows, going_on)) >= CALLS_EACH:
            raise InvalidRequest(
                "As many long calls as may be are being answered already: wait for one with get_job, or cancel one."
            )

    def _listen(self, job: str, run: _Run) -> None:
        """Stop a run once its job is cancelled, in whatever process; it need not hear that to count as cancelled."""
        while run.thread.is_alive() and not run.stop.is_set():
            run.thread.join(_LISTEN)
            with suppress(DpToolsError):  # A store that cannot be read now may be read the next time.
                if self.store.row(job)["cancel"]:
                    run.stop.set()
        run.thread.join(_GRACE)
        if run.thread.is_alive() and not self._closing.is_set():
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
            result = carry_out(JobRun(self.store, self.disk, self.decider, job, request, stop))
            self.store.update(job, status="done", result=result.model_dump_json(), error=None, updated=time.time())
        except Exception as error:  # A thread must not end without a word.
            self._end(job, stop, error)

    def _end(self, job: str, stop: threading.Event, error: Exception) -> None:
        """Note why a job ended early; once it is to stop, whatever goes wrong is of no interest."""
        if stop.is_set() or isinstance(error, Cancelled):
            if not self._closing.is_set():
                self.store.update(job, status="cancelled")
            return
        if isinstance(error, DpToolsError):
            self._runs[job].errors.append(error)
            self.store.update(job, status="failed", error=str(error))
            return
        self.store.update(job, status="failed", error=f"An unexpected {type(error).__name__}: {error}")
        raise error

    def _seen(self, row: sqlite3.Row) -> Job:
        try:
            return self._read(row)
        except (ValidationError, TypeError, ValueError, IndexError):
            raise self._damaged() from None

    def _damaged(self) -> TableUnavailable:
        return TableUnavailable(
            f"What {self.store.folder} keeps of a job is damaged: restore it from a backup, or name another folder."
        )

    def _read(self, row: sqlite3.Row) -> Job:
        status: Status = row["status"]
        if status in GOING_ON and not self._alive(row["id"]):
            # The owner may have finished between the two looks.
            row = self.store.row(row["id"])
            status = "interrupted" if row["status"] in GOING_ON else row["status"]
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
            error=row["error"] if status == "failed" else None,
            result=JobResult.model_validate_json(row["result"]) if row["result"] and status == "done" else None,
            workers=self.store.workers(row["id"]) or None,
            resource=f"jobs://{row['id']}/result" if status == "done" else None,
        )

    def _alive(self, job: str) -> bool:
        return (job in self._runs and self._runs[job].thread.is_alive()) or self.store.is_held(job)
