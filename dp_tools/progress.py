"""How long work says how far it is: plain callables, so that no room needs another one to be watched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from dp_tools.errors import Cancelled

Progress = Callable[[int, int], None]
"""Called with (done, of how many); it may raise to stop the work."""
Stage = Callable[[str], Progress]
"""Begins a stage of the work by its name, and gives the progress of it."""


_UNITS = ((7200.0, 3600.0, "hours"), (90.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))
"""From how many seconds on a unit is used, its length in seconds, and its name."""


class Forecast:
    """How long work still takes at the pace that it has had since it was first watched.

    Args:
        now: gives the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._begun = (0.0, 0, 0)

    def seconds_left(self, done: int, total: int) -> float | None:
        """Seconds left, now that so many are done; None as long as nothing was done since the start of the stage."""
        begun, first, of = self._begun
        if total != of or done < first:
            begun, first, _ = self._begun = (self._now(), done, total)
        seconds = self._now() - begun
        return (total - done) * seconds / (done - first) if done > first and seconds > 0 else None


def progress_text(done: int, total: int, seconds_left: float | None = None) -> str:
    """How far work is, as people say it: "240 of 900, about 2 minutes left"."""
    reached = f"{done:,} of {total:,}"
    if seconds_left is None or done >= total:
        return reached
    length, name = next((length, name) for least, length, name in _UNITS if seconds_left >= least)
    # Seconds are told by fives: a forecast knows no better.
    count = round(seconds_left / length) if length > 1 else max(5, 5 * round(seconds_left / 5))
    return f"{reached}, about {count} {name} left"


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
