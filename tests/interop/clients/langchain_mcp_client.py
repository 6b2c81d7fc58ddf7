"""LangChain's own client, with a person who leaves proposals for later."""

import asyncio
import json
import sys
import warnings
from pathlib import Path

from fastmcp import Client
from fastmcp.client.transports import StdioTransport

warnings.simplefilter("ignore")
from langchain.mcp import MCPAdapter  # noqa: E402

TASK = json.loads(Path(__file__).with_name("task.json").read_text())
target = sys.argv[1:]


async def later(*_: object) -> dict[str, str]:
    return {"decision": "later"}


async def main() -> None:
    where = target[0] if len(target) == 1 else StdioTransport(target[0], target[1:])
    async with MCPAdapter(Client(where, elicitation_handler=later)) as adapter:
        tools = {tool.name: tool for tool in await adapter.list_tools()}
        answers = {"tools": sorted(tools)}
        for name, arguments in TASK.items():
            content = await tools[name].ainvoke(arguments)
            answers[name] = json.loads(content if isinstance(content, str) else content[0]["text"])
    print(json.dumps(answers))


asyncio.run(main())
