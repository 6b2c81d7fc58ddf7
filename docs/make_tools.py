"""Writes docs/reference/tools.md from the server itself: `python docs/make_tools.py`. A test holds the two together."""

from __future__ import annotations

from pathlib import Path

import anyio
from field_types import type_name
from mcp import Client
from mcp.types import Prompt, ResourceTemplate, Tool

from dp_tools.mcp_server.server import create_server

PAGE = Path(__file__).with_name("reference") / "tools.md"
HEAD = """\
# Tools, resources and prompts

What `dp-tools serve` offers over MCP. This page is written by `python docs/make_tools.py` from the server itself.

The descriptions are what an agent reads. Every tool takes a flat JSON object, refuses arguments it does not know, and
answers twice with the same content: as text and as structured content. What a caller can correct comes back as one
sentence with `isError`.
"""


def reference() -> str:
    """The page."""
    return anyio.run(_reference)


async def _reference() -> str:
    async with Client(create_server()) as client:
        tools = (await client.list_tools()).tools
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
        prompts = (await client.list_prompts()).prompts
    read = [(resource.uri, resource.description) for resource in resources]
    parts = [HEAD, "## Tools\n", *map(_tool, tools), "## Resources\n", _resources(read, templates), "## Prompts\n"]
    return "\n".join([*parts, *map(_prompt, prompts)]).rstrip() + "\n"


def _tool(tool: Tool) -> str:
    hints = tool.annotations
    assert hints is not None
    kind = "changes nothing" if hints.read_only_hint else "changes or removes" if hints.destructive_hint else "adds"
    required = tool.input_schema.get("required", [])
    rows = [
        f"| `{name}`{'' if name in required else ' (optional)'} | {type_name(field)} | {field.get('description', '')} |"
        for name, field in tool.input_schema["properties"].items()
    ]
    assert tool.output_schema is not None
    gives = [
        f"| `{name}` | {type_name(field)} | {field.get('description', '')} |"
        for name, field in tool.output_schema["properties"].items()
    ]
    return "\n".join(
        [
            f"### `{tool.name}`\n\n{tool.description} ({kind})\n",
            *_table(("takes", "type", ""), rows),
            *_table(("gives", "type", ""), gives),
        ]
    )


def _table(head: tuple[str, str, str], rows: list[str]) -> list[str]:
    return [f"| {' | '.join(head)} |", "| --- | --- | --- |", *rows, ""]


def _resources(read: list[tuple[str, str | None]], templates: list[ResourceTemplate]) -> str:
    found = [*read, *((template.uri_template, template.description) for template in templates)]
    return "\n".join(["| uri | |", "| --- | --- |", *(f"| `{uri}` | {about} |" for uri, about in found), ""])


def _prompt(prompt: Prompt) -> str:
    given = ", ".join(f"`{a.name}`" + ("" if a.required else " (optional)") for a in prompt.arguments or [])
    return f"- **{prompt.title}** (`{prompt.name}`): {prompt.description}" + (f" Takes {given}." if given else "")


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
