"""A tool whose every failure is one sentence, and whose schemas every host can read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pydantic_core
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ValidationError

from dp_tools.errors import DpToolsError
from dp_tools.mcp_server.auth import READ, RUN
from dp_tools.tasks.request_errors import explain

READ_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
"""Changes nothing: same question, same answer."""
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
"""Adds something that was not there; what was there stays."""
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)
"""Writes files, and replaces those that stand there where the caller asks for it."""
CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
"""Changes or removes something; a history keeps what was there."""
_SELF_EVIDENT = ("additionalProperties", "minLength", "minItems", "minimum")
"""What the schema of an argument need not say for a model to fill it in well."""
_LONG = 80
"""Characters from which a form is not repeated within one tool."""

_NO_ANSWER = "The client gave no answer that fits the question: nothing was changed; answer the form, and call again."
"""In place of the SDK's sentence, which names our functions."""
_FAULT = "Something went wrong inside the server: its log says where; try again, and report it if it stays."


class PlainTool(Tool):
    """A tool of the SDK that answers whatever a user can mend with `str(error)` and nothing around it."""

    scope: str = READ
    """What a token must allow for this tool to be called over HTTP; see `needs`."""

    @classmethod
    def of(cls, function: Callable[..., Any], title: str, annotations: ToolAnnotations, scope: str) -> PlainTool:
        """A tool from a function; its name, docstring, parameters and return type are the tool's."""
        description = " ".join((inspect.getdoc(function) or "").split())
        tool = cls.from_function(function, title=title, annotations=annotations, description=description)
        assert isinstance(tool, PlainTool)
        tool.scope = scope
        tool.parameters = input_schema(tool.parameters)
        if tool.fn_metadata.output_schema is not None:
            tool.fn_metadata.output_schema = output_schema(tool.fn_metadata.output_schema)
        return tool

    def needs(self, arguments: Any) -> str:
        """What a token must allow for this call: a query of a database is work, whichever tool it is for."""
        return RUN if self.scope == READ and _holds_query(arguments) else self.scope

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """As `Tool.run`, with plain sentences.

        Raises:
            ToolError: what the caller can mend.
            UnexpectedToolError: a fault of ours; its details stay in the log.
        """
        known = self.parameters.get("properties", {})
        if unknown := next((name for name in arguments if name not in known), None):
            raise ToolError(f"There is no argument {unknown!r}: this tool takes {', '.join(known) or 'none'}.")
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, ValidationError) and not isinstance(error, UnexpectedToolError):
                raise ToolError(explain(cause, known)) from cause
            if isinstance(cause, DpToolsError | ToolError) and not isinstance(cause, UnexpectedToolError):
                message = str(cause)
                raise ToolError(_NO_ANSWER if message.startswith("Resolver ") else message) from cause
            if isinstance(cause, MemoryError):
                raise ToolError("There is not enough memory for this call: send it in parts.") from cause
            if isinstance(error, UnexpectedToolError):
                raise UnexpectedToolError(_FAULT) from cause
            raise


def _holds_query(arguments: Any) -> bool:
    table = arguments.get("table") if isinstance(arguments, Mapping) else None
    if isinstance(table, str):
        # The SDK reads JSON out of text; its only other way to write a letter is an escape.
        return "query" in table or "\\u" in table
    return isinstance(table, Mapping) and table.get("query") is not None


def result_of(answer: BaseModel) -> CallToolResult:
    """The whole answer twice, for hosts that show the text and for hosts that show the structure.

    Fields that are null unless they have something to say are left out of both: a batch is long enough without them.
    """
    data = {name: _lean(getattr(answer, name)) for name in type(answer).model_fields}
    return CallToolResult(
        content=[TextContent(text=pydantic_core.to_json(data).decode())],
        structured_content=pydantic_core.to_jsonable_python(data),
    )


def flat_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema without `$ref` (some hosts break on them) and without the titles that pydantic makes up."""
    definitions = schema.get("$defs", {})

    def flat(node: Any) -> Any:
        if isinstance(node, list):
            return [flat(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            target = definitions[str(node["$ref"]).rsplit("/", 1)[-1]]
            return flat({**target, **{name: value for name, value in node.items() if name != "$ref"}})
        return {
            name: {key: flat(value) for key, value in node[name].items()} if name == "properties" else flat(value)
            for name, value in node.items()
            if name != "$defs" and not (name == "title" and isinstance(value, str))
        }

    flattened: dict[str, Any] = flat(dict(schema))
    return flattened


def output_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The flat schema of a tool's results: their fields are described, what these hold in turn is named and typed."""
    flat = flat_schema(schema)
    fields = {
        name: _bare(field) | {"description": field["description"]} for name, field in flat.pop("properties").items()
    }
    return {**_bare(flat), "properties": fields}


def input_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The flat schema of a tool's arguments, without what costs a model tokens and tells it little.

    Left out are: that an optional argument may also be null, that what is not given is empty or false, what the items
    of a list are called, and long forms from their second time on. The server checks arguments by its own models.
    """
    short = {name: value for name, value in _short(flat_schema(schema)).items() if name != "description"}
    return {**short, "additionalProperties": False}


def _bare(node: Any) -> Any:
    if isinstance(node, list):
        return [_bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: {key: _bare(field) for key, field in value.items()} if name == "properties" else _bare(value)
        for name, value in node.items()
        if name not in ("description", "default")
    }


def _short(node: dict[str, Any]) -> dict[str, Any]:
    node = {name: value for name, value in node.items() if name not in _SELF_EVIDENT}
    if "default" in node and not node["default"]:
        del node["default"]
        if options := [option for option in node.pop("anyOf", []) if option != {"type": "null"}]:
            node = _short({**options[0], **node} if len(options) == 1 else {"anyOf": options, **node})
    if isinstance(node.get("items"), dict):
        node["items"] = _short({name: value for name, value in node["items"].items() if name != "description"})
    if "properties" in node:
        fields: dict[str, dict[str, Any]] = {}
        for name, field in node["properties"].items():
            short = _short(field)
            twin = next((other for other in fields if _form(fields[other]) == _form(short)), None)
            fields[name] = short if twin is None or len(str(_form(short))) < _LONG else _like(short, twin)
        node["properties"] = fields
    return node


def _form(node: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name != "description"}


def _like(node: Mapping[str, Any], twin: str) -> dict[str, Any]:
    """A field of the same form as the one before it."""
    about = f"{node['description'].rstrip('.')}, as {twin}."
    form = {"items": {"type": "object"}} if node["type"] == "array" else {}
    return {"type": node["type"], **form, "description": about}


def _lean(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = ((name, field, getattr(value, name)) for name, field in type(value).model_fields.items())
        return {name: _lean(item) for name, field, item in fields if item is not None or field.is_required()}
    if isinstance(value, list | tuple):
        return [_lean(item) for item in value]
    return value
