"""Calls that answer before their client loses patience: what takes longer goes on as a job.

Many clients give a call up after a minute. A call knows beforehand how many questions it asks and how fast the model
answers here: what is foreseen to take longer than its patience is begun as a job, whose answers are kept; what merely
turns out to take longer becomes one with the answers that it has. Once the client has the handle, the job goes on
whatever becomes of the client. A client that cancels the call before stops the job, which can be resumed.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import anyio
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from dp_tools.errors import DpToolsError, InvalidRequest, TableUnavailable
from dp_tools.mcp_server.auth import RUN
from dp_tools.mcp_server.blocking_work import in_thread, run_work
from dp_tools.mcp_server.fair_scheduler import SharedEngine
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.progress import Progress, progress_text
from dp_tools.tables.jobs.job_requests import CallRequest
from dp_tools.tables.jobs.results import GOING_ON, Job
from dp_tools.tasks.task import Answer, Request

if TYPE_CHECKING:
    from dp_tools.tables.jobs.call_jobs import CallWork, KeptAnswers
    from dp_tools.tables.jobs.jobs import Jobs

_AT_LEAST_S = 1.0
"""What takes less than this is answered at once, however little patience there is."""
_LOOK_S = 0.1


class Handle(BaseModel):
    """What an answer carries besides while a job goes on with its pending items."""

    job: Annotated[
        str | None,
        Field(description="The job that answers the items that are pending, if any are: get_job gives the answer."),
    ] = None
    progress: Annotated[str | None, Field(description="How far that job is: 240 of 900, about 2 minutes left.")] = None
    seconds_left: Annotated[float | None, Field(description="Seconds until its end, as far as known.")] = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a call has come to.

    Args:
        answer: as far as it is; items that wait for the job are pending.
        handle: the job that goes on with it, where one does.
    """

    answer: Answer
    handle: Handle | None = None


async def answered(
    ctx: Context[Any, Any], server_context: ServerContext, request: Request, patience: float | None
) -> Answered:
    """The answer of a call, or what there is of it when its patience ends.

    Args:
        ctx: the call.
        server_context: holds what answers, and the jobs.
        request: what is asked; which verdicts to show is left to the caller.
        patience: in seconds; the server's by default.

    Raises:
        DpToolsError: it cannot be answered, or too many calls go on as jobs.
    """
    end = time.monotonic() + (server_context.patience if patience is None else patience)

    work, foreseen, answers = await in_thread(ctx, lambda: _planned(server_context, request))

    def ask(progress: Progress, cancel: threading.Event) -> Answered:
        work.ask(answers, progress=progress, cancel=cancel)
        return Answered(work.answer(answers))

    left = max(_AT_LEAST_S, end - time.monotonic())
    if foreseen <= left:
        with anyio.move_on_after(left):
            return await run_work(ctx, ask)
    try:
        with anyio.CancelScope(shield=True):
            jobs = await in_thread(ctx, lambda: server_context.jobs)
            job, own = await in_thread(ctx, lambda: _begun(jobs, request, answers.by_key))
    except TableUnavailable:  # Where no job can be kept, the client has to wait.
        return await run_work(ctx, ask)
    try:
        with anyio.move_on_after(end - time.monotonic()):
            await run_work(ctx, lambda progress, cancel: _watched(jobs, job, progress, cancel))
        return await in_thread(ctx, lambda: _answered(jobs, job, work, foreseen))
    except anyio.get_cancelled_exc_class():
        if own:
            with anyio.CancelScope(shield=True):
                await in_thread(ctx, lambda: _stopped(jobs, job))
        raise


def gone_on_with(jobs: Jobs, job: str) -> Job:
    """A job as it stands; a call whose server ended is gone on with, for those who may ask the model.

    Raises:
        InvalidRequest: there is no such job.
    """
    found, token = jobs.get(job), get_access_token()
    if found.kind != "call" or found.status != "interrupted" or not (token is None or RUN in token.scopes):
        return found
    with suppress(DpToolsError):  # Then it stays interrupted, with what it has.
        if jobs.changed(job) is None:
            return jobs.resume(job, wait=0)
    return found


def _planned(server_context: ServerContext, request: Request) -> tuple[CallWork, float, KeptAnswers]:
    """The work of a call, how many seconds it will take as far as can be foreseen, and room for its answers."""
    # The libraries that read tables come with the first call: a server has to start without them.
    from dp_tools.tables.jobs.call_jobs import CallWork, KeptAnswers

    decider = server_context.preprocessor.decider
    work = CallWork(decider, request)
    foreseen = decider.engine.seconds(work.questions) if isinstance(decider.engine, SharedEngine) else 0.0
    return work, foreseen, KeptAnswers()


def _begun(jobs: Jobs, request: Request, answers: dict[str, str]) -> tuple[str, bool]:
    """The job that goes on with a call, and whether it is this call's own: no other call began it that may wait for it.

    It is the one of the same call, if it runs or was stopped, else a new one.
    """
    asked = CallRequest.of(request)
    known = jobs.unfinished(asked)
    if known is not None and known.status in GOING_ON:
        return known.id, False
    if known is not None and jobs.changed(known.id) is None:
        return jobs.resume(known.id, wait=0).id, True
    return jobs.start(asked, wait=0, answers=answers).id, True


def _stopped(jobs: Jobs, job: str) -> None:
    """Stop a job; the same call goes on with it."""
    with suppress(InvalidRequest):  # It may have ended in this very moment.
        jobs.cancel(job)


def _watched(jobs: Jobs, job: str, progress: Progress, cancel: threading.Event) -> None:
    """Wait until the job does not go on any more."""
    while (found := jobs.wait(job, _LOOK_S)).status in GOING_ON and not cancel.is_set():
        if found.total:
            progress(found.done, found.total)


def _answered(jobs: Jobs, job: str, work: CallWork, foreseen: float) -> Answered:
    """What the call's job has come to."""
    found = jobs.get(job)
    if found.status == "done":
        return Answered(jobs.answer(job))
    if found.status == "failed":
        raise jobs.failure(job) or TableUnavailable(found.error or f"The job {job} failed.")
    done, total = found.done, found.total or len(work.questions)
    left = foreseen * (1 - done / total) if found.seconds_left is None else found.seconds_left
    handle = Handle(job=job, progress=progress_text(done, total, left), seconds_left=round(left, 1))
    return Answered(work.answer(jobs.store.journal(job)), handle)
