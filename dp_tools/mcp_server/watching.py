"""Telling clients that a rule or a dataset's rules changed, in both protocol eras."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcp.server import MCPServer
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.types import EmptyResult, SubscribeRequestParams, UnsubscribeRequestParams


class Watchers:
    """Who watches which resource. Clients of 2026-07-28 listen on a stream that the SDK serves by itself."""

    def __init__(self) -> None:
        self._watching: dict[Connection, set[str]] = {}

    def register(self, server: MCPServer[None]) -> None:
        """Serve the subscriptions of clients up to 2025-11-25, which the SDK's server leaves to us."""
        lowlevel = server._lowlevel_server
        lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)

    async def tell(self, ctx: Context[Any, Any], uris: Iterable[str]) -> None:
        """Say that these resources changed."""
        for uri in uris:
            await ctx.notify_resource_updated(uri)
            for connection in [one for one, watched in self._watching.items() if uri in watched]:
                await connection.send_resource_updated(uri)

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
