"""Engines for tests: one that is lent, and one whose long calls wait until they are let go or stopped."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from dp_tools.engine.questions import Engine, Question, Result
from dp_tools.errors import Cancelled
from dp_tools.progress import Progress

LONG = 8
"""More questions than this make a long call."""
_LOOK_S = 0.02
_PATIENCE_S = 60.0


class Lent:
    """An engine for somebody who closes what he opens."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def close(self) -> None:
        """It is not the borrower's to close."""


class Held(Lent):
    """A lent engine whose long calls say that nothing is answered yet, until they are let go.

    `begun` is set when a long call has begun, `stopped` when one was stopped; set `go` to let them go on.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.begun, self.go, self.stopped = threading.Event(), threading.Event(), threading.Event()

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        """As `Engine.answer`."""
        if len(questions) > LONG:
            self._hold(len(questions), progress, cancel)
        return self._engine.answer(questions, progress=progress, cancel=cancel)

    def _hold(self, total: int, progress: Progress | None, cancel: threading.Event | None) -> None:
        self.begun.set()
        for _ in range(int(_PATIENCE_S / _LOOK_S)):
            if progress is not None:
                progress(0, total)
            if cancel is not None and cancel.is_set():
                self.stopped.set()
                raise Cancelled("The work was stopped.")
            if self.go.wait(_LOOK_S):
                return
        raise AssertionError("nobody stopped the call or let it go")
