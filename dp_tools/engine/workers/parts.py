"""Computations in parts that workers make, so that the cores of a machine or a cluster share what is not asked."""

from __future__ import annotations

import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, TypeVar

from dp_tools.engine.parts import Here
from dp_tools.engine.waiting import awaited
from dp_tools.engine.workers.pool import Task, WorkerPool
from dp_tools.engine.workers.worker import Part

S = TypeVar("S")
P = TypeVar("P")
R = TypeVar("R")
_AHEAD = 2
"""Parts for each worker that are on their way: one that it makes, and the next one."""


class InWorkers:
    """In the workers of a pool; a whole that has one part only is made in this process.

    Args:
        pool: the workers.
        cancel: set it to stop.
    """

    def __init__(self, pool: WorkerPool, cancel: threading.Event | None = None) -> None:
        self._pool, self._cancel = pool, cancel

    @property
    def threads(self) -> int:
        """See `InParts`."""
        return self._pool.places.threads

    def __call__(self, make: Callable[[S, P], R], shared: S, parts: Iterable[P]) -> Iterator[R]:
        """See `InParts`."""
        parts = iter(parts)
        first = list(islice(parts, 2))
        if len(first) < 2:
            yield from Here()(make, shared, first)
            return
        waiting: deque[Task] = deque()
        with self._pool.shared(pickle.dumps(shared)) as number:
            try:
                for part in chain(first, parts):
                    waiting.append(Task(Part(make, number, pickle.dumps(part))))
                    self._pool.submit(waiting[-1], at_once=False)
                    if len(waiting) >= _AHEAD * self._pool.size:
                        yield self._made(waiting)
                while waiting:
                    yield self._made(waiting)
            finally:
                for task in waiting:
                    self._pool.withdraw(task)

    def _made(self, waiting: deque[Task]) -> Any:
        """What came of the first part that is waited for."""
        found = awaited(waiting[0].future, lambda: 0, 1, None, self._cancel)
        waiting.popleft()
        return pickle.loads(found)
