"""The server itself: what it says about itself, and the parts it is put together from."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import anyio
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.subscriptions import InMemorySubscriptionBus
from mcp.types import Icon

from dp_tools.mcp_server.call_metrics import CallMetrics
from dp_tools.mcp_server.entity_resources import add_entity_resources
from dp_tools.mcp_server.pack_resources import add_pack_resources
from dp_tools.mcp_server.panels import panel_meta, panels
from dp_tools.mcp_server.prompts import add_prompts
from dp_tools.mcp_server.protocol_tasks import JobTasks
from dp_tools.mcp_server.resources import add_resources
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.subscriptions import Watchers
from dp_tools.mcp_server.tools.entities import entity_tools
from dp_tools.mcp_server.tools.explain import explain_tool
from dp_tools.mcp_server.tools.groups import PROFILES, Profile, instructions
from dp_tools.mcp_server.tools.jobs import job_tools, undo_tool
from dp_tools.mcp_server.tools.rules import rule_tools
from dp_tools.mcp_server.tools.tables import table_tools
from dp_tools.mcp_server.tools.tasks import task_tools
from dp_tools.mcp_server.tools.tool import PlainTool
from dp_tools.mcp_server.workbench_resources import add_workbench_resources

_LISTS: tuple[CacheableMethod, ...] = (
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "server/discover",
)
"""What stays the same as long as the server runs."""

INSTRUCTIONS = instructions()
"""What the whole server says about itself."""


def create_server(
    server_context: ServerContext | None = None,
    *,
    trust_agents: bool = False,
    profiles: Collection[Profile] = PROFILES,
    call_metrics: CallMetrics | None = None,
    auth: AuthSettings | None = None,
    token_verifier: TokenVerifier | None = None,
) -> MCPServer[None]:
    """The server, for stdio, HTTP and in-memory alike. The model and the rules are opened at the first question.

    Args:
        server_context: holds the model and the rules; by default the embedded model and the user's own rules.
        trust_agents: let the rules that agents write act at once, without a person's word.
        profiles: the groups of tools that it offers.
        call_metrics: counts and times the calls, for those who want to know.
        auth, token_verifier: who is let in over HTTP; see `dp_tools.mcp_server.http`.
    """
    server_context, bus = server_context or ServerContext(), InMemorySubscriptionBus()
    watchers = Watchers(bus)

    @asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(watchers.follow, server_context)
                yield None
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(server_context.close)

    server = MCPServer(
        "dp-tools",
        title="Data preprocessing tools",
        description="Finds errors, fills gaps, matches records and schemas, types columns and extracts values.",
        icons=[_icon()],
        instructions=instructions(profiles, server_context.patience),
        version=_version(),
        tools=[*tools_of(server_context, watchers, trust_agents=trust_agents, profiles=profiles)],
        extensions=[*([JobTasks(server_context)] if {"tasks", "tables"}.intersection(profiles) else []), panels()],
        cache_hints=dict.fromkeys(_LISTS, CacheHint(ttl_ms=60_000, scope="public")),
        lifespan=lifespan,
        subscriptions=bus,
        log_level="WARNING",
        middleware=[call_metrics or CallMetrics()],
        auth=auth,
        token_verifier=token_verifier,
    )
    add_resources(server, server_context)
    if "tables" in profiles:
        add_workbench_resources(server, server_context)
        add_entity_resources(server, server_context)
    if "rules" in profiles:
        add_pack_resources(server, server_context)
    add_prompts(server, profiles)
    watchers.register(server)
    return server


def tools_of(
    server_context: ServerContext, watchers: Watchers, *, trust_agents: bool, profiles: Collection[Profile] = PROFILES
) -> list[PlainTool]:
    """The tools of these profiles, in the order of the menu."""
    groups: list[tuple[set[Profile], Callable[[], list[PlainTool]]]] = [
        ({"tasks"}, lambda: [*task_tools(server_context, trust_agents=trust_agents), explain_tool(server_context)]),
        ({"tables"}, lambda: table_tools(server_context, trust_agents=trust_agents)),
        ({"tasks", "tables"}, lambda: job_tools(server_context)),
        ({"tables"}, lambda: [undo_tool(server_context, trust_agents=trust_agents)]),
        ({"tables"}, lambda: entity_tools(server_context, trust_agents=trust_agents)),
        ({"rules"}, lambda: rule_tools(server_context, watchers, trust_agents=trust_agents)),
    ]
    found = [tool for group, tools in groups if group.intersection(profiles) for tool in tools()]
    for tool in found:
        tool.meta = panel_meta(tool.name)
    return found


def _icon() -> Icon:
    """The icon itself, as text: hosts show it without asking anybody for it."""
    picture = base64.b64encode(Path(__file__).with_name("icon.png").read_bytes()).decode()
    return Icon(src=f"data:image/png;base64,{picture}", mime_type="image/png", sizes=["48x48"])


def _version() -> str:
    try:
        return version("dp-tools")
    except PackageNotFoundError:
        return "0"
