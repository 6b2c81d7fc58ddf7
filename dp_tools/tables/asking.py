"""Asks the model about a whole table in chunks, through a journal, so that no question is asked twice."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from pydantic import TypeAdapter

from dp_tools.decision import Decider, ReadyRequest
from dp_tools.engine.ahead import Guess, NoGuess, ask_ahead, chunks_ahead, in_order
from dp_tools.engine.alone import alone
from dp_tools.engine.parts import Here, InParts
from dp_tools.engine.questions import Question, Result
from dp_tools.engine.workers.parts import InWorkers
from dp_tools.errors import Cancelled
from dp_tools.explain.averaging import (
    PermutationAveragedAnswer,
    permutation_averaged,
    permutation_averaged_ahead,
)
from dp_tools.profiling import Facts
from dp_tools.progress import Progress
from dp_tools.tasks.task import Answer, Outcome, Request

CHUNK = 64
"""Questions that are asked, and kept, at once: what a sudden end can lose."""
T = TypeVar("T")
_OUTCOMES: TypeAdapter[list[Outcome]] = TypeAdapter(list[Outcome])
_RESULTS: TypeAdapter[list[Result]] = TypeAdapter(list[Result])


class Journal(Protocol):
    """Answers by the digest of what was asked."""

    def get(self, key: str) -> str | None:
        """The answer kept under a key, as JSON."""

    def put(self, key: str, answer: str) -> None:
        """Keep an answer; it is on the disk when this returns."""


class NoJournal:
    """Keeps nothing, for work that is not a job."""

    def get(self, key: str) -> str | None:  # noqa: ARG002
        return None

    def put(self, key: str, answer: str) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a work.

    Args:
        request: what is asked; at most `CHUNK` questions.
        size: how many questions it makes.
        facts: the facts of whole columns that go with it.
        without_examples: whether the model answers for labelled cases, too.
    """

    request: Request
    size: int
    facts: Facts | None = None
    without_examples: bool = False


@dataclass
class Work:
    """What the steps of a whole-table work share.

    Args:
        decider: what answers.
        journal: where answers are kept.
        progress: called with (questions answered, questions in all so far).
        cancel: set it to stop; what was answered is kept in the journal.
        report: called with (stage, done, of) during the stages in which nothing is asked.
    """

    decider: Decider
    journal: Journal
    progress: Progress | None = None
    cancel: threading.Event | None = None
    report: Callable[[str, int, int], None] | None = None
    done: int = 0
    total: int = 0
    asked: int = 0
    ready: bool = False

    def expect(self, questions: int) -> None:
        """Say how many questions are coming, so that progress knows its end."""
        self.total += questions

    def answers(self, questions: Iterable[Asked]) -> Iterator[Answer]:
        """An answer per request, in order: from the journal, or from the model and then kept.

        Raises:
            Cancelled: `cancel` was set.
            ModelUnavailable: no question can be answered.
        """
        for ready, outcomes in self._decided(questions):
            yield self.decider.read(ready, outcomes)

    def outcomes(self, questions: Iterable[Asked]) -> Iterator[list[Outcome]]:
        """The same as the outcomes that the answers are made of.

        Raises:
            Cancelled, ModelUnavailable: as `answers`.
        """
        for _, outcomes in self._decided(questions):
            yield outcomes

    def scores(self, questions: Sequence[Question]) -> list[Result]:
        """Results of questions over fixed labels by the model without its adapter, in order, kept as answers are.

        Raises:
            Cancelled, ModelUnavailable: as `answers`.
        """
        self.expect(len(questions))
        engine = self.decider.untuned

        def chunk(part: list[Question]) -> _Chunk:
            self._prepare()
            ahead = partial(ask_ahead, engine, part)
            key = _key("scores", engine.fingerprint, repr(part))
            return self._looked_up(key, len(part), partial(self._score, part), ahead)

        kept = self._in_order(map(chunk, chunks(questions)), partial(chunks_ahead, engine))
        return [result for text in kept for result in _RESULTS.validate_json(text)]

    def permutation_averaged_answers(self, questions: Iterable[Asked]) -> Iterator[PermutationAveragedAnswer]:
        """The same by the mean over several orders; `Asked.size` counts every order.

        Raises:
            Cancelled, ModelUnavailable: as `answers`.
        """
        for ready, text in self._asked_of("permutation_averaged", questions, self._average, permutation_averaged_ahead):
            kept = json.loads(text)
            answer = ready.task.answer.model_validate(kept["answer"])
            yield PermutationAveragedAnswer(answer, tuple(kept["order_sensitive"]))

    @property
    def in_parts(self) -> InParts:
        """Makes computations in parts: in the workers, if there are any."""
        pool = self.decider.pool
        return Here() if pool is None else InWorkers(pool, self.cancel)

    def stage(self, name: str) -> Progress:
        """Begin a stage in which nothing is asked; its progress also stops there if the work was cancelled."""

        def tell(done: int, total: int) -> None:
            self.check()
            if self.report is not None:
                self.report(name, done, total)

        tell(0, 0)
        return tell

    def check(self) -> None:
        """Stop here if the work was cancelled.

        Raises:
            Cancelled: it was.
        """
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled("The job was cancelled; what was answered is kept, and nothing was written.")

    def _decided(self, questions: Iterable[Asked]) -> Iterator[tuple[ReadyRequest, list[Outcome]]]:
        for ready, text in self._asked_of("outcomes", questions, self._decide, Decider.ask_ahead):
            yield ready, _OUTCOMES.validate_json(text)

    def _decide(self, ready: ReadyRequest) -> str:
        found = self.decider.decide(ready, progress=self._onward(), cancel=self.cancel)
        return _OUTCOMES.dump_json(found).decode()

    def _average(self, ready: ReadyRequest) -> str:
        found = permutation_averaged(self.decider, ready, progress=self._onward(), cancel=self.cancel)
        return json.dumps({"answer": found.answer.model_dump(mode="json"), "order_sensitive": found.order_sensitive})

    def _score(self, questions: Sequence[Question]) -> str:
        found = self.decider.untuned.answer(questions, progress=self._onward(), cancel=self.cancel)
        return _RESULTS.dump_json(found).decode()

    def _asked_of(
        self,
        form: str,
        questions: Iterable[Asked],
        ask: Callable[[ReadyRequest], str],
        ahead: Callable[[Decider, ReadyRequest], Guess],
    ) -> Iterator[tuple[ReadyRequest, str]]:
        """What is kept or asked about each request, in order."""
        readies: deque[ReadyRequest] = deque()

        def chunk(question: Asked) -> _Chunk:
            self._prepare()
            ready = self.decider.ready(question.request, question.facts)
            key = self._key(form, ready)
            if question.without_examples:
                others = {name: injection.without_examples() for name, injection in ready.injections.items()}
                ready = replace(ready, injections=others)
                key = self._key(f"{form} without examples", ready)
            readies.append(ready)
            return self._looked_up(key, question.size, partial(ask, ready), partial(ahead, self.decider, ready))

        for text in self._in_order(map(chunk, questions), partial(chunks_ahead, self.decider.engine)):
            yield readies.popleft(), text

    def _key(self, form: str, ready: ReadyRequest) -> str:
        return _key(form, self.decider.digest(ready.task.name, ready.request.dataset), ready.digest())

    def _looked_up(self, key: str, size: int, ask: Callable[[], str], ahead: Callable[[], Guess]) -> _Chunk:
        return _Chunk(key, size, self.journal.get(key), ask, ahead)

    def _prepare(self) -> None:
        if not self.ready:
            tell = self.stage("optimizing the model")
            self.decider.wait_until_optimized(lambda seconds: tell(int(seconds), 0), self.cancel)
            self.ready = True

    def _in_order(self, chunks: Iterable[_Chunk], further: Callable[[], int]) -> Iterator[str]:
        """What the journal keeps of each chunk, or what is then asked and kept.

        Args:
            chunks: in the order in which they are asked.
            further: gives how many may be begun with before it is their turn.
        """
        for chunk in in_order(chunks, further, _Chunk.begin):
            self._tell(0)
            # An earlier chunk may have been the same.
            kept = self.journal.get(chunk.key) if chunk.kept is None else chunk.kept
            if kept is None:
                with alone():
                    kept = chunk.ask()
                self.asked += chunk.size
                self.journal.put(chunk.key, kept)
            else:
                self.check()
            self.done += chunk.size
            self._tell(0)
            yield kept

    def _onward(self) -> Progress:
        return lambda done, _: self._tell(done)

    def _tell(self, more: int) -> None:
        if self.progress is not None:
            self.progress(self.done + more, self.total)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Questions that are asked and kept together.

    Args:
        key: in the journal.
        size: how many questions.
        kept: what the journal holds, if it does.
        ask: asks them.
        ahead: begins with them ahead.
    """

    key: str
    size: int
    kept: str | None
    ask: Callable[[], str]
    ahead: Callable[[], Guess]

    def begin(self) -> Guess:
        return self.ahead() if self.kept is None else NoGuess()


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Lists of at most `size` items."""
    chunk: list[T] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
