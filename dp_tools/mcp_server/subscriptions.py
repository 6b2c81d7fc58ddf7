"""Telling clients that a rule or a dataset's rules changed, here or in another process, in both protocol eras."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import anyio
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import ResourceUpdated, SubscriptionBus
from mcp.types import EmptyResult, SubscribeRequestParams, UnsubscribeRequestParams

from dp_tools.errors import DpToolsError
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.rules.rule import ALL, Rule

EVERY_S = 2.0
"""How often changes by other processes are looked for."""
_LATEST = 50


class Watchers:
    """Who watches which resource.

    Args:
        bus: reaches the clients of 2026-07-28, which listen on a stream that the SDK serves by itself.
    """

    def __init__(self, bus: SubscriptionBus) -> None:
        self._bus = bus
        self._watching: dict[Connection, set[str]] = {}

    def register(self, server: MCPServer[None]) -> None:
        """Serve the subscriptions of clients up to 2025-11-25, which the SDK's server leaves to us."""
        lowlevel = server._lowlevel_server
        lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)

    async def tell(self, rules: Iterable[Rule]) -> None:
        """Say that these rules changed."""
        for uri in dict.fromkeys(uri for rule in rules for uri in _places(rule)):
            await self._bus.publish(ResourceUpdated(uri))
            for connection in [one for one, watched in self._watching.items() if uri in watched]:
                await connection.send_resource_updated(uri)

    async def follow(self, server_context: ServerContext) -> None:
        """Tell what others change, for ever: a person who accepts a rule in a shell, another server. A change that this
        server made and told already may be told again."""
        seen: int | None = None
        while True:
            await anyio.sleep(EVERY_S)
            if server_context.knows:
                with suppress(DpToolsError):
                    seen, rules = await anyio.to_thread.run_sync(_changes, server_context, seen)
                    await self.tell(rules)

    async def _subscribe(self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams) -> EmptyResult:
        connection = ctx.session._connection
        if connection not in self._watching:
            self._watching[connection] = set()
            connection.exit_stack.callback(self._watching.pop, connection, None)
        self._watching[connection].add(str(params.uri))
        return EmptyResult()

    async def _unsubscribe(self, ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams) -> EmptyResult:
        self._watching.get(ctx.session._connection, set()).discard(str(params.uri))
        return EmptyResult()


def _changes(server_context: ServerContext, seen: int | None) -> tuple[int | None, list[Rule]]:
    """The last entry of the history, and the rules that changed after the entry seen."""
    entries = server_context.knowledge.history(limit=_LATEST)
    if not entries or seen is None:
        return (entries[-1].entry if entries else None), []
    changed = dict.fromkeys(entry.rule_id for entry in entries if entry.entry > seen and entry.rule_id is not None)
    return entries[-1].entry, [server_context.knowledge.get(rule_id) for rule_id in changed]


def _places(rule: Rule) -> list[str]:
    """The resources in which a rule shows."""
    places = [f"knowledge://rules/{rule.id}", "knowledge://proposals"]
    return places if rule.dataset == ALL else [*places, f"knowledge://datasets/{quote(rule.dataset)}"]
