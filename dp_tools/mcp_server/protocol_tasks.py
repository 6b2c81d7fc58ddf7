"""The protocol's tasks extension: a client that knows it follows a job as a task, without calling a tool for it.

Written after `io.modelcontextprotocol/tasks` of 2026-07-28 (SEP-2663). A tool that starts a job answers such a client
with a task; `tasks/get` says how far it is and gives the result, `tasks/cancel` stops it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import anyio.to_thread
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.types import HEADER_MISMATCH, INVALID_PARAMS, CallToolRequestParams, CallToolResult, RequestParams, TextContent

from dp_tools.errors import InvalidRequest
from dp_tools.mcp_server.patience import gone_on_with
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.jobs import job_result
from dp_tools.mcp_server.tools.tasks import call_result
from dp_tools.progress import progress_text
from dp_tools.tables.jobs.results import GOING_ON
from dp_tools.tasks import TASKS

VERSIONS = frozenset({"2026-07-28"})
"""The extension belongs to this protocol; older clients get the handle of the job itself."""
POLL_MS = 2000
"""How often a client should ask how far a task is."""
Status = Literal["working", "input_required", "completed", "failed", "cancelled"]
_OUTCOME = ("result", "error", "inputRequests")


class TaskParams(RequestParams):
    """Which task."""

    task_id: str


class TaskUpdateParams(TaskParams):
    """What the client answers to what the task asked."""

    input_responses: dict[str, Any]


def task_state(
    task: str, status: Status, created: float, updated: float, message: str | None = None, **outcome: Any
) -> dict[str, Any]:
    """A task as the protocol writes it.

    Args:
        task: its id.
        status: how it stands.
        created, updated: Unix times.
        message: about the status, for people.
        outcome: what belongs to the status: result, error or inputRequests.
    """
    return {
        "taskId": task,
        "status": status,
        "createdAt": datetime.fromtimestamp(created, UTC).isoformat(),
        "lastUpdatedAt": datetime.fromtimestamp(updated, UTC).isoformat(),
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
        **({} if message is None else {"statusMessage": message}),
        **outcome,
    }


class TasksExtension(Extension):
    """The extension's methods and its gate; where tasks come from is a subclass's matter.

    Each method below raises InvalidRequest where there is no such task.
    """

    identifier = "io.modelcontextprotocol/tasks"

    @abstractmethod
    async def state(self, task: str) -> dict[str, Any]:
        """A task as it stands, see `task_state`."""

    @abstractmethod
    async def update(self, task: str, responses: Mapping[str, Any]) -> None:
        """Take the answers to what the task asked."""

    @abstractmethod
    async def cancel(self, task: str) -> None:
        """Stop a task; nothing where it has ended."""

    @abstractmethod
    async def begun(self, params: CallToolRequestParams, result: HandlerResult) -> str | None:
        """The task that a call began and that goes on, if it did."""

    def methods(self) -> Sequence[MethodBinding]:
        return [
            MethodBinding("tasks/get", TaskParams, self._serve(self._get), VERSIONS),
            MethodBinding("tasks/update", TaskUpdateParams, self._serve(self._update), VERSIONS),
            MethodBinding("tasks/cancel", TaskParams, self._serve(self._cancel), VERSIONS),
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        result = await call_next(ctx)
        if not self.declared(ctx) or (task := await self.begun(params, result)) is None:
            return result
        return self.created(await self.state(task))

    def declared(self, ctx: ServerRequestContext[Any, Any]) -> bool:
        """Whether the client of this request knows tasks."""
        able = ctx.session.client_capabilities
        return ctx.protocol_version in VERSIONS and able is not None and self.identifier in (able.extensions or {})

    @staticmethod
    def created(state: Mapping[str, Any]) -> dict[str, Any]:
        """The result that stands for a task that a call began."""
        return {"resultType": "task", **{name: value for name, value in state.items() if name not in _OUTCOME}}

    def _serve(self, method: Callable[[Any], Awaitable[dict[str, Any]]]) -> Callable[..., Awaitable[HandlerResult]]:
        async def handler(ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
            require_client_extension(ctx, self.identifier)
            if ctx.request is not None and ctx.request.headers.get("mcp-name") != params.task_id:
                raise MCPError(code=HEADER_MISMATCH, message="The header Mcp-Name must be the task's id.")
            try:
                return await method(params)
            except InvalidRequest as error:
                raise MCPError(code=INVALID_PARAMS, message=str(error)) from error

        return handler

    async def _get(self, params: TaskParams) -> dict[str, Any]:
        return await self.state(params.task_id)

    async def _update(self, params: TaskUpdateParams) -> dict[str, Any]:
        await self.update(params.task_id, params.input_responses)
        return {}

    async def _cancel(self, params: TaskParams) -> dict[str, Any]:
        await self.cancel(params.task_id)
        return {}


class JobTasks(TasksExtension):
    """The jobs as tasks, of whole tables and of calls that take long.

    A task's id is the job's handle, and a job that is resumed is its task again.

    A job asks nothing while it runs: what it is not sure of waits as cases for a person.
    """

    def __init__(self, server_context: ServerContext) -> None:
        self._server_context = server_context

    async def state(self, task: str) -> dict[str, Any]:
        return await anyio.to_thread.run_sync(self._state, task)

    async def update(self, task: str, responses: Mapping[str, Any]) -> None:  # noqa: ARG002
        await anyio.to_thread.run_sync(self._server_context.jobs.get, task)

    async def cancel(self, task: str) -> None:
        def stop() -> None:
            if self._server_context.jobs.get(task).status in GOING_ON:
                self._server_context.jobs.cancel(task)

        await anyio.to_thread.run_sync(stop)

    async def begun(self, params: CallToolRequestParams, result: HandlerResult) -> str | None:
        if not isinstance(result, CallToolResult) or result.is_error or result.structured_content is None:
            return None
        found = result.structured_content
        if params.name in TASKS:
            job: str | None = found.get("job")
            return job
        if params.name not in ("clean_table", "match_tables", "dedupe_table"):
            return None
        return str(found["id"]) if found["status"] in GOING_ON else None

    def _state(self, task: str) -> dict[str, Any]:
        jobs = self._server_context.jobs
        job, row = gone_on_with(jobs, task), jobs.store.row(task)
        times = row["created"], row["updated"] or row["created"]
        if job.status in GOING_ON:
            reached = progress_text(job.done, job.total, job.seconds_left)
            return task_state(task, "working", *times, f"{job.stage}: {reached}")
        if job.status == "cancelled":
            return task_state(task, "cancelled", *times)
        if job.status == "done":
            result = call_result(jobs, task) if job.kind == "call" else job_result(job)
        else:
            why = job.error or f"The job {task} was interrupted: the same call again resumes it."
            result = CallToolResult(content=[TextContent(text=why)], is_error=True)
        return task_state(
            task, "completed", *times, result=result.model_dump(by_alias=True, mode="json", exclude_none=True)
        )
