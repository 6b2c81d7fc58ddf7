"""Pydantic AI's toolset."""

import asyncio
import json
import sys
from pathlib import Path

from fastmcp.client.transports import StdioTransport
from pydantic_ai.mcp import MCPToolset

TASK = json.loads(Path(__file__).with_name("task.json").read_text())
target = sys.argv[1:]


async def main() -> None:
    async with MCPToolset(target[0] if len(target) == 1 else StdioTransport(target[0], target[1:])) as toolset:
        answers = {"tools": sorted(tool.name for tool in await toolset.list_tools())}
        for name, arguments in TASK.items():
            answers[name] = await toolset.direct_call_tool(name, arguments)
    print(json.dumps(answers))


asyncio.run(main())
