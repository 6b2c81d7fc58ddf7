"""The official Python SDK."""

import json
import sys
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

TASK = json.loads(Path(__file__).with_name("task.json").read_text())
target = sys.argv[1:]


async def main() -> None:
    where = target[0] if len(target) == 1 else stdio_client(StdioServerParameters(command=target[0], args=target[1:]))
    async with Client(where) as client:
        answers = {"tools": sorted(tool.name for tool in (await client.list_tools()).tools)}
        for name, arguments in TASK.items():
            answers[name] = (await client.call_tool(name, arguments)).structured_content
    print(json.dumps(answers))


anyio.run(main)
