"""`explain_answer`: explains an answer, with a chart for hosts that can show one."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import BlobResourceContents, CallToolResult, EmbeddedResource, ImageContent
from pydantic import Field

from dp_tools.explain.explanation import ExplainRequest, Explanations
from dp_tools.mcp_server.auth import RUN
from dp_tools.mcp_server.blocking_work import run_work
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.tool import READ_ONLY, PlainTool, input_schema, output_schema, result_of
from dp_tools.tasks import TASKS
from dp_tools.tasks.request_errors import read_request


class ExplainArguments(ArgModelBase, ExplainRequest):
    """What the tool takes."""

    picture: Annotated[Literal["none", "png", "svg"], Field(description="Also draw the first explanation.")] = "none"


def explain_tool(server_context: ServerContext) -> PlainTool:
    """The tool."""

    async def explain_answer(ctx: Context[Any, Any], **fields: Any) -> CallToolResult:
        asked = ExplainArguments(**fields)

        def work(progress: Any, cancel: Any) -> CallToolResult:
            # The interpreter loads the model's libraries, and a server has to start without them.
            from dp_tools.explain import explain_answer as explain

            plain = ExplainRequest(
                task=asked.task,
                request=asked.request,
                items=asked.items,
                permutation_averaged=asked.permutation_averaged,
            )
            explained = explain(server_context.preprocessor.decider, plain, progress=progress, cancel=cancel)
            result = result_of(explained)
            if asked.picture != "none":
                result.content.append(_picture(asked, explained))
            return result

        return await run_work(ctx, work)

    return PlainTool(
        fn=explain_answer,
        name="explain_answer",
        title="Explain an answer",
        description=(
            "Explains what the probability of an answer depends on, by asking again without each attribute, fact and "
            "rule. Also finds the smallest change that flips it."
        ),
        parameters=input_schema(ExplainArguments.model_json_schema()),
        fn_metadata=FuncMetadata(
            arg_model=ExplainArguments,
            output_schema=output_schema(Explanations.model_json_schema()),
            output_model=Explanations,
        ),
        is_async=True,
        context_kwarg="ctx",
        annotations=READ_ONLY,
        scope=RUN,
    )


def _picture(asked: ExplainArguments, explained: Explanations) -> ImageContent | EmbeddedResource:
    from dp_tools.explain.plots import picture

    request = read_request(TASKS[asked.task], asked.request)
    first = explained.explanations[0]
    if asked.picture == "png":
        return ImageContent(data=base64.b64encode(picture(request, first, "png")).decode(), mime_type="image/png")
    blob = base64.b64encode(picture(request, first, "svg")).decode()
    uri = f"explanation://{asked.task}/{first.item}"
    return EmbeddedResource(resource=BlobResourceContents(uri=uri, mime_type="image/svg+xml", blob=blob))
