"""Jobs for a script: started, followed to their end, and picked up again by the call that began them."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import polars as pl
from narwhals.typing import IntoDataFrame

from dp_tools.decision import Decider
from dp_tools.errors import Cancelled, InvalidRequest, TableUnavailable
from dp_tools.progress import Progress
from dp_tools.tables.io.paths import Disk, new_file
from dp_tools.tables.jobs.job_files import is_on_folder
from dp_tools.tables.jobs.job_requests import AnyJobRequest, JobResult, TableSource
from dp_tools.tables.jobs.job_store import FRAMES
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tables.jobs.results import Job
from dp_tools.tables.scripting.given import AnyTable, Records, is_file, source_of, texts_in
from dp_tools.tables.snapshot import digest_of

_LOOK_S = 0.05
"""Seconds between two looks at a job, and whether somebody wants it to stop."""
_PATIENCE_S = 5.0
"""Seconds that a cancelled job has to end."""


class FollowedJobs:
    """The jobs of one script, which waits for each.

    Args:
        decider: what answers.
        state: the folder where jobs are kept (default: the user's own, as for the commands).
    """

    def __init__(self, decider: Decider, state: Path | None = None) -> None:
        self._jobs = Jobs(lambda: decider, Disk(), state)

    @property
    def folder(self) -> Path:
        """Where their state is kept."""
        return self._jobs.store.folder

    def source(self, table: AnyTable) -> TableSource:
        """A table as a job takes it; one in memory is written beside the state of the jobs, under its digest.

        Raises:
            InvalidRequest: it is no table of plain values.
            TableUnavailable: the disk refuses.
        """
        if is_file(table):
            source = source_of(table)  # type: ignore[arg-type]
            if source.path is not None or source.records is None:
                return source
            table = source.records
        return TableSource(path=str(self._kept(table)))  # type: ignore[arg-type]

    def is_folder(self, request: AnyJobRequest) -> bool:
        """Whether a job works on a table that lies in a folder of parts."""
        return is_on_folder(request, self._jobs.disk)

    def carry_out(
        self,
        request: AnyJobRequest,
        *,
        resume: bool = True,
        with_current_model: bool = False,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> tuple[str, JobResult, Path]:
        """Do what a request asks for, and wait until it is done.

        Args:
            request: what to do.
            resume: go on with a job that was asked for in the same words and stopped before its end.
            with_current_model: go on although model, calibration or rules changed since.
            progress: called with (done, of how many) of whatever stage the job is at.
            cancel: set it to stop; what was answered is kept.

        Returns:
            The job's handle, what came of it, and the folder with the files that it made.

        Raises:
            InvalidRequest, TableUnavailable, ModelUnavailable, KnowledgeUnavailable: it cannot be done.
            Cancelled: `cancel` was set.
        """
        jobs = self._jobs
        known = jobs.unfinished(request) if resume else None
        if known is None:
            job = jobs.start(request, wait=0)
        elif known.status in ("interrupted", "cancelled"):
            job = jobs.resume(known.id, wait=0, with_current_model=with_current_model)
        else:
            job = known
        try:
            while job.status in ("waiting", "running"):
                if cancel is not None and cancel.is_set():
                    job = self._stop(job.id)
                    break
                if progress is not None:
                    progress(job.done, job.total)
                job = jobs.wait(job.id, _LOOK_S)
        except BaseException:
            self._stop(job.id)
            raise
        if job.status == "cancelled":
            raise Cancelled(f"The job {job.id} was cancelled; the same call goes on where it stopped.")
        if job.result is None:
            raise jobs.failure(job.id) or TableUnavailable(job.error or f"The job {job.id} was interrupted.")
        if progress is not None:
            progress(job.total, job.total)
        return job.id, job.result, jobs.output(job.id)

    def close(self) -> None:
        """Stop what runs; it can be resumed."""
        self._jobs.close()

    def _stop(self, job: str) -> Job:
        with suppress(InvalidRequest):  # It may have ended in this very moment.
            self._jobs.cancel(job)
        return self._jobs.wait(job, _PATIENCE_S)

    def _kept(self, table: Records | IntoDataFrame) -> Path:
        texts = texts_in(table)
        target = self._jobs.store.folder / FRAMES / digest_of(texts)[:32] / "table.parquet"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            frame = pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String))
            with new_file(target, overwrite=True) as part:
                frame.write_parquet(part)
        return target
