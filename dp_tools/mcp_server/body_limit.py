"""Limits on an HTTP request before the protocol reads it: size, time and form of its body, and its scope."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import anyio
import anyio.to_thread
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.types import INVALID_REQUEST, PARSE_ERROR, jsonrpc_message_adapter
from pydantic import ValidationError
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dp_tools.errors import DpToolsError
from dp_tools.mcp_server.tools.tool import PlainTool
from dp_tools.tables.io.limits import require_shallow

BODY_BYTES = 16 * 1024 * 1024
"""The largest request body."""
BODY_S = 30.0
"""How long a body may take to arrive."""
VALUES = 500_000
"""Values that a body may hold, counted by its commas and opening brackets, those inside texts included."""
_NO_MESSAGE = (
    'The request is not one JSON-RPC message: send jsonrpc "2.0", a method, params, and a text or whole number as id.'
)
_LARGE = 64 * 1024
"""Bytes of a body from which it is read in a thread."""

Call = tuple[str, Any]
"""A tool that is called, and its arguments as they came."""


class BodyLimit:
    """Stands before the endpoint, behind authentication.

    Args:
        app: the endpoint.
        tools: the tools by name, which say what a token must allow.
        guarded: whether tokens are asked for at all.
        metadata: the URL that says where tokens come from, if there is one.
    """

    def __init__(self, app: ASGIApp, tools: Mapping[str, PlainTool], *, guarded: bool, metadata: str | None) -> None:
        self._app = app
        self._tools = tools
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
        try:
            # A large body would hold up everybody if it were read on the event loop.
            calls = await anyio.to_thread.run_sync(_calls_in, body) if len(body) > _LARGE else _calls_in(body)
        except _Malformed as malformed:
            await malformed.response(scope, receive, send)
            return
        missing = self._missing(calls, user.scopes) if isinstance(user, AuthenticatedUser) else None
        if missing is not None:
            await self._forbid(missing)(scope, receive, send)
            return
        if body.lstrip().startswith(b"["):
            await _Malformed(INVALID_REQUEST, _NO_MESSAGE).response(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _missing(self, calls: list[Call], granted: list[str]) -> str | None:
        """The scope that one of these calls needs and the token does not have."""
        needed = (self._tools[name].needs(arguments) for name, arguments in calls if name in self._tools)
        return next((scope for scope in needed if scope not in granted), None)

    def _forbid(self, scope: str) -> JSONResponse:
        parts = ['error="insufficient_scope"', f'scope="{scope}"', f'error_description="Required scope: {scope}"']
        if self._metadata is not None:
            parts.append(f'resource_metadata="{self._metadata}"')
        content = {"error": "insufficient_scope", "error_description": f"Required scope: {scope}"}
        return JSONResponse(content, status_code=403, headers={"WWW-Authenticate": f"Bearer {', '.join(parts)}"})


class _Malformed(Exception):
    """A body that is not a message of the protocol, with the answer to it."""

    def __init__(self, code: int, why: str, status: int = 400) -> None:
        super().__init__(why)
        error = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": why}}
        self.response = JSONResponse(error, status_code=status)


def _calls_in(body: bytes) -> list[Call]:
    """The tools that a body calls.

    Raises:
        _Malformed: it is not JSON, holds too much, or is no message.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > VALUES:
        raise _Malformed(INVALID_REQUEST, f"The request holds more than {VALUES:,} values: send it in parts.", 413)
    try:
        message: Any = json.loads(body.decode())
        require_shallow("The request", message)
        if b"\\u" in body:
            json.dumps(message, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _Malformed(INVALID_REQUEST, "Half a character (a lone surrogate) is not text: leave it out.") from None
    except (RecursionError, DpToolsError):
        raise _Malformed(INVALID_REQUEST, "The request is nested too deep: flatten it.") from None
    except ValueError:
        raise _Malformed(PARSE_ERROR, "The request is not JSON in UTF-8: send one JSON-RPC message.") from None
    return [_call(one) for one in message] if isinstance(message, list) else [_call(message)]


def _call(message: Any) -> Call:
    """The tool that a message calls, by whichever method, or "".

    Raises:
        _Malformed: it is no message.
    """
    try:
        jsonrpc_message_adapter.validate_python(message, by_name=False)
    except ValidationError:
        raise _Malformed(INVALID_REQUEST, _NO_MESSAGE) from None
    # The SDK takes a request whose id is none for a notification, to which nobody answers.
    if "method" in message and type(message.get("id", "")) not in (str, int):
        raise _Malformed(INVALID_REQUEST, _NO_MESSAGE)
    if message.get("method") == "tasks/cancel":
        # Stopping a task is stopping a job, whichever way it is asked.
        return "cancel_job", {}
    params = message.get("params")
    if message.get("method") != "tools/call" or not isinstance(params, dict):
        return "", None
    return str(params.get("name")), params.get("arguments")


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
