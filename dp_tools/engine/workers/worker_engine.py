"""The engine whose questions are answered by workers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property, partial

from dp_tools.engine.ahead import Guess, NoGuess
from dp_tools.engine.alone import asked_alone
from dp_tools.engine.available_weights import BestWeights
from dp_tools.engine.local import LocalEngine
from dp_tools.engine.questions import Question, Result, Segment
from dp_tools.engine.waiting import awaited
from dp_tools.engine.workers.files import ModelFile
from dp_tools.engine.workers.pool import Task, WorkerPool
from dp_tools.engine.workers.worker import Chunk, WorkerModel
from dp_tools.models.catalogue import ModelSpec
from dp_tools.progress import Progress

TOGETHER = 64
"""Questions of a call that one worker gets, where a call may be answered in any parts."""
_CHUNKS_AHEAD = 3
"""Chunks for each worker that are begun with ahead: one that is answered, and others while an earlier one is slow."""
_Key = tuple[Question, ...]


class WorkerEngine:
    """A model that answers in the workers of a pool.

    Args:
        spec: the model.
        pool: the workers, which may hold other models as well.
        context: tokens that a prompt may take with its answer.
        optimized: have the weights that are optimized for this machine answer, on every machine.
    """

    def __init__(self, spec: ModelSpec, pool: WorkerPool, *, context: int = 4096, optimized: bool = False) -> None:
        self.spec = spec
        self.pool = pool
        self._context = context
        self._optimized = optimized
        self._counter = LocalEngine(spec, threads=1, context=context)
        self._guesses: dict[_Key, list[Task]] = {}
        self._guard = threading.Lock()

    @property
    def name(self) -> str:
        """The model's name."""
        return self.spec.name

    @property
    def fingerprint(self) -> str:
        """That of the model in one process: the same weights answer alike wherever they are."""
        return self._best.fingerprint

    @cached_property
    def _best(self) -> BestWeights:
        return BestWeights(self.spec, self._optimized)

    @property
    def chunks_ahead(self) -> int:
        """See `AsksAhead`."""
        return _CHUNKS_AHEAD * self.pool.size

    def ask_ahead(self, questions: Sequence[Question]) -> Guess:
        """See `AsksAhead`."""
        if not questions:
            return NoGuess()
        task = Task(self._chunk(questions, alone=True))
        with self._guard:
            self._guesses.setdefault(task.questions, []).append(task)
        self.pool.submit(task, at_once=False)
        return _Guess(self, task)

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        """One result per question, in order; see `Engine.answer`."""
        if not questions:
            return []
        if asked_alone():
            task = self._taken(tuple(questions)) or self._task(questions, alone=True)
            return self._results([task], progress, cancel)
        starts = range(0, len(questions), TOGETHER)
        tasks = [self._task(questions[start : start + TOGETHER], alone=False) for start in starts]
        return self._results(tasks, progress, cancel)

    def drop(self, task: Task) -> None:
        """A guess is not wanted any more; one whose answer was taken is none any more."""
        if self._taken(task.questions, task) is not None:
            self.pool.withdraw(task)

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        """Tokens these segments take in this model."""
        return self._counter.count_tokens(segments)

    def close(self) -> None:
        """End the workers."""
        self._counter.close()
        self.pool.close()

    def _results(
        self, tasks: Sequence[Task], progress: Progress | None, cancel: threading.Event | None
    ) -> list[Result]:
        total = sum(len(task.questions) for task in tasks)
        results: list[Result] = []
        try:
            for task in tasks:
                results += awaited(task.future, partial(len, results), total, progress, cancel)
        except BaseException:
            for task in tasks:
                self.pool.withdraw(task)
            raise
        if progress is not None:
            progress(total, total)
        return results

    def _task(self, questions: Sequence[Question], *, alone: bool) -> Task:
        task = Task(self._chunk(questions, alone=alone))
        self.pool.submit(task, at_once=True)
        return task

    def _taken(self, key: _Key, task: Task | None = None) -> Task | None:
        """Take a guess of these questions, if there is one."""
        with self._guard:
            guesses = self._guesses.get(key, [])
            if not guesses or (task is not None and task not in guesses):
                return None
            found = guesses.pop(guesses.index(task) if task is not None else 0)
            if not guesses:
                del self._guesses[key]
            return found

    def _chunk(self, questions: Sequence[Question], *, alone: bool) -> Chunk:
        adapters = dict.fromkeys(question.adapter for question in questions if question.adapter)
        return Chunk(self._model(), tuple(questions), alone, tuple(map(ModelFile.of, adapters)))

    def _model(self) -> WorkerModel:
        self._best.improved()
        current = self._best.current
        adapter = ModelFile.of(current.adapters[0].absolute()) if current.adapters else None
        return WorkerModel(self.spec, ModelFile.of(current.path.absolute()), adapter, self._context)


class _Guess:
    """A chunk that was asked ahead."""

    def __init__(self, engine: WorkerEngine, task: Task) -> None:
        self._engine, self._task = engine, task

    def drop(self) -> None:
        """See `Guess`."""
        self._engine.drop(self._task)
