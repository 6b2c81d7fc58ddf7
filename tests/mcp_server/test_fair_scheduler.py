"""Many clients, one model: nobody holds it for long, a full queue says so, and slices follow the clock."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from dp_tools.engine.cache import AnswerCache, CachedEngine
from dp_tools.engine.questions import Labels, LabelScores, Question, Result, Segment
from dp_tools.errors import InvalidRequest
from dp_tools.mcp_server import fair_scheduler
from dp_tools.mcp_server.fair_scheduler import Busy, FairScheduler, SharedEngine
from dp_tools.progress import Progress


def test_a_full_queue_says_so_at_once_and_one_client_cannot_fill_it() -> None:
    shared = FairScheduler(calls=3, calls_each=2)
    with shared.place("a"), shared.place("a"):
        with pytest.raises(Busy, match="You have 2 calls waiting"), shared.place("a"):
            pass
        with shared.place("b"), pytest.raises(Busy, match="busy with 3 calls"), shared.place("c"):
            pass
        with ExitStack() as jobs:
            for _ in range(5):
                jobs.enter_context(shared.place(fair_scheduler.JOBS))
    assert shared.inside == 0


def asked(count: int) -> list[Question]:
    return [Question((Segment("Task.\n"), Segment(f"{n:03} is it?")), Labels(("Yes", "No"))) for n in range(count)]


class Slow:
    """An engine that takes its time for each question by a clock of its own, and remembers whose it was.

    A call waits for `go` when it has noted itself, so that a test decides in which order things happen.
    """

    name = "slow"
    fingerprint = "slow"

    def __init__(self, seconds: float, *, first: float = 0.0) -> None:
        self.seconds, self.now, self.first = seconds, 0.0, first
        self.slices: list[tuple[str, int]] = []
        self.go = threading.Semaphore(0)

    def perf_counter(self) -> float:
        return self.now

    def answer(
        self,
        questions: Any,
        *,
        progress: Progress | None = None,  # noqa: ARG002
        cancel: threading.Event | None = None,  # noqa: ARG002
    ) -> list[Result]:
        self.slices.append((fair_scheduler.CLIENT.get(), len(questions)))
        self.go.acquire()
        self.now += self.first + self.seconds * len(questions)
        self.first = 0.0
        return list(questions)

    def count_tokens(self, segments: Any) -> int:
        return len(segments)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("seconds", [0.01, 0.2, 0.63, 5.0])
def test_no_call_holds_the_model_for_longer_than_two_seconds_or_one_question(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    slow = Slow(seconds, first=3.0)
    monkeypatch.setattr(fair_scheduler, "time", slow)
    slow.go = threading.Semaphore(130)
    assert len(SharedEngine(slow, FairScheduler()).answer(asked(130))) == 130
    assert sum(count for _, count in slow.slices) == 130
    assert all(count == 1 or count * seconds <= 2 for _, count in slow.slices)
    if seconds < 1:
        assert max(count for _, count in slow.slices) * seconds > 0.6, "slices are not smaller than they have to be"


def test_answers_that_are_kept_do_not_make_the_model_seem_fast(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = Slow(0.5)
    slow.go = threading.Semaphore(1000)
    monkeypatch.setattr(fair_scheduler, "time", slow)
    questions = asked(100)
    cached = CachedEngine(slow, AnswerCache(tmp_path / "answers.db"))
    monkeypatch.setattr(slow, "answer", scored(slow.answer))
    cached.answer(questions[:60])
    slow.slices.clear()
    SharedEngine(cached, FairScheduler()).answer(questions)
    assert sum(count for _, count in slow.slices) == 40
    assert max(count for _, count in slow.slices) <= 4


def test_answers_that_are_kept_wait_for_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow, shared = Slow(0.5), FairScheduler(calls=1)
    slow.go = threading.Semaphore(1000)
    monkeypatch.setattr(slow, "answer", scored(slow.answer))
    cached = CachedEngine(slow, AnswerCache(tmp_path / "answers.db"))
    answers = cached.answer(asked(5))
    with shared.place("another"), shared.turn("another", None):
        assert SharedEngine(cached, shared).answer(asked(5)) == answers


def scored(answer: Any) -> Any:
    """The same answers as scores, which a cache keeps."""
    return lambda questions, **options: [LabelScores((0.5, 0.5), "slow") for _ in answer(questions, **options)]


def test_a_short_call_has_its_turn_beside_a_batch_of_130(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, shared = Slow(0.63), FairScheduler()
    monkeypatch.setattr(fair_scheduler, "time", slow)
    engine = SharedEngine(slow, shared)

    def started(client: str, count: int) -> threading.Thread:
        def ask() -> None:
            fair_scheduler.CLIENT.set(client)
            engine.answer(asked(count))

        before = shared.inside
        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: shared.inside != before)
        return thread

    threads = [started("long", 130)]
    until(lambda: bool(slow.slices))
    threads += [started("short", 1), started("long", 1)]
    until(lambda: sum(len(waiting) for waiting in shared._waiting.values()) == 2)
    for _ in range(200):
        slow.go.release()
    for thread in threads:
        thread.join(10)
    whose = [client for client, _ in slow.slices]
    assert whose[:2] == ["long", "short"]
    assert ("long", 1) in slow.slices[2:4], "a client's own short call does not wait for its long one either"
    assert sum(count for _, count in slow.slices) == 132


def test_a_call_that_asks_too_much_is_told_the_limit() -> None:
    with pytest.raises(InvalidRequest, match="asks 11 questions and the limit is 10"):
        SharedEngine(Slow(0.0), FairScheduler(), questions=10).answer(asked(11))
