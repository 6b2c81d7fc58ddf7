"""The task tools that the conformance suite calls by name, on top of our own tasks extension."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.server import require_client_extension
from mcp.types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    TextContent,
)

from dp_tools.errors import InvalidRequest
from dp_tools.mcp_server.protocol_tasks import Status, TasksExtension, task_state


class Protocol(Exception):
    """A fault of the protocol's, not of the tool."""


class Running:
    """A task of this process."""

    def __init__(self, work: Callable[[Running], Awaitable[CallToolResult]]) -> None:
        self.created = self.updated = time.time()
        self.status: Status = "working"
        self.outcome: dict[str, Any] = {}
        self.asked: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self.future = asyncio.ensure_future(self._run(work))

    async def ask(self, key: str, message: str, **properties: Any) -> Any:
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        params = {"mode": "form", "message": message, "requestedSchema": schema}
        self.asked[key] = {"method": "elicitation/create", "params": params}
        self._answers[key] = asyncio.get_running_loop().create_future()
        self._move("input_required")
        return await self._answers[key]

    def answer(self, responses: Mapping[str, Any]) -> None:
        for key in responses.keys() & self.asked.keys():
            del self.asked[key]
            self._answers[key].set_result(responses[key])
        if not self.asked and self.status == "input_required":
            self._move("working")

    def cancel(self) -> None:
        if self.status in ("working", "input_required"):
            self.future.cancel()
            self._move("cancelled")

    def state(self, task: str) -> dict[str, Any]:
        asked = {"inputRequests": self.asked} if self.status == "input_required" else {}
        return task_state(task, self.status, self.created, self.updated, **self.outcome, **asked)

    async def _run(self, work: Callable[[Running], Awaitable[CallToolResult]]) -> None:
        try:
            result = await work(self)
        except Protocol as error:
            self.outcome = {"error": {"code": INTERNAL_ERROR, "message": str(error)}}
            self._move("failed")
        else:
            self.outcome = {"result": result.model_dump(by_alias=True, mode="json", exclude_none=True)}
            self._move("completed")

    def _move(self, status: Status) -> None:
        self.status, self.updated = status, time.time()


class FixtureTasks(TasksExtension):
    """Tasks of the fixture's tools."""

    def __init__(self, server_context: Any) -> None:  # noqa: ARG002 (in the place of JobTasks)
        self._tasks: dict[str, Running] = {}

    async def state(self, task: str) -> dict[str, Any]:
        return self._find(task).state(task)

    async def update(self, task: str, responses: Mapping[str, Any]) -> None:
        self._find(task).answer(responses)

    async def cancel(self, task: str) -> None:
        self._find(task).cancel()

    async def begun(self, params: CallToolRequestParams, result: HandlerResult) -> str | None:  # noqa: ARG002
        return None

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        if params.name == "test_tool_with_task":
            result = await call_next(ctx)
            return result if isinstance(result, InputRequiredResult) else self._begin(lambda _: later(result))
        work = WORK.get(params.name)
        if work is None:
            return await call_next(ctx)
        if not self.declared(ctx):
            if params.name == "failing_job":
                require_client_extension(ctx, self.identifier)
            return await call_next(ctx)
        return self._begin(lambda running: work(running, params.arguments or {}))

    def _begin(self, work: Callable[[Running], Awaitable[CallToolResult]]) -> HandlerResult:
        task = secrets.token_hex(8)
        self._tasks[task] = Running(work)
        return self.created(self._tasks[task].state(task))

    def _find(self, task: str) -> Running:
        if task not in self._tasks:
            raise InvalidRequest(f"There is no task {task!r}.")
        return self._tasks[task]


def text(words: str, *, is_error: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=words)], is_error=is_error)


async def later(result: Any) -> CallToolResult:
    assert isinstance(result, CallToolResult)
    return result


async def slow(_: Running, given: Mapping[str, Any]) -> CallToolResult:
    await asyncio.sleep(given.get("seconds", 0))
    return text(f"{given.get('label', '')} done")


async def failing(*_: Any) -> CallToolResult:
    return text("This job fails.", is_error=True)


async def broken(*_: Any) -> CallToolResult:
    raise Protocol("This job breaks the protocol.")


async def confirm(running: Running, given: Mapping[str, Any]) -> CallToolResult:
    reply = await running.ask("confirm", f"Delete {given.get('filename')}?", confirm={"type": "boolean"})
    return text(f"{reply}")


async def several(running: Running, _: Mapping[str, Any]) -> CallToolResult:
    name = running.ask("name", "What is your name?", name={"type": "string"})
    sure = running.ask("sure", "Are you sure?", confirm={"type": "boolean"})
    return text(f"{await asyncio.gather(name, sure)}")


WORK: dict[str, Callable[[Running, Mapping[str, Any]], Awaitable[CallToolResult]]] = {
    "slow_compute": slow,
    "failing_job": failing,
    "protocol_error_job": broken,
    "confirm_delete": confirm,
    "multi_input": several,
}


def task_tools(server: MCPServer[None]) -> None:
    @server.tool()
    def greet(name: str) -> CallToolResult:
        """Greets; never a task."""
        return text(f"Hello, {name}!")

    @server.tool()
    async def slow_compute(seconds: float = 0, label: str = "") -> CallToolResult:
        """Takes its time; for clients that know tasks it is one."""
        await asyncio.sleep(seconds)
        return text(f"{label} done")

    @server.tool()
    def failing_job() -> CallToolResult:
        """Fails; always a task."""
        return text("This job fails.", is_error=True)

    @server.tool()
    def protocol_error_job() -> CallToolResult:
        """Breaks the protocol, as a task."""
        return text("Only as a task.", is_error=True)

    @server.tool()
    def confirm_delete(filename: str = "") -> CallToolResult:
        """Asks before it goes on, as a task."""
        return text(f"{filename}: only as a task.", is_error=True)

    @server.tool()
    async def test_tool_with_task(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Asks for a name first, and is a task from then on."""
        reply = (ctx.input_responses or {}).get("user_name")
        if isinstance(reply, ElicitResult) and reply.content:
            return text(f"Hello, {reply.content.get('name')}!")
        name = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
        form = ElicitRequestFormParams(message="What is your name?", requested_schema=name)
        return InputRequiredResult(input_requests={"user_name": ElicitRequest(params=form)})

    @server.tool()
    def multi_input() -> CallToolResult:
        """Asks two things at once, as a task."""
        return text("Only as a task.", is_error=True)
