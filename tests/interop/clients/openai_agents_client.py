"""The OpenAI Agents SDK's servers."""

import asyncio
import json
import sys
from pathlib import Path

from agents.mcp import MCPServerStdio, MCPServerStreamableHttp

TASK = json.loads(Path(__file__).with_name("task.json").read_text())
target = sys.argv[1:]


async def main() -> None:
    if len(target) == 1:
        server = MCPServerStreamableHttp({"url": target[0]}, client_session_timeout_seconds=60)
    else:
        server = MCPServerStdio({"command": target[0], "args": target[1:]}, client_session_timeout_seconds=60)
    async with server:
        answers = {"tools": sorted(tool.name for tool in await server.list_tools())}
        for name, arguments in TASK.items():
            # Its agents read the text of a result.
            answers[name] = json.loads((await server.call_tool(name, arguments)).content[0].text)
    print(json.dumps(answers))


asyncio.run(main())
