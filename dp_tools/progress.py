"""How long work says how far it is: plain callables, so that no room needs another one to be watched."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dp_tools.errors import Cancelled

Progress = Callable[[int, int], None]
"""Called with (done, of how many); it may raise to stop the work."""
Stage = Callable[[str], Progress]
"""Begins a stage of the work by its name, and gives the progress of it."""


def silent(_name: str) -> Progress:
    """A stage that nobody watches."""
    return lambda _done, _total: None


def watched(progress: Progress | None, cancel: threading.Event | None) -> Stage:
    """Stages whose progress counts on in one callable, and which stop the work once `cancel` is set.

    Args:
        progress: called with (done in all stages so far, of how many so far).
        cancel: set it to stop; the stage raises `Cancelled` then.
    """
    reached = 0

    def begin(_name: str) -> Progress:
        before = reached

        def tell(done: int, total: int) -> None:
            nonlocal reached
            if cancel is not None and cancel.is_set():
                raise Cancelled("The work was stopped.")
            reached = before + done
            if progress is not None:
                progress(reached, before + total)

        return tell

    return begin
