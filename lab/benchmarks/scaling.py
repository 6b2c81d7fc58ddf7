"""How answering scales with workers: a model that only sleeps for a fixed time a question, and real work around it.

What is asked, kept and read is a job's own; only the answer comes from the question's digest after a while of sleep, so
that any number of workers fits on two cores.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from dp_tools import Preprocessor
from dp_tools.engine.alone import alone
from dp_tools.engine.questions import Engine, GeneratedValue, Labels, LabelScores, Question, Result, Segment
from dp_tools.engine.workers.places import Places
from dp_tools.engine.workers.pool import WorkerPool
from dp_tools.engine.workers.worker import WorkerModel
from dp_tools.engine.workers.worker_engine import WorkerEngine
from dp_tools.errors import Cancelled
from dp_tools.models.catalogue import resolve
from dp_tools.profiling import PairFacts
from dp_tools.progress import Progress
from dp_tools.records import Record
from dp_tools.tables.asking import CHUNK, Asked, NoJournal, Work
from dp_tools.tables.jobs.job_store import JobStore
from dp_tools.tasks.match_entities import MatchEntitiesRequest
from dp_tools.tasks.request_errors import make_request
from dp_tools.tasks.task import Answer


class SleepingEngine:
    """Answers from the digest of a question, after a fixed time for each.

    Args:
        seconds: that a question takes.
        log: a folder where each process notes what it was asked, if any.
    """

    name = "sleeping"
    fingerprint = "sleeping-1"

    def __init__(self, seconds: float, log: Path | None = None) -> None:
        self.seconds, self.log = seconds, log

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        """See `Engine.answer`."""
        if (cancel or threading.Event()).wait(self.seconds * len(questions)):
            raise Cancelled("The work was stopped.")
        digests = [
            hashlib.sha256("".join(s.text for s in question.segments).encode()).digest() for question in questions
        ]
        if self.log is not None:
            with (self.log / str(os.getpid())).open("a") as file:
                file.writelines(digest.hex() + "\n" for digest in digests)
        if progress is not None:
            progress(len(questions), len(questions))
        return [self._result(question, digest[0] / 255) for question, digest in zip(questions, digests, strict=True)]

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        """See `Engine.count_tokens`."""
        return sum(len(segment.text) for segment in segments) // 4

    def close(self) -> None:
        """Nothing is held."""

    def _result(self, question: Question, share: float) -> Result:
        if isinstance(question.answer, Labels):
            others = len(question.answer.texts) - 1
            return LabelScores((share, *[(1 - share) / others] * others), self.name)
        return GeneratedValue((question.answer.allowed or ("value",))[0], share, (), self.name)


def open_sleeping(
    seconds: float, log: Path | None, _model: WorkerModel, _weights: Path, _adapter: Path | None, _threads: int
) -> Engine:
    """A worker's stand-in for the model that it was to open."""
    return SleepingEngine(seconds, log)


@contextmanager
def sleeping_workers(
    workers: int, seconds: float, *, cluster: str | None = None, log: Path | None = None, state: Path | None = None
) -> Iterator[tuple[Preprocessor, WorkerPool]]:
    """A preprocessor whose questions so many sleeping workers answer."""
    pool = WorkerPool(Places(workers, cluster, 1), partial(open_sleeping, seconds, log))
    engine = WorkerEngine(resolve("nano"), pool)
    with Preprocessor("nano", ":memory:", engine=engine, state=state) as preprocessor:
        preprocessor.decider.pool = pool
        yield preprocessor, pool


@dataclass(frozen=True)
class Scaled:
    """What so many workers did.

    Args:
        workers: how many.
        questions: that they answered.
        seconds: from the first question to the last answer.
        ideal: seconds that the answers alone take, shared out evenly.
        busy: seconds of processor time that the driver took meanwhile.
    """

    workers: int
    questions: int
    seconds: float
    ideal: float
    busy: float

    @property
    def efficiency(self) -> float:
        """Share of the time that was spent on answers."""
        return self.ideal / self.seconds


def ask_with(workers: int, seconds: float, chunks: int, folder: Path) -> Scaled:
    """Have workers answer so many chunks of pairs each, through a job's journal."""
    count = workers * chunks * CHUNK
    with sleeping_workers(workers, seconds) as (preprocessor, pool):
        engine = preprocessor.decider.engine
        assert isinstance(engine, WorkerEngine)
        _wait_for(pool, engine)
        work = Work(preprocessor.decider, JobStore(folder / f"{workers}-{seconds}").journal("lab"))
        asked = list(pairs(count))
        began, busy = time.perf_counter(), time.process_time()
        answered = sum(1 for _ in work.answers(asked))
        elapsed, busy = time.perf_counter() - began, time.process_time() - busy
    assert answered == count // CHUNK
    return Scaled(workers, count, elapsed, count * seconds / workers, busy)


def timed(preprocessor: Preprocessor, count: int, start: int = 0) -> tuple[float, list[Answer]]:
    """Seconds that so many questions take without a cache, and the answers."""
    work = Work(preprocessor.decider, NoJournal())
    began = time.perf_counter()
    answers = list(work.answers(pairs(count, start)))
    return time.perf_counter() - began, answers


def memory_of(process: int) -> tuple[int, int]:
    """MB that a process has in memory, and MB of these that no other process has."""
    found = psutil.Process(process).memory_full_info()
    return found.rss // 2**20, found.uss // 2**20


def pairs(count: int, start: int = 0) -> Iterator[Asked]:
    """Requests about so many pairs of products, all different, with the facts of a table of some thousands."""
    facts = PairFacts(map(_product, range(5000)))
    for first in range(start, start + count, CHUNK):
        numbers = range(first, first + CHUNK)
        asked = [{"left": _product(number), "right": _product(number + 1)} for number in numbers]
        yield Asked(make_request(MatchEntitiesRequest, pairs=asked), CHUNK, facts)


def _product(number: int) -> Record:
    return {"title": f"Kettle model {number} in steel, 1.7 litres", "maker": f"Maker {number % 97}", "price": "19.99"}


def _wait_for(pool: WorkerPool, engine: WorkerEngine) -> None:
    """Wait until all workers run and have opened their model, each for a question."""
    pool.start()
    while any(state.status == "starting" for state in pool.states()) or not pool.states():
        time.sleep(0.05)
    questions = [Question((Segment(f"Is {number} odd?"),), Labels(("yes", "no"))) for number in range(pool.size)]
    guesses = [engine.ask_ahead([question]) for question in questions]
    with alone():
        for question, guess in zip(questions, guesses, strict=True):
            engine.answer([question])
            guess.drop()
