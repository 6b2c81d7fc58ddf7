"""What an HTTP request has to get past before the protocol reads it: a body in time, and the scope it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES = 16 * 1024 * 1024
"""The largest request body."""
BODY_S = 30.0
"""How long a body may take to arrive."""


class Gate:
    """Stands before the endpoint, behind authentication.

    Args:
        app: the endpoint.
        scopes: what a token must allow for each tool.
        guarded: whether tokens are asked for at all.
        metadata: the URL that says where tokens come from, if there is one.
    """

    def __init__(self, app: ASGIApp, scopes: Mapping[str, str], *, guarded: bool, metadata: str | None) -> None:
        self._app = app
        self._scopes = scopes
        self._guarded = guarded
        self._metadata = metadata

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user = scope.get("user")
        if scope["method"] != "POST" or (self._guarded and not isinstance(user, AuthenticatedUser)):
            # What is not authenticated is turned away behind this gate, before its body is read.
            await self._app(scope, receive, send)
            return
        try:
            with anyio.fail_after(BODY_S):
                body = await _read(receive)
        except TimeoutError:
            await _refuse(408, "The request's body took too long to arrive.")(scope, receive, send)
            return
        if body is None:
            await _refuse(413, f"The request's body is larger than {BODY_BYTES} bytes.")(scope, receive, send)
            return
        missing = self._missing(body, user.scopes) if isinstance(user, AuthenticatedUser) else None
        if missing is not None:
            await self._forbid(missing)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _missing(self, body: bytes, granted: list[str]) -> str | None:
        """The scope that a call in this body needs and the token does not have."""
        needed = (self._scopes.get(name) for name in _tools_called(body))
        return next((scope for scope in needed if scope is not None and scope not in granted), None)

    def _forbid(self, scope: str) -> JSONResponse:
        parts = ['error="insufficient_scope"', f'scope="{scope}"', f'error_description="Required scope: {scope}"']
        if self._metadata is not None:
            parts.append(f'resource_metadata="{self._metadata}"')
        content = {"error": "insufficient_scope", "error_description": f"Required scope: {scope}"}
        return JSONResponse(content, status_code=403, headers={"WWW-Authenticate": f"Bearer {', '.join(parts)}"})


def _tools_called(body: bytes) -> Iterator[str]:
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError):
        return
    for request in message if isinstance(message, list) else [message]:
        if isinstance(request, dict) and request.get("method") == "tools/call":
            params = request.get("params")
            yield str(params.get("name")) if isinstance(params, dict) else ""


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None when it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever else comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return left.pop() if left else await receive()

    return replayed


def _refuse(status: int, why: str) -> JSONResponse:
    return JSONResponse({"error": why}, status_code=status, headers={"Connection": "close"})
