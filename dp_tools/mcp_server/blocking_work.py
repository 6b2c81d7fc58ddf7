"""Blocking work for one call: off the event loop, with progress to the client, and stopped when the client stops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context

from dp_tools.mcp_server.caller_role import client_key
from dp_tools.mcp_server.fair_scheduler import CLIENT
from dp_tools.progress import Forecast, Progress, progress_text

T = TypeVar("T")
_THREADS = anyio.CapacityLimiter(256)
"""Calls that may wait for the model at once; a queue of its own keeps other work from waiting behind them."""
INTERVAL = 1.0
"""Seconds between two progress notifications, at the most."""


class _Reached:
    """How far the work is. The worker writes it and never waits for the client; the pump reads it."""

    def __init__(self) -> None:
        self._latest: tuple[int, int] | None = None
        self._forecast = Forecast()
        self._seconds_left: float | None = None
        self._sent = -1
        self._waited = 0

    def __call__(self, done: int, total: int) -> None:
        self._seconds_left = self._forecast.seconds_left(done, total)
        self._latest = (done, total)

    def next(self) -> tuple[float, float | None, str] | None:
        """What to report now. The protocol wants a number that grows, so a wait creeps towards the next item."""
        done, total = self._latest or (0, None)
        self._waited = 0 if done > self._sent else self._waited + 1
        self._sent = done
        if self._waited and done == total:
            return None
        message = "Waiting for the model" if total is None else progress_text(done, total, self._seconds_left)
        return done + self._waited / (self._waited + 1), total, message


async def in_thread(ctx: Context[Any, Any], work: Callable[[], T]) -> T:
    """Run `work()` in a thread, for what takes a moment: nothing is reported, and it cannot be stopped.

    Raises:
        whatever `work` raises.
    """
    CLIENT.set(client_key(ctx))
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=_THREADS)


async def run_work(ctx: Context[Any, Any], work: Callable[[Progress, threading.Event], T]) -> T:
    """Run `work(progress, cancel)` in a thread.

    `cancel` is set when the client cancels the call, goes away, or the work is over; the thread is then left to end by
    itself, which the engine does within half a second.

    Raises:
        whatever `work` raises.
    """
    reached, cancel = _Reached(), threading.Event()
    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_pump, ctx, reached)
        try:
            result = await in_thread(ctx, lambda: work(reached, cancel))
        except Exception as error:
            failure = error
        finally:
            cancel.set()
            group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result


async def _pump(ctx: Context[Any, Any], reached: _Reached) -> None:
    while True:
        await anyio.sleep(INTERVAL)
        if (report := reached.next()) is not None:
            await ctx.report_progress(*report)
