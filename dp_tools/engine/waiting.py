"""Waiting for answers that another thread works out, while the caller's thread reports and looks whether to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from dp_tools.errors import Cancelled
from dp_tools.progress import Progress

T = TypeVar("T")
_LOOK = 0.05
"""Seconds between two looks at a caller's wish to stop, and at what there is to report."""


def awaited(
    future: Future[T],
    answered: Callable[[], int],
    total: int,
    progress: Progress | None,
    cancel: threading.Event | None,
) -> T:
    """The result of a future.

    Args:
        future: the result.
        answered: how many answers it has by now.
        total: how many there will be.
        progress: called with (answered, total).
        cancel: set it to stop.

    Raises:
        Cancelled: `cancel` was set.
    """
    report: Callable[[], object] = (lambda: progress(answered(), total)) if progress else (lambda: None)
    while True:
        try:
            result = future.result(timeout=_LOOK)
        except TimeoutError:
            if future.done():
                raise
            if cancel is not None and cancel.is_set():
                raise Cancelled("The work was stopped.") from None
            report()
        else:
            report()
            return result
