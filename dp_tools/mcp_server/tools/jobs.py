"""The tools that follow and stop jobs by their handle: work on whole tables, and calls that take long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult, ResourceLink, TextContent
from pydantic import BaseModel, Field

from dp_tools.mcp_server.auth import READ, RUN
from dp_tools.mcp_server.blocking_work import run_work
from dp_tools.mcp_server.caller_role import can_ask
from dp_tools.mcp_server.file_consent import require_consent
from dp_tools.mcp_server.patience import gone_on_with
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.tasks import call_result
from dp_tools.mcp_server.tools.tool import CHANGES, READ_ONLY, PlainTool, result_of
from dp_tools.progress import Progress
from dp_tools.tables.jobs.results import GOING_ON, Job
from dp_tools.tables.jobs.tool_arguments import LATEST, PATIENCE_S, JobHandle, OptionalHandle, Wait

if TYPE_CHECKING:
    import threading

_LOOK_S = 0.1


class JobList(BaseModel):
    """One job, or the latest ones."""

    jobs: Annotated[list[Job], Field(description="The jobs, newest first.")]


class UndoneChanges(BaseModel):
    """What became of a job's changes."""

    undone: Annotated[int, Field(description="Changes that were undone.")]
    left: Annotated[int, Field(description="Changes that are left.")]


def job_tools(server_context: ServerContext) -> list[PlainTool]:
    """Tools that look at jobs and cancel them."""

    async def get_job(
        ctx: Context[Any, Any],
        job: OptionalHandle = None,
        wait: Wait = 0,
    ) -> Annotated[CallToolResult, JobList]:
        """Returns the progress and the result of a job. Without a handle, lists the latest jobs."""
        if job is None:
            return result_of(JobList(jobs=await anyio.to_thread.run_sync(server_context.jobs.list, LATEST)))

        def watch(progress: Progress, cancel: threading.Event) -> Job:
            jobs = server_context.jobs
            found = gone_on_with(jobs, job)
            for _ in range(round(wait / _LOOK_S)):
                if found.status not in GOING_ON or cancel.is_set():
                    break
                found = jobs.wait(job, _LOOK_S)
                progress(found.done, found.total or 1)
            if found.kind != "call" or found.status in (*GOING_ON, "failed"):
                return found
            return found.model_copy(update={"answer": call_result(jobs, job).structured_content})

        return _with_job(JobList(jobs=[found := await run_work(ctx, watch)]), found)

    def cancel_job(
        job: JobHandle,
    ) -> Annotated[CallToolResult, Job]:
        """Cancels a job; nothing is written. The same call resumes it."""
        server_context.jobs.cancel(job)
        return job_result(server_context.jobs.wait(job, PATIENCE_S))

    return [
        PlainTool.of(get_job, "Look at a job", READ_ONLY, READ),
        PlainTool.of(cancel_job, "Cancel a job", CHANGES, RUN),
    ]


def undo_tool(server_context: ServerContext, *, trust_agents: bool) -> PlainTool:
    """The tool that undoes what a job changed."""

    async def undo_changes(
        ctx: Context[Any, Any],
        job: JobHandle,
        attribute: Annotated[str | None, Field(description="Only this attribute's.")] = None,
        row: Annotated[int | None, Field(description="Only this row's, from 1.", ge=1)] = None,
        part: Annotated[str | None, Field(description="Of a folder, only this part's.")] = None,
    ) -> Annotated[CallToolResult, UndoneChanges] | InputRequiredResult:
        """Undoes changes of a clean_table job: one cell, a column, or all. Its file and log are written again."""
        from dp_tools.tables.jobs.job_files import Writes
        from dp_tools.tables.jobs.undoing import changed_files
        from dp_tools.tables.jobs.undoing import undo_changes as undo

        files = await anyio.to_thread.run_sync(lambda: changed_files(server_context.jobs, job))
        if can_ask(ctx) and not trust_agents:
            asked = await require_consent(ctx, [], Writes(files, frozenset(files), are_folders=files[0].is_dir()))
            if asked is not None:
                return asked
        undone, left = await anyio.to_thread.run_sync(lambda: undo(server_context.jobs, job, attribute, row, part))
        return result_of(UndoneChanges(undone=undone, left=left))

    return PlainTool.of(undo_changes, "Undo changes", CHANGES, RUN)


def job_result(job: Job) -> CallToolResult:
    """A job as a tool answers it."""
    return _with_job(job, job)


def _with_job(answer: BaseModel, job: Job) -> CallToolResult:
    """The answer, and where the whole result can be read once there is one; of a failed job why it failed."""
    result = result_of(answer)
    if job.error is not None:
        result.content = [TextContent(text=job.error)]
        result.is_error = True
    if job.resource is not None:
        link = ResourceLink(name=f"Result of {job.id}", uri=job.resource, mime_type="application/json")
        result.content.append(link)
    return result
