"""LlamaIndex's tools."""

import asyncio
import json
import sys
from pathlib import Path

from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

TASK = json.loads(Path(__file__).with_name("task.json").read_text())
target = sys.argv[1:]


async def main() -> None:
    client = BasicMCPClient(target[0], args=target[1:], timeout=60)
    tools = {tool.metadata.name: tool for tool in await McpToolSpec(client).to_tool_list_async()}
    answers = {"tools": sorted(tools)}
    for name, arguments in TASK.items():
        result = await tools[name].acall(**arguments)
        answers[name] = json.loads(result.raw_output.content[0].text)
    print(json.dumps(answers))


asyncio.run(main())
