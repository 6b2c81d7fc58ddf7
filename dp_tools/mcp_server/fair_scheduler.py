"""A fair scheduler for many clients and one model: round robin between clients, and a refusal when it is full."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from dp_tools.engine.cache import CachedEngine
from dp_tools.engine.pace import Pace, sizes
from dp_tools.engine.questions import Engine, Question, Result, Segment
from dp_tools.errors import Cancelled, DpToolsError, InvalidRequest
from dp_tools.progress import Progress

JOBS = ""
"""Stands for the server's own jobs: together they take turns as one client does, and they wait instead of giving up."""
CLIENT: ContextVar[str] = ContextVar("client", default=JOBS)
"""Whose call this is; set where the call comes in."""
GOES_ON: ContextVar[bool] = ContextVar("goes_on", default=False)
"""Whether it is a client's call that goes on as a job: it takes the client's turns, and waits instead of giving up."""
SLICE_S = 1.5
"""Seconds that one call may hold the model, as far as they can be foreseen, before others have their turn."""
_LOOK_S = 0.1


def on_behalf_of_client(work: Callable[[], None]) -> Callable[[], None]:
    """The work of a job, to be done in a thread of its own on behalf of the client whose call begins it."""
    client = CLIENT.get()

    def run() -> None:
        CLIENT.set(client)
        GOES_ON.set(True)
        work()

    return run


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
    def place(self, client: str, *, waits: bool = False) -> Iterator[None]:
        """A place in the queue, for one whole call; there is always one for who waits instead of giving up.

        Raises:
            Busy: there is none left.
        """
        waits = waits or client == JOBS
        with self._change:
            if not waits and sum(self._inside.values()) >= self._calls:
                raise Busy(f"The server is busy with {self._calls} calls: call again in a few seconds.")
            if not waits and self._inside.get(client, 0) >= self._calls_each:
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
        pace: how fast the engine answers; it learns from every slice. None: nothing is foreseen.
    """

    def __init__(
        self, engine: Engine, scheduler: FairScheduler, questions: int = 20_000, pace: Pace | None = None
    ) -> None:
        self._engine = engine
        self._scheduler = scheduler
        self._questions = questions
        self._pace = pace
        self._latest = 0.0  # characters a second; 0 until a slice was timed

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
        self._require_few(questions)
        kept = self._kept(questions)
        if len(kept) == len(questions):
            return self._engine.answer(questions, progress=progress, cancel=cancel)
        client, results, costs = CLIENT.get(), list[Result](), sizes(questions, kept)
        with self._scheduler.place(client, waits=GOES_ON.get()):
            while len(results) < len(questions):
                with self._scheduler.turn(client, cancel):
                    start = len(results)
                    end = self._end_of_slice(costs, start)
                    began = time.perf_counter()
                    results += self._engine.answer(
                        questions[start:end], progress=_from(start, questions, progress), cancel=cancel
                    )
                    self._learn(sum(costs[start:end]), time.perf_counter() - began)
        return results

    def seconds(self, questions: Sequence[Question]) -> float:
        """How long it will take to answer these questions, with those who wait here; 0 where that is not foreseen.

        Raises:
            InvalidRequest: they are too many at once.
        """
        self._require_few(questions)
        if self._pace is None:
            return 0.0
        asked = sum(sizes(questions, self._kept(questions)))
        return asked / self._pace.characters_per_second * (1 + self._scheduler.inside)

    def _require_few(self, questions: Sequence[Question]) -> None:
        if len(questions) > self._questions:
            raise InvalidRequest(
                f"This call asks {len(questions)} questions and the limit is {self._questions}: send it in parts."
            )

    def _kept(self, questions: Sequence[Question]) -> frozenset[int]:
        """The places of the questions whose answers are kept."""
        return self._engine.kept(questions) if isinstance(self._engine, CachedEngine) else frozenset()

    def _end_of_slice(self, costs: Sequence[int], start: int) -> int:
        """Where the slice that begins here ends: one question at least, and as many as fit into its time."""
        room, end = self._latest * SLICE_S - costs[start], start + 1
        while end < len(costs) and costs[end] <= room:
            room -= costs[end]
            end += 1
        return end

    def _learn(self, size: int, seconds: float) -> None:
        """Believe a slower pace at once and a faster one by half: the first slice also loads the model."""
        if not size:
            return
        latest = size / max(seconds, 1e-6)
        if self._latest and self._pace is not None:
            self._pace.learn(size, seconds)
        self._latest = min(latest, (self._latest + latest) / 2) if self._latest else latest

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
