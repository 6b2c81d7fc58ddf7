"""What runs in a worker's process: it holds the models that it was asked for, answers chunks and makes parts."""

from __future__ import annotations

import os
import pickle
import socket
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from dp_tools.engine.alone import alone
from dp_tools.engine.parts import make_part
from dp_tools.engine.questions import Engine, Question, Result
from dp_tools.engine.workers.files import ModelFile, NodeFiles
from dp_tools.errors import DpToolsError
from dp_tools.models.catalogue import ModelSpec


@dataclass(frozen=True, slots=True)
class WorkerModel:
    """A model as workers open it.

    Args:
        spec: its name and prompt template; its weights are those of `weights`.
        weights: the file.
        adapter: that is not merged into it.
        context: tokens that a prompt may take with its answer.
    """

    spec: ModelSpec
    weights: ModelFile
    adapter: ModelFile | None
    context: int

    @property
    def files(self) -> list[ModelFile]:
        """Those that it takes."""
        return [self.weights, *([self.adapter] if self.adapter else [])]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Questions that one worker answers together.

    Args:
        model: that answers.
        questions: at most a chunk of a table's work.
        alone: whether the answers may not depend on what the worker was asked before.
        adapters: the users' own adapters that the questions name.
    """

    model: WorkerModel
    questions: tuple[Question, ...]
    alone: bool
    adapters: tuple[ModelFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a computation.

    Args:
        make: what makes it (see `InParts`).
        shared: the number of what all parts share, which the worker was given before.
        part: what it is made of, pickled: Ray's own arrays cannot be written to, which some libraries refuse.
    """

    make: Callable[[Any, Any], Any]
    shared: int
    part: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker makes of a chunk, or of a part.

    Args:
        results: one per question; empty where it could not answer.
        made: what came of a part, pickled.
        missing: files that it has to be sent first.
        error: why nothing can be answered at all.
        seconds: that it took.
        memory: bytes that the worker's process holds.
    """

    results: tuple[Result, ...] = ()
    made: bytes = b""
    missing: tuple[ModelFile, ...] = ()
    error: DpToolsError | None = None
    seconds: float = 0.0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """Where a worker runs, and what it runs."""

    node: str
    process: int
    release: str


Opener = Callable[[WorkerModel, Path, Path | None, int], Engine]
"""Opens a model from its weights, its adapter and the number of threads."""


def open_local(model: WorkerModel, weights: Path, adapter: Path | None, threads: int) -> Engine:
    """The model through llama.cpp, its weights memory-mapped."""
    from dp_tools.engine.local import LocalEngine

    spec = replace(model.spec, source=str(weights), adapter=adapter)
    return LocalEngine(spec, threads=threads, context=model.context)


@dataclass
class Worker:
    """Answers chunks and makes parts, one at a time.

    Args:
        threads: of a decode.
        opener: opens the models.
    """

    threads: int
    opener: Opener = open_local
    _files: NodeFiles = field(default_factory=NodeFiles)
    _engines: dict[WorkerModel, Engine] = field(default_factory=dict)
    _answering: tuple[int, threading.Event] = field(default_factory=lambda: (0, threading.Event()))
    _shared: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Read when polars is imported, which no answer needs.
        os.environ.setdefault("POLARS_MAX_THREADS", str(self.threads))

    def place(self) -> WorkerPlace:
        """Where it runs."""
        return WorkerPlace(socket.gethostname(), os.getpid(), version("dp-tools"))

    def answer(self, chunk: Chunk, number: int) -> Reply:
        """Answer a chunk, unless files are missing.

        Args:
            chunk: what is asked.
            number: of the chunk, for `stop`.
        """
        began, cancel = time.perf_counter(), threading.Event()
        self._answering = number, cancel
        files = [*chunk.model.files, *chunk.adapters]
        found = {file: self._files.find(file) for file in files}
        if missing := tuple(file for file, path in found.items() if path is None):
            return Reply(missing=missing)
        # A question names its adapter by the driver's path.
        here = {file.path: path for file, path in found.items()}
        questions = [replace(one, adapter=here[one.adapter]) if one.adapter else one for one in chunk.questions]
        try:
            engine = self._engine(chunk.model, here)
            with alone() if chunk.alone else nullcontext():
                results = engine.answer(questions, cancel=cancel)
        except DpToolsError as error:
            return Reply(error=error)
        return Reply(tuple(results), seconds=time.perf_counter() - began, memory=_memory())

    def make(self, part: Part) -> Reply:
        """Make a part of a computation."""
        began = time.perf_counter()
        try:
            made = pickle.dumps(make_part(part.make, self._shared[part.shared], pickle.loads(part.part)))
        except DpToolsError as error:
            return Reply(error=error)
        return Reply(made=made, seconds=time.perf_counter() - began, memory=_memory())

    def keep(self, number: int, shared: bytes) -> None:
        """Keep what all parts of a computation share, pickled."""
        self._shared[number] = pickle.loads(shared)

    def forget(self, number: int) -> None:
        """Keep it no more."""
        self._shared.pop(number, None)

    def stop(self, number: int) -> None:
        """Stop answering a chunk; for another thread."""
        answering, cancel = self._answering
        if answering == number:
            cancel.set()

    def receive(self, file: ModelFile, part: bytes, first: bool, last: bool) -> None:
        """Keep a piece of a file that was missing."""
        self._files.receive(file, part, first=first, last=last)

    def _engine(self, model: WorkerModel, here: dict[Path, Path | None]) -> Engine:
        if model not in self._engines:
            # The same model from other weights takes the place of the earlier one.
            for other in [other for other in self._engines if other.spec == model.spec]:
                self._engines.pop(other).close()
            weights = here[model.weights.path]
            assert weights is not None
            adapter = here[model.adapter.path] if model.adapter else None
            self._engines[model] = self.opener(model, weights, adapter, self.threads)
        return self._engines[model]


def _memory() -> int:
    """Bytes that this process holds."""
    return psutil.Process().memory_info().rss
