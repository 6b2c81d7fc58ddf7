"""A fair scheduler for many clients and one model: round robin between clients, and a refusal when it is full."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import takewhile

from dp_tools.engine.cache import CachedEngine
from dp_tools.engine.questions import Engine, Question, Result, Segment, Value
from dp_tools.errors import Cancelled, DpToolsError, InvalidRequest
from dp_tools.progress import Progress

JOBS = ""
"""Stands for the server's own jobs: together they take turns as one client does, and they wait instead of giving up."""
CLIENT: ContextVar[str] = ContextVar("client", default=JOBS)
"""Whose call this is; set where the call comes in."""
SLICE_S = 1.5
"""Seconds that one call may hold the model, as far as they can be foreseen, before others have their turn."""
_LOOK_S = 0.1
_LETTERS = 4
"""Characters of a token, about."""


class Busy(DpToolsError):
    """The server has as many calls as it takes."""


class FairScheduler:
    """Round robin between clients, and between one client's calls: each turn goes to the end of its queue.

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
    """An engine for several clients: long calls are asked in slices of time, and between them others have their turn.

    How long a question takes is measured as the slices run, in characters a second. Prompts that begin alike are read
    once, so what a question shares with the one before it does not count, nor does a question whose answer is kept.

    Args:
        engine: the engine that answers.
        scheduler: whose turn it is.
        questions: how many questions one call may ask.
    """

    def __init__(self, engine: Engine, scheduler: FairScheduler, questions: int = 20_000) -> None:
        self._engine = engine
        self._scheduler = scheduler
        self._questions = questions
        self._pace = 0.0  # characters a second; 0 until a slice was timed

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
        kept = self._engine.kept(questions) if isinstance(self._engine, CachedEngine) else frozenset[int]()
        if len(kept) == len(questions):
            return self._engine.answer(questions, progress=progress, cancel=cancel)
        client, results, sizes = CLIENT.get(), list[Result](), _sizes(questions, kept)
        with self._scheduler.place(client):
            while len(results) < len(questions):
                with self._scheduler.turn(client, cancel):
                    start = len(results)
                    end = self._end_of_slice(sizes, start)
                    began = time.perf_counter()
                    results += self._engine.answer(
                        questions[start:end], progress=_from(start, questions, progress), cancel=cancel
                    )
                    self._learn(sum(sizes[start:end]), time.perf_counter() - began)
        return results

    def _end_of_slice(self, sizes: Sequence[int], start: int) -> int:
        """Where the slice that begins here ends: one question at least, and as many as fit into its time."""
        room, end = self._pace * SLICE_S - sizes[start], start + 1
        while end < len(sizes) and sizes[end] <= room:
            room -= sizes[end]
            end += 1
        return end

    def _learn(self, size: int, seconds: float) -> None:
        """Believe a slower pace at once and a faster one by half: the first slice also loads the model."""
        if size:
            pace = size / max(seconds, 1e-6)
            self._pace = min(pace, (self._pace + pace) / 2) if self._pace else pace

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


def _sizes(questions: Sequence[Question], kept: Set[int]) -> list[int]:
    """The characters that each question adds to what the one before it begins with, and those of a value to write."""
    sizes, before = list[int](), tuple[Segment, ...]()
    for place, question in enumerate(questions):
        if place in kept:
            sizes.append(0)
            continue
        pairs = zip(question.segments, before, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        before = question.segments
        written = _LETTERS * question.answer.max_tokens if isinstance(question.answer, Value) else 0
        sizes.append(1 + written + sum(len(segment.text) for segment in before[shared:]))
    return sizes
