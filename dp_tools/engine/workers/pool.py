"""A pool of workers: chunks and parts wait for the next free worker; those of a lost worker go to another one.

One thread owns the pool, so that nothing in it is locked: whatever happens is put into its queue.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from itertools import count
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from dp_tools.engine.questions import Question
from dp_tools.engine.workers.places import Places
from dp_tools.engine.workers.worker import Chunk, Opener, Part, Reply, WorkerPlace, open_local
from dp_tools.errors import Cancelled, DpToolsError, ModelUnavailable

if TYPE_CHECKING:
    from dp_tools.engine.workers.ray_cluster import RayWorker

TRIES = 3
"""Workers that may be lost over one chunk or part, or one after the other before any has begun."""
_PATIENCE_S = 120.0
"""Seconds to wait for a first worker where none is left."""
_BEAT_S = 1.0
_numbers = count(1)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What a worker does.

    Args:
        number: counts the workers of a pool from 1; one that takes the place of a lost one has the next number.
        status: of its process.
        node, process: where it runs; "" and 0 until it does.
        answered: questions so far.
        seconds: that they took.
        asked: questions that it is answering now.
        memory: bytes that its process held after its last chunk or part.
        made: parts of computations so far.
    """

    number: int
    status: Literal["starting", "idle", "answering", "computing", "lost"]
    node: str
    process: int
    answered: int
    seconds: float
    asked: int
    memory: int
    made: int = 0

    def described(self) -> dict[str, object]:
        """As `jobs show` prints it."""
        return {
            "worker": self.number,
            "status": self.status,
            "node": self.node,
            "process": self.process,
            "answering": self.asked,
            "answered": self.answered,
            "per_second": round(self.answered / self.seconds, 2) if self.seconds else None,
            "computed": self.made,
            "memory_mb": self.memory // 2**20,
        }


class Task:
    """A chunk of questions, or a part of a computation, on its way through the pool.

    Its future gets the list of results, or what came of the part, pickled.
    """

    def __init__(self, work: Chunk | Part) -> None:
        self.work = work
        self.number = next(_numbers)
        self.future: Future[Any] = Future()
        self.lost = 0

    @property
    def questions(self) -> tuple[Question, ...]:
        """Those of the chunk; a part has none."""
        return self.work.questions if isinstance(self.work, Chunk) else ()


@dataclass(eq=False)
class _Member:
    number: int
    worker: RayWorker
    place: WorkerPlace | None = None
    task: Task | None = None
    answered: int = 0
    seconds: float = 0.0
    memory: int = 0
    made: int = 0
    lost: bool = False
    keeps: set[int] = field(default_factory=set)
    """The computations whose shared things it keeps."""

    def note(self, task: Task, reply: Reply) -> None:
        """Count what it has done."""
        self.memory = reply.memory
        if task.questions:
            self.answered += len(reply.results)
            self.seconds += reply.seconds
        else:
            self.made += 1

    def state(self) -> WorkerState:
        busy = self.task
        working = "idle" if busy is None else "answering" if busy.questions else "computing"
        status = "lost" if self.lost else working if self.place else "starting"
        return WorkerState(
            self.number,
            status,  # type: ignore[arg-type]
            self.place.node if self.place else "",
            self.place.process if self.place else 0,
            self.answered,
            self.seconds,
            len(busy.questions) if busy else 0,
            self.memory,
            self.made,
        )


class WorkerPool:
    """Workers where a user wants them. They start with the first chunk.

    Args:
        places: where.
        opener: opens their models.
    """

    def __init__(self, places: Places, opener: Opener = open_local) -> None:
        self.places = places
        self._opener = opener
        self._events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._waiting: deque[Task] = deque()
        self._members: list[_Member] = []
        self._failed_starts = 0
        self._size: int | None = None
        self._alone_since: float | None = None
        self._shared: dict[int, object] = {}
        self._over = False
        self._guard = threading.Lock()
        self._owner: threading.Thread | None = None

    @property
    def size(self) -> int:
        """How many workers there are to be.

        Raises:
            ModelUnavailable, InvalidRequest: they cannot be had.
        """
        with self._guard:
            if self._size is None:
                from dp_tools.engine.workers.ray_cluster import join

                self._size = join(self.places)
            return self._size

    def start(self) -> None:
        """Start the workers, if they have not been started.

        Raises:
            ModelUnavailable, InvalidRequest: there can be none.
        """
        size = self.size
        with self._guard:
            if self._over:
                raise ModelUnavailable("The workers have been closed: open a new Preprocessor.")
            if self._owner is None:
                self._owner = threading.Thread(target=self._own, args=(size,), name="dp-tools-workers", daemon=True)
                self._owner.start()

    def submit(self, task: Task, *, at_once: bool) -> None:
        """Have a chunk answered, or a part made.

        Args:
            task: the chunk or part.
            at_once: before all that wait.

        Raises:
            ModelUnavailable, InvalidRequest: there can be no workers.
        """
        self.start()
        self._events.put(partial(self._take, task, at_once))

    def withdraw(self, task: Task) -> None:
        """What comes of a chunk or part is not wanted any more."""
        self._events.put(partial(self._give_up, task))

    @contextmanager
    def shared(self, value: bytes) -> Iterator[int]:
        """Have what all parts of a computation share, pickled, within reach of the workers; the block gets its number.

        Raises:
            ModelUnavailable, InvalidRequest: there can be no workers.
        """
        from dp_tools.engine.workers.ray_cluster import put

        self.start()
        number = next(_numbers)
        self._shared[number] = put(value)
        try:
            yield number
        finally:
            self._events.put(partial(self._forget, number))

    def states(self) -> list[WorkerState]:
        """What each worker does, lost ones included."""
        return [member.state() for member in list(self._members)]

    def close(self) -> None:
        """End the workers. Closing twice is harmless."""
        with self._guard:
            joined, owner, over = self._size is not None, self._owner, self._over
            self._over = True
        if over:
            return
        if owner is not None:
            self._events.put(lambda: None)
            owner.join()
        if joined:
            from dp_tools.engine.workers.ray_cluster import leave

            leave()

    # --- in the owner's thread

    def _own(self, size: int) -> None:
        for _ in range(size):
            self._events.put(self._start)
        while not self._over:
            try:
                happened = self._events.get(timeout=_BEAT_S)
            except Empty:
                happened = self._look_for_workers
            try:
                happened()
            except Exception as error:  # Whatever Ray raises: nobody must wait for a thread that has ended.
                self._fail(ModelUnavailable(f"The workers cannot be reached ({error}): check them, and try again."))
        for member in self._members:
            member.worker.end()
        self._fail(Cancelled("The work was stopped."))

    def _start(self) -> None:
        from dp_tools.engine.workers.ray_cluster import RayWorker

        member = _Member(len(self._members) + 1, RayWorker(self.places.threads, self._opener))
        self._members.append(member)
        self._then(member.worker.place(), partial(self._began, member))

    def _then(self, future: Future[T], do: Callable[[Future[T]], None]) -> None:
        """Do something in this thread with what comes of a future."""
        future.add_done_callback(lambda done: self._events.put(partial(do, done)))

    def _began(self, member: _Member, future: Future[WorkerPlace]) -> None:
        from dp_tools.engine.workers.ray_cluster import why

        error = future.exception()
        if error is not None:
            member.lost = True
            self._failed_starts += 1
            if self._failed_starts >= TRIES:
                self._fail(
                    ModelUnavailable(
                        f"No worker could start ({why(error)}): dp-tools[ray] has to be installed on every node."
                    )
                )
            else:
                self._start()
            return
        self._failed_starts = 0
        place = future.result()
        if place.release != version("dp-tools"):
            member.lost = True
            member.worker.end()
            self._fail(
                ModelUnavailable(
                    f"{place.node} has dp-tools {place.release} and not {version('dp-tools')}: install the same."
                )
            )
            return
        member.place = place
        self._dispatch()

    def _take(self, task: Task, at_once: bool) -> None:
        (self._waiting.appendleft if at_once else self._waiting.append)(task)
        self._dispatch()

    def _dispatch(self) -> None:
        for member in self._members:
            if not self._waiting:
                return
            if member.place is not None and not member.lost and member.task is None:
                self._ask(member, self._waiting.popleft())

    def _ask(self, member: _Member, task: Task) -> None:
        member.task = task
        replied = partial(self._replied, member, task)
        if isinstance(task.work, Chunk):
            self._then(member.worker.answer(task.work, task.number), replied)
        elif task.work.shared in member.keeps:
            self._then(member.worker.make(task.work), replied)
        else:
            self._share(member, task, task.work.shared)

    def _share(self, member: _Member, task: Task, number: int) -> None:
        """Send a worker what all parts of a computation share, before its first part of it."""
        shared = self._shared.get(number)
        if shared is None:  # The computation was given up.
            member.task = None
            self._dispatch()
            return
        self._then(member.worker.keep(number, shared), partial(self._kept, member, task, number))

    def _kept(self, member: _Member, task: Task, number: int, future: Future[None]) -> None:
        if future.exception() is None:
            member.keeps.add(number)
            if number not in self._shared:
                self._let_go(member, number)
        self._sent(member, task, future)

    def _forget(self, number: int) -> None:
        """A computation is over: nobody keeps what its parts share."""
        del self._shared[number]
        for member in self._members:
            self._let_go(member, number)

    def _let_go(self, member: _Member, number: int) -> None:
        if number in member.keeps and not member.lost:
            member.keeps.remove(number)
            member.worker.forget(number)

    def _replied(self, member: _Member, task: Task, future: Future[Reply]) -> None:
        error = future.exception()
        if error is not None:
            self._lose(member, task, error)
            return
        reply = future.result()
        if reply.missing and not task.future.done():
            self._then(member.worker.send(reply.missing), partial(self._sent, member, task))
            return
        member.task = None
        if not task.future.done():
            if reply.error is not None:
                task.future.set_exception(reply.error)
            else:
                member.note(task, reply)
                task.future.set_result(list(reply.results) if task.questions else reply.made)
        self._dispatch()

    def _sent(self, member: _Member, task: Task, future: Future[None]) -> None:
        error = future.exception()
        if error is not None:
            self._lose(member, task, error)
        else:
            self._ask(member, task)

    def _lose(self, member: _Member, task: Task, error: BaseException) -> None:
        """Have done again what a lost worker was doing, and start another one in its place."""
        from dp_tools.engine.workers.ray_cluster import is_lost, why

        member.task = None
        if is_lost(error):
            member.lost = True
            self._start()
            task.lost += 1
            if task.lost < TRIES and not task.future.done():
                self._waiting.appendleft(task)
        if not task.future.done() and task not in self._waiting:
            what = "questions" if task.questions else "part of the table"
            what = f"{task.lost} workers were lost over the same {what}" if task.lost else "A worker failed"
            task.future.set_exception(
                ModelUnavailable(f"{what} ({why(error)}): check the memory of the machines, and resume the job.")
            )
        self._dispatch()

    def _give_up(self, task: Task) -> None:
        if task.future.done():
            return
        task.future.set_exception(Cancelled("The work was stopped."))
        if task in self._waiting:
            self._waiting.remove(task)
        for member in self._members:
            if member.task is task:
                member.worker.stop(task.number)

    def _look_for_workers(self) -> None:
        """Do not wait for ever where no worker is left and none begins."""
        if any(member.place is not None and not member.lost for member in self._members):
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = time.monotonic()
        elif time.monotonic() - self._alone_since > _PATIENCE_S:
            self._fail(
                ModelUnavailable(
                    f"No worker began within {_PATIENCE_S:.0f} seconds: the cluster's cores are taken, or its nodes "
                    "are gone; check `ray status`, and resume the job."
                )
            )

    def _fail(self, error: DpToolsError) -> None:
        """Tell everybody who waits."""
        tasks = [*self._waiting, *(member.task for member in self._members if member.task)]
        self._waiting.clear()
        for task in tasks:
            if not task.future.done():
                task.future.set_exception(error)
