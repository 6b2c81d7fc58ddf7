"""The seven tasks as tools, made from their request and answer models: a new task is a new tool without a line here."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import create_model

from dp_tools.mcp_server.auth import RUN
from dp_tools.mcp_server.blocking_work import run_work
from dp_tools.mcp_server.caller_role import caller_role
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.schema_choices import ask_which
from dp_tools.mcp_server.tools.tool import READ_ONLY, PlainTool, input_schema, output_schema, result_of
from dp_tools.tasks import TASKS
from dp_tools.tasks.match_schemas import MatchSchemasAnswer
from dp_tools.tasks.task import Task
from dp_tools.tasks.verdicts import VerdictAnswer, VerdictRequest, readable


def task_tools(server_context: ServerContext, *, trust_agents: bool) -> list[PlainTool]:
    """One tool per task."""
    return [_tool(task, server_context, trust_agents) for task in TASKS.values()]


def _tool(task: Task[Any, Any], server_context: ServerContext, trust_agents: bool) -> PlainTool:
    async def call(ctx: Context[Any, Any], **fields: Any) -> CallToolResult | InputRequiredResult:
        request = task.request(**fields)
        # What to show is decided last: a person's choice among schema matches needs all of them.
        whole = request.model_copy(update={"only": None}) if isinstance(request, VerdictRequest) else request
        answer = await run_work(
            ctx, lambda progress, cancel: server_context.preprocessor.run(whole, progress=progress, cancel=cancel)
        )
        if isinstance(answer, MatchSchemasAnswer) and caller_role(ctx, trust_agents) == "asks":
            asked = await ask_which(ctx, request, answer)
            if isinstance(asked, InputRequiredResult):
                return asked
        if isinstance(request, VerdictRequest) and isinstance(answer, VerdictAnswer):
            answer = readable(answer, request.only)
        return result_of(answer)

    arguments = create_model(f"{task.name}_arguments", __base__=(ArgModelBase, task.request))
    return PlainTool(
        fn=call,
        name=task.name,
        title=task.title,
        description=task.description,
        parameters=input_schema(arguments.model_json_schema()),
        fn_metadata=FuncMetadata(
            arg_model=arguments, output_schema=output_schema(task.answer.model_json_schema()), output_model=task.answer
        ),
        is_async=True,
        context_kwarg="ctx",
        annotations=READ_ONLY,
        scope=RUN,
    )
