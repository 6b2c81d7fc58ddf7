"""A server over HTTP for the tests: the real application in a real uvicorn on a free port of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx2
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette

from dp_tools.mcp_server.http import configured


class _Server(uvicorn.Server):
    """uvicorn, which says when it has started, or that it cannot."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()


@contextmanager
def listening(app: Starlette) -> Iterator[str]:
    """The application's base URL, while it is served."""
    server = _Server(configured(app, port=0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(30)
        assert server.started
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@asynccontextmanager
async def connected(base: str, token: str | None = None, era: str = "auto") -> AsyncIterator[Client]:
    """An MCP client of the server at this URL."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{base}/mcp", http_client=http), mode=era) as client,
    ):
        yield client
