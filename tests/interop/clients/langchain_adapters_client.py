"""langchain-mcp-adapters, with one session held open."""

import asyncio
import json
import sys
from pathlib import Path

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools

TASK = json.loads(Path(__file__).with_name("task.json").read_text())
target = sys.argv[1:]


async def main() -> None:
    http = {"transport": "streamable_http", "url": target[0]}
    stdio = {"transport": "stdio", "command": target[0], "args": target[1:]}
    client = MultiServerMCPClient({"dp-tools": http if len(target) == 1 else stdio})
    async with client.session("dp-tools") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}
        answers = {"tools": sorted(tools)}
        for name, arguments in TASK.items():
            content = await tools[name].ainvoke(arguments)
            answers[name] = json.loads(content if isinstance(content, str) else content[0]["text"])
    print(json.dumps(answers))


asyncio.run(main())
