"""The server itself: what it says about itself, and the parts it is put together from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

import anyio.to_thread
from mcp.server import MCPServer

from dp_tools.mcp_server.calls import Calls
from dp_tools.mcp_server.owner import Owner
from dp_tools.mcp_server.prompts import add_prompts
from dp_tools.mcp_server.resources import add_resources
from dp_tools.mcp_server.rule_tools import rule_tools
from dp_tools.mcp_server.task_tools import task_tools

INSTRUCTIONS = """\
Tools for data preprocessing, answered by a small model on the user's machine and steered by the user's rules.

Send batches, not single items: records of one table together, because columns are compared within a batch. Name the
`dataset` whenever the data has a name: it selects the rules that apply. Values are text as found; null is a gap.

Every answer has a confidence and says who decided it and by which rules. Treat answers near 0.5 as undecided, and a
`problem` as no answer. When an answer is wrong for a reason that can be said in a sentence, look for an existing rule
with `search_rules` and propose a better one with `add_rule`; a person accepts it before it acts.
"""


def create_server(
    owner: Owner | None = None, *, trust_agents: bool = False, calls: Calls | None = None
) -> MCPServer[None]:
    """The server, for stdio, HTTP and in-memory alike. The model and the rules are opened at the first question.

    Args:
        owner: holds the model and the rules; by default the embedded model and the user's own rules.
        trust_agents: let the rules that agents write act at once, without a person's word.
        calls: counts and times the calls, for those who want to know.
    """
    owner = owner or Owner()

    @asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
        try:
            yield None
        finally:
            await anyio.to_thread.run_sync(owner.close)

    tools = [*task_tools(owner), *rule_tools(owner, trust_agents=trust_agents)]
    server = MCPServer(
        "dp-tools",
        title="Data preprocessing tools",
        description="Finds errors, fills gaps, matches records and schemas, types columns and extracts values.",
        instructions=INSTRUCTIONS,
        version=_version(),
        tools=[*tools],
        lifespan=lifespan,
        log_level="WARNING",
        middleware=[calls or Calls()],
    )
    add_resources(server, owner)
    add_prompts(server)
    return server


def _version() -> str:
    try:
        return version("dp-tools")
    except PackageNotFoundError:
        return "0"
