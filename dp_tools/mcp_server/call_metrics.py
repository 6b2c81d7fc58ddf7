"""Middleware around every call: counts, times and logs it, and lets running calls finish at shutdown."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import anyio
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, CallToolResult, TextContent

log = logging.getLogger("dp_tools.calls")
Observer = Callable[[str, str, float], None]
"""Called after each call with (tool, outcome, seconds); outcome: answered, refused, failed or cancelled."""


class CallMetrics:
    """Middleware over `tools/call`.

    Args:
        observe: called after every call.
    """

    def __init__(self, observe: Observer | None = None) -> None:
        self.observe = observe
        self.running = 0
        self.closing = False
        self._idle = anyio.Event()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/call" or ctx.request_id is None:
            return await call_next(ctx)
        if self.closing:
            return CallToolResult(
                content=[TextContent(text="The server is stopping: call again later.")], is_error=True
            )
        name = str((ctx.params or {}).get("name"))[:100]
        started, outcome = time.perf_counter(), "failed"
        self.running += 1
        try:
            result = await call_next(ctx)
            refusal = _refusal(result)
            outcome = "answered" if refusal is None else "refused"
            if refusal == f"Unknown tool: {name}":
                # The SDK answers as if the tool had failed; the specification wants a protocol error.
                name, unknown = "unknown", name
                raise MCPError(code=INVALID_PARAMS, message=f"Unknown tool: {unknown}")
            return result
        except anyio.get_cancelled_exc_class():
            outcome = "cancelled"
            raise
        finally:
            self.running -= 1
            self._ended(name, outcome, time.perf_counter() - started)

    def _ended(self, tool: str, outcome: str, seconds: float) -> None:
        token = get_access_token()
        fields = {"tool": tool, "outcome": outcome, "seconds": round(seconds, 4)}
        log.info("call", extra={"fields": fields | ({} if token is None else {"client": token.client_id})})
        if self.observe is not None:
            self.observe(tool, outcome, seconds)
        if self.closing and not self.running:
            self._idle.set()

    async def finish(self, patience_s: float) -> None:
        """Take no more calls, and wait until those that run have ended or patience has."""
        self.closing = True
        if self.running:
            with anyio.move_on_after(patience_s):
                await self._idle.wait()


def _refusal(result: HandlerResult) -> str | None:
    """The text of a result that is an error, or None. Inside the middleware a result has its wire form."""
    if not isinstance(result, dict) or not result.get("isError"):
        return None
    return "".join(str(block.get("text", "")) for block in result["content"])
