"""The tools, prompts and resources that the conformance suite calls by name, on top of our own server.

Run it as `python tests/conformance/fixture_server.py PORT`; `tests/conformance/run` does.
"""

# No `from __future__ import annotations`: the SDK reads `Resolve(...)` from annotations.

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal
from unittest.mock import patch

import anyio
import uvicorn
from fixture_tasks import FixtureTasks, task_tools
from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import (
    AssistantMessage,
    Context,
    Elicit,
    ElicitationResult,
    Resolve,
    Sample,
    UserMessage,
)
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import (
    AudioContent,
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    InputRequiredResult,
    JSONRPCMessage,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    SetLevelRequestParams,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, Field

from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = base64.b64encode(
    b"RIFF\x26\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00"
    b"data\x02\x00\x00\x00\x00\x00"
).decode()
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def text(words: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=words)])


def form(message: str, **properties: Any) -> ElicitRequest:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(words: str, tokens: int = 100) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(text=words))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=tokens))


STRING = {"type": "string"}
NAME = form("What is your name?", name=STRING)


def content_tools(server: MCPServer[None]) -> None:
    @server.tool()
    def test_simple_text() -> CallToolResult:
        """Text."""
        return text("This is a simple text response for testing.")

    @server.tool()
    def test_image_content() -> ImageContent:
        """An image."""
        return ImageContent(data=PNG, mime_type="image/png")

    @server.tool()
    def test_audio_content() -> AudioContent:
        """A sound."""
        return AudioContent(data=WAV, mime_type="audio/wav")

    @server.tool()
    def test_embedded_resource() -> EmbeddedResource:
        """A resource inside the answer."""
        return _resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")

    @server.tool()
    def test_multiple_content_types() -> CallToolResult:
        """Text, an image and a resource."""
        resource = _resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
        image = ImageContent(data=PNG, mime_type="image/png")
        return CallToolResult(content=[TextContent(text="Multiple content types test:"), image, resource])

    @server.tool()
    def test_error_handling() -> CallToolResult:
        """An error."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool()
    async def test_tool_with_progress(ctx: Context[Any, Any]) -> CallToolResult:
        """Progress in three steps."""
        for step in (0, 50, 100):
            await ctx.report_progress(step, 100)
            await anyio.sleep(0.05)
        return text("done")

    @server.tool()
    async def test_tool_with_logging(ctx: Context[Any, Any]) -> CallToolResult:
        """Three log messages."""
        for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await _say(ctx, words)
            await anyio.sleep(0.05)
        return text("done")

    @server.tool()
    async def test_logging_tool(ctx: Context[Any, Any]) -> CallToolResult:
        """A log message, for those who asked for one."""
        await _say(ctx, "working")
        return text("done")

    @server.tool()
    async def test_reconnection(ctx: Context[Any, Any]) -> CallToolResult:
        """Closes the stream of its own answer; the client comes back for it."""
        await ctx.close_sse_stream()
        await anyio.sleep(0.2)
        return text("Reconnection test completed successfully")

    @server.tool()
    async def test_trigger_tool_change(ctx: Context[Any, Any]) -> CallToolResult:
        """Says that the tools changed."""
        await ctx.notify_tools_changed()
        return text("told")

    @server.tool()
    async def test_trigger_prompt_change(ctx: Context[Any, Any]) -> CallToolResult:
        """Says that the prompts changed."""
        await ctx.notify_prompts_changed()
        return text("told")

    @server.tool()
    def json_schema_2020_12_tool() -> CallToolResult:
        """Takes what a 2020-12 schema describes."""
        return text("ok")

    tool = server._tool_manager.get_tool("json_schema_2020_12_tool")
    assert tool is not None
    tool.parameters = SCHEMA

    @server.tool()
    def test_x_mcp_header(
        region: Annotated[str, Field(description="Where.", json_schema_extra={"x-mcp-header": "Region"})] = "",
    ) -> CallToolResult:
        """Takes an argument that a header repeats."""
        return text(region)


class Person(BaseModel):
    username: Annotated[str, Field(description="User's response")]
    email: Annotated[str, Field(description="User's email address")]


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def choices(kind: str, *names: str) -> list[dict[str, str]]:
    return [{"const": f"value{n}", "title": f"{name} {kind}"} for n, name in enumerate(names, start=1)]


class Choices(BaseModel):
    untitledSingle: Annotated[str, Field(json_schema_extra={"enum": ["option1", "option2", "option3"]})]  # noqa: N815
    titledSingle: Annotated[str, Field(json_schema_extra={"oneOf": choices("Option", "First", "Second", "Third")})]  # type: ignore[dict-item]  # noqa: N815
    legacyEnum: Annotated[  # noqa: N815
        str,
        Field(
            json_schema_extra={
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            }
        ),
    ]
    untitledMulti: Annotated[  # noqa: N815
        list[str], Field(json_schema_extra={"items": {"type": "string", "enum": ["option1", "option2", "option3"]}})
    ]
    titledMulti: Annotated[  # noqa: N815
        list[str],
        Field(json_schema_extra={"items": {"anyOf": choices("Choice", "First", "Second", "Third")}}),  # type: ignore[dict-item]
    ]


def asking_tools(server: MCPServer[None]) -> None:
    def ask_person(message: str) -> Elicit[Person]:
        return Elicit(message, Person)

    def ask_defaults() -> Elicit[Defaults]:
        return Elicit("Please confirm", Defaults)

    def ask_choices() -> Elicit[Choices]:
        return Elicit("Please choose", Choices)

    def ask_model(prompt: str) -> Sample:
        return Sample([SamplingMessage(role="user", content=TextContent(text=prompt))], max_tokens=100)

    def ask_any_model() -> Sample:
        return ask_model("Anything")

    @server.tool()
    def test_elicitation(
        message: str,  # noqa: ARG001 (read by ask_person)
        reply: Annotated[ElicitationResult[Person], Resolve(ask_person)],
    ) -> CallToolResult:
        """Asks the person."""
        return text(f"User response: {reply.model_dump_json()}")

    @server.tool()
    def test_streaming_elicitation(
        reply: Annotated[ElicitationResult[Defaults], Resolve(ask_defaults)],
    ) -> CallToolResult:
        """Asks the person, on the stream of the answer."""
        return text(reply.model_dump_json())

    @server.tool()
    def test_elicitation_sep1034_defaults(
        reply: Annotated[ElicitationResult[Defaults], Resolve(ask_defaults)],
    ) -> CallToolResult:
        """Asks with a default for every field."""
        return text(f"Elicitation completed: action={reply.action}, content={reply.model_dump_json()}")

    @server.tool()
    def test_elicitation_sep1330_enums(
        reply: Annotated[ElicitationResult[Choices], Resolve(ask_choices)],
    ) -> CallToolResult:
        """Asks for choices, in every form that a choice has."""
        return text(f"Elicitation completed: action={reply.action}, content={reply.model_dump_json()}")

    @server.tool()
    def test_sampling(
        prompt: str,  # noqa: ARG001 (read by ask_model)
        reply: Annotated[CreateMessageResult, Resolve(ask_model)],
    ) -> CallToolResult:
        """Asks the client's model."""
        return text(f"LLM response: {reply.content}")

    @server.tool()
    def test_missing_capability(reply: Annotated[CreateMessageResult, Resolve(ask_any_model)]) -> CallToolResult:
        """Needs a client with a model."""
        return text(f"{reply.content}")


def rounds_tools(server: MCPServer[None]) -> None:
    """Tools of 2026-07-28 that answer in more than one round."""

    @server.tool()
    async def test_input_required_result_elicitation(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Asks for a name, then greets."""
        reply = (ctx.input_responses or {}).get("user_name")
        if isinstance(reply, ElicitResult) and reply.content and "name" in reply.content:
            return text(f"Hello, {reply.content['name']}!")
        return InputRequiredResult(input_requests={"user_name": NAME})

    @server.tool()
    async def test_input_required_result_sampling(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Asks the client's model for a capital."""
        reply = (ctx.input_responses or {}).get("capital_question")
        if isinstance(reply, CreateMessageResult):
            return text(f"{reply.content}")
        return InputRequiredResult(input_requests={"capital_question": sample("What is the capital of France?")})

    @server.tool()
    async def test_input_required_result_list_roots(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Asks for the client's roots."""
        reply = (ctx.input_responses or {}).get("client_roots")
        if isinstance(reply, ListRootsResult):
            return text(" ".join(str(root.uri) for root in reply.roots))
        return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})

    @server.tool()
    async def test_input_required_result_request_state(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Keeps a state between the rounds."""
        if ctx.request_state == "waiting" and "confirm" in (ctx.input_responses or {}):
            return text("state-ok")
        confirm = form("Please confirm", ok={"type": "boolean"})
        return InputRequiredResult(input_requests={"confirm": confirm}, request_state="waiting")

    @server.tool()
    async def test_input_required_result_tampered_state(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Keeps a state that nobody may change; the SDK seals it."""
        if ctx.request_state == "sealed":
            return text("state-ok")
        confirm = form("Please confirm", ok={"type": "boolean"})
        return InputRequiredResult(input_requests={"confirm": confirm}, request_state="sealed")

    @server.tool()
    async def test_input_required_result_multiple_inputs(
        ctx: Context[Any, Any],
    ) -> CallToolResult | InputRequiredResult:
        """Asks three things at once."""
        asked = {"user_name": NAME, "greeting": sample("Generate a greeting", 50), "client_roots": ListRootsRequest()}
        if asked.keys() <= (ctx.input_responses or {}).keys():
            return text("all here")
        return InputRequiredResult(input_requests={**asked}, request_state="all three")

    @server.tool()
    async def test_input_required_result_multi_round(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Asks twice, one after the other."""
        reply = ctx.input_responses or {}
        if ctx.request_state == "two" and "step2" in reply:
            return text("done")
        if ctx.request_state == "one" and "step1" in reply:
            colour = form("Step 2: What is your favorite color?", color=STRING)
            return InputRequiredResult(input_requests={"step2": colour}, request_state="two")
        name = form("Step 1: What is your name?", name=STRING)
        return InputRequiredResult(input_requests={"step1": name}, request_state="one")

    @server.tool()
    async def test_input_required_result_capabilities(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Asks only what the client said it can answer."""
        able = ctx.client_capabilities
        asked = {
            "user_name": NAME if able is not None and able.elicitation is not None else None,
            "greeting": sample("Generate a greeting") if able is not None and able.sampling is not None else None,
        }
        requests = {name: request for name, request in asked.items() if request is not None}
        return InputRequiredResult(input_requests={**requests}) if requests else text("nothing to ask")

    @server.prompt()
    async def test_input_required_result_prompt(ctx: Context[Any, Any]) -> list[UserMessage] | InputRequiredResult:
        """Asks for the context first."""
        reply = (ctx.input_responses or {}).get("user_context")
        if isinstance(reply, ElicitResult) and reply.content:
            return [UserMessage(f"Context: {reply.content.get('context')}")]
        return InputRequiredResult(
            input_requests={"user_context": form("What context should the prompt use?", context=STRING)}
        )


def resources_and_prompts(server: MCPServer[None]) -> None:
    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """Text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """An image."""
        return base64.b64decode(PNG)

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """Something to watch."""
        return "watched"

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:  # noqa: A002
        """Data by number."""
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    @server.prompt()
    def test_simple_prompt() -> list[UserMessage]:
        """Words."""
        return [UserMessage("This is a simple prompt for testing.")]

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
        """Words with two arguments."""
        return [UserMessage(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]

    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage | AssistantMessage]:  # noqa: N803
        """A resource and words."""
        resource = _resource(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]

    @server.prompt()
    def test_prompt_with_image() -> list[UserMessage | AssistantMessage]:
        """An image and words."""
        return [
            UserMessage(ImageContent(data=PNG, mime_type="image/png")),
            UserMessage("Please analyze the image above."),
        ]


class Remembered(EventStore):
    """The events of this process, so that a client that lost its stream can come back for its answer."""

    def __init__(self) -> None:
        self._events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events) - 1)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        if not last_event_id.isdigit() or int(last_event_id) >= len(self._events):
            return None
        stream = self._events[int(last_event_id)][0]
        for number, (where, message) in enumerate(self._events):
            if number > int(last_event_id) and where == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def fixture_server(folder: Path) -> MCPServer[None]:
    """Our server, with a knowledge store of its own and what the suite looks for."""
    with patch("dp_tools.mcp_server.server.JobTasks", FixtureTasks):
        server = create_server(ServerContext(knowledge=folder / "knowledge.db"))
    task_tools(server)
    content_tools(server)
    asking_tools(server)
    rounds_tools(server)
    resources_and_prompts(server)

    async def set_level(_: ServerRequestContext[Any, Any], __: SetLevelRequestParams) -> EmptyResult:
        return EmptyResult()

    server._lowlevel_server.add_request_handler("logging/setLevel", SetLevelRequestParams, set_level)
    return server


def _resource(uri: str, mime_type: str, words: str) -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=words))


async def _say(ctx: Context[Any, Any], words: str) -> None:
    await ctx.session.send_log_message("info", words, related_request_id=ctx.request_id)


if __name__ == "__main__":
    import warnings

    from mcp.shared.exceptions import MCPDeprecationWarning

    warnings.simplefilter("ignore", MCPDeprecationWarning)
    with tempfile.TemporaryDirectory() as folder:
        app = fixture_server(Path(folder)).streamable_http_app(event_store=Remembered(), retry_interval=100)
        uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
