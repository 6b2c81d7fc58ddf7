"""The seven tasks as tools, made from their request and answer models: a new task is a new tool without a line here."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import create_model

from dp_tools.mcp_server.owner import Owner
from dp_tools.mcp_server.schema_choices import ask_which
from dp_tools.mcp_server.standing import standing
from dp_tools.mcp_server.tokens import RUN
from dp_tools.mcp_server.tool import READ_ONLY, PlainTool, flat_schema, result_of
from dp_tools.mcp_server.work import run_work
from dp_tools.tasks import TASKS
from dp_tools.tasks.match_schemas import MatchSchemasAnswer
from dp_tools.tasks.task import Task


def task_tools(owner: Owner, *, trust_agents: bool) -> list[PlainTool]:
    """One tool per task."""
    return [_tool(task, owner, trust_agents) for task in TASKS.values()]


def _tool(task: Task[Any, Any], owner: Owner, trust_agents: bool) -> PlainTool:
    async def call(ctx: Context[Any, Any], **fields: Any) -> CallToolResult | InputRequiredResult:
        request = task.request(**fields)
        answer = await run_work(
            ctx, lambda progress, cancel: owner.preprocessor.run(request, progress=progress, cancel=cancel)
        )
        if isinstance(answer, MatchSchemasAnswer) and standing(ctx, trust_agents) == "asks":
            asked = await ask_which(ctx, request, answer)
            if isinstance(asked, InputRequiredResult):
                return asked
        return result_of(answer)

    arguments = create_model(f"{task.name}_arguments", __base__=(ArgModelBase, task.request))
    return PlainTool(
        fn=call,
        name=task.name,
        title=task.title,
        description=task.description,
        parameters=flat_schema(arguments.model_json_schema()),
        fn_metadata=FuncMetadata(
            arg_model=arguments, output_schema=flat_schema(task.answer.model_json_schema()), output_model=task.answer
        ),
        is_async=True,
        context_kwarg="ctx",
        annotations=READ_ONLY,
        scope=RUN,
    )
