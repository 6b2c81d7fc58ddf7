"""The seven tasks as tools, made from their request and answer models: a new task is a new tool without a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import Field, create_model

from dp_tools.mcp_server.auth import RUN
from dp_tools.mcp_server.caller_role import caller_role
from dp_tools.mcp_server.patience import Handle, answered
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.schema_choices import ask_which
from dp_tools.mcp_server.tools.tool import READ_ONLY, PlainTool, input_schema, output_schema, result_of
from dp_tools.tasks import TASKS
from dp_tools.tasks.match_schemas import MatchSchemasAnswer
from dp_tools.tasks.task import Answer, Request, Task
from dp_tools.tasks.verdicts import VerdictAnswer, VerdictRequest, readable

if TYPE_CHECKING:
    from dp_tools.tables.jobs.jobs import Jobs

Patience = Annotated[float | None, Field(description="Seconds.", ge=0)]
"""How long a call may take before it returns what it has, and a job for the rest."""


def task_tools(server_context: ServerContext, *, trust_agents: bool) -> list[PlainTool]:
    """One tool per task."""
    return [_tool(task, server_context, trust_agents) for task in TASKS.values()]


def call_result(jobs: Jobs, job: str) -> CallToolResult:
    """What the tool would have answered whose call goes on as a job, as far as the job has it."""
    return result_of(_shown(jobs.asked(job), jobs.answer(job)))


def _shown(request: Request, answer: Answer) -> Answer:
    """What a tool returns of a whole answer."""
    if isinstance(request, VerdictRequest) and isinstance(answer, VerdictAnswer):
        return readable(answer, request.only)
    return answer


def _tool(task: Task[Any, Any], server_context: ServerContext, trust_agents: bool) -> PlainTool:
    answer_model = create_model(task.answer.__name__, __base__=(task.answer, Handle))

    async def call(
        ctx: Context[Any, Any], patience: float | None = None, **fields: Any
    ) -> CallToolResult | InputRequiredResult:
        request = task.request(**fields)
        found = await answered(ctx, server_context, request, patience)
        answer, handle = found.answer, found.handle
        # A person chooses among all schema matches, once all are there.
        if handle is None and isinstance(answer, MatchSchemasAnswer) and caller_role(ctx, trust_agents) == "asks":
            asked = await ask_which(ctx, request, answer)
            if isinstance(asked, InputRequiredResult):
                return asked
        shown = _shown(request, answer)
        if handle is None:
            return result_of(shown)
        fields = {name: getattr(part, name) for part in (handle, shown) for name in type(part).model_fields}
        return result_of(answer_model.model_construct(**fields))

    arguments = create_model(f"{task.name}_arguments", __base__=(ArgModelBase, task.request), patience=(Patience, None))
    return PlainTool(
        fn=call,
        name=task.name,
        title=task.title,
        description=task.description,
        parameters=input_schema(arguments.model_json_schema()),
        fn_metadata=FuncMetadata(
            arg_model=arguments,
            output_schema=output_schema(answer_model.model_json_schema()),
            output_model=answer_model,
        ),
        is_async=True,
        context_kwarg="ctx",
        annotations=READ_ONLY,
        scope=RUN,
    )
