"""Serves one client over standard input and output, and ends when the client is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Collection
from typing import Any, BinaryIO

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError

from dp_tools.mcp_server.call_metrics import CallMetrics
from dp_tools.mcp_server.logs import write_to_stderr
from dp_tools.mcp_server.messages import Lines
from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.groups import PROFILES, Profile

PATIENCE_S = 30.0
"""How long running answers may take after SIGTERM."""
SETTLE_S = 0.2
"""How long the last answer may take to be written: a writer says nothing when it is out."""
_LOOK_S = 1.0


def serve_stdio(*, trust_agents: bool = False, profiles: Collection[Profile] = PROFILES, **options: Any) -> None:
    """Serve until the client leaves, SIGTERM comes, or the parent process is gone.

    Options: those of `ServerContext`.
    """
    write_to_stderr()
    _end_with_parent()
    server_context, call_metrics = ServerContext(**options), CallMetrics()
    threading.Thread(target=server_context.warm_up, name="warm-up", daemon=True).start()
    try:
        server = create_server(server_context, trust_agents=trust_agents, profiles=profiles, call_metrics=call_metrics)
        anyio.run(_serve, server, call_metrics, server_context)
    except* BrokenPipeError:
        # The client left in the middle of an answer. What is buffered for it would fail again when Python ends.
        os._exit(0)


async def _serve(server: MCPServer[None], call_metrics: CallMetrics, server_context: ServerContext) -> None:
    async with anyio.create_task_group() as group:
        if sys.platform != "win32":
            group.start_soon(_end_on_signal, call_metrics, server_context)
        await _answer(server)
        group.cancel_scope.cancel()


async def _answer(server: MCPServer[None]) -> None:
    """As the SDK's `run_stdio_async`, but what is no message is answered, too."""
    loop = anyio.lowlevel.current_token()

    def refuse(answer: JSONRPCError) -> None:
        anyio.from_thread.run(writer.send, SessionMessage(answer), token=loop)

    # The SDK asks nothing of the file but its lines.
    lines: Any = Lines(_private_input(), refuse)
    async with stdio_server(stdin=anyio.wrap_file(lines)) as (reader, writer):
        lowlevel = server._lowlevel_server
        await lowlevel.run(reader, writer, lowlevel.create_initialization_options())


def _private_input() -> BinaryIO:
    """Standard input under another number, so that nothing started from here reads what the client writes."""
    private = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(private, "rb", closefd=False)


async def _end_on_signal(call_metrics: CallMetrics, server_context: ServerContext) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            await call_metrics.finish(PATIENCE_S)
            await anyio.sleep(SETTLE_S)
            await anyio.to_thread.run_sync(server_context.close)
            # A thread still waits for standard input and cannot be woken: an orderly exit would wait for it.
            os._exit(0)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone: an orphan would hold the model for ever."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_S)
        os._exit(0)

    threading.Thread(target=watch, name="parent", daemon=True).start()
