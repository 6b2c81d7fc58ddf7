"""Many clients, one model: each gets its turn, none can hold the others up, and a full queue says so at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from dp_tools.engine.questions import Engine, Progress, Question, Result, Segment
from dp_tools.errors import Cancelled, DpToolsError, InvalidRequest

JOBS = ""
"""Stands for the server's own jobs: together they take turns as one client does, and they wait instead of giving up."""
CLIENT: ContextVar[str] = ContextVar("client", default=JOBS)
"""Whose call this is; set where the call comes in."""
SLICE = 64
"""Questions that one client's call asks before the next client's turn."""
_LOOK_S = 0.1


class Busy(DpToolsError):
    """The server has as many calls as it takes."""


class Turns:
    """Round robin between clients; among one client's calls, first come, first served.

    Args:
        calls: how many calls may wait or run at once.
        calls_each: how many of them one client may have.
    """

    def __init__(self, calls: int = 64, calls_each: int = 16) -> None:
        self._calls = calls
        self._calls_each = calls_each
        self._change = threading.Condition()
        self._waiting: dict[str, deque[object]] = {}
        self._inside: dict[str, int] = {}
        self._taken = False

    @property
    def inside(self) -> int:
        """Calls that wait or run."""
        with self._change:
            return sum(self._inside.values())

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """A place in the queue, for one whole call.

        Raises:
            Busy: there is none left.
        """
        with self._change:
            if client != JOBS and sum(self._inside.values()) >= self._calls:
                raise Busy(f"The server is busy with {self._calls} calls: call again in a few seconds.")
            if client != JOBS and self._inside.get(client, 0) >= self._calls_each:
                raise Busy(f"You have {self._calls_each} calls waiting here: wait for their answers, then call again.")
            self._inside[client] = self._inside.get(client, 0) + 1
        try:
            yield
        finally:
            with self._change:
                self._inside[client] -= 1
                if not self._inside[client]:
                    del self._inside[client]

    @contextmanager
    def turn(self, client: str, cancel: threading.Event | None) -> Iterator[None]:
        """The model, when it is this call's turn.

        Raises:
            Cancelled: `cancel` was set while waiting.
        """
        ticket = object()
        with self._change:
            self._waiting.setdefault(client, deque()).append(ticket)
            try:
                while self._taken or not self._is_next(client, ticket):
                    if cancel is not None and cancel.is_set():
                        raise Cancelled("The work was stopped.")
                    self._change.wait(_LOOK_S)
            except BaseException:
                self._leave(client, ticket)
                raise
            self._taken = True
            self._leave(client, ticket)
            if client in self._waiting:
                # To the end of the round, behind those who have waited longer.
                self._waiting[client] = self._waiting.pop(client)
        try:
            yield
        finally:
            with self._change:
                self._taken = False
                self._change.notify_all()

    def _is_next(self, client: str, ticket: object) -> bool:
        first = next(iter(self._waiting))
        return first == client and self._waiting[client][0] is ticket

    def _leave(self, client: str, ticket: object) -> None:
        self._waiting[client].remove(ticket)
        if not self._waiting[client]:
            del self._waiting[client]


class SharedEngine:
    """An engine for several clients: long calls are asked in slices, and between slices others have their turn.

    Args:
        engine: the engine that answers.
        turns: whose turn it is.
        questions: how many questions one call may ask.
    """

    def __init__(self, engine: Engine, turns: Turns, questions: int = 20_000) -> None:
        self._engine = engine
        self._turns = turns
        self._questions = questions

    @property
    def name(self) -> str:
        """The model that answers."""
        return self._engine.name

    @property
    def fingerprint(self) -> str:
        """The engine's own."""
        return self._engine.fingerprint

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        """As `Engine.answer`.

        Raises:
            Busy: the queue is full.
            InvalidRequest: the call asks too much at once.
        """
        if len(questions) > self._questions:
            raise InvalidRequest(
                f"This call asks {len(questions)} questions and the limit is {self._questions}: send it in parts."
            )
        client, results = CLIENT.get(), list[Result]()
        with self._turns.place(client):
            while len(results) < len(questions):
                part = questions[len(results) : len(results) + SLICE]
                with self._turns.turn(client, cancel):
                    results += self._engine.answer(
                        part, progress=_from(len(results), questions, progress), cancel=cancel
                    )
        return results

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        """Tokens these segments take in this model."""
        return self._engine.count_tokens(segments)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()


def _from(start: int, questions: Sequence[Question], progress: Progress | None) -> Progress | None:
    """Progress of a slice as progress of the whole call."""
    if progress is None:
        return None
    return lambda done, _: progress(start + done, len(questions))
