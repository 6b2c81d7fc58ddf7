"""FastMCP's client."""

import asyncio
import json
import sys
from pathlib import Path

from fastmcp import Client
from fastmcp.client.transports import StdioTransport

TASK = json.loads(Path(__file__).with_name("task.json").read_text())
target = sys.argv[1:]


async def main() -> None:
    async with Client(target[0] if len(target) == 1 else StdioTransport(target[0], target[1:])) as client:
        answers = {"tools": sorted(tool.name for tool in await client.list_tools())}
        for name, arguments in TASK.items():
            answers[name] = (await client.call_tool(name, arguments)).structured_content
    print(json.dumps(answers))


asyncio.run(main())
