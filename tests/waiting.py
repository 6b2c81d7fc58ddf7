"""Waiting for what nobody announces, such as a port that another process opens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_LOOK_S = 0.02


def until(happened: Callable[[], bool], *, seconds: float = 60.0) -> None:
    """Look again and again whether it has happened.

    Raises:
        AssertionError: it has not after so many seconds.
    """
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen within {seconds:.0f} seconds"
        pause.wait(_LOOK_S)
