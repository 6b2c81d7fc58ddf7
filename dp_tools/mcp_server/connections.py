"""Limits on simultaneous connections and requests: idle clients block nobody, and `/health` always answers."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_S = 10.0
"""How long the head of a request may take to arrive, from its connection or its first byte."""
CONNECTIONS = 768
"""Connections that are open at once; beyond that the one that has said nothing for longest is closed."""
REQUESTS = 512
"""Requests that are answered at once; more get 503."""
_OTHER_FILES = 256
"""Files that the server may have open beside its connections."""


class PromptConnection(H11Protocol):
    """A connection that is closed where the head of a request does not arrive in time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._clock: asyncio.TimerHandle | None = None
        self._mind_the_clock()
        if len(self.connections) > CONNECTIONS:
            idle = [other for other in self.connections if isinstance(other, PromptConnection) and other.is_idle]
            min(idle, key=lambda other: other._idle_since).transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._mind_the_clock()

    def on_response_complete(self) -> None:
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_the_clock()
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _mind_the_clock(self) -> None:
        """Let time run where a request is awaited, and no longer where its head is there."""
        if not self.is_idle:
            self._stop_the_clock()
        elif self._clock is None:
            self._clock = self.loop.call_later(HEADER_S, self.transport.abort)

    def _stop_the_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


class RequestLimit:
    """ASGI middleware: so many requests at once; `/health` is not counted and always answered.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/health":
            await self._app(scope, receive, send)
            return
        if self._inside >= REQUESTS:
            busy = JSONResponse({"error": "The server is busy: call again in a few seconds."}, status_code=503)
            await busy(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside -= 1


def allow_open_files() -> None:
    """Let this process have as many files open as its connections need, where the system says so."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = CONNECTIONS + _OTHER_FILES
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
