"""Which steps each kind of job takes."""

from __future__ import annotations

from collections.abc import Callable

from dp_tools.tables.jobs.call_jobs import call
from dp_tools.tables.jobs.cell_jobs import clean, detect, fill
from dp_tools.tables.jobs.folder_jobs import carry_out_parts
from dp_tools.tables.jobs.job_files import is_on_folder
from dp_tools.tables.jobs.job_requests import JobResult
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.jobs.pair_jobs import dedupe, match

_STEPS: dict[str, Callable[[JobRun], JobResult]] = {
    "detect": detect,
    "clean": clean,
    "fill": fill,
    "match": match,
    "dedupe": dedupe,
    "call": call,
}
"""What to do for each kind of job."""


def carry_out(run: JobRun) -> JobResult:
    """Do what a job is for.

    Raises:
        DpToolsError: it cannot be done; nothing was written then.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    step = _STEPS[run.request.kind]
    result = carry_out_parts(run, step) if is_on_folder(run.request, run.disk) else step(run)
    return result.model_copy(update={"summary": " ".join((result.summary, *run.notes()))})
